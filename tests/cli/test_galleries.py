"""``samekind index``, ``search``, ``duplicates``, ``cluster`` and the others, as a user types them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from commands import command, holding, run
from conftest import save_noise


def age(path: Path) -> None:
    """Or it would be read again for two seconds, and named if its folder vanished meanwhile."""
    os.utime(path, (1_600_000_000, 1_600_000_000))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(9):
        name, colour = [("red", (220, 40, 40)), ("green", (40, 200, 40)), ("blue", (40, 40, 220))][number % 3]
        path = tmp_path / "photos" / f"{name}{number}.png"
        path.parent.mkdir(exist_ok=True)
        save_noise(path, colour, seed=number)
        age(path)
    shutil.copy2(tmp_path / "photos/red0.png", tmp_path / "photos/red0 copy.png")
    (tmp_path / "photos/bad.jpg").write_bytes(b"no picture")
    age(tmp_path / "photos/bad.jpg")
    return tmp_path / "photos"


@pytest.fixture
def indexed(photos: Path, tmp_path: Path, tiny_model: Path) -> Path:
    result = run("index", "photos", "--model", tiny_model, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    return tmp_path


def test_index_tells_what_it_did_and_names_what_it_could_not_read(
    photos: Path, tmp_path: Path, tiny_model: Path
) -> None:
    first = run("index", "photos", "--model", tiny_model, cwd=tmp_path)
    assert first.stdout == "photos.samekind: 10 images (10 new, 1 unreadable)\n"
    assert "samekind: photos/bad.jpg: not an image in a format that Pillow can read\n" in first.stderr
    assert run("index", ".", cwd=photos).stdout.endswith("photos.samekind: 10 images (1 unreadable)\n")
    (photos / "red0.png").rename(photos / "moved.png")
    (photos / "blue2.png").unlink()
    again = json.loads(run("index", "photos", "--json", cwd=tmp_path).stdout)
    assert (again["moved"], again["removed"], again["embedded"]) == (1, 1, 0)


def test_search_prints_writes_and_filters(indexed: Path) -> None:
    out = run("search", "photos.samekind", "photos/green1.png", "-k", "4", cwd=indexed).stdout.splitlines()
    assert out[0].startswith("p=0.99  similarity 1.00  photos/green1.png")
    assert len(out) == 4
    found = json.loads(run("search", "photos.samekind", "photos/green1.png", "--json", cwd=indexed).stdout)
    assert len(found) == 10
    assert {"probability", "similarity", "path", "name", "width", "height", "sha256"} <= set(found[0])
    likely = run("search", "photos.samekind", "photos/green1.png", "--min-probability", "0.9", "--json", cwd=indexed)
    assert len(json.loads(likely.stdout)) == 3
    run("search", "photos.samekind", "photos/green1.png", "--html", "found.html", cwd=indexed)
    assert (indexed / "found.html").read_text().count("data:image/jpeg") == 10
    run("search", "photos.samekind", "photos/green1.png", "--html", "why.html", "--why", cwd=indexed)
    assert (indexed / "why.html").read_text().count("data:image/jpeg") == 10
    assert "Warm places" in (indexed / "why.html").read_text()
    without = run("search", "photos.samekind", "photos/green1.png", "--why", cwd=indexed)
    assert without.returncode == 2
    assert "--html FILE" in without.stderr


def test_filters_of_search_duplicates_cluster_and_export(indexed: Path) -> None:
    query = ("photos.samekind", "photos/green1.png", "--json")
    found = json.loads(run("search", *query, "--where", "path like 'photos/red%'", cwd=indexed).stdout)
    assert sorted(hit["name"][:10] for hit in found) == ["photos/red"] * 4
    groups = ("duplicates", "photos.samekind", "--kind", "exact", "--json")
    assert len(json.loads(run(*groups, "--where", "path like '%red%'", cwd=indexed).stdout)) == 1
    assert json.loads(run(*groups, "--where", "path not like '%copy%'", cwd=indexed).stdout) == []
    clusters = run("cluster", "photos.samekind", "--json", "--where", "path like '%blue%'", cwd=indexed)
    assert sum(len(group["images"]) for group in json.loads(clusters.stdout)) == 3
    exported = run("export", "photos.samekind", "-o", "some.csv", "--where", "width > 100000", cwd=indexed)
    assert exported.stdout == "some.csv: 0 images\n"
    wrong = run("search", *query, "--where", "width >= wide", cwd=indexed)
    assert wrong.returncode == 2
    assert wrong.stderr == (
        "samekind: where, at character 10 (wide): width is compared with a number, without quotes\n"
    )


def test_duplicates_in_all_forms(indexed: Path) -> None:
    words = ("duplicates", "photos.samekind", "--kind", "exact")
    out = run(*words, "--plan", "plan.txt", "--html", "d.html", cwd=indexed).stdout
    assert out.startswith("1 group; 1 image could go")
    assert "Nothing was deleted" in out
    assert "  keep  photos/red0 copy.png  (first by name" in out
    assert 'remove "photos/red0.png" copy of "photos/red0 copy.png" ' in (indexed / "plan.txt").read_text()
    assert 'class="keep"' in (indexed / "d.html").read_text()
    assert (indexed / "photos/red0.png").exists()
    (group,) = json.loads(run(*words, "--json", cwd=indexed).stdout)
    assert group["images"] == ["photos/red0 copy.png", "photos/red0.png"]
    assert [(other["kinds"], other["certainty"]) for other in group["others"]] == [(["exact"], "sure")]
    assert run("duplicates", "photos.samekind", cwd=indexed).returncode == 0
    refused = run("duplicates", "photos.samekind", "--threshold", "0.9", cwd=indexed)
    assert refused.returncode == 2
    assert "copies are told by their details" in refused.stderr


def test_what_is_of_one_class_is_never_to_be_removed(indexed: Path) -> None:
    words = ("duplicates", "photos.samekind", "--kind", "same-class", "--plan", "plan.txt")
    assert "  look  " in run(*words, cwd=indexed).stdout
    assert "\nremove " not in (indexed / "plan.txt").read_text()


@pytest.mark.parametrize("place", ["photos.samekind", "photos"])
def test_copies_of_a_picture_are_found_in_a_gallery_and_in_a_folder(indexed: Path, place: str) -> None:
    shutil.copy2(indexed / "photos/red3.png", indexed / "query.png")
    found = run("find", "query.png", place, cwd=indexed)
    assert found.returncode == 0, found.stderr
    assert found.stdout == "sure  photos/red3.png  (exact, sure: the same bytes)\n"
    (match,) = json.loads(run("find", "query.png", place, "--json", cwd=indexed).stdout)
    assert (match["sure"], match["evidence"]["relation"]) == (True, "copy")
    save_noise(indexed / "other.png", (200, 200, 5), seed=500)
    missing = run("find", "other.png", place, cwd=indexed)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "no copy of other.png in" in missing.stderr
    (indexed / "card").mkdir()
    shutil.copy2(indexed / "query.png", indexed / "card/a.png")
    shutil.copy2(indexed / "other.png", indexed / "card/b.png")
    matched = run("match", "card", place, cwd=indexed)
    assert "1 of 2 images are in " in matched.stderr
    assert matched.stdout == "card/a.png  photos/red3.png  (exact, sure: the same bytes)\n"


def test_cluster_status_match_export_and_remove(indexed: Path) -> None:
    out = run("cluster", "photos.samekind", "--method", "kmeans", "-k", "3", "--html", "c.html", cwd=indexed).stdout
    assert out.startswith("10 images in 3 groups\ngroup 1: 4 images")
    assert "Groups in photos.samekind" in (indexed / "c.html").read_text()
    assert "k-means needs" in run("cluster", "photos.samekind", "--method", "kmeans", cwd=indexed).stderr
    status = run("status", "photos.samekind", cwd=indexed).stdout
    assert "  images      10\n  folders     photos\n  model       tiny" in status
    assert "photos/bad.jpg: not an image" in status
    matched = run("match", "photos.samekind", "photos.samekind", "--kind", "exact", cwd=indexed)
    assert matched.stderr == "10 of 10 images are in photos.samekind\n"
    assert run("export", "photos.samekind", "-o", "rows.npz", cwd=indexed).stdout == "rows.npz: 10 images\n"
    (indexed / "photos/within").mkdir()
    save_noise(indexed / "photos/within/a.png", (5, 5, 5), seed=80)
    assert run("index", "photos", cwd=indexed).returncode == 0
    within = run("remove", "photos.samekind", "photos/within", cwd=indexed)
    assert within.stdout == "photos.samekind: 1 images dropped, 10 left\n"
    assert (
        "photos/within lies within photos, which is indexed: the next samekind index takes it in again" in within.stderr
    )
    # The unreadable one is dropped too.
    dropped = run("remove", "photos.samekind", "photos", cwd=indexed)
    assert (dropped.stdout, dropped.stderr) == ("photos.samekind: 11 images dropped, 0 left\n", "")
    assert json.loads(run("status", "photos.samekind", "--json", cwd=indexed).stdout)["images"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("search", "none.samekind", "photos/red3.png"), "none.samekind: no such gallery; `samekind index FOLDER"),
        (("search", "photos.samekind", "none.png"), "none.png: no such file"),
        (("search", "photos.samekind", "photos/red3.png", "--model", "imagenette"), "indexed with the model 'tiny'"),
        (("duplicates", "photos/red3.png"), "not a samekind gallery"),
        (("index", "none"), "none: no such folder"),
        (("remove", "photos.samekind", "elsewhere"), "has no images of elsewhere"),
        (("index", "photos", "--index", "Nonsense"), "FAISS cannot make the index 'Nonsense'"),
    ],
)
def test_trouble_is_one_line_that_names_the_file(indexed: Path, words: tuple[str, ...], message: str) -> None:
    result = run(*words, cwd=indexed)
    assert result.returncode == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("samekind: ")]
    assert message in line
    assert "Traceback" not in result.stderr
    assert not list(indexed.glob("none*"))


def test_watching_follows_the_folder_until_ctrl_c(indexed: Path) -> None:
    words = command("index", "photos", "--watch", "--every", "0.1")
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    save_noise(indexed / "new.png", (1, 2, 3), seed=70)
    age(indexed / "new.png")
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=indexed, env=environment
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "10 images" in process.stdout.readline()
        (indexed / "new.png").rename(indexed / "photos/new.png")  # whole at once, or it might be read half-written
        assert "11 images (1 new, 1 unreadable)" in process.stdout.readline()
        # A folder that is away for a while is told of once, and followed when it is back.
        (indexed / "photos").rename(indexed / "away")
        while "no such folder; watching on" not in (line := process.stderr.readline()):
            assert line
        time.sleep(0.5)
        save_noise(indexed / "away/newer.png", (3, 2, 1), seed=71)
        age(indexed / "away/newer.png")
        (indexed / "away").rename(indexed / "photos")
        assert "12 images (1 new, 1 unreadable)" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert "watching on" not in process.communicate(timeout=300)[1]
        assert process.returncode == 130
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_keeps_what_was_done_and_says_so(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(800):
        save_noise(tmp_path / "many" / f"{number:03}.png", (number % 255, 9, 9), seed=number)
    # It waits on its way, or it could have ended before the signal comes.
    words = holding(
        "samekind.gallery.sync.examine", "read_new_image", 400, tmp_path / "go", "index", "many", "--model", tiny_model
    )
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr is not None
        assert "files:" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        (tmp_path / "go").touch()
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "what was done is kept, and the same command goes on from here" in rest
    assert "Traceback" not in rest
    done = json.loads(run("status", "many.samekind", "--json", cwd=tmp_path).stdout)["images"]
    assert 0 < done < 800
    report = json.loads(run("index", "many", "--json", cwd=tmp_path).stdout)
    assert report["added"] == 800 - done
