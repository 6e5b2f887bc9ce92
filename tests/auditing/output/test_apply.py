import csv
import shutil
from pathlib import Path

import pytest
from conftest import save_noise

from samekind import apply_audit, audit
from samekind.datasets.dataset import read_dataset
from samekind.errors import DatasetError


def edited(path: Path, change: object) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows = change(rows)  # type: ignore[operator]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def audited(photos: Path, tiny_model: Path) -> Path:
    """A list of one wrong label and one copy."""
    shutil.move(photos / "red" / "03.png", photos / "blue" / "odd.png")
    shutil.copy(photos / "blue" / "05.png", photos / "blue" / "twin.png")
    path = photos.parent / "audit.csv"
    audit(photos, tiny_model).save_csv(path)
    edited(path, lambda rows: [row for row in rows if row["finding"] in {"label", "copy"}])
    return path


def test_the_list_has_the_columns_and_relative_paths(audited: Path) -> None:
    header, *rows = audited.read_text().splitlines()
    assert header.startswith("path,label,finding,proposed,score,")
    assert rows[0].startswith("photos/blue/odd.png,blue,label,red,")


def test_a_manifest_has_the_proposed_labels_and_no_copies_and_files_are_not_touched(audited: Path) -> None:
    before = {path: path.read_bytes() for path in audited.parent.rglob("*.png")}
    applied = apply_audit(audited, audited.parent / "manifest.csv")
    assert (applied.kept, applied.relabelled, applied.removed) == (96, 1, 1)
    images = read_dataset(audited.parent / "manifest.csv").train
    labels = {path.name: images.classes[label] for path, label in zip(images.paths, images.labels, strict=True)}
    assert labels["odd.png"] == "red"
    assert len({"05.png", "twin.png"} & {path.name for path in images.paths if path.parent.name == "blue"}) == 1
    assert {path: path.read_bytes() for path in audited.parent.rglob("*.png")} == before


def test_a_manifest_applies_to_a_manifest(audited: Path, tiny_model: Path) -> None:
    folder = audited.parent
    apply_audit(audited, folder / "first.csv")
    found = audit(folder / "first.csv", tiny_model)
    assert found.of("copy") == found.of("label") == ()
    (folder / "second.csv").write_text("path,label,finding,proposed\nphotos/blue/odd.png,red,label,blue\n")
    applied = apply_audit(folder / "second.csv", folder / "third.csv", folder / "first.csv")
    assert (applied.kept, applied.relabelled, applied.removed) == (96, 1, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda row: row | {"path": "photos/red/nowhere.png"}, "not among the images"),
        (lambda row: row | {"label": "green"}, "is of class 'blue' by now, not 'green'"),
        (lambda row: row | {"sha256": "0" * 64}, "has changed since the audit"),
        (lambda row: row | {"finding": "odd"}, "has the finding 'odd'"),
        (lambda row: row | {"proposed": " "}, "proposes nothing"),
        (lambda row: row | {"path": ""}, "has no path"),
        (lambda row: row | {"data": ""}, "give it: --data"),
    ],
)
def test_what_is_wrong_in_the_list_is_refused_by_its_line(audited: Path, change: object, words: str) -> None:
    edited(audited, lambda rows: [change(rows[0]), *rows[1:]])  # type: ignore[operator]
    with pytest.raises(DatasetError, match=words):
        apply_audit(audited, audited.parent / "manifest.csv")
    assert not (audited.parent / "manifest.csv").exists()


def test_a_file_that_changed_is_refused(audited: Path) -> None:
    save_noise(audited.parent / "photos" / "blue" / "odd.png", (1, 2, 3), 9)
    with pytest.raises(DatasetError, match=r"odd.png has changed since"):
        apply_audit(audited, audited.parent / "manifest.csv")


def test_two_classes_for_one_image_are_refused_and_leaving_out_wins(audited: Path) -> None:
    edited(audited, lambda rows: [rows[0], rows[0] | {"proposed": "green"}])
    with pytest.raises(DatasetError, match="is to be 'red' and 'green'"):
        apply_audit(audited, audited.parent / "manifest.csv")
    edited(audited, lambda rows: [rows[0], rows[0] | {"finding": "outlier", "proposed": "remove"}])
    assert apply_audit(audited, audited.parent / "manifest.csv").removed == 1


def test_what_is_read_is_never_written_over(audited: Path) -> None:
    with pytest.raises(DatasetError, match="is one of the inputs"):
        apply_audit(audited, audited)


def test_what_cannot_be_read_is_left_out(photos: Path, tiny_model: Path) -> None:
    (photos / "red" / "bad.png").write_bytes(b"no image")
    (photos / "blue" / "empty.png").touch()
    found, listed, manifest = audit(photos, tiny_model), photos.parent / "audit.csv", photos.parent / "manifest.csv"
    found.save_csv(listed)
    edited(listed, lambda rows: [row for row in rows if row["path"].endswith(("bad.png", "empty.png"))])
    assert apply_audit(listed, manifest).removed == 2
    assert not {"bad.png", "empty.png"} & {path.name for path in read_dataset(manifest).train.paths}
    (photos / "red" / "bad.png").write_bytes(b"mended since")
    with pytest.raises(DatasetError, match=r"bad\.png has changed since the audit"):
        apply_audit(listed, manifest)


def test_what_was_to_be_left_out_and_is_gone_is_left_out(photos: Path, tiny_model: Path) -> None:
    bad, listed, manifest = photos / "red" / "bad.png", photos.parent / "audit.csv", photos.parent / "manifest.csv"
    bad.write_bytes(b"no image")
    audit(photos, tiny_model).save_csv(listed)
    edited(listed, lambda rows: [row for row in rows if row["path"].endswith("bad.png")])
    bad.unlink()
    assert apply_audit(listed, manifest).removed == 0
    assert manifest.is_file()
