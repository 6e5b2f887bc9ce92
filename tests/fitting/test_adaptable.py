"""Labelled folders make a model adaptable that was never measured on collections."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import make_card, save_noise, tiny_network

import samekind
from samekind.errors import AdaptationError, ArgumentError, DatasetError
from samekind.fitting.adaptable import make_adaptable
from samekind.model_file.file import make_model

pytestmark = pytest.mark.usefixtures("fewer_trios")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three kinds of pictures: reddish, greenish and bluish ones, each of five classes."""
    root = tmp_path_factory.mktemp("domains")
    for place, domain in enumerate(("reds", "greens", "blues")):
        for label in range(5):
            folder = root / domain / f"class{label}"
            folder.mkdir(parents=True)
            for number in range(14):
                rng = np.random.default_rng((place, label, number))
                colour = [40 + 40 * ((label * 2 + channel) % 5) for channel in range(3)]
                colour[place] = 210
                shifted = tuple(int(value + rng.integers(-12, 12)) for value in colour)
                save_noise(folder / f"{number:02}.png", shifted, seed=int(rng.integers(1 << 30)))  # type: ignore[arg-type]
    return [root / domain for domain in ("reds", "greens", "blues")]


@pytest.fixture(scope="module")
def foreign() -> samekind.Recognizer:
    return samekind.Recognizer(
        make_model(tiny_network().SerializeToString(), make_card(pair=None, trio=None, domains=None))
    )


def test_a_foreign_encoder_gets_verdicts_from_labelled_folders_and_pictures_without_labels(
    foreign: samekind.Recognizer, folders: list[Path], many_colours: Path, tmp_path: Path
) -> None:
    adaptable = make_adaptable(foreign.model_file, folders)
    domains = adaptable.card.domains
    assert domains is not None
    assert domains.domains == ("blues", "greens", "reds")
    assert domains.pair.measured_on.cross_fitted
    assert domains.pair.balanced.tar > domains.pair.balanced.far
    assert adaptable.card.pair is None
    assert adaptable.card.fingerprint == foreign.card.fingerprint
    adaptable.save(tmp_path / "adaptable.onnx")
    mine = samekind.load(tmp_path / "adaptable.onnx").adapt(many_colours)
    pictures = sorted(many_colours.rglob("*.png"))
    verdict = mine.verify(pictures[0], pictures[0])
    assert verdict.same
    assert 0.5 < verdict.probability <= 1
    assert mine.verify_trio(*pictures[:3]).most_alike


def test_the_pictures_that_taught_it_are_remembered(foreign: samekind.Recognizer, folders: list[Path]) -> None:
    adaptable = make_adaptable(foreign.model_file, folders)
    with pytest.raises(DatasetError, match="had a part in"):
        make_adaptable(adaptable.model_file, folders)


def test_too_little_is_refused_before_the_work(
    foreign: samekind.Recognizer, folders: list[Path], colour_folders: Path, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match="2 labelled folders cannot tell"):
        make_adaptable(foreign.model_file, folders[:2])
    for label in ("a", "b"):
        for number in range(40):
            (tmp_path / label).mkdir(exist_ok=True)
            save_noise(tmp_path / label / f"{number}.png", (10, 20, 30), number)
    with pytest.raises(DatasetError, match="has 2 classes; three are needed"):
        make_adaptable(foreign.model_file, [*folders[:2], tmp_path])
    few = folders[0].parent / "few"
    for label in range(3):
        (few / f"{label}").mkdir(parents=True)
        save_noise(few / f"{label}" / "0.png", (10, 20, 30), label)
        save_noise(few / f"{label}" / "1.png", (10, 20, 30), 10 + label)
    with pytest.raises(DatasetError, match="has 6 pictures; 40 are needed"):
        make_adaptable(foreign.model_file, [*folders[:2], few])
    with pytest.raises(AdaptationError, match="adapted already"):
        make_adaptable(samekind.load("general").adapt(colour_folders).model_file, folders)
