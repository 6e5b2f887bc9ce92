"""The examples of docs/serving.md, executed; and the container file against what the package needs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/serving.md").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_commands_of_the_guide_run(service, photo, tmp_path) -> None:
    photo("a.jpg")
    photo("b.jpg", seed=2)
    commands = re.findall(r"^\$ (curl .*)$", GUIDE, flags=re.MULTILINE)
    assert commands
    for command in commands:
        words = command.replace("http://127.0.0.1:8000", service.url).split()
        result = subprocess.run([*words, "--silent"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert set(json.loads(result.stdout)) == set(json.loads(_shown_after(command)))


def _shown_after(command: str) -> str:
    return GUIDE.partition(command + "\n")[2].partition("\n")[0]


def test_the_problems_of_the_guide_are_those_there_are(service) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", GUIDE, flags=re.DOTALL)
    with service.client() as client:
        real = client.get("/nothing").json()
    assert set(json.loads(shown)) == set(real)


def test_every_type_of_problem_is_in_the_guide() -> None:
    from samekind.server.http.problems import _TYPES

    assert [name for status, name in _TYPES.items() if f"`{name}`" not in GUIDE and status != 500] == []


def test_the_limits_in_the_guide_are_the_defaults() -> None:
    from samekind.server.limits import FORMATS, Limits

    limits = Limits()
    text = " ".join(GUIDE.split())
    for words in (
        f"{limits.image_bytes // 10**6} MB a file",
        f"{limits.request_bytes // 10**6} MB a request",
        f"beyond `--max-waiting` ({limits.waiting_images}) images",
        f"beyond {limits.held_bytes // 10**6} MB of bodies",
        f"beyond {limits.waiting_pixels // 10**6} megapixels",
        f"waited for {limits.wait_seconds:g} seconds",
        f"{limits.write_seconds:g} to take in a piece of the answer",
        f"{limits.pixels // 10**6} megapixels",
        f"{limits.scans} scans",
        f"{limits.images} files",
        f"{limits.body_seconds:g} for its body",
        f"{limits.connections} connections",
    ):
        assert words in text, words
    assert all(name in GUIDE.upper() for name in FORMATS)


def test_the_container_copies_all_that_the_build_needs() -> None:
    text = (ROOT / "Containerfile").read_text()
    copied = re.findall(r"^COPY (.*) \S+$", text, flags=re.MULTILINE)
    sources = [word for line in copied if "--from" not in line for word in line.split()]
    assert all((ROOT / source).exists() for source in sources)
    project = (ROOT / "pyproject.toml").read_text()
    needed = ["pyproject.toml", "src", *re.findall(r'readme = "(.*)"', project), "LICENSE"]
    assert set(needed) <= set(sources)
    assert re.search(r"^USER 10001$", text, flags=re.MULTILINE)


def test_the_container_is_healthy_where_it_is_told_to_look(service) -> None:
    text = (ROOT / "Containerfile").read_text().replace("\\\n", "")
    words = json.loads(re.search(r"^HEALTHCHECK .* CMD +(.*)$", text, flags=re.MULTILINE)[1])
    assert "HEALTH_PORT=8000" in text
    assert "-e HEALTH_PORT=" in GUIDE
    for port, healthy in ((service.port, True), (1, False)):
        check = subprocess.run([sys.executable, *words[1:]], env=os.environ | {"HEALTH_PORT": str(port)}, check=False)
        assert (check.returncode == 0) == healthy
