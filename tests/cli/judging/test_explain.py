"""``samekind explain`` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import run, told
from PIL import Image


@pytest.fixture
def photos(photo: Callable[..., Path]) -> list[Path]:
    return [photo(f"{i}.png", (200, 40 + 60 * i, 40), seed=i) for i in range(3)]


def test_two_pictures_become_one_that_says_why(photos: list[Path]) -> None:
    result = run("explain", *photos[:2], "-o", "why.png", cwd=photos[0].parent)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0].split()[0] in {"same", "different"}
    assert result.stdout.splitlines()[1].startswith("a~b ")
    assert "why.png: written. Each map adds up to the similarity" in result.stderr
    with Image.open(photos[0].parent / "why.png") as drawn:
        assert drawn.format == "PNG"


def test_three_pictures_have_three_pairs_and_occlusion_says_so(photos: list[Path], tiny_model: Path) -> None:
    result = run("explain", *photos, "-o", "why.png", "--model", tiny_model, cwd=photos[0].parent)
    assert result.returncode == 0, result.stderr
    assert [line[:3] for line in result.stdout.splitlines()[1:]] == ["a~b", "a~c", "b~c"]
    assert "By occlusion" in result.stderr


def test_json_among_a_folder_needs_no_picture(photos: list[Path], many_colours: Path) -> None:
    result = run("explain", *photos[:2], "--json", "--among", many_colours)
    assert result.returncode == 0, result.stderr
    explained = json.loads(result.stdout)
    assert explained["method"] == "contributions"
    verdict = json.loads(run("verify", *photos[:2], "--json", "--among", many_colours).stdout)
    assert explained["verdict"]["similarity"] == pytest.approx(verdict["similarity"], abs=1e-4)


def test_what_cannot_be_is_refused_before_the_work(photos: list[Path]) -> None:
    folder = photos[0].parent
    nowhere = run("explain", *photos[:2])
    assert nowhere.returncode == 2
    assert "-o why.png" in nowhere.stderr
    into = run("explain", *photos[:2], "-o", folder)
    assert into.returncode == 2
    assert "is a folder" in told(into)
    before = photos[1].read_bytes()
    itself = run("explain", *photos[:2], "-o", photos[1])
    assert itself.returncode == 2
    assert "is one of the pictures, and would be written over" in told(itself)
    assert photos[1].read_bytes() == before
    (folder / "broken.jpg").write_bytes(b"no picture")
    broken = run("explain", photos[0], "broken.jpg", "-o", "why.png", cwd=folder)
    assert broken.returncode == 2
    assert "broken.jpg: not an image" in broken.stderr
    assert not (folder / "why.png").exists()
