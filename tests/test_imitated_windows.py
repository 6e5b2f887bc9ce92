"""What of Windows can be imitated elsewhere: its code page, its missing modules and functions, its names and paths.

What cannot is left to a run on Windows itself: locks on open files, the length of paths, drives.
"""

from __future__ import annotations

import csv
import json
import ntpath
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ENVIRONMENT
from conftest import COLOURS, save_noise

from samekind.datasets.dataset import read_dataset
from samekind.errors import GalleryError
from samekind.gallery import Gallery, write_cluster_folders
from samekind.system import paths

# No encoding but the code page, nothing of POSIX; a file that is opened as text without an encoding is an error.
_WINDOWS = """
import json, os, signal, sys, warnings
import filelock, numpy, PIL.Image, rich.console, typer, onnxruntime  # they have their own ways on Windows
for module in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[module] = None
for name in ("fork", "register_at_fork", "sched_getaffinity", "getuid", "geteuid", "mkfifo", "chown"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGUSR1", "SIGALRM", "pthread_sigmask"):
    if hasattr(signal, name):
        delattr(signal, name)
def no_links(*arguments, **options):
    raise OSError(1314, "A required privilege is not held by the client")
os.symlink = no_links
warnings.filterwarnings("ignore", category=EncodingWarning)
warnings.filterwarnings("error", category=EncodingWarning, module=r"samekind\\\\.")
from samekind.cli.main import run
from samekind.fitting.calibrations import trio_items
trio_items.__kwdefaults__["most"] //= 10
for step in json.loads(sys.argv[1]):
    sys.argv = ["samekind", *step]
    try:
        run()
    except SystemExit as end:
        if end.code and not (end.code == 1 and step[:2] == ["data", "check"]):
            print(step, file=sys.stderr)
            raise
"""
CODE_PAGE = "cp1252"


def windows(*steps: tuple[object, ...], cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Commands, one after the other in one process, up to the first that ends with an error."""
    environment = ENVIRONMENT | {"PYTHONIOENCODING": CODE_PAGE, "PYTHONUTF8": "0", "PYTHONWARNDEFAULTENCODING": "1"}
    words = [sys.executable, "-c", _WINDOWS, json.dumps([[str(word) for word in step] for step in steps])]
    result = subprocess.run(words, capture_output=True, cwd=cwd, env=environment)
    for written in (result.stdout, result.stderr):
        assert b"Traceback" not in written, written.decode(CODE_PAGE)
        written.decode(CODE_PAGE)
    return result


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Class folders of four colours, with names that the code page has, and that it lacks."""
    for number, (name, colour) in enumerate(COLOURS.items()):
        folder = tmp_path / "photos" / {0: "Łódź", 1: "café"}.get(number, name)
        folder.mkdir(parents=True)
        for i in range(16):
            save_noise(folder / f"{'猫' if i == 1 else ''}{i}.png", colour, 100 * number + i)
    return tmp_path / "photos"


def test_the_commands_work_with_a_code_page_and_without_posix(photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    model = ("--model", tiny_model)
    steps = [
        ("data", "check", "photos"),
        ("data", "pairs", "photos", "-o", "pairs.csv", "--train", "8", "--test", "4"),
        ("verify", "--pairs", "pairs.csv", "-o", "verdicts.csv", *model),
        ("index", "photos", *model),
        ("status", "photos.samekind"),
        ("search", "photos.samekind", "photos/café/猫1.png", "--html", "found.html"),
        ("duplicates", "photos.samekind", "--kind", "exact", "--plan", "plan.txt"),
        ("duplicates", "--apply", "plan.txt", "--yes"),
        ("duplicates", "--undo", "removed-by-samekind"),
        ("cluster", "photos.samekind", "--method", "kmeans", "-k", "4", "--into", "sorted", "--copy"),
        ("export", "photos.samekind", "-o", "rows.csv"),
        ("evaluate", tiny_model, "photos", "--resamples", "10", "--trio-count", "200"),
        ("calibrate", tiny_model, "photos", "-o", "mine.onnx"),
        ("info", "mine.onnx", "--all"),
    ]
    shutil.copy(photos / "café" / "2.png", photos / "café" / "猫 copy.png")
    result = windows(*steps, cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode(CODE_PAGE)
    with (tmp_path / "verdicts.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) > 10
    assert len(list((tmp_path / "sorted").rglob("*.png"))) == 65
    found = json.loads(windows(("search", "photos.samekind", "photos/café/猫1.png", "--json"), cwd=tmp_path).stdout)
    assert found[0]["name"] == "photos/café/猫1.png"


def test_where_no_links_can_be_made_copies_are_proposed(photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    cluster = ("cluster", "photos.samekind", "--method", "kmeans", "-k", "2", "--into", "sorted")
    result = windows(("index", "photos", "--model", tiny_model), cluster, cwd=tmp_path)
    assert (result.returncode, b"no links can be made here" in result.stderr) == (2, True)
    assert b"--copy" in result.stderr
    assert not (tmp_path / "sorted").exists()


def test_a_list_may_have_the_paths_of_windows(photos: Path, tmp_path: Path) -> None:
    rows = [(ntpath.join("photos", path.parent.name, path.name), path.parent.name) for path in photos.rglob("*.png")]
    with (tmp_path / "list.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=";").writerows([("Path", "Label"), *rows])
    assert len(read_dataset(tmp_path / "list.csv").train) == 64


def test_a_path_on_another_drive_is_written_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def relpath(path: object, start: object) -> str:
        return ntpath.relpath(f"D:{path}", f"C:{start}")

    monkeypatch.setattr(paths.os.path, "relpath", relpath)
    assert paths.relative_path(tmp_path / "a.png", tmp_path) == (tmp_path / "a.png").as_posix()


def test_folders_that_differ_in_case_alone_are_named(tmp_path: Path) -> None:
    from samekind import check

    for number, name in enumerate(("Cat", "cat", "dog")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(5):
            save_noise(tmp_path / "data" / name / f"{i}.png", (60 * number, 90, 90), 10 * number + i)
    assert "Cat" in str(check(tmp_path / "data"))
    assert "differ" in str(check(tmp_path / "data")) or "alike" in str(check(tmp_path / "data"))


def test_names_in_groups_are_names_on_windows(photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    forbidden = set('<>:"/\\|?*')
    for number, name in enumerate(("a:b.png", "what?.png", "x|y.png", "back\\slash.png", "dots. .png")):
        save_noise(photos / "café" / name, (90, 90, 20 * number), 900 + number)
    with Gallery.open(tmp_path / "p.samekind", model=tiny_model) as gallery:
        gallery.sync(photos)
        write_cluster_folders(tmp_path / "sorted", gallery.clusters("kmeans", k=2), [photos])
        with pytest.raises(GalleryError):
            write_cluster_folders(tmp_path / "sorted", gallery.clusters("kmeans", k=2), [photos])
    for folder, folders, files in os.walk(tmp_path / "sorted"):
        del folder
        for name in (*folders, *files):
            assert not forbidden & set(name), name
            assert name == name.rstrip(" ."), name
