"""The plan: a text file that says of each image whether it stays, for a person to read, edit and apply."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from samekind.errors import PlanError
from samekind.system.atomic import replacing

Action = Literal["keep", "remove", "look"]

_FIRST = "samekind plan 1"
_STRING = r'"(?:[^"\\]|\\.)*"'
_IMAGE = re.compile(
    rf"(?P<action>[a-z]+)[ \t]+(?P<name>{_STRING})(?:[ \t]+copy of[ \t]+(?P<copy_of>{_STRING}))?"
    r"[ \t]+(?P<size>[0-9]{1,18})[ \t]+(?P<sha256>[0-9a-f]{64})(?:[ \t]+#.*)?"
)
_FOLDER = re.compile(rf"folder[ \t]+(?P<name>{_STRING})(?:[ \t]+#.*)?")
_FORM = 'ACTION "PATH" SIZE SHA256, or ACTION "PATH" copy of "PATH" SIZE SHA256'

_LESSON = """\
# {title}. Nothing was moved yet.
#
# Each line is an image: what becomes of it, its path in quotes, what it is a copy of, its bytes, and their SHA-256.
#   keep    it stays
#   remove  it is moved away, if it and a kept copy of it still are as this plan says
#   look    it stays; look at it, and write keep or remove instead if you like
# Change these three words as you like, or delete whole groups. What follows # is for you and is not read.
#
# See what would happen:  samekind duplicates --apply {path}
# Let it happen:          samekind duplicates --apply {path} --yes
# Nothing is deleted: images are moved to a folder, and --undo puts them back.
"""


@dataclass(frozen=True)
class PlanLine:
    """One image of a plan.

    Attributes:
        action: ``keep``, ``remove`` or ``look``.
        name: Its path, relative to the plan's folder or absolute, with forward slashes.
        size: In bytes.
        sha256: The hash of its bytes, 64 hexadecimal digits.
        copy_of: The name of the image that it is a copy of, directly; None for one that others are copies of.
        note: A remark for the reader of the file; it is not read back.
        number: The line of the file it was read from.
    """

    action: Action
    name: str
    size: int
    sha256: str
    copy_of: str | None = None
    note: str = field(default="", compare=False)
    number: int = field(default=0, compare=False)


@dataclass(frozen=True)
class PlanGroup:
    """Images that are copies of one picture, with a remark above them."""

    lines: tuple[PlanLine, ...]
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """A plan as read.

    Attributes:
        folder: What relative names start from.
        lines: The images.
    """

    folder: Path
    lines: tuple[PlanLine, ...]

    def path(self, line: PlanLine) -> Path:
        """The file of a line, ready to open."""
        return self.folder / line.name

    def of(self, action: Action) -> list[PlanLine]:
        """The lines of one action."""
        return [line for line in self.lines if line.action == action]


def write_plan(path: str | os.PathLike[str], groups: Iterable[PlanGroup], title: str, folder: Path) -> None:
    """Write a plan, whole or not at all. It begins with lines that teach how to edit and apply it.

    Args:
        path: The file to write.
        groups: The images, by picture.
        title: What the groups are.
        folder: What the names are relative to.

    Raises:
        OSError: The file cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(head_of_plan(title, str(Path(path).absolute()), folder))
        for number, group in enumerate(groups, 1):
            file.write(f"\n{head_of_group(number, group.note)}\n")
            file.writelines(f"{line.action:<6} {behind_action(line)}\n" for line in group.lines)


def head_of_plan(title: str, path: str, folder: Path) -> str:
    """The lines at the top of a plan, which teach how to edit and apply it.

    Args:
        title: What the groups are.
        path: Of the plan, as a command is to name it.
        folder: What the names are relative to.
    """
    lesson = _LESSON.format(title=_printable(title), path=quoted(path))
    return f"{_FIRST}\n{lesson}\nfolder {quoted(str(folder.absolute()))}\n"


def head_of_group(number: int, note: str) -> str:
    """The line above the images of a group."""
    return f"# group {number}{': ' if note else ''}{_printable(note)}"


