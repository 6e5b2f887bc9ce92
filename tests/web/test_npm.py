"""The npm package by its own tests, and what they compare with: it must still be what Python says."""

from __future__ import annotations

import base64
import json
import re
import runpy
import subprocess
from pathlib import Path

import numpy as np
import pytest

import samekind

WEB = Path(__file__).parents[2] / "web"


def test_the_golden_values_are_those_of_python() -> None:
    script = runpy.run_path(str(WEB / "test" / "golden.py"))
    kept, now = json.loads((WEB / "test" / "golden.json").read_text("utf-8")), script["golden"]()
    assert kept["resized"] == now["resized"]
    assert kept["explained"]["lines"] == now["explained"]["lines"]
    for before, after in zip(kept["embeddings"], now["embeddings"], strict=True):
        np.testing.assert_allclose(_floats(before), _floats(after), atol=1e-5)
    np.testing.assert_allclose(kept["pairs"], now["pairs"], atol=1e-4)
    np.testing.assert_allclose(kept["adapted"]["pairs"], now["adapted"]["pairs"], atol=1e-4)
    assert kept["trio"] == pytest.approx(now["trio"], abs=1e-4)


@pytest.mark.slow(reason="runs the network in Node.js")
@pytest.mark.parametrize("script", ["types", "test"])
def test_the_package_passes_its_own_tests(needs_node: None, script: str) -> None:
    done = subprocess.run(
        ["npm", "run", "--silent", script], cwd=WEB, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_has_the_version_of_the_library() -> None:
    package = json.loads((WEB / "package.json").read_text("utf-8"))
    assert package["version"] == samekind.__version__


def test_nothing_in_the_folder_names_where_packages_come_from() -> None:
    assert "package-lock=false" in (WEB / ".npmrc").read_text("utf-8")
    assert not list(WEB.glob("*lock*"))


def test_the_page_and_its_service_worker_have_one_policy() -> None:
    page = re.search(r'content="(default-src[^"]*)"', (WEB / "page" / "index.html").read_text("utf-8"))
    worker = re.search(
        r'"Content-Security-Policy":\s*((?:"[^"]*"[\s+]*)+)', (WEB / "page" / "service-worker.ts").read_text("utf-8")
    )
    assert page
    assert worker
    assert "".join(re.findall(r'"([^"]*)"', worker[1])) == page[1]


def _floats(encoded: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(encoded), np.float32)
