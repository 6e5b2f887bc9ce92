"""What is refused before torch is imported."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samekind.errors import DatasetError, MissingExtraError, TrainingError
from samekind.training.recipe import Recipe
from samekind.training.run import preflight as module
from samekind.training.run.folder import RunFolder
from samekind.training.run.preflight import preflight, refuse_missing_extra
from samekind.training.run.settings import RunSettings

Make = Callable[..., RunSettings]


@pytest.fixture
def make(colour_folders: Path, tmp_path: Path) -> Make:
    def settings(**changes: Any) -> RunSettings:
        given = {"folder": colour_folders, "output": tmp_path / "m.onnx", "recipe": Recipe(), "init": "bundled"}
        return RunSettings(**(given | changes))

    return settings


def test_what_fits_passes_and_leaves_nothing_behind(make: Make, tmp_path: Path) -> None:
    preflight(make(output=tmp_path / "new" / "deep" / "m.onnx"), RunFolder(tmp_path / "run"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("folder", "nowhere", "nowhere: no such folder, and no such CSV file"),
        ("output", "folder", "folder: is a folder; name the model file to write"),
        ("output", "file/m.onnx", "cannot be written, for .*file is no folder"),
        ("init", "none.safetensors", r"none\.safetensors: no such file"),
        ("init", "none.onnx", r"cannot start from .*none\.onnx.*; or --init imagenet, bundled, scratch"),
        ("tests", ("nowhere",), "nowhere: no such folder"),
        ("loggers", ("mlflow",), "no logger 'mlflow'"),
    ],
)
def test_what_is_missing_is_named(name: str, value: Any, message: str, make: Make, in_folder: Path) -> None:
    (in_folder / "folder").mkdir()
    (in_folder / "file").touch()
    with pytest.raises((TrainingError, DatasetError), match=message):
        preflight(make(**{name: value}), RunFolder("run"))


def test_an_output_folder_that_cannot_be_written_is_named(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.os, "access", lambda path, _: path != tmp_path)  # root may write anywhere
    with pytest.raises(TrainingError, match=f"no permission to write into {tmp_path}"):
        preflight(make(), RunFolder(tmp_path / "run"))


def test_too_little_shared_memory_is_refused(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samekind.training.batches.workers._SHARED", tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 0, 10**6))
    with pytest.raises(TrainingError, match=r"10 MB are needed and 1 MB are free.*--shm-size=2g"):
        preflight(make(), RunFolder(tmp_path / "run"))


def test_one_class_is_refused(make: Make, colour_folders: Path, tmp_path: Path) -> None:
    shutil.copytree(colour_folders / "red", tmp_path / "data" / "red")
    with pytest.raises(DatasetError, match="there is one class only"):
        preflight(make(folder=tmp_path / "data"), RunFolder(tmp_path / "run"))


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_missing_extra()
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "timm" else object())
    with pytest.raises(MissingExtraError, match="timm is not installed") as error:
        refuse_missing_extra()
    assert error.value.extra == "train"


# Whatever is refused by names alone is refused in a process that cannot import torch.
_WITHOUT_TORCH = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in {"torch", "timm", "lightning", "onnx"}:
            raise AssertionError(name + " was imported")
from samekind.errors import SamekindError
from samekind.training import api
sys.meta_path.insert(0, Blocked())
import samekind.training.run.preflight as preflight
preflight.find_spec = lambda name: object()
try:
    api.train(sys.argv[1], "m.onnx", **eval(sys.argv[2]))
except SamekindError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("folder", "arguments", "message"),
    [
        ("/no/such", {}, "/no/such: no such folder"),
        ("colours", {"recipe": "quads"}, "no recipe 'quads'"),
        ("colours", {"recipe": {"epoch": 3}}, "unknown key 'epoch'; did you mean 'epochs'?"),
        ("colours", {"changes": ["optimiser.lr=1"]}, "unknown key 'optimiser'"),
        ("colours", {"init": "none.safetensors"}, "none.safetensors: no such file"),
        ("colours", {"holdout_classes": 3}, "of 4 classes, 2 to 2 can be held out"),
    ],
)
def test_refusals_need_no_torch(
    folder: str, arguments: dict[str, Any], message: str, colour_folders: Path, tmp_path: Path
) -> None:
    images = str(colour_folders) if folder == "colours" else folder
    command = [sys.executable, "-c", _WITHOUT_TORCH, images, repr(arguments)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert message in result.stdout, result.stdout + result.stderr
    assert not list(tmp_path.iterdir())


def test_images_that_fill_no_batch_are_refused_before_they_are_looked_at(
    make: Make, colour_folders: Path, tmp_path: Path
) -> None:
    for name in ("red", "blue"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for path in sorted((colour_folders / name).iterdir())[:6]:
            shutil.copy(path, tmp_path / "data" / name)
    with pytest.raises(TrainingError, match=r"12 images do not fill one batch of \d+; add some, or try --set sampler"):
        preflight(make(folder=tmp_path / "data"), RunFolder(tmp_path / "run"))


def test_without_a_network_the_start_that_needs_none_is_named_at_once(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub").constants
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "getproxies", dict)

    def unreachable(*_: object, **__: object) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(module.socket, "create_connection", unreachable)
    with pytest.raises(TrainingError, match=r"cannot be reached \(Name or service not known\).* --init bundled works"):
        preflight(make(init="imagenet"), RunFolder(tmp_path / "run"))
    (tmp_path / "cache" / "models--timm--tf_efficientnet_b0.aa_in1k").mkdir(parents=True)
    preflight(make(init="imagenet"), RunFolder(tmp_path / "run"))  # it was downloaded before
