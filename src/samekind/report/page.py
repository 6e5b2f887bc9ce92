"""The page: one file with everything in it, that asks nothing of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from samekind.evaluation import retrieval
from samekind.evaluation.describe import MOST_IN_MATRIX
from samekind.evaluation.report import Difference, Mistake, Number, Report
from samekind.report import clusters
from samekind.report.figures import Drawing
from samekind.report.thumbnails import data_uri, thumbnail

# What people read in per cent; areas and errors of probabilities they do not.
_NUMBERS = ("AUC", "ECE", "Brier", "log loss", "MAP@R", "R-precision")

MISTAKES: Mapping[str, tuple[str, str]] = {
    "pairs_taken_for_same": ("Different, but called the same", "pair"),
    "pairs_taken_for_different": ("The same, but called different", "pair"),
    "trios_taken_for_alike": ("No two alike, but said to hold two of a kind", "trio"),
    "trios_taken_for_none_alike": ("Two of a kind, but missed", "trio"),
}


def render(report: Report, drawings: Sequence[Drawing]) -> str:
    """The page of a report.

    Args:
        report: What it says.
        drawings: Its figures.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": shown, "difference": shown_difference, "file_name": lambda path: Path(path).name}
    template = environment.get_template("page.html.jinja")
    return template.render(
        report=report,
        most_in_matrix=MOST_IN_MATRIX,
        most_resamples={"retrieval": retrieval.MOST_RESAMPLES, "ami": clusters.MOST_RESAMPLES},
        drawings={drawing.name: drawing for drawing in drawings},
        svg={drawing.name: Markup(drawing.svg) for drawing in drawings},  # noqa: S704 - our own drawing, escaped by matplotlib
        mistakes=[
            (title, kind, [_cell(mistake) for mistake in found])
            for name, (title, kind) in MISTAKES.items()
            if (found := getattr(report.mistakes, name))
        ],
    )


def shown(number: Number | None, name: str = "") -> str:
    """A number as the page writes it: rates in per cent, with the interval.

    Example:
        >>> shown(Number(value=0.0123, low=0.009, high=0.0167), "FAR at balanced")
        '1.23 % (0.90 to 1.67)'
    """
    if number is None or number.value is None:
        return "not defined"
    plain = any(word in name for word in _NUMBERS)
    scale, unit, digits = (1, "", 4 if "AUC" in name else 3) if plain else (100, " %", 2)
    value = f"{scale * number.value:.{digits}f}{unit}"
    if number.low is None or number.high is None:
        return value
    return f"{value} ({scale * number.low:.{digits}f} to {scale * number.high:.{digits}f})"


def shown_difference(found: Difference, name: str = "") -> str:
    """A difference with its sign; of rates in percentage points."""
    number = found.difference
    if number.value is None or number.low is None or number.high is None:
        return "not defined"
    plain = any(word in name for word in _NUMBERS)
    scale, unit, digits = (1, "", 4) if plain else (100, " points", 2)
    low, high = (f"{scale * end:+.{digits}f}" for end in (number.low, number.high))
    return f"{scale * number.value:+.{digits}f}{unit} ({low} to {high})"


def _cell(mistake: Mistake) -> tuple[Mistake, list[str]]:
    return mistake, [data_uri(thumbnail(Path(path))) for path in mistake.images]
