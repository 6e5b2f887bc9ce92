"""The page of duplicates: each group with its pictures and the evidence, boxes to tick, and the plan made of them.

It is one file and needs no server. The browser writes the plan from the lines that stand in the page; what they say and
what is ticked at first is decided here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from samekind.gallery.duplicates.duplicate_group import Duplicate, DuplicateGroup, without_certainty
from samekind.gallery.output.sheets import summary_of_duplicates, title_of_group
from samekind.gallery.plan import planned_group
from samekind.gallery.store.image_source import thumbnail_of
from samekind.gallery.store.rows import Row
from samekind.pages import page_template, write_page
from samekind.plans import PlanLine
from samekind.plans.plan_file import behind_action, head_of_group, head_of_plan
from samekind.progress import Progress, stage_counter

# Pictures of a group that are drawn; the others are named, with their boxes.
_DRAWN = 48
_OF_THE_WEB = ("http://", "https://")  # which a browser opens
# The name under which a browser saves the plan.
PLAN_NAME = "plan.txt"


@dataclass(frozen=True)
class _Card:
    """A picture of the page.

    Attributes:
        row: The image.
        word: ``keep``, ``sure``, ``look`` or empty.
        said: Why it is kept, or what it is to the kept one.
        line: Its line in the plan; None where it has none, and no box.
        drawn: Whether the picture is shown.
    """

    row: Row
    word: str
    said: str
    line: PlanLine | None
    drawn: bool

    @property
    def note(self) -> str:
        """The line below the name."""
        size = self.row.size
        room = f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3)):,} kB"
        return f"{self.row.width}×{self.row.height}, {room}{f' · {self.said}' if self.said else ''}"

    @property
    def address(self) -> str:
        """Where a browser on this machine opens it."""
        return self.row.name if self.row.name.startswith(_OF_THE_WEB) else self.row.path.absolute().as_uri()

    def draw(self) -> Image.Image:
        """The picture in small."""
        return thumbnail_of(self.row)

    @property
    def behind_action(self) -> str:
        """The line of the plan without its first word."""
        return "" if self.line is None else behind_action(self.line)


@dataclass(frozen=True)
class _Section:
    """A group of the page.

    Attributes:
        title: The heading.
        note: The line below the heading.
        head: The line above the group in the plan; empty where the plan has none.
        cards: The pictures, the kept one first.
    """

    title: str
    note: str
    head: str
    cards: Sequence[_Card]


def write_duplicates_sheet(
    path: str | os.PathLike[str],
    title: str,
    groups: Sequence[DuplicateGroup],
    folder: Path | None = None,
    *,
    on_progress: Progress | None = None,
) -> None:
    """Write groups of duplicates as one HTML file: the image worth keeping set off, each other with its evidence.

    Each image that a plan may remove has a box; those of sure copies are ticked. A button saves the plan of what is
    ticked, as ``write_plan`` would write it.

    Args:
        path: The file.
        title: What the groups are.
        groups: From ``Gallery.duplicates``.
        folder: The gallery's, which names in a plan start from; None leaves boxes and plan out.
        on_progress: Called with ``drawn``, the number of groups drawn and of all.

    Raises:
        OSError: The file cannot be written.
    """
    count = stage_counter(on_progress, "drawn", len(groups))
    pieces = page_template("samekind.gallery.output", "duplicates_sheet.html").generate(
        title=title,
        summary=summary_of_duplicates(groups),
        groups=_sections(groups, count, boxes=folder is not None),
        plan_head="" if folder is None else head_of_plan(title, PLAN_NAME, folder),
        plan_name=PLAN_NAME,
    )
    write_page(path, pieces)


def _sections(groups: Sequence[DuplicateGroup], count: Callable[[int], None], *, boxes: bool) -> Iterator[_Section]:
    numbered = 0
    for number, group in enumerate(groups, 1):
        planned = planned_group(group) if boxes and group.relation == "copy" else None
        numbered += planned is not None
        lines = (None,) * len(group.rows) if planned is None else planned.lines
        cards = [_Card(group.keep, "keep" if group.relation == "copy" else "", group.why, lines[0], drawn=True)]
        for place, (other, line) in enumerate(zip(group.others, lines[1:], strict=True), 1):
            cards.append(
                _Card(other.row, _word(group, other), without_certainty(other.words()), line, drawn=place < _DRAWN)
            )
        yield _Section(
            title_of_group(number, group),
            "" if group.similarity in {None, 1.0} else f"The least alike two: {group.similarity:.2f}",
            "" if planned is None else head_of_group(numbered, planned.note),
            cards,
        )
        count(number)


def _word(group: DuplicateGroup, other: Duplicate) -> str:
    if group.relation != "copy":
        return ""
    return "sure" if other.sure else "look"
