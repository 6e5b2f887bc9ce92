"""The golden vectors of the specification: samekind gives them, and so does a reader that does without it."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import samekind
from samekind.model_file.file import find_model

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
VECTORS = REFERENCE / "golden-vectors.json"
SCRIPT = Path(__file__).parents[1] / "benchmarks" / "golden_vectors.py"


@pytest.fixture(scope="module")
def golden() -> dict:
    return json.loads(VECTORS.read_text(encoding="utf-8"))


def test_samekind_agrees_with_the_golden_vectors(golden: dict) -> None:
    # By its path: with all scripts on sys.path, some would be taken for folders of tests.
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    found = script.golden_vectors(samekind.load(threads=1))
    assert found["fingerprint"] == golden["fingerprint"]
    for name, expected in golden["pictures"].items():
        assert found["pictures"][name]["sha256"] == expected["sha256"]
        np.testing.assert_allclose(found["pictures"][name]["embedding"], expected["embedding"], atol=1e-4)
    for kind in ("pairs", "trios"):
        for mine, theirs in zip(found[kind], golden[kind], strict=True):
            assert list(mine["of"]) == theirs["of"]
            for point, expected in theirs["verdicts"].items():
                assert mine["verdicts"][point]["same"] == expected["same"]
                assert mine["verdicts"][point]["probability"] == pytest.approx(expected["probability"], abs=1e-3)


def test_both_answers_are_among_them(golden: dict) -> None:
    for kind in ("pairs", "trios"):
        said = {verdict["same"] for item in golden[kind] for verdict in item["verdicts"].values()}
        assert said == {True, False}, kind


def read(vectors: Path) -> subprocess.CompletedProcess:
    """The reader of the reference, in a process that cannot import samekind."""
    command = [sys.executable, "-P", str(REFERENCE / "reader.py"), str(find_model("general")), str(vectors)]
    environment = {"OMP_NUM_THREADS": "1", "PATH": "", "SYSTEMROOT": "C:/Windows"}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_a_reader_without_samekind_agrees_with_them() -> None:
    result = read(VECTORS)
    assert result.returncode == 0, result.stderr
    assert "all the same" in result.stdout


def test_a_reader_notices_what_does_not_agree(golden: dict, tmp_path: Path) -> None:
    golden["pictures"]["rings"]["embedding"][7] += 0.01
    changed = tmp_path / "golden.json"
    changed.write_text(json.dumps(golden), encoding="utf-8")
    result = read(changed)
    assert result.returncode != 0
    assert "too far" in result.stderr
