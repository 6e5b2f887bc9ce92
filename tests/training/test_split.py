import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import save_noise
from copies.conftest import photo
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from training.runs import split_folder

from samekind.errors import DatasetError, TrainingError
from samekind.system.hashing import content_hash
from samekind.training.batches.plan import for_stopping
from samekind.training.recipe import Recipe
from samekind.training.run.folder import RunFolder
from samekind.training.split import Parts, keep_split, read_split

PARTS = ("train", "held_out", "test")


def recipe(**holdout: Any) -> Recipe:
    return Recipe().with_settings(holdout={"calibration": 0.25, "test": 0.25} | holdout)


def hashes_by_part(parts: Parts) -> dict[str, set[str]]:
    found = {name: getattr(parts, name) for name in PARTS}
    return {name: {parts.hashes[path] for path in images.paths} for name, images in found.items() if images}


def assert_nothing_straddles(parts: Parts) -> None:
    seen = list(hashes_by_part(parts).values())
    assert sum(map(len, seen)) == len(set().union(*seen))


@pytest.fixture
def folder(colour_folders: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(colour_folders, tmp_path / "data"))


def test_each_class_is_divided_into_three_parts_that_share_nothing(folder: Path) -> None:
    progress: list[tuple[str, int, int]] = []
    parts = split_folder(folder, recipe(), report=lambda *done: progress.append(done))
    looked = [call for call in progress if call[0] == "look at the images"]
    assert looked == [("look at the images", done, 96) for done in range(1, 97)]
    assert np.bincount(parts.test.labels).tolist() == [6] * 4
    assert np.bincount(parts.held_out.labels).tolist() == [4] * 4
    assert np.bincount(parts.train.labels).tolist() == [14] * 4
    assert_nothing_straddles(parts)
    assert parts.hashes == {path: content_hash(path) for part in PARTS for path in getattr(parts, part).paths}
    assert parts.notes == ()


def test_the_seed_decides_the_parts(folder: Path) -> None:
    first, again, other = (split_folder(folder, recipe().with_settings(seed=seed)) for seed in (0, 0, 1))
    assert first.digest == again.digest != other.digest
    assert first.train.paths == again.train.paths
    # What is tested on is not drawn as what is held out is.
    assert {path.name for path in first.test.paths} != {path.name for path in first.held_out.paths}


