"""What tests of reports share."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from samekind.report.page.drawing import Drawing


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are empty, for they take seconds; each has its name, its title and its text all the same."""
    png = io.BytesIO()
    Image.new("RGB", (1, 1)).save(png, "PNG")

    def draw(name: str, title: str, alt: str, *_: object, **__: object) -> Drawing:
        return Drawing(name, title, alt, "<svg></svg>", png.getvalue())

    monkeypatch.setattr("samekind.report.page.figures.draw", draw)
