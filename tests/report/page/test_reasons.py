"""Why a model made its mistakes, beside them on a report's page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from conftest import save_noise
from PIL import Image

import samekind
from samekind.report.page.reasons import reasons
from samekind.report.schema.contents import MistakeReport, MistakesReport


@pytest.fixture
def images(tmp_path: Path) -> tuple[str, ...]:
    for number in range(3):
        save_noise(tmp_path / f"{number}.png", (200, 80 * number, 40), seed=number)
    return tuple(str(tmp_path / f"{number}.png") for number in range(3))


def mistakes_of(*images: tuple[str, ...]) -> MistakesReport:
    found = tuple(MistakeReport(images=of, classes=(), score=0.5, probability=0.5) for of in images)
    return MistakesReport(
        pairs_taken_for_same=found,
        pairs_taken_for_different=(),
        trios_taken_for_alike=(),
        trios_taken_for_none_alike=(),
    )


def test_pairs_and_trios_that_can_still_be_read_are_explained(images: tuple[str, ...]) -> None:
    pair, gone = images[:2], (images[0], "gone.png")
    found = reasons(mistakes_of(gone, pair, images), samekind.load().explain)
    assert set(found) == {pair, images}
    sizes = []
    for uri in found.values():
        with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as shown:
            sizes.append(shown.size)
    assert [width for width, _ in sizes] == [600, 600]
    assert sizes[1][1] > 2 * sizes[0][1]  # three pairs


def test_nothing_is_shown_without_the_model_or_where_it_would_take_minutes(
    images: tuple[str, ...], tiny_model: Path
) -> None:
    assert reasons(mistakes_of(images), None) == {}
    assert reasons(mistakes_of(images), samekind.load(tiny_model).explain) == {}
