"""``samekind find`` and ``match``: kinds and evidence, in words and as JSON, in galleries and folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import run
from copies.conftest import photo as drawn
from PIL import ImageDraw

from samekind.gallery import Gallery
from samekind.system.paths import shell_word


@pytest.fixture(scope="module")
def desk(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photographs and a gallery of them; a folder with a crop, a picture with a patch, and a stranger."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "photos").mkdir()
    (folder / "card").mkdir()
    for seed in range(4):
        drawn(seed, 480, 360).save(folder / f"photos/{seed}.jpg", quality=92)
    drawn(1, 480, 360).crop((40, 30, 440, 330)).save(folder / "card/crop.jpg", quality=90)
    patched = drawn(2, 480, 360)
    ImageDraw.Draw(patched).rectangle((140, 90, 330, 260), fill=(200, 20, 40))
    patched.save(folder / "card/patched.jpg", quality=92)
    drawn(9, 480, 360).save(folder / "card/stranger.jpg")
    (folder / "card/broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    with Gallery.open(folder / "photos.samekind", model=tiny_model) as gallery:
        gallery.sync(folder / "photos")
    return folder


@pytest.mark.parametrize("place", ["photos.samekind", "photos"])
def test_a_copy_is_told_with_its_kind_and_evidence(desk: Path, place: str) -> None:
    found = run("find", "card/crop.jpg", place, cwd=desk)
    assert found.returncode == 0
    assert found.stdout.startswith("sure  photos/1.jpg  (cropped, sure: ")
    assert "features agree, nothing differs" in found.stdout
    [match] = json.loads(run("find", "card/crop.jpg", place, "--json", cwd=desk).stdout)
    assert (match["image"].rpartition("/")[2], match["relation"], match["kinds"]) == ("1.jpg", "copy", ["cropped"])
    assert (match["certainty"], match["sure"]) == ("sure", True)
    assert match["words"] in found.stdout
    assert match["evidence"]["agreeing"] >= 8


def test_what_is_no_copy_is_shown_and_does_not_count(desk: Path) -> None:
    found = run("find", "card/patched.jpg", "photos", cwd=desk)
    assert found.returncode == 1
    assert found.stdout.startswith("look  photos/2.jpg  (")
    assert "no copy of card/patched.jpg in photos" in found.stderr
    [match] = json.loads(run("find", "card/patched.jpg", "photos", "--json", cwd=desk).stdout)
    assert (match["relation"] in {"variant", "same scene"}, match["kinds"], match["sure"]) == (True, [], False)


def test_match_of_two_folders_names_what_cannot_be_read(desk: Path) -> None:
    matched = run("match", "card", "photos", cwd=desk)
    assert matched.returncode == 0
    assert matched.stdout.startswith("card/crop.jpg  photos/1.jpg  (cropped, sure: ")
    assert "1 of 3 images are in photos; 0 more to look at" in matched.stderr
    assert "card/broken.jpg" in matched.stderr
    [match] = json.loads(run("match", "card", "photos", "--json", cwd=desk).stdout)
    assert (match["relation"], match["kinds"], match["sure"]) == ("copy", ["cropped"], True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("find", "nothing.jpg", "photos"), "nothing.jpg: no such file"),
        (("find", "card", "photos"), "card: a folder, not an image file"),
        (("find", "card/broken.jpg", "photos"), "broken.jpg"),
        (("find", "card/crop.jpg", "none.samekind"), "none.samekind"),
        (("duplicates", "photos"), "a folder, no gallery; `samekind index photos` makes one"),
        (("search", "photos", "card/crop.jpg"), "a folder, no gallery"),
        (("search", "my photos.samekind", "card/crop.jpg"), f"--gallery {shell_word('my photos.samekind')}` makes one"),
    ],
)
def test_trouble_is_told_in_a_line(desk: Path, words: tuple[str, ...], says: str) -> None:
    result = run(*words, cwd=desk)
    assert (result.returncode, says in result.stderr) == (2, True), result.stderr
    assert result.stderr.count("\n") == 1
