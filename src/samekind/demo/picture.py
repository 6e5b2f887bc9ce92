"""One picture with every case of the demo: its photographs, the known answer, the verdict."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from samekind.demo.cases import Outcome
from samekind.system.atomic import replacing

_RIGHT, _WRONG = "#1a7f37", "#cf222e"
_COLUMNS = 4


def draw(outcomes: list[Outcome], path: Path) -> None:
    """Draw the outcomes to a PNG file, whole or not at all.

    Raises:
        OSError: The file cannot be written.
    """
    rows = -(-len(outcomes) // _COLUMNS)
    # A Figure of its own, not pyplot's, so that no window system and no global state is touched.
    figure = Figure(figsize=(4.8 * _COLUMNS, 2.5 * rows), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    cells = figure.subfigures(rows, _COLUMNS, squeeze=False, wspace=0.03, hspace=0.04).ravel()
    for cell, outcome in zip(cells, outcomes, strict=False):
        colour = _RIGHT if outcome.right else _WRONG
        axes = cell.subplots(1, len(outcome.case.photos), squeeze=False)[0]
        for axis, photo, name in zip(axes, outcome.case.photos, outcome.case.names, strict=True):
            axis.imshow(photo, cmap="gray" if photo.ndim == 2 else None)
            axis.set_xlabel(name, fontsize=8)
            axis.set_xticks([])
            axis.set_yticks([])
            for spine in axis.spines.values():
                spine.set(color=colour, linewidth=2)
        cell.suptitle(_caption(outcome), fontsize=10, color=colour, fontweight="bold")
    with replacing(path) as temporary:
        kind = path.suffix.lstrip(".").lower()
        known = kind in figure.canvas.get_supported_filetypes()
        figure.savefig(temporary, format=kind if known else "png", dpi=110)


def _caption(outcome: Outcome) -> str:
    mark = "right" if outcome.right else f"WRONG, is {outcome.case.word(outcome.case.same)}"
    return f"{outcome.words}  ({mark})"
