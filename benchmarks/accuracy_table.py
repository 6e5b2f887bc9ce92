"""BENCHMARKS.md from the rows of the accuracy table."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from accuracy_measure import Measured
from accuracy_rows import Row

from samekind.evaluation.metrics.metric import AUC, ECE, EER, Metric, accuracy_at, recall_at, tar_at_far
from samekind.evaluation.resampling.intervals import Drawn
from samekind.system.atomic import replacing
from samekind.training.recipe.objective import OWN_KEYS

# Its title, what it shows, and the scale: 100 for per cent.
Column = tuple[str, tuple[str, Metric], int]

ORDER = ("frozen plain", "frozen centred", "frozen whitened", "lite0", "pairs", "triplets")
LAST = ("imagenette", "general")
TEXT = Path(__file__).with_name("accuracy_text.md")

_SEEN = (
    ("accuracy", ("pairs", accuracy_at("balanced")), 1),
    ("EER", ("pairs", EER), 100),
    ("ECE", ("pairs", ECE), 1),
    ("trios, balanced accuracy", ("trios", accuracy_at("balanced")), 1),
)
_HALVES = (("AUC", ("pairs", AUC), 1), ("EER", ("pairs", EER), 100))
_CALTECH = (
    ("AUC", ("pairs", AUC), 1),
    ("EER", ("pairs", EER), 100),
    ("TAR at FAR 1 %", ("pairs", tar_at_far(0.01)), 100),
    ("recall@1", ("retrieval", recall_at(1)), 100),
)


def write_table(rows: Mapping[str, Row], path: Path) -> None:
    """Write the file: its text with the tables filled in."""
    wanted = {key: key for key in (*ORDER, *LAST)}
    wanted |= {f"objective {number}": f"objective: {loss}" for number, loss in enumerate(OWN_KEYS)}
    missing = [title for key, title in wanted.items() if key not in rows]
    missing += [f"halves of {row.name}" for row in rows.values() if not row.halves]
    ordered = [rows[key] for key in (*ORDER, *sorted(set(rows) - {*ORDER, *LAST}), *LAST) if key in rows]
    filled = string.Template(TEXT.read_text(encoding="utf-8")).substitute(
        seen=table({row.name: row.seen for row in ordered}, _SEEN),
        halves=table({row.name: row.halves for row in ordered}, _HALVES),
        caltech=table({row.name: row.caltech for row in ordered}, _CALTECH),
        against=_against(rows),
        missing=f"Rows that have not been measured yet: {', '.join(missing)}." if missing else "",
    )
    with replacing(path) as temporary:
        temporary.write_text(filled, encoding="utf-8")


def table(rows: Mapping[str, Measured], columns: tuple[Column, ...]) -> str:
    """A table in Markdown: a row for each name, and for each column its title, metric and scale (100 for per cent)."""
    lines = ["| row | " + " | ".join(title for title, _, _ in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row, metrics in rows.items():
        cells = [_number(metrics.get(name), scale) for _, name, scale in columns]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _number(drawn: Drawn | None, scale: int) -> str:
    if drawn is None:
        return "-"
    e = drawn.estimate()
    if scale == 100:
        return f"{100 * e.value:.2f} % [{100 * e.low:.2f}, {100 * e.high:.2f}]"
    return f"{e.value:.4f} [{e.low:.4f}, {e.high:.4f}]"


def _against(rows: Mapping[str, Row]) -> str:
    """``general`` against the best of the frozen trunk, resample by resample."""
    ours = rows.get("general")
    trunks = [rows[key] for key in ORDER[:3] if key in rows]
    if ours is None or not trunks:
        return "(the rows are not there yet)"
    best = min(trunks, key=lambda row: row.caltech[("pairs", EER)].value)
    a, b = ours.caltech[("pairs", EER)], best.caltech[("pairs", EER)]
    low, high = np.nanquantile(a.draws / b.draws, [0.025, 0.975])
    drawn = f"[{low:.2f}, {high:.2f}, the same classes drawn for both]"
    ratio = a.value / b.value
    lines = [f"- Unseen Caltech classes, EER: {ratio:.2f} × that of the {best.name} {drawn}."]
    best = max(trunks, key=lambda row: row.halves[("pairs", AUC)].value)
    gain = ours.halves[("pairs", AUC)].minus(best.halves[("pairs", AUC)]).estimate()
    drawn = f"[{gain.low:+.4f}, {gain.high:+.4f}]"
    lines.append(f"- Halves of Imagenette, AUC: {gain.value:+.4f} {drawn} against the {best.name}.")
    for name, key in (("pairs", ("pairs", ECE)), ("trios", ("trios", ECE))):
        lines.append(f"- Unseen Caltech classes, ECE of {name}: {_number(ours.caltech.get(key), 1)}.")
    return "\n".join(lines)
