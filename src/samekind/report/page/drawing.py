"""A figure, drawn once: as a picture on white, and as a drawing in the colours of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

# Text and lines are of this colour on white, and of the colour of the text on a page, light or dark.
INK = "#1c2128"
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "samekind",
    "font.family": "sans-serif",
    "font.size": 9,
    # Names of classes and models are no formulas.
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
}
_SIZE = (4.4, 3.3)


@dataclass(frozen=True)
class Drawing:
    """A figure.

    Attributes:
        name: The name of its file, without a suffix.
        title: What it shows.
        alt: What a reader who cannot see it should know.
        svg: The drawing for the page.
        png: The picture for everything else.
    """

    name: str
    title: str
    alt: str
    svg: str
    png: bytes


def draw(
    name: str, title: str, alt: str, plot: Callable[..., None], *content: object, size: tuple[float, float] = _SIZE
) -> Drawing:
    """Have ``plot`` draw its content into axes of a size in inches."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        plot(figure.subplots(), *content)
        png, svg = io.BytesIO(), io.StringIO()
        figure.savefig(png, format="png", dpi=150, facecolor="white", metadata={"Software": None})
        figure.set_layout_engine("none")  # all has its place now, and finding it again takes as long as drawing
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Drawing(name, title, alt, _for_page(svg.getvalue(), name), png.getvalue())


def _for_page(svg: str, name: str) -> str:
    """A drawing to stand in a page: in the page's colour, as wide as there is room, with names that are its own."""
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", svg)
