"""The tab with the gallery's duplicates: all groups, page by page, the sure ones told apart from those to look at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from typing import Annotated, Any, Literal

import gradio as gr
from pydantic import BaseModel, Field, ValidationError

from samekind.errors import GalleryError
from samekind.gallery import Duplicate, DuplicateGroup, Gallery
from samekind.gallery.duplicates.duplicate_group import without_certainty
from samekind.gallery.duplicates.duplicate_groups import DuplicateKind
from samekind.server.http.problems import Problem
from samekind.server.page.events import AT_ONCE, discreet
from samekind.server.page.gallery.markup import (
    DIFFERENCE,
    Shown,
    badge,
    difference_address,
    lead,
    names_list,
    pager,
    pair,
    picture_grid,
    results_place,
    shown_row,
    tabs_of,
)
from samekind.server.page.markup import error_box
from samekind.server.service import Service

# Groups of a page; of a group the pairs, and the further pictures, that are drawn. The rest is named.
_GROUPS, _PAIRS, _MORE = 10, 6, 24
_KINDS: dict[str, DuplicateKind] = {
    "The same file": "exact",
    "The same picture, changed": "near",
    "The same kind of thing": "same-class",
}
_Part = Literal["all", "sure", "look", "apart"]
_PARTS: dict[_Part, str] = {"all": "All", "sure": "Sure copies", "look": "To look at", "apart": "No copies"}


class _Wanted(BaseModel):
    """Which part of what was found is to be shown, and which page of it. It comes from the browser."""

    part: _Part = "all"
    page: Annotated[int, Field(ge=0, le=10**9)] = 0


class _Surveys:
    """What was found last, by kind, as long as the gallery's file is as it was; so a page turns at once."""

    def __init__(self, service: Service, gallery: Gallery) -> None:
        self._queue, self._gallery = service.surveys, gallery
        self._found: dict[DuplicateKind, tuple[object, list[DuplicateGroup]]] = {}

    async def groups(self, kind: DuplicateKind) -> list[DuplicateGroup]:
        """The groups of a kind."""
        state = self._gallery.state()
        found = self._found.get(kind)
        if found is None or found[0] != state:
            look = partial(self._gallery.duplicates, kind, related=True, on_progress=self._queue.stop_at_end)
            found = self._found[kind] = (state, await self._queue.run(look))
        return found[1]


def duplicates_tab(service: Service, gallery: Gallery) -> None:
    """Groups of pictures that are duplicates of the one worth keeping. Nothing is deleted."""
    surveys = _Surveys(service, gallery)

    async def show(kind: str, wanted: _Wanted) -> str:
        try:
            groups = await surveys.groups(_KINDS[kind])
            return await service.comparisons.run(lambda: _page(gallery, groups, wanted))
        except KeyError:
            return error_box("please choose what counts as a duplicate")
        except GalleryError:
            return error_box("the gallery is not there any more")
        except Problem as problem:
            return error_box(problem.detail)

    @discreet
    async def find(kind: str) -> str:
        return await show(kind, _Wanted())

    @discreet
    async def turn(kind: str, value: Any) -> str:
        try:
            return await show(kind, _Wanted.model_validate(value))
        except ValidationError:
            return error_box("there is no such page")

    gr.HTML(
        lead("Find pictures that this gallery holds more than once. Nothing is moved or deleted here."),
        apply_default_css=False,
    )
    kind = gr.Radio(list(_KINDS), value="The same picture, changed", label="What counts as a duplicate?")
    button = gr.Button("Find duplicates", variant="primary", elem_id="sk-find")
    results = results_place(elem_id="sk-duplicates")
    turning = gr.HTML(
        html_template="<i></i>",
        js_on_load=files("samekind.server.page.gallery").joinpath("turning.js").read_text(encoding="utf-8"),
        elem_classes="sk-unshown",
        apply_default_css=False,
    )
    button.click(find, kind, results, **(AT_ONCE | {"show_progress": "minimal"}))
    turning.submit(turn, [kind, turning], results, **AT_ONCE)


def _page(gallery: Gallery, groups: Sequence[DuplicateGroup], wanted: _Wanted) -> str:
    if not groups:
        return lead("There are none.")
    numbered = list(enumerate(groups, 1))
    parts = {part: [one for one in numbered if _is_in(one[1], part)] for part in _PARTS}
    chosen = parts[wanted.part] or numbered
    pages = -(-len(chosen) // _GROUPS)
    page = min(wanted.page, pages - 1)
    shown = chosen[page * _GROUPS : (page + 1) * _GROUPS]
    spare = sum(len(group.spare) for group in groups if group.relation == "copy")
    found = f"{len(groups):,} group{'s' if len(groups) != 1 else ''}"
    count = f"{found}; {spare:,} picture{'s are sure copies' if spare != 1 else ' is a sure copy'} of one that is kept."
    return (
        lead(count)
        + tabs_of({_PARTS[part]: (part, len(found)) for part, found in parts.items() if found}, wanted.part)
        + "".join(_group(gallery, number, group) for number, group in shown)
        + pager(page, pages, wanted.part)
    )


def _is_in(group: DuplicateGroup, part: _Part) -> bool:
    if part == "all":
        return True
    if part == "apart":
        return group.relation != "copy"
    return group.relation == "copy" and bool(group.spare if part == "sure" else group.to_look_at)


def _group(gallery: Gallery, number: int, group: DuplicateGroup) -> str:
    copy = group.relation == "copy"
    kept = shown_row(gallery, group.keep, "worth keeping" if copy else "one of the two", group.why if copy else "")
    # Of what is only of the same kind nothing is known pair by pair.
    pairs = [other for other in group.others if other.evidence is not None][:_PAIRS]
    rest = [other for other in group.others if other not in pairs]
    drawn = "".join(_pair(gallery, group, kept, other) for other in pairs)
    more = [
        shown_row(gallery, other.row, "sure" if other.sure else "look", without_certainty(other.words()))
        for other in rest[:_MORE]
    ]
    title = f"Group {number}: {len(group.rows):,} pictures" if copy else f"Group {number}: {_PLAIN[group.relation]}"
    grid = picture_grid(more if pairs else [kept, *more]) if more else ""
    names = names_list([other.row.name for other in rest[_MORE:]])
    return f'<section class="sk-group"><h2>{title}</h2>{drawn}{grid}{names}</section>'


_PLAIN = {"variant": "no copies, two variants", "same scene": "no copies, the same scene"}


def _pair(gallery: Gallery, group: DuplicateGroup, kept: Shown, other: Duplicate) -> str:
    word = group.relation if group.relation != "copy" else "sure" if other.sure else "look"
    address = None if other.kinds == ("exact",) else difference_address(group.keep, other.row)
    difference = None if address is None else Shown("", address, DIFFERENCE, address=address)
    return pair(
        kept, shown_row(gallery, other.row, ", ".join(other.kinds) or "copy"), difference, badge(word), other.words()
    )
