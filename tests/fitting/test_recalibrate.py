from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import COLOURS, make_card, save_noise, tiny_network
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from strategies import rates_by_counting as rates_at

from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.errors import DatasetError
from samekind.evaluation.measure import measure
from samekind.fitting.cross_fit import halves
from samekind.fitting.recalibrate import Recalibration, recalibrate
from samekind.model_file.file import SeenImages, read_model, write_model
from samekind.recognizer import Recognizer, load
from samekind.system.hashing import content_hash


@pytest.fixture(scope="module")
def muddled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five classes of mixed colours, which a model of mean colours cannot quite tell apart."""
    root = tmp_path_factory.mktemp("muddled")
    rng = np.random.default_rng(0)
    for number, (name, colour) in enumerate([*COLOURS.items(), ("grey", (128, 128, 128))]):
        (root / name).mkdir()
        for i in range(24):
            mixed = np.clip(np.array(colour) + rng.normal(0, 55, 3), 0, 255).astype(int)
            save_noise(root / name / f"{i:02}.png", tuple(mixed), 7000 + 100 * number + i, (6, 6))
    return root


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Recognizer:
    return load(tiny_model)


@pytest.fixture(scope="module")
def images(muddled: Path) -> LabelledImages:
    return read_class_folders(muddled)


@pytest.fixture(scope="module")
def found(model: Recognizer, images: LabelledImages) -> Recalibration:
    return recalibrate(model, images, "mine", "muddled")


def test_the_network_stays_and_the_calibrations_change(
    found: Recalibration, model: Recognizer, tiny_model: Path, tmp_path: Path
) -> None:
    source = read_model(tiny_model)
    card = write_model(tmp_path / "mine.onnx", source.data, found.card, source.seen_images | SeenImages(found.hashes))
    assert card.fingerprint == source.card.fingerprint
    assert (card.name, card.metrics, card.training) == ("mine", (), source.card.training)
    assert card.pair.scale != source.card.pair.scale
    new = load(tmp_path / "mine.onnx")
    grey = np.full((2, 16, 16, 3), 77, np.uint8)
    np.testing.assert_array_equal(new.embed(grey), model.embed(grey))
    assert card.pair.measured_on.description == (
        "120 images of muddled, on which tiny was calibrated anew; none of their classes was trained on"
    )
    assert card.pair.measured_on.cross_fitted


def test_the_images_had_a_part_and_are_refused_from_now_on(
    found: Recalibration, images: LabelledImages, tiny_model: Path, tmp_path: Path
) -> None:
    source = read_model(tiny_model)
    earlier = "ab" * 32
    seen = SeenImages([earlier]) | SeenImages(found.hashes)
    write_model(tmp_path / "mine.onnx", source.data, found.card, seen)
    new = load(tmp_path / "mine.onnx")
    assert earlier in new.seen_images
    assert all(content_hash(path) in new.seen_images for path in images.paths)
    with pytest.raises(DatasetError, match="120 of 120 images had a part"):
        measure(new, images)
    with pytest.raises(DatasetError, match="120 of 120 images had a part"):
        recalibrate(new, images, "again", "muddled")


def test_old_and_new_are_compared_on_the_same_items(found: Recalibration, model: Recognizer) -> None:
    for compared in (found.pairs, found.trios):
        assert compared is not None
        assert compared.old is not None
        # What the tiny model's card claims was made up.
        assert compared.new.calibration_error < compared.old.calibration_error
        balanced = compared.new.points["balanced"]
        assert compared.new.accuracy == pytest.approx((balanced.tar + 1 - balanced.far) / 2)
    assert set(found.pairs.old.points) == set(model.card.pair.operating_points)
    new = found.card.pair.operating_points
    assert {name: (rates.far, rates.tar) for name, rates in found.pairs.new.points.items()} == {
        name: (point.far, point.tar) for name, point in new.items()
    }


def test_the_old_rates_are_those_of_the_old_threshold_on_pairs_within_a_half(
    found: Recalibration, model: Recognizer, images: LabelledImages
) -> None:
    second = halves(images.labels, [content_hash(path) for path in images.paths])
    embeddings = model.embed(images.paths)
    scores, answers = [], []
    for inside in (~second, second):
        first, partner = np.triu_indices(int(inside.sum()), 1)
        scores.append((embeddings[inside] @ embeddings[inside].T)[first, partner])
        answers.append(images.labels[inside][first] == images.labels[inside][partner])
    far, tar = rates_at(np.concatenate(scores), np.concatenate(answers), 0.5)
    assert found.pairs.old is not None
    old = found.pairs.old.points["balanced"]
    assert (old.far, old.tar) == pytest.approx((far, tar), abs=1e-3)
    assert found.pairs.positives == np.concatenate(answers).sum()


def test_unreadable_files_are_named_and_left_out(model: Recognizer, muddled: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(muddled, tmp_path / "copied"))
    (copied / "red" / "00.png").write_bytes(b"no image")
    images = read_class_folders(copied)
    (copied / "red" / "01.png").unlink()  # after it was listed
    calls: list[int] = []
    found = recalibrate(model, images, "mine", "copied", on_progress=lambda _stage, done, _total: calls.append(done))
    assert [message.partition(": ")[0] for message in found.unreadable] == [
        str(copied / "red" / "01.png"),
        str(copied / "red" / "00.png"),
    ]
    assert (len(found.hashes), found.card.pair.measured_on.images, calls[-1]) == (118, 118, 119)


def test_a_class_without_readable_images_is_left_out(model: Recognizer, muddled: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(muddled, tmp_path / "copied"))
    for path in (copied / "grey").iterdir():
        path.write_bytes(b"no image")
    measured = recalibrate(model, read_class_folders(copied), "mine", "copied").card.pair.measured_on
    assert (measured.classes, measured.images) == (4, 96)


def test_two_classes_give_a_model_for_pairs_only(model: Recognizer, images: LabelledImages) -> None:
    found = recalibrate(model, images.only_classes(frozenset({"red", "blue"})), "mine", "two")
    assert (found.card.trio, found.trios) == (None, None)


def test_a_model_for_pairs_only_learns_trios(images: LabelledImages, tmp_path: Path) -> None:
    write_model(tmp_path / "pairs.onnx", tiny_network().SerializeToString(), make_card(trio=None))
    found = recalibrate(load(tmp_path / "pairs.onnx"), images, "mine", "muddled")
    assert found.card.trio is not None
    assert found.trios is not None
    assert found.trios.old is None


def test_classes_that_were_trained_on_are_counted(images: LabelledImages, tmp_path: Path) -> None:
    card = make_card()
    training = card.training.model_copy(update={"classes": ("red", "blue", "pink")})
    write_model(tmp_path / "m.onnx", tiny_network().SerializeToString(), card.model_copy(update={"training": training}))
    found = recalibrate(load(tmp_path / "m.onnx"), images, "mine", "muddled")
    assert found.card.pair.measured_on.description.endswith("; 2 of their 5 classes were trained on")


@pytest.mark.parametrize(
    ("classes", "count", "message"),
    [(1, 24, "at least two classes"), (2, 3, "too few images"), (4, 4, "too few images")],
)
def test_too_few_images_or_classes_are_refused_by_the_name_of_the_folder(
    classes: int, count: int, message: str, model: Recognizer, images: LabelledImages
) -> None:
    chosen = np.flatnonzero([label < classes and i % 24 < count for i, label in enumerate(images.labels)])
    with pytest.raises(DatasetError, match=rf"muddled.*: {message}"):
        recalibrate(model, images.subset(chosen), "mine", "few")


def test_a_network_that_cannot_tell_the_classes_apart_is_refused(model: Recognizer, tmp_path: Path) -> None:
    for i in range(40):
        path = tmp_path / "alike" / str(i % 2) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        note = PngInfo()
        note.add_text("number", str(i))  # another file, the same picture
        Image.new("RGB", (6, 6), (200, 30, 30)).save(path, pnginfo=note)
    with pytest.raises(DatasetError, match=r"alike: genuine pairs are not more alike than impostor pairs"):
        recalibrate(model, read_class_folders(tmp_path / "alike"), "mine", "alike")


def test_a_picture_in_two_classes_is_left_out_and_named(
    model: Recognizer, muddled: Path, found: Recalibration, tmp_path: Path
) -> None:
    shutil.copytree(muddled, tmp_path / "twice")
    first, *names = sorted(path.name for path in (tmp_path / "twice").iterdir())
    for name in names:  # one picture, of which some classes are wrong
        shutil.copy(tmp_path / "twice" / first / "00.png", tmp_path / "twice" / name / "also.png")
    twice = recalibrate(model, read_class_folders(tmp_path / "twice"), "mine", "muddled")
    [told] = [message for message in twice.unreadable if "more than one class" in message]
    assert str(tmp_path / "twice" / first / "00.png") in told
    assert all(str(tmp_path / "twice" / name / "also.png") in told for name in names)
    (tmp_path / "twice" / first / "00.png").unlink()
    for name in names:
        (tmp_path / "twice" / name / "also.png").unlink()
    without = recalibrate(model, read_class_folders(tmp_path / "twice"), "mine", "muddled")
    assert twice.card.pair == without.card.pair
    assert without.unreadable == ()
    assert found.card.pair != without.card.pair
