"""The plan as a file: what is written is read, edits by hand are understood, damage is named."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from samekind.errors import PlanError
from samekind.plans import PlanGroup, PlanLine, read_plan, write_plan
from samekind.plans.plan_file import quoted
from samekind.plans.removal_folder import kept_path

DIGEST = hashlib.sha256(b"").hexdigest()

# Whatever a POSIX system has for a name, and what Windows has: its drives, backslashes, halves of UTF-16 pairs.
posix_names = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name).map(os.fsdecode)
windows_names = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=40).map(
    lambda name: name.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
)
odd_names = st.sampled_from(
    [
        *("C:/a b.jpg", "C:\\a\\b.jpg", "//nas/share/a.jpg", "..\\a.jpg", '"quoted".jpg', "a # b.jpg", "keep", "#.jpg"),
        *(
            "a\nremove b.jpg",
            "\u202egpj.a",
            "a\u2028b",
            "\x85",
            "\ufeff",
            " ",
            '" copy of "',
            "\\u0041.jpg",
            "\\",
            "\r",
        ),
    ]
)
names = st.one_of(posix_names, windows_names, odd_names)


@given(st.lists(names, min_size=1, max_size=6, unique=True), st.data(), st.text(max_size=30))
def test_what_is_written_is_read(tmp_path: Path, found: list[str], data: st.DataObject, remark: str) -> None:
    lines = tuple(
        PlanLine(
            data.draw(st.sampled_from(["keep", "remove", "look"])),
            name,
            data.draw(st.integers(0, 10**17)),
            hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest(),
            data.draw(st.none() | st.sampled_from([n for n in found if n != name])) if len(found) > 1 else None,
            note=remark,
        )
        for name in found
    )
    plan = tmp_path / "plan.txt"
    write_plan(plan, [PlanGroup(lines[:2], remark), PlanGroup(lines[2:])], remark, tmp_path)
    read = read_plan(plan)
    assert read.lines == lines
    assert read.folder == tmp_path
    text = plan.read_bytes().decode()  # UTF-8, whatever the names are
    assert len(text.splitlines()) == len(text.split("\n")) - 1  # no line break that only some editors see
    assert all(c.isprintable() or c == "\n" for c in text)


@given(names)
def test_a_quoted_name_is_json(name: str) -> None:
    assert json.loads(quoted(name)) == name


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    lines = (PlanLine("keep", "a.jpg", 7, DIGEST, note="most pixels"), PlanLine("remove", "b.jpg", 5, DIGEST, "a.jpg"))
    write_plan(tmp_path / "plan.txt", [PlanGroup(lines, "two")], "copies in photos", tmp_path)
    return tmp_path / "plan.txt"


def test_a_person_may_change_the_words_the_spaces_and_the_remarks(plan: Path) -> None:
    text = plan.read_text().replace("remove ", "look\t  ").replace("# group", "# my own remark\n\n\n  # group")
    plan.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())  # as Notepad saves it
    assert [line.action for line in read_plan(plan).lines] == ["keep", "look"]
    assert read_plan(plan).lines[1].copy_of == "a.jpg"


def test_the_plan_teaches(plan: Path) -> None:
    text = plan.read_text()
    assert f'samekind duplicates --apply "{plan}" --yes' in text
    assert "copies in photos. Nothing was moved yet." in text
    assert f'keep   "a.jpg" 7 {DIGEST}  # most pixels\nremove "b.jpg" copy of "a.jpg" 5 {DIGEST}\n' in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('remove "', 'delete "', "line 18: begins with 'delete'; a line begins with keep, remove, look or #"),
        (f" 5 {DIGEST}", f" 5 {DIGEST[:-1]}", "line 18: damaged"),
        (f" 5 {DIGEST}", f" 5 {DIGEST} 7", "line 18: damaged"),
        ('"b.jpg" copy', "b.jpg copy", "line 18: damaged"),
        (" 5 ", " ٥ ", "line 18: damaged"),
        ('"b.jpg"', '"\\q.jpg"', "line 18: .* is no path in quotes"),
        ('"b.jpg"', '"\\u0000.jpg"', "line 18: .* can be no file's name"),
        ('"b.jpg"', '""', "line 18: .* can be no file's name"),
        ('"b.jpg"', '"a.jpg"', "line 18: a.jpg is called a copy of itself"),
        ('"b.jpg" copy of "a.jpg"', '"a.jpg"', "line 18: a.jpg is in line 17, too"),
        ("folder ", "# ", 'no line folder "PATH"'),
        ('folder "/', 'folder "', 'no line folder "PATH"'),
        ("folder ", 'folder "/x"\nfolder ', "line 15: a second folder"),
        ("samekind plan 1", "samekind plan 2", "line 1: a plan of a newer samekind: pip install"),
        ("samekind plan 1", "keep", "line 1: no plan: it begins with 'samekind plan 1'"),
        ("samekind plan 1", "<!doctype html>", "line 1: a page, no plan; its button 'Save the plan' makes one"),
    ],
)
def test_damage_is_named_with_its_line(plan: Path, old: str, new: str, message: str) -> None:
    text = plan.read_text()
    assert text.count(old) >= 1
    plan.write_text(text.replace(old, new, 1))
    with pytest.raises(PlanError, match=message) as raised:
        read_plan(plan)
    assert str(plan) in str(raised.value)


def test_what_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes("samekind plan 1\n".encode("utf-16"))
    with pytest.raises(PlanError, match="not UTF-8, as a plan is"):
        read_plan(tmp_path / "p")
    (tmp_path / "p").write_bytes(b"")
    with pytest.raises(PlanError, match="no plan"):
        read_plan(tmp_path / "p")
    with pytest.raises(PlanError, match="none: cannot be read"):
        read_plan(tmp_path / "none")


@given(st.binary(max_size=300))
@example(b"\x0b")
def test_any_bytes_are_refused_or_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p").write_bytes(b'samekind plan 1\nfolder "/x"\n' + data)
    try:
        lines = read_plan(tmp_path / "p").lines
    except PlanError as error:
        said = str(error)
        assert re.match(rf"{re.escape(str(tmp_path / 'p'))}(, line \d+)?: ", said)
    else:
        assert not lines or b'"' in data


@pytest.mark.parametrize(
    ("name", "flavour", "kept"),
    [
        ("photos/a.jpg", PureWindowsPath, "photos/a.jpg"),
        ("D:/photos/a.jpg", PureWindowsPath, "_D/photos/a.jpg"),
        ("//nas/share 1/a.jpg", PureWindowsPath, "_nas_share_1/a.jpg"),
        ("//?/C:/a.jpg", PureWindowsPath, "_C/a.jpg"),
        ("..\\other\\a.jpg", PureWindowsPath, "_above/other/a.jpg"),
        ("/a.jpg", PurePosixPath, "_root/a.jpg"),
        ("../../a.jpg", PurePosixPath, "_above/_above/a.jpg"),
        ("D:/a.jpg", PurePosixPath, "D:/a.jpg"),
    ],
)
def test_a_path_is_kept_within_the_dated_folder(name: str, flavour: type, kept: str) -> None:
    assert kept_path(name, flavour).as_posix() == kept


@given(names, st.sampled_from([PurePosixPath, PureWindowsPath]))
def test_no_name_leads_out_of_the_dated_folder(name: str, flavour: type) -> None:
    inner = kept_path(name, flavour)
    assert not inner.anchor
    assert ".." not in inner.parts
    assert (flavour("/run" if flavour is PurePosixPath else "C:/run") / inner).is_relative_to(
        flavour("/run" if flavour is PurePosixPath else "C:/run")
    )


def test_the_plan_in_the_documentation_is_one(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs/removing-copies.md"
    (text,) = re.findall(r"```\n(samekind plan 1\n.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "p").write_text(text, encoding="utf-8")
    assert [line.action for line in read_plan(tmp_path / "p").lines] == ["keep", "remove"]
