"""Addresses with a password in a place where they do not belong: it is not repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import run

import samekind
from samekind.errors import SamekindError
from samekind.system.passwords import without_passwords

_DATABASE = "postgresql://me:hunter2@127.0.0.1:1/shop"


@pytest.mark.parametrize(
    "words",
    [
        (_DATABASE,),
        ("find", _DATABASE, "query.jpg"),
        ("index", _DATABASE),
        ("index", "photos", _DATABASE),
        ("index", "photos", "-g", _DATABASE.replace("postgresql", "postgresql+psycopg")),
        ("search", "query.jpg", _DATABASE),
        ("embed", _DATABASE, "-o", "shards"),
        ("info", _DATABASE),
        ("export", _DATABASE, "-o", _DATABASE),
        ("serve", _DATABASE),
        ("verify", "a.jpg", "b.jpg", "--model", _DATABASE),
        ("explain", "a.jpg", _DATABASE, "-o", "why.png"),
        ("status", f"{_DATABASE}?schema=A"),
        ("status", "http://me:hunter2@127.0.0.1:1/a.jpg"),
    ],
    ids=" ".join,
)
def test_a_password_in_the_wrong_place_is_not_repeated(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    result = run(*words, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr
    assert "hunter2" not in result.stdout + result.stderr


@pytest.mark.parametrize("scheme", ["postgresql", "POSTGRES"])
def test_the_scheme_is_taken_in_any_case(scheme: str, tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    said = run("status", f"{scheme}://me:hunter2@127.0.0.1:1/shop", cwd=tmp_path).stderr
    assert "the server cannot be reached" in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'postgresql:/me:a/b#c@host/shop'", "'postgresql:/me:***@host/shop'"),
        ("postgresql:me:secret@host", "postgresql:me:***@host"),
        ("postgres://host/shop?user=me&PASSWORD=secret&x=1", "postgres://host/shop?user=me&PASSWORD=***&x=1"),
        ("at http://127.0.0.1:80/dir/cat@2x.jpg", "at http://127.0.0.1:80/dir/cat@2x.jpg"),
        ("C:/photos/a:b@c.jpg", "C:/photos/a:b@c.jpg"),
        ("photos/cat.jpg: broken, see me@host", "photos/cat.jpg: broken, see me@host"),
    ],
)
def test_only_passwords_are_taken_out(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


@pytest.mark.parametrize("place", [_DATABASE, _DATABASE.replace("postgresql", "postgresql+psycopg")])
def test_the_library_does_not_repeat_it_either(place: str) -> None:
    pytest.importorskip("faiss")
    from samekind.gallery import Gallery

    for ask in (lambda: samekind.load().verify(place, place), lambda: Gallery.open(place)):
        with pytest.raises(SamekindError) as error:
            ask()
        assert "hunter2" not in str(error.value)
