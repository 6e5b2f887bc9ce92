from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import save_noise

from samekind.datasets.checking.check import check
from samekind.datasets.checking.check_report import CheckReport, Finding
from samekind.datasets.checking.findings import BATCH_CLASSES, BATCH_IMAGES, FEW, HELD_OUT_SHARE, TEST_SHARE
from samekind.datasets.dataset import read_dataset
from samekind.datasets.folders import LabelledImages
from samekind.datasets.splits import stratified_holdout
from samekind.errors import DatasetError


def fill(root: Path, counts: dict[str, int], first: int = 0) -> Path:
    """Class folders with so many different images each, small as they can be."""
    for number, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            save_noise(root / name / f"{i:03}.png", (90, 90, 90), first + 1000 * number + i, (3, 3))
    return root


def look(source: Path) -> CheckReport:
    return check(source)


def only(found: CheckReport, kind: str) -> Finding:
    (finding,) = [finding for finding in found.findings if finding.kind == kind]
    return finding


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Three classes in train and val, with nothing to mend and nothing to note."""
    fill(tmp_path / "good" / "train", {"cat": 20, "cow": 20, "dog": 20})
    fill(tmp_path / "good" / "val", {"cat": 3, "cow": 3, "dog": 3}, first=50_000)
    return tmp_path / "good"


def test_images_with_nothing_to_mend_are_ready(good: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    found = check(good, on_progress=lambda *call: calls.append(call))
    assert (found.ready, found.findings, found.images, found.splits) == (True, (), 69, ("train", "test"))
    assert [(count.name, count.images, count.different) for count in found.classes] == [
        (name, {"train": 20, "test": 3}, 23) for name in ("cat", "cow", "dog")
    ]
    assert calls[-1] == ("images", 69, 69)


def test_unreadable_files_are_named_with_the_reason_and_not_counted(good: Path) -> None:
    bad = good / "train" / "cat" / "007.png"
    bad.write_bytes(b"no image")
    found = look(good)
    finding = only(found, "unreadable")
    assert finding.details == (f"{bad}: not an image in a format that Pillow can read",)
    assert (finding.files, finding.mend, found.ready) == (((str(bad),),), False, True)
    assert found.classes[0].images["train"] == 19


def test_unreadable_files_must_be_mended_where_their_class_becomes_too_small(tmp_path: Path) -> None:
    source = fill(tmp_path / "x", {"cat": 60, "cow": 60, "owl": 5})
    (source / "owl" / "000.png").write_bytes(b"no image")
    assert look(source).ready
    (source / "owl" / "001.png").write_bytes(b"no image")
    assert [finding.kind for finding in look(source).findings if finding.mend] == ["tiny class"]
    for path in (source / "owl").iterdir():
        path.write_bytes(b"no image")
    assert only(look(source), "tiny class").details == ("owl: 0",)


def test_the_same_image_in_two_splits_is_named_on_both_sides(good: Path) -> None:
    copy = shutil.copy(good / "train" / "cat" / "000.png", good / "val" / "cat" / "copy.png")
    found = look(good)
    finding = only(found, "same image in two splits")
    assert finding.files == ((str(good / "train" / "cat" / "000.png"), str(copy)),)
    assert not found.ready
    assert [other.kind for other in found.findings] == ["same image in two splits"]


def test_the_same_image_in_two_classes_is_a_contradiction(good: Path) -> None:
    shutil.copy(good / "train" / "cat" / "000.png", good / "train" / "dog" / "copy.png")
    found = look(good)
    assert [finding.kind for finding in found.findings] == ["same image in two classes"]
    assert not found.ready


def test_an_image_in_another_class_and_split_is_both(good: Path) -> None:
    shutil.copy(good / "train" / "cat" / "000.png", good / "val" / "dog" / "copy.png")
    kinds = {finding.kind for finding in look(good).findings}
    assert kinds == {"same image in two splits", "same image in two classes"}


def test_copies_within_a_class_are_only_noted(good: Path) -> None:
    for i in range(2):
        shutil.copy(good / "train" / "cat" / "000.png", good / "train" / "cat" / f"copy{i}.png")
    found = look(good)
    assert len(only(found, "copies").files[0]) == 3
    assert found.ready
    assert (found.classes[0].images["train"], found.classes[0].different) == (22, 23)


def test_a_class_in_one_part_only_is_named_with_the_nearest_other(good: Path) -> None:
    (good / "val" / "cat").rename(good / "val" / "cats")
    finding = only(look(good), "classes")
    assert finding.mend
    assert finding.details == (
        f"{good / 'train' / 'cat'} (is 'cats' in val the same?)",
        f"{good / 'val' / 'cats'} (is 'cat' in train the same?)",
    )


def test_a_manifest_may_test_on_classes_that_are_not_trained_on(good: Path) -> None:
    rows = [f"{path.relative_to(good)},{path.parent.name},train" for path in sorted(good.glob("train/*/*"))]
    rows += [f"{path.relative_to(good)},new-{path.parent.name},test" for path in sorted(good.glob("val/*/*"))]
    (good / "list.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    found = look(good / "list.csv")
    assert found.ready
    assert [count.name for count in found.classes if "test" in count.images] == ["new-cat", "new-cow", "new-dog"]


@pytest.mark.parametrize("split", ["held-out", "test"])
def test_a_part_of_a_manifest_needs_two_classes_and_two_readable_images_of_each(split: str, good: Path) -> None:
    def with_part(names: list[str]) -> CheckReport:
        rows = [f"{path.relative_to(good)},{path.parent.name},train" for path in sorted(good.glob("train/*/*"))]
        rows += [f"{name},{Path(name).parent.name},{split}" for name in names]
        (good / "list.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
        return look(good / "list.csv")

    enough = ["val/cat/000.png", "val/cat/001.png", "val/cow/000.png", "val/cow/001.png"]
    assert with_part(enough).ready
    one = only(with_part(enough[:2]), "classes")
    assert (one.mend, one.summary) == (True, f"there is one class only in the part {split}")
    (good / enough[0]).write_bytes(b"no image")
    tiny = only(with_part(enough), "tiny class")
    assert (tiny.mend, tiny.details) == (True, (f"cat: 1 ({split})",))


@pytest.mark.parametrize("images", [3, 4])
def test_a_class_is_tiny_where_it_cannot_be_split(images: int, tmp_path: Path) -> None:
    source = fill(tmp_path / "x", {"cat": 60, "cow": 60, "owl": images})
    with_others = read_dataset(source).train
    if images < 4:
        with pytest.raises(DatasetError, match="'owl'"):
            stratified_holdout(with_others, 0.12, 0)
        assert only(look(source), "tiny class").details == ("owl: 3",)
    else:
        stratified_holdout(with_others, 0.12, 0)
        assert "tiny class" not in {finding.kind for finding in look(source).findings}


def test_copies_and_images_of_other_classes_do_not_make_a_class_larger(tmp_path: Path) -> None:
    source = fill(tmp_path / "x", {"cat": 60, "cow": 60, "owl": 3})
    shutil.copy(source / "owl" / "000.png", source / "owl" / "copy.png")
    shutil.copy(source / "cat" / "000.png", source / "owl" / "cat.png")
    assert only(look(source), "tiny class").details == ("owl: 3",)


def test_a_class_with_one_test_image_cannot_be_measured(good: Path) -> None:
    for path in sorted((good / "val" / "cow").iterdir())[1:]:
        path.unlink()
    assert only(look(good), "tiny class").details == ("cow: 1 (test)",)


def test_few_images_are_noted_where_they_would_not_fill_a_batch(tmp_path: Path) -> None:
    source = fill(tmp_path / "x", {"cat": 60, "cow": FEW, "owl": FEW - 1})
    finding = only(look(source), "few images")
    assert (finding.details, finding.mend) == ((f"owl: {FEW - 1}",), False)

    def left(count: int) -> int:
        """Images of a class that the default recipe trains on."""
        labels = np.repeat([0, 1], count)
        paths = tuple(Path(f"{label}/{i}") for i, label in enumerate(labels))
        images = LabelledImages(Path(), paths, labels, ("a", "b"))
        hashes = {path: f"{path}" for path in paths}
        kept, _ = stratified_holdout(images, 0.1, 1, hashes, keep=4)
        kept, _ = stratified_holdout(kept, 0.12, 0, hashes)
        return int((kept.labels == 0).sum())

    assert (left(FEW), left(FEW - 1)) == (BATCH_IMAGES, BATCH_IMAGES - 1)


def test_the_batch_is_that_of_the_default_recipe() -> None:
    recipe = pytest.importorskip("samekind.training.recipe").Recipe()
    assert (recipe.sampler.classes, recipe.sampler.images) == (BATCH_CLASSES, BATCH_IMAGES)
    assert (recipe.holdout.test, recipe.holdout.calibration, recipe.seed) == (TEST_SHARE, HELD_OUT_SHARE, 0)


def test_too_few_images_for_a_batch_come_with_the_setting_that_helps(tmp_path: Path) -> None:
    finding = only(look(fill(tmp_path / "x", {"cat": 10, "cow": 10, "dog": 10})), "too few images")
    assert finding.mend
    assert "--set sampler.images=3" in finding.advice


@pytest.mark.parametrize(("images", "left"), [(8, 80), (9, 100), (10, 120)])
def test_what_is_left_for_a_batch_is_counted_as_training_splits(images: int, left: int, tmp_path: Path) -> None:
    """Of 20 classes: at least two images of each are tested on, and two held out, whatever the shares say."""
    source = fill(tmp_path / "x", {f"class{i:02}": images for i in range(20)})
    found = look(source)
    assert found.ready == (left >= BATCH_CLASSES * BATCH_IMAGES)
    if not found.ready:
        finding = only(found, "too few images")
        assert finding.summary == f"{left} images are left to train on; a batch of the default recipe takes 120"
    listing = pytest.importorskip("samekind.training.images")
    prepared = pytest.importorskip("samekind.training.split")
    recipe = pytest.importorskip("samekind.training.recipe").Recipe()
    assert len(prepared.split_images(listing.list_source(source, recipe), recipe).train) == left


def test_imbalance_names_the_extremes(tmp_path: Path) -> None:
    finding = only(look(fill(tmp_path / "x", {"cat": 200, "cow": 50, "dog": 20})), "imbalance")
    assert (finding.details, finding.mend) == (("dog: 20", "cat: 200"), False)
    assert "10 times" in finding.summary
    assert "imbalance" not in {f.kind for f in look(fill(tmp_path / "y", {"cat": 190, "dog": 20})).findings}


def test_one_class_is_too_few_and_two_are_noted(tmp_path: Path) -> None:
    assert only(look(fill(tmp_path / "one", {"cat": 40})), "classes").mend
    assert not only(look(fill(tmp_path / "two", {"cat": 40, "dog": 40})), "classes").mend


def test_what_must_be_mended_comes_first(tmp_path: Path) -> None:
    source = fill(tmp_path / "x", {"cat": 300, "cow": 30, "owl": 3})
    found = look(source)
    assert [finding.mend for finding in found.findings] == sorted((f.mend for f in found.findings), reverse=True)
    assert {finding.mend for finding in found.findings} == {True, False}


# Names, nested folders, parts


def test_classes_that_differ_in_blanks_case_or_normalisation_are_named(tmp_path: Path) -> None:
    rows = []
    fill(tmp_path, {"x": 60})
    for number, name in enumerate(["caf\u00e9", "cafe\u0301", "Cow", "cow ", "dog house", "dog_house", "cat"]):
        rows += [f"x/{8 * number + i:03}.png,{name}" for i in range(8)]
    (tmp_path / "list.csv").write_text("path,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    finding = only(look(tmp_path / "list.csv"), "alike names")
    assert finding.mend
    assert [detail.count(" = ") for detail in finding.details] == [1, 1, 1]
    assert finding.summary == "3 classes have more than one spelling"


def test_nested_class_folders_are_noted_and_one_above_is_told_what_to_name(tmp_path: Path) -> None:
    fill(tmp_path / "two" / "animals", {"cat": 20, "cow": 20})
    fill(tmp_path / "two" / "things", {"jug": 20, "mug": 20}, first=9000)
    finding = only(look(tmp_path / "two"), "nested folders")
    assert (finding.mend, finding.details) == (False, ("cat", "cow", "jug", "mug"))
    fill(tmp_path / "one" / "images", {"cat": 20, "cow": 20})
    finding = only(look(tmp_path / "one"), "classes")
    assert finding.mend
    assert f"(cat, cow), give {tmp_path / 'one' / 'images'}" in finding.advice


def test_a_part_between_training_and_test_is_looked_at(good: Path) -> None:
    fill(good / "test", {"cat": 3, "cow": 3, "dog": 3}, first=80_000)
    found = look(good)
    assert (found.splits, found.findings) == (("train", "held-out", "test"), ())
    shutil.copy(good / "val" / "cat" / "000.png", good / "test" / "cat" / "copy.png")
    (good / "val" / "dog").rename(good / "val" / "dogs")
    found = look(good)
    assert only(found, "same image in two splits").files == (
        (str(good / "val" / "cat" / "000.png"), str(good / "test" / "cat" / "copy.png")),
    )
    assert "in only one of train and val" in only(found, "classes").summary


def test_what_was_passed_over_is_said(good: Path) -> None:
    (good / "train" / "cat" / "notes.txt").touch()
    (good / "extra").mkdir()
    found = look(good)
    assert found.passed_over == (
        "1 file that is no image (1 .txt)",
        "folders beside train that are no part of the data: extra",
    )


def test_the_words_are_those_that_refuse_a_training(tmp_path: Path) -> None:
    one = fill(tmp_path / "one", {"cat": 40})
    tiny = fill(tmp_path / "tiny", {"cat": 40, "cow": 1, "dog": 40})
    for source, kind in ((one, "classes"), (tiny, "tiny class")):
        finding = only(look(source), kind)
        with pytest.raises(DatasetError) as refused:
            read_dataset(source)
        assert finding.summary in str(refused.value)


def test_a_report_is_readable_as_text_and_in_a_notebook(good: Path) -> None:
    (good / "train" / "cat" / "<b>.png").write_bytes(b"no image")
    found = look(good)
    assert str(found).splitlines()[0] == "69 readable images of 3 classes"
    assert str(found).splitlines()[-1] == "ready to train"
    page = found._repr_html_()
    assert "&lt;b&gt;.png" in page
    assert "<b>.png" not in page
