import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import save_noise
from copies.conftest import photo, save_parts
from PIL import Image

import samekind
from samekind import audit
from samekind.auditing.report import KINDS
from samekind.errors import DatasetError


def test_a_wrong_label_is_found_with_its_class_and_the_pictures_beside_it(photos: Path, tiny_model: Path) -> None:
    shutil.move(photos / "red" / "03.png", photos / "blue" / "odd.png")
    found = audit(photos, tiny_model)
    [label] = found.of("label")
    assert (label.path.name, label.label, label.proposed) == ("odd.png", "blue", "red")
    assert label.score > 0.9
    assert {path.parent.name for path in label.own} == {"blue"}
    assert {path.parent.name for path in label.other} == {"red"}
    assert found.most_doubtful[0] == label.path


def test_each_kind_comes_with_the_surest_first(photos: Path, tiny_model: Path) -> None:
    shutil.move(photos / "red" / "03.png", photos / "blue" / "odd.png")
    shutil.copy(photos / "red" / "04.png", photos / "green" / "copy.png")
    found = audit(photos, tiny_model)
    order = [KINDS.index(one.finding) for one in found.findings]
    assert order == sorted(order)
    for kind in KINDS:
        scores = [one.score for one in found.of(kind)]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)


def test_a_stranger_is_found(photos: Path, tiny_model: Path) -> None:
    # The tiny model sees mean colours: black is of no colour.
    save_noise(photos / "red" / "stranger.png", (5, 5, 5), 0)
    assert [one.path.name for one in audit(photos, tiny_model).of("outlier")][:1] == ["stranger.png"]


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Two classes in two parts; copies within a class, across classes, and across the parts."""
    save_parts(tmp_path, train=range(12), val=range(12, 18))
    photo(1).resize((240, 180)).save(tmp_path / "train/jug/smaller.png")
    photo(2).crop((20, 10, 300, 230)).save(tmp_path / "train/jug/other-class.png")
    photo(12).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "train/mug/leak.png")
    shutil.copy(tmp_path / "val/jug/13.png", tmp_path / "train/jug/leaked-bytes.png")
    return tmp_path


def test_copies_within_across_classes_and_across_parts(parts: Path, tiny_model: Path) -> None:
    found = audit(parts, tiny_model)
    assert {one.path.name for one in found.of("leak")} == {"leak.png", "leaked-bytes.png"}
    assert {one.split for one in found.of("leak")} == {"train"}
    copies = {one.path.name: one for one in found.of("copy")}
    assert len(copies) == 2
    assert "smaller.png" in copies
    [other] = [one for name, one in copies.items() if name != "smaller.png"]
    assert "the other is in another class" in other.words
    assert found.tested == (6, 2)
    assert "2 of 6 test images have a copy" in str(found)


def test_unreadable_and_hard_files_are_named(photos: Path, tiny_model: Path) -> None:
    (photos / "red" / "bad.png").write_bytes(b"no image")
    Image.new("RGB", (300, 40), (200, 40, 40)).save(photos / "red" / "flat.png")
    found = audit(photos, tiny_model)
    assert ["bad.png" in message for message in found.unreadable] == [True]
    [bad] = [one for one in found.of("quality") if one.path.name == "bad.png"]
    assert (bad.label, bad.proposed, bad.score, bad.words[:16]) == ("red", "remove", 1.0, "cannot be read: ")
    assert photos / "red" / "bad.png" not in found.paths
    assert any(one.path.name == "flat.png" and "uniform" in one.words for one in found.of("quality"))


def test_the_order_of_the_images_makes_no_difference(photos: Path, tiny_model: Path) -> None:
    shutil.move(photos / "red" / "03.png", photos / "blue" / "odd.png")
    rows = [(path, path.parent.name) for path in sorted(photos.rglob("*.png"))]
    first, second = audit(rows, tiny_model), audit(rows[::-1], tiny_model)
    assert [(one.path, one.finding, one.proposed) for one in first.findings] == [
        (one.path, one.finding, one.proposed) for one in second.findings
    ]


def test_one_class_and_none(photos: Path, tiny_model: Path) -> None:
    for folder in ("blue", "green", "grey"):
        shutil.rmtree(photos / folder, ignore_errors=True)
    kept = [path for path in photos.iterdir() if path.is_dir()]
    assert len(kept) >= 1
    one = audit(photos, tiny_model)
    flat = audit(kept[0], tiny_model)
    assert flat.of("label") == ()
    assert any("no classes" in note for note in flat.notes)
    assert len(one.paths) >= len(flat.paths)


def test_one_image(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "only").mkdir()
    save_noise(tmp_path / "only" / "1.png", (200, 40, 40), 0)
    found = audit(tmp_path, tiny_model)
    assert len(found.paths) == 1
    assert found.of("label") == found.of("outlier") == found.of("copy") == ()


def test_a_class_of_one_image_is_said_to_be_beyond_judging(photos: Path, tiny_model: Path) -> None:
    (photos / "alone").mkdir()
    save_noise(photos / "alone" / "1.png", (90, 90, 20), 0)
    found = audit(photos, tiny_model)
    assert any("1 classes have one image" in note for note in found.notes)
    assert all(one.label != "alone" for one in found.of("label"))


def test_what_the_model_was_made_of_is_said(photos: Path, tmp_path: Path, tiny_model: Path) -> None:
    from samekind.model_file.file import SeenImages, read_model, write_model
    from samekind.system.hashing import content_hash

    model = read_model(tiny_model)
    seen = SeenImages([content_hash(path) for path in photos.rglob("*.png")])
    write_model(tmp_path / "seen.onnx", model.data, model.card, seen)
    assert any("96 of 96 images had a part" in note for note in audit(photos, tmp_path / "seen.onnx").notes)


def test_nothing_readable_is_an_error(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match="none of 1 files can be read"):
        audit(tmp_path, tiny_model)
    with pytest.raises(DatasetError):
        audit(tmp_path / "nowhere", tiny_model)


def test_swapped_labels_of_real_pictures(shared: Path) -> None:
    """Twelve of each of twenty products; the model has seen them, which hides wrong labels, but not these."""
    folders = sorted((shared / "data" / "grocery-81").iterdir())[:20]
    rows = [(path, folder.name) for folder in folders for path in sorted(folder.iterdir())[:8]]
    rng = np.random.default_rng(0)
    wrong = set(rng.choice(len(rows), 8, replace=False).tolist())
    moved = [(path, folders[(n // 8 + 7) % 20].name if n in wrong else label) for n, (path, label) in enumerate(rows)]
    found = samekind.audit(moved)
    first = {rows.index((path, path.parent.name)) for path in found.most_doubtful[:8]}
    assert len(first & wrong) >= 6


def test_what_was_audited_is_not_written_over(parts: Path, tiny_model: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    images = sorted(parts.rglob("*.png")) or sorted(parts.rglob("*.jpg"))
    listed.write_text("path,label\n" + "".join(f"{path},{path.parent.name}\n" for path in images))
    before = listed.read_bytes()
    report = audit(listed, tiny_model)
    for write in (report.save_csv, report.save_html):
        with pytest.raises(DatasetError, match="is one of the inputs"):
            write(listed)
    assert listed.read_bytes() == before
