"""The page: one file with everything in it, that asks nothing of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from samekind.evaluation.metrics import retrieval
from samekind.report import agreement
from samekind.report.numbers import HELD, shown, shown_difference
from samekind.report.page.drawing import Drawing
from samekind.report.page.thumbnails import data_uri, thumbnail
from samekind.report.schema.contents import MistakeReport, Report
from samekind.report.schema.parts import MOST_IN_MATRIX

MISTAKES: Mapping[str, tuple[str, str]] = {
    "pairs_taken_for_same": ("Different, but called the same", "pair"),
    "pairs_taken_for_different": ("The same, but called different", "pair"),
    "trios_taken_for_alike": ("No two alike, but said to hold two of a kind", "trio"),
    "trios_taken_for_none_alike": ("Two of a kind, but missed", "trio"),
}


def render(
    report: Report, drawings: Sequence[Drawing], whys: Mapping[tuple[str, ...], str] = MappingProxyType({})
) -> str:
    """The page of a report.

    Args:
        report: What it says.
        drawings: Its figures.
        whys: By the images of a mistake, a picture of why it was made, as a data URI.
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
        held=HELD,
        most_in_matrix=MOST_IN_MATRIX,
        most_resamples={"retrieval": retrieval.MOST_RESAMPLES, "ami": agreement.MOST_RESAMPLES},
        drawings={drawing.name: drawing for drawing in drawings},
        svg={drawing.name: Markup(drawing.svg) for drawing in drawings},  # noqa: S704 - our own drawing, escaped by matplotlib
        whys=whys,
        mistakes=[
            (title, kind, [_cell(mistake) for mistake in found])
            for name, (title, kind) in MISTAKES.items()
            if (found := getattr(report.mistakes, name))
        ],
    )


def _cell(mistake: MistakeReport) -> tuple[MistakeReport, list[str]]:
    return mistake, [data_uri(thumbnail(Path(path))) for path in mistake.images]
