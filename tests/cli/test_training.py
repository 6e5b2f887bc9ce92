"""``samekind train`` and ``reproduce`` as a user types them."""

import json
from pathlib import Path

import pytest
from commands import run

pytestmark = pytest.mark.usefixtures("traced_once")
SMALL = ("--set", "network.backbone=test_resnet", "--set", "network.dimension=16", "--set", "freezing.stages=2")
TINY = (
    *("--set", "epochs=1", "--set", "network.input_size=32", "--set", "augmentation.views=1"),
    *("--set", "sampler.images=4", "--set", "sampler.classes=4", "--set", "holdout.calibration=0.3"),
)


@pytest.fixture(scope="module")
def home(colour_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``colours.onnx`` was trained."""
    home = tmp_path_factory.mktemp("home")
    result = run("train", colour_folders, "-o", "colours.onnx", "--init", "scratch", *SMALL, *TINY, cwd=home)
    assert result.returncode == 0, result.stderr
    assert "colours.onnx: written" in result.stdout
    assert "training steps: " in result.stderr
    return home


def test_train_then_verify(home: Path, colour_folders: Path) -> None:
    red, blue = colour_folders / "red" / "00.png", colour_folders / "blue" / "00.png"
    verdict = run("verify", red, blue, "--model", home / "colours.onnx", "--json")
    assert json.loads(verdict.stdout)["model"] == "colours"
    kept = home / "runs" / "colours"
    for name in ("recipe.toml", "environment.json", "split.csv", "logs/metrics.csv", "curves.png", "model.onnx"):
        assert (kept / name).stat().st_size > 0, name
    assert not (kept / "features").exists()
    again = run("train", colour_folders, "-o", "colours.onnx", "--init", "scratch", *SMALL, *TINY, cwd=home)
    assert (again.returncode, "--resume" in again.stderr) == (2, True)
    resumed = run("train", "--resume", "runs/colours", cwd=home)
    assert resumed.returncode == 0, resumed.stderr


def test_a_run_folder_is_enough_to_run_it_again(home: Path) -> None:
    kept = ("runs/colours/split.csv", "--recipe", "runs/colours/recipe.toml", "--init", "scratch")
    again = run("train", *kept, "-o", "again.onnx", cwd=home)
    assert again.returncode == 0, again.stderr
    cards = [json.loads(run("info", home / name, "--json").stdout) for name in ("colours.onnx", "again.onnx")]
    assert cards[0]["fingerprint"] == cards[1]["fingerprint"]
    assert cards[0]["pair"]["scale"] == cards[1]["pair"]["scale"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a folder of images and -o MODEL.onnx"),
        (("x", "-o", "y.onnx", "--resume", "z"), "folder cannot be given"),
        (("--resume", "z", "--set", "epochs=1"), "--set cannot be given"),
        (("--resume", "z", "--init", "scratch"), "--init cannot be given"),
        (("x", "-o", "y.onnx", "--recipe", "quads"), "no recipe 'quads': neither a file nor one of default"),
        (("x", "-o", "y.onnx", "--set", "optimiser.lr=1"), "unknown key 'optimiser'; did you mean 'optimizer'?"),
        (("x", "-o", "y.onnx", "--set", "epochs=0"), "epochs: Input should be greater than or equal to 1 (got 0)"),
        (("x", "-o", "y.onnx", "--devices", "-1"), "devices"),
        (("no-such-folder", "-o", "m.onnx"), "no-such-folder: no such folder, and no such CSV file"),
        (("--resume", "nowhere"), "nowhere: no run to resume there"),
    ],
)
def test_wrong_use_is_explained_and_leaves_nothing_behind(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    result = run("train", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("sampler.images=100", "do not fill one batch"),
        ("network.backbone=resnext_5", "no network 'resnext_5'"),
        ("freezing.stages=9", "freezing.stages cannot be 9"),
        ("freezing.head_only_epochs=1", "freezing.head_only_epochs=0"),
    ],
)
def test_a_setting_that_does_not_fit_leaves_no_run_behind(
    change: str, message: str, colour_folders: Path, tmp_path: Path
) -> None:
    # With this recipe no layer starts from noise.
    options = ("--recipe", "general", "--init", "bundled", *TINY, "--set", change)
    result = run("train", colour_folders, "-o", "c.onnx", *options, cwd=tmp_path)
    assert result.returncode == 2
    assert message in " ".join(result.stderr.split())
    assert not list(tmp_path.iterdir())


def test_a_shown_recipe_can_be_passed_back(tmp_path: Path) -> None:
    shown = run("train", "--show-recipe", "triplets").stdout
    (tmp_path / "mine.toml").write_text(shown)
    assert run("train", "--show-recipe", tmp_path / "mine.toml").stdout == shown
    changed = run("train", "--show-recipe", tmp_path / "mine.toml", "--set", "optimizer.lr=0.5").stdout
    different = [pair for pair in zip(shown.splitlines(), changed.splitlines(), strict=True) if pair[0] != pair[1]]
    assert [new.split("#")[0].split() for _, new in different] == [["lr", "=", "0.5"]]


def test_reproduce_refuses_data_without_a_test_part(colour_folders: Path, tmp_path: Path) -> None:
    result = run("reproduce", "pairs", "--data", colour_folders, cwd=tmp_path)
    assert result.returncode == 2
    assert "the protocol needs a folder with train and val" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("task", ["pairs", "trios"])
def test_reproduce_is_explained(task: str) -> None:
    text = run("reproduce", task, "--help").stdout
    assert "1,280 listed items" in text
