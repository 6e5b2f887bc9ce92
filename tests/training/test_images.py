"""The images that a run is given, listed once."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from training.runs import TINY

from samekind.errors import DatasetError
from samekind.training import api, images
from samekind.training.images import RunImages, list_images
from samekind.training.run.settings import RunSettings


def settings(folder: Path, *tests: Path, **changes: Any) -> RunSettings:
    return RunSettings(folder=folder, output=Path("m.onnx"), recipe=TINY, init="scratch", tests=tests, **changes)


def test_test_folders_of_one_name_are_told_apart(colour_folders: Path, tmp_path: Path) -> None:
    first, second = (Path(shutil.copytree(colour_folders, tmp_path / side / "x" / "test")) for side in "ab")
    assert list(list_images(settings(colour_folders, first, second)).tests) == ["x/test", str(second)]


def test_a_run_that_goes_on_needs_no_source_but_its_tests(colour_folders: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    listed = list_images(settings(gone, colour_folders), resume=True)
    assert listed.source is None
    assert [len(images) for images in listed.tests.values()] == [96]
    with pytest.raises(DatasetError, match="gone: no such folder"):
        list_images(settings(gone, colour_folders))


def test_what_is_excluded_is_not_listed(colour_folders: Path) -> None:
    listed = list_images(settings(colour_folders, colour_folders, exclude=("*0.png",)))
    assert isinstance(listed.source, images.Dataset)
    assert len(listed.source.train) == len(next(iter(listed.tests.values()))) == 96 - 4 * 3


def test_a_folder_is_listed_once_and_handed_on(
    colour_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    given: list[RunImages] = []
    original = images.read_dataset
    monkeypatch.setattr(images, "read_dataset", lambda path, **rest: (read.append(path), original(path, **rest))[1])
    monkeypatch.setattr("samekind.training.train.train", lambda _, __, found, **___: given.append(found))
    monkeypatch.setattr("samekind.recognizer.load", lambda _: None)
    run = tmp_path / "run"
    api.train(colour_folders, tmp_path / "m.onnx", recipe=TINY, init="scratch", run=run, loggers=())
    assert read == [colour_folders]
    assert isinstance(given[0].source, images.Dataset)
    assert given[0].source.train.root == colour_folders
