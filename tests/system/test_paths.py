from __future__ import annotations

from pathlib import Path

import pytest

from samekind.errors import GalleryError
from samekind.system.paths import given_folder, refuse_address


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("s3://bucket/photos", "addresses are not fetched"),
        ("nowhere", "nowhere: no such folder"),
        ("file.jpg", r"file\.jpg: is a file; give the folder that holds the images"),
    ],
)
def test_what_is_no_folder_is_said(given: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.jpg").touch()
    with pytest.raises(GalleryError, match=message):
        given_folder(given, GalleryError)


@pytest.mark.parametrize("address", ["https://host/a.png", "file:///photos/a.png"])
def test_an_address_keeps_its_slashes_in_the_message(address: str) -> None:
    for given in (address, Path(address)):
        with pytest.raises(GalleryError, match=f"^{address}: addresses are not fetched"):
            refuse_address(given, GalleryError)


def test_a_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "photos").mkdir()
    assert given_folder("~/photos", GalleryError) == tmp_path / "photos"
