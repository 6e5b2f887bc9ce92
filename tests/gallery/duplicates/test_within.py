"""Copies among pictures that are no files of their own: within a tar file, or behind an address."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from commands import run
from gallery.conftest import LONG_AGO, age
from gallery.duplicates.test_near import blobs, save

import samekind
from samekind.errors import GalleryError
from samekind.gallery import Gallery, write_duplicates_sheet, write_hits_sheet
from samekind.gallery.plan import planned_group


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Four pictures, and the first at half its size."""
    for seed in range(4):
        save(blobs(seed), tmp_path / f"pictures/{seed}.jpg")
    save(blobs(0).resize((240, 180)), tmp_path / "pictures/half.jpg")
    return tmp_path / "pictures"


@pytest.fixture
def address(pictures: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=pictures)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(params=["tar", "address"])
def within(request: pytest.FixtureRequest, gallery: Gallery, pictures: Path, tiny_model: Path, tmp_path: Path) -> str:
    """What begins the names of the pictures in the gallery; the pictures themselves are gone, or behind the address."""
    if request.param == "tar":
        with tarfile.open(tmp_path / "all.tar", "w") as tar:
            for path in sorted(pictures.iterdir()):
                tar.add(path, path.name)
        source, name = str(tmp_path / "all.tar"), "all.tar#"
    else:
        name = f"{request.getfixturevalue('address')}/"
        source = str(tmp_path / "list.txt")
        Path(source).write_text("".join(f"{name}{path.name}\n" for path in sorted(pictures.iterdir())))
    samekind.embed(source, tmp_path / "shards", model=tiny_model)
    gallery.add_shards(tmp_path / "shards")
    return name


def test_copies_are_found_and_compared_and_none_is_to_be_removed(gallery: Gallery, within: str) -> None:
    (group,) = gallery.duplicates()
    assert (group.keep.name, [row.name for row in group.to_look_at]) == (f"{within}0.jpg", [f"{within}half.jpg"])
    (other,) = group.others
    assert other.kinds == ("resized",)
    assert other.evidence is not None
    assert other.evidence.sure  # the pixels themselves were compared
    assert other.doubt == "it is within a tar or Parquet file, or behind an address"
    assert not group.spare
    assert [line.action for line in planned_group(group).lines] == ["keep", "look"]


def test_a_picture_is_found_among_them(gallery: Gallery, within: str, pictures: Path) -> None:
    found = gallery.copies_of(pictures / "0.jpg")
    assert [(match.row.name, match.sure) for match in found] == [(f"{within}0.jpg", True), (f"{within}half.jpg", True)]
    done = run("find", pictures / "0.jpg", gallery.path)
    assert (done.returncode, f"{within}half.jpg" in done.stdout) == (0, True)


def test_they_are_shown_on_pages(gallery: Gallery, within: str, pictures: Path, tmp_path: Path) -> None:
    write_duplicates_sheet(tmp_path / "d.html", "Copies", gallery.duplicates(), gallery.folder)
    write_hits_sheet(tmp_path / "s.html", "half", gallery.search(pictures / "half.jpg", 3))
    for name, count in (("d.html", 2), ("s.html", 3)):
        page = (tmp_path / name).read_text()
        assert page.count("data:image/jpeg") == count
        assert "no longer readable" not in page
    assert (f'href="{within}half.jpg"' in (tmp_path / "d.html").read_text()) == ("://" in within)


def test_what_has_changed_meanwhile_is_no_sure_copy(
    gallery: Gallery, within: str, pictures: Path, tmp_path: Path
) -> None:
    shutil.copyfile(pictures / "3.jpg", pictures / "half.jpg")
    (tmp_path / "all.tar").unlink(missing_ok=True)
    assert [match.sure for match in gallery.copies_of(pictures / "0.jpg")] == [True, False]


def test_they_are_dropped_by_what_they_are_within(gallery: Gallery, within: str, tmp_path: Path) -> None:
    one = f"{within}half.jpg"
    if "://" in within:
        assert gallery.remove(one) == 1
        assert gallery.remove(within) == 4
    else:
        with pytest.raises(GalleryError, match=r"has no images of .*other\.tar"):
            gallery.remove(tmp_path / "other.tar")
        done = run("remove", gallery.path, "all.tar", cwd=tmp_path)
        assert "5 images dropped, 0 left" in done.stdout
    assert not len(gallery)


def test_when_what_is_behind_an_address_was_written_is_not_known(gallery: Gallery, within: str, pictures: Path) -> None:
    known = [row.name for row in gallery.rows("mtime is known")]
    assert [name for name in known if "://" in name] == []
    assert len(known) == (0 if "://" in within else 5)


def test_a_file_with_more_pages_stays_though_a_tar_has_it_too(
    gallery: Gallery, pictures: Path, tiny_model: Path, tmp_path: Path
) -> None:
    pages = pictures / "pages.tif"
    blobs(0).resize((240, 180)).save(pages, save_all=True, append_images=[blobs(9).resize((240, 180))])
    age(pages)
    with tarfile.open(tmp_path / "old.tar", "w") as tar:
        tar.add(pages, "pages.tif")
    age(tmp_path / "old.tar", LONG_AGO - 1000)  # so that of the two it is the one worth keeping
    samekind.embed(tmp_path / "old.tar", tmp_path / "shards", model=tiny_model)
    gallery.sync(pictures)
    gallery.add_shards(tmp_path / "shards")
    (group,) = gallery.duplicates()
    doubts = {other.row.name: other.doubt for other in group.others}
    assert doubts["pictures/pages.tif"] == "it has more frames or pages"
    assert doubts["old.tar#pages.tif"] == "it is within a tar or Parquet file, or behind an address"