def test_unreadable_files_are_left_out_and_named(folder: Path) -> None:
    (folder / "red" / "03.png").write_bytes(b"not an image")
    whole = (folder / "blue" / "01.png").read_bytes()
    (folder / "blue" / "01.png").write_bytes(whole[: len(whole) // 2])
    (folder / "green" / "empty.png").touch()
    parts = split_folder(folder, recipe())
    assert [note.startswith("left out: ") for note in parts.notes] == [True] * 3
    for name, note in zip(("blue/01.png", "green/empty.png", "red/03.png"), parts.notes, strict=True):
        assert str(folder / name) in note
        assert all(folder / name not in getattr(parts, part).paths for part in PARTS)
    assert sum(len(getattr(parts, part)) for part in PARTS) == 97 - 3


def test_what_is_excluded_has_no_part_in_training(folder: Path) -> None:
    parts = split_folder(folder, Recipe(), exclude=["*0.png"])
    names = [path.name for images in (parts.train, parts.held_out, parts.test) if images for path in images.paths]
    assert names
    assert not [name for name in names if name.endswith("0.png")]


def test_identical_images_never_straddle(folder: Path) -> None:
    for i in range(8):
        for copy in ("a", "b"):
            shutil.copy(folder / "red" / f"{i:02}.png", folder / "red" / f"{i:02}{copy}.png")
        shutil.copy(folder / "red" / f"{i:02}.png", folder / "blue" / f"from red {i:02}.png")
    for seed in range(6):
        assert_nothing_straddles(split_folder(folder, recipe().with_settings(seed=seed)))


@settings(max_examples=15)
@given(st.lists(st.integers(0, 11), min_size=0, max_size=12), st.integers(0, 100), st.sampled_from([0, 2]))
def test_whatever_is_copied_where_nothing_straddles(
    tmp_path_factory: pytest.TempPathFactory, copies: list[int], seed: int, classes: int
) -> None:
    root = tmp_path_factory.mktemp("data")
    for name in "abcd":
        (root / name).mkdir()
        for i in range(12):
            save_noise(root / name / f"{i}.png", (100, 100, 100), seed=100 * ord(name) + i, size=(4, 4))
    for number, i in enumerate(copies):
        shutil.copy(root / "abcd"[i % 4] / f"{i}.png", root / "abcd"[number % 4] / f"copy {number}.png")
    parts = split_folder(root, recipe(classes=classes).with_settings(seed=seed))
    assert_nothing_straddles(parts)


def test_an_own_val_is_only_tested_on_and_shares_nothing_with_training(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "both"
    shutil.copytree(folder, data / "train")
    for name in ("blue", "green", "red", "white"):
        (data / "val" / name).mkdir(parents=True)
        for number in range(16, 24):
            shutil.move(data / "train" / name / f"{number}.png", data / "val" / name)
    parts = split_folder(data, recipe())
    assert {path.parts[-3] for path in parts.test.paths} == {"val"}
    assert len(parts.test) == 32
    assert {path.parts[-3] for path in (*parts.train.paths, *parts.held_out.paths)} == {"train"}
    assert len(parts.train) + len(parts.held_out) == 64
    shutil.copy(data / "val" / "red" / "20.png", data / "train" / "red" / "twin.png")
    with pytest.raises(DatasetError, match=r"twin\.png.*cannot be tested on"):
        split_folder(data, recipe())


def manifest(folder: Path, path: Path, split_of: Any) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        for image in sorted(folder.glob("*/*.png")):
            writer.writerow([image, image.parent.name, split_of(image)])
    return path


def test_a_manifest_may_name_the_held_out_images(folder: Path, tmp_path: Path) -> None:
    source = manifest(folder, tmp_path / "list.csv", lambda image: "held-out" if image.stem < "05" else "train")
    parts = split_folder(source, recipe())
    assert {path.stem for path in parts.held_out.paths} == {"00", "01", "02", "03", "04"}
    assert parts.test is None
    assert len(parts.train) == 76
    shutil.copy(folder / "red" / "00.png", folder / "red" / "30.png")
    source = manifest(folder, source, lambda image: "held-out" if image.stem < "05" else "train")
    with pytest.raises(DatasetError, match="is the same image as"):
        split_folder(source, recipe())


def test_whole_classes_may_be_held_out_and_training_then_knows_nothing_of_them(folder: Path) -> None:
    parts = split_folder(folder, recipe(classes=2, test=0.0))
    assert len(parts.held_out.classes) == len(parts.train.classes) == 2
    assert set(parts.held_out.classes).isdisjoint(parts.train.classes)
    assert {path.parent.name for path in parts.train.paths} == set(parts.train.classes)
    assert len(parts.train) == len(parts.held_out) == 48
    assert sorted(set(parts.train.labels.tolist())) == [0, 1]
    # An image that lies in a class of either side belongs to training.
    held, trained = parts.held_out.classes[0], parts.train.classes[0]
    shutil.copy(folder / held / "00.png", folder / trained / "twin.png")
    parts = split_folder(folder, recipe(classes=2, test=0.0))
    assert_nothing_straddles(parts)
    assert folder / trained / "twin.png" in parts.train.paths
    assert len(parts.held_out) == 47


@pytest.mark.parametrize("classes", [1, 3, 4])
def test_too_many_or_too_few_classes_to_hold_out_are_refused(classes: int, folder: Path) -> None:
    with pytest.raises(DatasetError, match=rf"of 4 classes, 2 to 2 can be held out .*not {classes}"):
        split_folder(folder, recipe(classes=classes))


def test_too_few_images_for_a_test_part_are_only_worth_a_note(folder: Path) -> None:
    for path in folder.glob("*/*.png"):
        if path.stem > "04":
            path.unlink()
    parts = split_folder(folder, recipe())
    assert parts.test is None
    assert (len(parts.train), len(parts.held_out)) == (12, 8)
    (note,) = parts.notes
    assert note.startswith("no images are set aside for testing (class 'blue' has 5 different images")


def test_too_few_images_to_hold_any_out_are_refused(folder: Path) -> None:
    for path in (folder / "red").glob("*.png"):
        if path.stem > "03":
            path.unlink()
    shutil.copy(folder / "red" / "00.png", folder / "red" / "03.png")
    with pytest.raises(DatasetError, match="class 'red' has 3 different images"):
        split_folder(folder, recipe())


@pytest.mark.parametrize("images", [3, 24])
def test_one_class_and_tiny_classes_are_refused_before_an_image_is_opened(images: int, folder: Path) -> None:
    for path in folder.glob("*/*.png"):
        path.write_bytes(b"no image")
        if path.parent.name == "red" and path.stem >= f"{images:02}":
            path.unlink()
    if images == 24:
        for name in ("blue", "green", "white"):
            shutil.rmtree(folder / name)
    what = r"too few images .*\(red: 3\); add images" if images == 3 else r"one class only \(red\); add another"
    with pytest.raises(DatasetError, match=what):
        split_folder(folder, recipe(), report=lambda *_: pytest.fail("looked at an image"))


def test_a_run_keeps_its_parts_in_a_manifest_and_reads_them_back(folder: Path, tmp_path: Path) -> None:
    parts = split_folder(folder, recipe())
    run = tmp_path / "run"
    keep_split(parts, RunFolder(run))
    kept = read_split(RunFolder(run))
    for name in PARTS:
        # Compared as resolved, for a manifest's paths are relative to itself.
        assert [p.resolve() for p in getattr(kept, name).paths] == [p.resolve() for p in getattr(parts, name).paths]
        np.testing.assert_array_equal(getattr(kept, name).labels, getattr(parts, name).labels)
        assert getattr(kept, name).classes == getattr(parts, name).classes
    assert kept.digest == parts.digest
    # It is a data set of its own: the run can be repeated from it.
    repeated = split_folder(run / "split.csv", recipe())
    assert repeated.digest == parts.digest


def test_images_that_were_added_since_do_not_disturb_a_run(folder: Path, tmp_path: Path) -> None:
    parts = split_folder(folder, recipe())
    keep_split(parts, RunFolder(tmp_path / "run"))
    save_noise(folder / "red" / "new.png", (220, 40, 40), seed=5)
    assert read_split(RunFolder(tmp_path / "run")).digest == parts.digest


def test_a_run_is_not_gone_on_with_where_images_changed_or_vanished(folder: Path, tmp_path: Path) -> None:
    parts = split_folder(folder, recipe())
    run = tmp_path / "run"
    keep_split(parts, RunFolder(run))
    one = parts.train.paths[5]
    before = one.read_bytes()
    save_noise(one, (1, 2, 3), seed=9)
    with pytest.raises(TrainingError, match="the images have changed since this run began; start another"):
        read_split(RunFolder(run))
    one.write_bytes(b"broken")
    with pytest.raises(TrainingError, match=rf"have changed .*{one.name}"):
        read_split(RunFolder(run))
    one.unlink()
    with pytest.raises(DatasetError, match=f"no such file .*{one.name}"):
        read_split(RunFolder(run))
    one.write_bytes(before)
    assert read_split(RunFolder(run)).digest == parts.digest
    (run / "images.sha256").unlink()
    with pytest.raises(TrainingError, match="nobody knows which images"):
        read_split(RunFolder(run))


def test_two_images_that_swapped_their_classes_are_noticed(folder: Path, tmp_path: Path) -> None:
    parts = split_folder(folder, recipe())
    keep_split(parts, RunFolder(tmp_path / "run"))
    one, other = parts.train.paths[0], parts.train.paths[-1]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    with pytest.raises(TrainingError, match="have changed"):
        read_split(RunFolder(tmp_path / "run"))


def test_what_chooses_the_epoch_does_not_choose_the_thresholds(folder: Path) -> None:
    parts = split_folder(folder, recipe())
    watched, calibration = for_stopping(parts, recipe())
    assert watched is calibration is parts.held_out
    watched, calibration = for_stopping(parts, recipe().with_settings(early_stopping={"patience": 2}))
    assert set(watched.paths).isdisjoint(calibration.paths)
    assert {*watched.paths, *calibration.paths} == set(parts.held_out.paths)
    assert np.bincount(watched.labels).tolist() == np.bincount(calibration.labels).tolist() == [2] * 4


def listed(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    return folder / "list.csv"


def rows_of(folder: Path, **counts: int) -> list[tuple[str, str, str]]:
    """So many images of each class for each split, different ones."""
    rows, taken = [], 0
    for split, count in counts.items():
        for name in ("blue", "red"):
            rows += [(f"{name}/{i:02}.png", name, split.replace("_", "-")) for i in range(taken, taken + count)]
        taken += count
    return rows


def test_the_same_image_held_out_and_tested_on_is_refused_before_training(folder: Path) -> None:
    rows = rows_of(folder, train=4, held_out=4, test=4)
    shutil.copyfile(folder / "blue" / "04.png", folder / "blue" / "08.png")
    with pytest.raises(DatasetError, match=r"08\.png is the same image as .*04\.png"):
        split_folder(listed(folder, rows), recipe())


@pytest.mark.parametrize("split", ["held-out", "test"])
def test_a_part_that_nothing_can_be_measured_on_is_refused_before_training(split: str, folder: Path) -> None:
    rows = rows_of(folder, train=4, held_out=4, test=4)
    one_class = [row for row in rows if row[2] != split or row[1] == "red"]
    with pytest.raises(DatasetError, match=f"there is one class only in the part {split}"):
        split_folder(listed(folder, one_class), recipe())
    for path, label, of in rows:
        if (label, of) == ("red", split):
            (folder / path).write_bytes(b"no image")
    with pytest.raises(DatasetError, match=f"the {split} part needs two classes.*'red' has 0"):
        split_folder(listed(folder, rows), recipe())


def test_a_class_without_a_readable_training_image_is_named(folder: Path) -> None:
    rows = rows_of(folder, train=4, held_out=4)
    for path, label, of in rows:
        if (label, of) == ("red", "train"):
            (folder / path).write_bytes(b"no image")
    with pytest.raises(DatasetError, match="class 'red' has no readable image to train on"):
        split_folder(listed(folder, rows), recipe())


def test_held_out_images_and_a_list_do_not_go_together(folder: Path) -> None:
    source = listed(folder, rows_of(folder, train=8, held_out=4))
    with pytest.raises(DatasetError, match="names held-out images, but of a list of pairs items are held out"):
        split_folder(source, recipe().with_settings(sampler={"kind": "pairs"}))


@pytest.fixture
def with_near_copies(tmp_path: Path) -> Path:
    """Two classes of twelve pictures, each with a smaller or a mirrored copy."""
    for seed in range(24):
        folder = tmp_path / "data" / ("jug" if seed % 2 else "mug")
        folder.mkdir(parents=True, exist_ok=True)
        image = photo(seed)
        image.save(folder / f"{seed:02}.png")
        copy = image.resize((240, 180)) if seed % 3 else image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        copy.save(folder / f"{seed:02}-copy.png")
    return tmp_path / "data"


def test_near_copies_are_on_one_side(with_near_copies: Path) -> None:
    parts = split_folder(with_near_copies, recipe())
    side = {path.name: part for part in PARTS for path in getattr(parts, part).paths}
    assert len(side) == 48
    assert all(side[f"{seed:02}.png"] == side[f"{seed:02}-copy.png"] for seed in range(24))
    assert len(set(side.values())) == 3
    assert parts.notes == ()


def test_near_copies_in_parts_that_the_data_name_are_counted(with_near_copies: Path) -> None:
    rows = [
        (str(path.relative_to(with_near_copies.parent)), path.parent.name, "test" if "-copy" in path.name else "train")
        for path in sorted(with_near_copies.rglob("*.png"))
        if "-copy" not in path.name or path.name < "06"
    ]
    source = with_near_copies.parent / "list.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    [note] = split_folder(source, recipe()).notes
    assert note.startswith("6 of 6 test images")


def test_without_opencv_equal_bytes_alone_are_kept_together(
    with_near_copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samekind.training.split.can_compare", lambda: False)
    [note] = split_folder(with_near_copies, recipe()).notes
    assert "near copies were not looked for" in note


def test_without_near_copies_the_split_is_that_of_the_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_copies = split_folder(folder, recipe())
    monkeypatch.setattr("samekind.training.split.can_compare", lambda: False)
    assert split_folder(folder, recipe()).digest == with_copies.digest
