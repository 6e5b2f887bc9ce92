"""The rows of `domains.py` as tables: means over collections, and each collection by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from domain_measure import Row

_FIGURES = (
    "eer",
    "ece",
    "balanced: far",
    "balanced: tar",
    "balanced: accuracy",
    "best accuracy",
    "trios: accuracy",
    "trios: ece",
)

_COLUMNS = (
    "", "collections", "EER", "ECE", "promised FAR", "measured, median [all]", "half to twice the promise", "accuracy",
    "within 0.03 of the best", "trios: accuracy", "trios: ECE",
)  # fmt: skip


def write_table(rows: Sequence[Row], path: Path) -> None:
    """Write both tables as Markdown, and print the first."""
    summary = _summary(rows)
    print(summary)
    path.write_text(f"{summary}\n{_each(rows)}", encoding="utf-8")


def mean_over_draws(rows: Sequence[Row], how: str) -> dict[tuple[str, str], dict[str, float]]:
    """By collection, the mean of each figure over the draws."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["how"] == how:
            found.setdefault((str(row["domain"]), str(row["collection"])), []).append(row)
    return {
        key: {
            name: float(np.mean([float(str(row[name])) for row in some]))
            for name in some[0]
            if _is_number(some[0][name])
        }
        for key, some in found.items()
    }


def _summary(rows: Sequence[Row]) -> str:
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    for how in dict.fromkeys(str(row["how"]) for row in rows):
        every = list(mean_over_draws(rows, how).values())
        far = np.array([one["balanced: far"] for one in every])
        promise = np.array([one["balanced: promised far"] for one in every])
        near = np.mean((far >= promise / 2) & (far <= 2 * promise))
        close = np.mean([one["best accuracy"] - one["balanced: accuracy"] <= 0.03 for one in every])
        trios = [one for one in every if "trios: ece" in one]
        lines.append(
            f"| {how} | {len(every)} | {_mean(every, 'eer'):.1%} | {_mean(every, 'ece'):.3f} | {promise.mean():.1%} | "
            f"{np.median(far):.1%} [{far.min():.1%}, {far.max():.1%}] | {near:.0%} | "
            f"{_mean(every, 'balanced: accuracy'):.3f} | {close:.0%} | "
            + (f"{_mean(trios, 'trios: accuracy'):.3f} | {_mean(trios, 'trios: ece'):.3f} |" if trios else "| |")
        )
    return "\n".join(lines) + "\n"


def _each(rows: Sequence[Row]) -> str:
    lines = []
    for how in dict.fromkeys(str(row["how"]) for row in rows):
        lines += [
            f"## {how}",
            "",
            "| collection | classes | images | " + " | ".join(_FIGURES) + " |",
            "|---" * 11 + "|",
        ]
        for (domain, name), one in mean_over_draws(rows, how).items():
            numbers = " | ".join(f"{one[figure]:.3f}" if figure in one else "" for figure in _FIGURES)
            lines.append(f"| {domain}: {name} | {one['classes']:.0f} | {one['images']:.0f} | {numbers} |")
        lines.append("")
    return "\n".join(lines)


def _mean(every: Sequence[dict[str, float]], name: str) -> float:
    return float(np.mean([one[name] for one in every]))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
