"""``Recognizer.adapt`` and ``save``: from whatever pictures come, and with what is wrong with them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import DIMENSION, adaptable_card, save_noise, tiny_network
from PIL import Image

import samekind
from samekind.adaptation.adaptation import Adaptation, adapt
from samekind.errors import AdaptationError, GalleryError, ImageError
from samekind.gallery import Gallery
from samekind.model_file.file import write_model
from samekind.recognizer import Recognizer


@pytest.fixture(scope="module")
def model(adaptable_model: Path) -> Recognizer:
    return samekind.load(adaptable_model, threads=1)


@pytest.fixture(scope="module")
def pictures(many_colours: Path) -> list[Path]:
    return sorted(many_colours.glob("*/*.png"))


@pytest.fixture(scope="module")
def expected(model: Recognizer, pictures: list[Path]) -> Adaptation:
    return adapt(model.embed(pictures), model.card, "the oracle")


def about(adapted: Recognizer | Adaptation) -> tuple[Any, ...]:
    known = adapted.card.adapted if isinstance(adapted, Recognizer) else adapted.about
    assert known is not None
    return known.pictures, known.distinct, known.length, known.share, known.spread, known.network


def test_a_folder_a_list_arrays_embeddings_and_a_gallery_say_the_same(
    model: Recognizer,
    adaptable_model: Path,
    many_colours: Path,
    pictures: list[Path],
    expected: Adaptation,
    tmp_path: Path,
) -> None:
    rows = expected.apply(model.embed(pictures))
    with Gallery.open(tmp_path / "g.samekind", model=adaptable_model) as gallery:
        gallery.sync(many_colours)
        given = [many_colours, str(many_colours), pictures, iter(pictures), model.embed(pictures), gallery]
        given.append([np.asarray(Image.open(path)) for path in pictures])
        for collection in given:
            mine = model.adapt(collection)
            # Half precision in a gallery, and batches of another size elsewhere.
            assert about(mine)[2:5] == pytest.approx(about(expected)[2:5], abs=1e-3)
            assert about(mine)[:2] == about(expected)[:2]
            assert np.abs(mine.embed(pictures) - rows).max() < 2e-3
    assert model.card.adapted is None  # this one stays as it is
    folder = model.adapt(many_colours)
    assert folder.card.adapted is not None
    assert folder.card.adapted.source == many_colours.name
    named = model.adapt(pictures, name="mine", source="my things")
    assert (named.card.name, named.card.adapted and named.card.adapted.source) == ("mine", "my things")


def test_verdicts_are_those_of_the_adapted_card_and_say_whose_rates_they_quote(
    model: Recognizer, many_colours: Path, pictures: list[Path], expected: Adaptation
) -> None:
    mine = model.adapt(many_colours)
    first, second, third = expected.apply(model.embed(pictures[:3]))
    verdict = mine.verify(pictures[0], pictures[1])
    assert verdict.similarity == pytest.approx(float(first @ second), abs=1e-5)
    logit = expected.pair.scale * float(first @ second) + expected.pair.bias
    assert verdict.probability == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-5)
    assert verdict.threshold == expected.pair.balanced.threshold
    assert verdict.rates_from == "collections of other kinds"
    trio = mine.verify_trio(*pictures[:3])
    similarities = [pair.similarity for pair in trio.pairs]
    assert similarities == pytest.approx([float(first @ second), float(first @ third), float(second @ third)], abs=1e-5)
    assert expected.trio is not None
    logit = float(np.dot(expected.trio.weights, sorted(similarities, reverse=True))) + expected.trio.bias
    assert trio.probability == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-5)


def test_saved_and_loaded_it_is_the_same(model: Recognizer, pictures: list[Path], tmp_path: Path) -> None:
    mine = model.adapt(pictures)
    card = mine.save(tmp_path / "mine.onnx")
    again = samekind.load(tmp_path / "mine.onnx", threads=1)
    assert again.card == card
    assert (card.name, card.adapted, card.pair) == ("mine", mine.card.adapted, mine.card.pair)
    assert again.verify(*pictures[:2]).similarity == mine.verify(*pictures[:2]).similarity
    assert list(tmp_path.iterdir()) == [tmp_path / "mine.onnx"]
    assert (tmp_path / "mine.onnx").stat().st_size < 20_000  # the mean, and none of the pictures


def test_an_adapted_model_is_adapted_to_other_pictures_as_the_bare_one_is(
    model: Recognizer, pictures: list[Path], tmp_path: Path
) -> None:
    for number, colour in enumerate(
        np.random.default_rng(8).integers((20, 20, 180), (230, 230, 250), (30, 3)).tolist()
    ):
        save_noise(tmp_path / f"{number:02}.png", tuple(colour), seed=number)
    first = model.adapt(pictures)
    first.save(tmp_path / "first.onnx")
    again, direct = samekind.load(tmp_path / "first.onnx").adapt(tmp_path), model.adapt(tmp_path)
    assert about(again) == pytest.approx(about(direct))
    assert again.card.fingerprint == direct.card.fingerprint
    assert again.card.pair == direct.card.pair
    with pytest.raises(AdaptationError, match="adapted already; embed with the bare model, or give images"):
        first.adapt(first.embed(pictures))


def test_unreadable_ones_are_named_and_left_out(model: Recognizer, many_colours: Path, tmp_path: Path) -> None:
    shutil.copytree(many_colours, tmp_path / "photos")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8 no more")
    complaints: list[ImageError] = []
    seen: list[tuple[str, int, int]] = []
    mine = model.adapt(tmp_path / "photos", on_unreadable=complaints.append, on_progress=lambda *n: seen.append(n))
    assert [("broken.jpg" in str(error)) for error in complaints] == [True]
    assert about(mine)[0] == 24
    assert seen[-1][:2] == ("images", 25)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_fewer_than_ten_pictures_are_refused(model: Recognizer, pictures: list[Path], count: int) -> None:
    words = f"{count} readable pictures; at least 10 are needed to adapt, and 20 to 200 are better"
    with pytest.raises(AdaptationError, match=words):
        model.adapt(pictures[:count])


def test_one_picture_many_times_is_one_picture(model: Recognizer, pictures: list[Path]) -> None:
    with pytest.raises(AdaptationError, match="40 pictures, but only 1 different ones; at least 10 different ones"):
        model.adapt([pictures[0]] * 40)


def test_a_collection_that_is_mostly_copies_is_known_by_the_different_ones(
    model: Recognizer, pictures: list[Path], expected: Adaptation
) -> None:
    with pytest.warns(UserWarning, match="only 21 are different: the collection is known by these"):
        mine = model.adapt(pictures * 3)
    assert about(mine)[1:5] == pytest.approx(about(expected)[1:5])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.eye(20, dtype=np.float32), "have 20 dimensions, and tiny's have 6: they are another model's"),
        (np.ones((20, DIMENSION), np.float32), "these are no embeddings: their rows are not of unit length"),
        (np.full((20, DIMENSION), np.nan, np.float32), "these are no embeddings"),
    ],
    ids=["size", "length", "nan"],
)
def test_embeddings_that_are_not_this_models_are_refused(model: Recognizer, rows: np.ndarray, words: str) -> None:
    with pytest.raises(AdaptationError, match=words):
        model.adapt(rows)


def test_a_gallery_of_another_model_is_refused(model: Recognizer, many_colours: Path, tmp_path: Path) -> None:
    write_model(tmp_path / "other.onnx", tiny_network(4).SerializeToString(), adaptable_card(name="other", dimension=4))
    with Gallery.open(tmp_path / "g.samekind", model=tmp_path / "other.onnx") as gallery:
        gallery.sync(many_colours)
        with pytest.raises(GalleryError, match="holds embeddings of the model other, not of this one"):
            model.adapt(gallery)


def test_a_model_that_was_never_measured_so_is_refused(tiny_model: Path, pictures: list[Path]) -> None:
    with pytest.raises(AdaptationError, match="tiny: cannot be adapted without labels, because nobody has measured"):
        samekind.load(tiny_model).adapt(pictures)