def behind_action(line: PlanLine) -> str:
    """An image's line without its first word, ``keep``, ``remove`` or ``look``.

    Example:
        >>> behind_action(PlanLine("keep", "a.jpg", 7, "0f" * 2))
        '"a.jpg" 7 0f0f'
    """
    source = f" copy of {quoted(line.copy_of)}" if line.copy_of is not None else ""
    note = f"  # {_printable(line.note)}" if line.note else ""
    return f"{quoted(line.name)}{source} {line.size} {line.sha256}{note}"


def read_plan(path: str | os.PathLike[str]) -> Plan:
    """Read a plan, every line of it or none.

    Raises:
        PlanError: It is missing, no plan, of a newer format, or a line is damaged; the message names file and line.
    """
    numbered = _content(Path(path))
    number, first = next(numbered, (1, ""))
    if first != _FIRST:
        newer = re.fullmatch(r"samekind plan [0-9]+", first)
        what = "a plan of a newer samekind: pip install -U samekind" if newer else f"no plan: it begins with {_FIRST!r}"
        if first.lower().startswith(("<!doctype html", "<html")):
            what = "a page, no plan; its button 'Save the plan' makes one of what is ticked"
        raise PlanError(f"{path}, line {number}: {what}; `samekind duplicates --plan` writes one")
    folder: Path | None = None
    lines: dict[str, PlanLine] = {}
    for number, text in numbered:
        place = f"{path}, line {number}"
        if match := _FOLDER.fullmatch(text):
            if folder is not None:
                raise PlanError(f"{place}: a second folder; a plan has one")
            folder = Path(_unquoted(match["name"], place))
            continue
        line = _parsed(text, place, number)
        if before := lines.get(line.name):
            raise PlanError(f"{place}: {line.name} is in line {before.number}, too; delete one of the two lines")
        lines[line.name] = line
    if folder is None or not folder.is_absolute():
        raise PlanError(
            f'{path}: has no line folder "PATH" with the whole path that its names start from; write it anew'
        )
    return Plan(folder, tuple(lines.values()))


def quoted(text: str) -> str:
    r"""A name between double quotes, as JSON writes it, with what cannot be seen as ``\uXXXX``.

    Line breaks, controls, marks that turn the direction of writing, and bytes that are no UTF-8 (Python's surrogates)
    are what cannot be seen.

    Example:
        >>> print(quoted("caf\u00e9\n.jpg"))
        "café\n.jpg"
    """
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in json.dumps(text, ensure_ascii=False))


def _printable(remark: str) -> str:
    return quoted(remark)[1:-1].replace('\\"', '"')


def _content(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers. An editor may have added a byte order mark and CRs."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise PlanError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise PlanError(f"{path}: not UTF-8, as a plan is; save it as UTF-8 ({error.reason})") from error
    stripped = ((number, line.strip(" \t\r")) for number, line in enumerate(text.split("\n"), 1))
    return iter([(number, line) for number, line in stripped if line and not line.startswith("#")])


def _parsed(text: str, place: str, number: int) -> PlanLine:
    word = next(iter(text.split(maxsplit=1)), "")  # odd blanks alone are no word
    actions: Sequence[str] = get_args(Action)
    if word not in actions:
        raise PlanError(f"{place}: begins with {word!r}; a line begins with {', '.join(actions)} or #")
    match = _IMAGE.fullmatch(text)
    if match is None:
        raise PlanError(f"{place}: damaged; it should read {_FORM}")
    name = _unquoted(match["name"], place)
    source = None if match["copy_of"] is None else _unquoted(match["copy_of"], place)
    if source == name:
        raise PlanError(f"{place}: {name} is called a copy of itself")
    action: Action = match["action"]  # type: ignore[assignment]  # one of them, as was just seen
    return PlanLine(action, name, int(match["size"]), match["sha256"], source, number=number)


def _unquoted(string: str, place: str) -> str:
    try:
        name = str(json.loads(string))
    except ValueError as error:
        raise PlanError(f"{place}: {string} is no path in quotes ({error})") from error
    if not name or "\0" in name:
        raise PlanError(f"{place}: {string} can be no file's name")
    return name
