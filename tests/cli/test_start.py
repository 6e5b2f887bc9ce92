"""Starting the command: help, version, and what it must not import."""

import json
import re
import subprocess
import sys
from pathlib import Path

import onnx
from commands import run
from conftest import tiny_network

import samekind

COMMANDS = ["verify", "trio", "info", "evaluate", "calibrate", "train", "reproduce", "demo", "data"]
COMMANDS += ["wrap", "push", "models", "doctor", "adapt"]
GALLERY_COMMANDS = ["index", "search", "duplicates", "cluster", "find", "match", "status", "remove", "export"]
DATA_COMMANDS = ["check", "imagenette", "pairs", "triplets", "trios"]
HEAVY = [
    *("torch", "torchvision", "timm", "lightning", "pytorch_metric_learning", "onnx", "onnxscript", "safetensors"),
    *("sklearn", "scipy", "skimage", "matplotlib", "faiss", "imagehash", "fastapi", "gradio"),
]

# Runs the command line in a process where the heavy modules cannot be imported.
BLOCKED = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ImportError(name + " must not be imported")
sys.meta_path.insert(0, Blocked())
from samekind.cli.main import run
run()
"""
# Asks each command in turn for its help, in such a process.
ALL_HELP = (
    BLOCKED.removesuffix("run()\n")
    + """
import json
for command in json.loads(sys.argv[1]):
    sys.argv = ["samekind", *command, "--help"]
    try:
        run()
    except SystemExit as end:
        print("status", end.code or 0)
"""
)


def run_blocked(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCKED, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_help_teaches_and_needs_no_extra() -> None:
    commands = [[], *([name] for name in COMMANDS + GALLERY_COMMANDS), *(["data", name] for name in DATA_COMMANDS)]
    done = subprocess.run([sys.executable, "-c", ALL_HELP, json.dumps(commands)], capture_output=True, text=True)
    *texts, rest = re.split(r"^status 0\n", done.stdout, flags=re.MULTILINE)
    assert (len(texts), rest) == (len(commands), ""), done.stderr
    for command, text in zip(commands, texts, strict=True):
        assert f"Usage: {' '.join(['samekind', *command])}" in " ".join(text.split()), command


def test_judging_needs_no_extra(photo, tiny_model: Path) -> None:
    red, blue = photo("red.png"), photo("blue.png", (0, 0, 200))
    assert run_blocked("verify", red, blue, "--model", tiny_model).returncode == 0
    assert run_blocked("trio", red, blue, red, "--model", tiny_model).returncode == 0


def test_evaluating_checking_and_drawing_lists_need_no_extra(
    colour_folders: Path, tiny_model: Path, tmp_path: Path
) -> None:
    result = run_blocked("evaluate", tiny_model, colour_folders, "--resamples", "10")
    assert result.returncode == 0, result.stderr
    assert run_blocked("data", "check", colour_folders).returncode == 0
    result = run_blocked("data", "pairs", colour_folders, "-o", tmp_path / "p.csv", "--train", "4", "--test", "2")
    assert result.returncode == 0, result.stderr


def test_calibrating_needs_no_extra(colour_folders: Path, tiny_model: Path, tmp_path: Path) -> None:
    result = run_blocked("calibrate", tiny_model, colour_folders, "-o", tmp_path / "mine.onnx")
    assert result.returncode == 0, result.stderr


def test_an_onnx_encoder_is_wrapped_made_adaptable_adapted_and_judges_without_an_extra(
    colour_domains: list[Path], many_colours: Path, tmp_path: Path
) -> None:
    onnx.save(tiny_network(), tmp_path / "encoder.onnx")
    wrapped, mine = tmp_path / "wrapped.onnx", tmp_path / "mine.onnx"
    done = run_blocked("wrap", tmp_path / "encoder.onnx", "-o", wrapped)
    assert done.returncode == 0, done.stderr
    assert "like its source on 5 pictures" in done.stdout
    labelled = [word for folder in colour_domains for word in ("--labelled", folder)]
    done = run_blocked("adapt", wrapped, many_colours, "-o", mine, *labelled)
    assert done.returncode == 0, done.stderr
    one, two = sorted(many_colours.rglob("*.png"))[:2]
    done = run_blocked("verify", one, two, "--model", mine)
    assert done.returncode == 0, done.stderr
    assert "collections of kinds that the calibration did not know" in done.stdout


def test_a_missing_extra_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    lacking = {
        "demo": "demo",
        "train x -o y.onnx": "train",
        "wrap timm:resnet18 -o y.onnx": "wrap",
        "data imagenette --to x": "train",
        "reproduce pairs --data x": "train",
        "index x": "gallery",
        "search x y": "gallery",
        "status x": "gallery",
    }
    script = f"""
import importlib.util as util, json, sys
original = util.find_spec
util.find_spec = lambda name, package=None: None if name in {HEAVY!r} else original(name, package)
from samekind.cli.main import run
for command in json.loads(sys.argv[1]):
    sys.argv = ["samekind", *command.split()]
    try:
        run()
    except SystemExit as end:
        print("status", end.code, file=sys.stderr)
"""
    words = [sys.executable, "-c", script, json.dumps([*lacking])]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    *texts, rest = re.split(r"^status 2\n", done.stderr, flags=re.MULTILINE)
    assert (len(texts), rest) == (len(lacking), ""), done.stderr
    for (command, extra), text in zip(lacking.items(), texts, strict=True):
        assert f'pip install "samekind[{extra}]"' in text, command
    assert not list(tmp_path.iterdir())


def test_version() -> None:
    assert run("--version").stdout == f"samekind {samekind.__version__}\n"


def test_the_command_is_installed() -> None:
    script = Path(sys.executable).with_name("samekind")
    result = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert result.stdout == f"samekind {samekind.__version__}\n"
