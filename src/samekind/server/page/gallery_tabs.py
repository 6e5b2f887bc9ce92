"""Searching the gallery for pictures like one, and finding duplicates in it. Imported only where there is a gallery."""

from __future__ import annotations

from typing import Any

import gradio as gr

from samekind.gallery import DuplicateGroup, Gallery, Hit
from samekind.gallery.duplicates.duplicate_groups import DuplicateKind
from samekind.gallery.output.contact_sheet import thumbnail_uri
from samekind.server.http.problems import Problem
from samekind.server.limits import Limits
from samekind.server.page.events import AT_ONCE, answer_place, discreet
from samekind.server.page.markup import error_box, percentage, picture_grid
from samekind.server.page.picture_inputs import picture_inputs, pictures_of
from samekind.server.service import Service

_MOST_HITS = 24
_MOST_GROUPS, _MOST_IN_GROUP = 20, 8
_KINDS: dict[str, DuplicateKind] = {
    "The same file": "exact",
    "The same picture, changed": "near",
    "The same kind of thing": "same-class",
}


def search_tab(service: Service, gallery: Gallery, limits: Limits) -> None:
    """One picture in, those of the gallery that are most like it out."""

    @discreet
    async def search(value: Any, only_probable: bool) -> str:
        try:
            (image,) = pictures_of(value, 1, limits).values()
            hits = await service.search(image, _MOST_HITS, 0.5 if only_probable else None)
            return await service.searches.run(lambda: _results(hits))
        except Problem as problem:
            return error_box(problem.detail)

    @discreet
    async def search_again(value: Any, only_probable: bool) -> str:
        return await search(value, only_probable) if value else ""

    _lead(f"Find pictures like yours among the {len(gallery):,} of this gallery.")
    inputs = picture_inputs("search", 1, limits, [])
    only_probable = gr.Checkbox(value=True, label="Only pictures that are probably of the same kind", container=False)
    results = answer_place()
    inputs.submit(search, [inputs, only_probable], results, **AT_ONCE)
    only_probable.change(search_again, [inputs, only_probable], results, **AT_ONCE)


def duplicates_tab(service: Service, gallery: Gallery) -> None:
    """Groups of pictures of which each is a duplicate of every other. Nothing is deleted."""

    @discreet
    async def find(kind: str) -> str:
        try:
            if kind not in _KINDS:
                return error_box("please choose what counts as a duplicate")
            surveys = service.surveys
            return await surveys.run(lambda: _groups(gallery.duplicates(_KINDS[kind], on_progress=surveys.stop_at_end)))
        except Problem as problem:
            return error_box(problem.detail)

    _lead("Find pictures that this gallery holds more than once. Nothing is deleted.")
    kind = gr.Radio(list(_KINDS), value="The same picture, changed", label="What counts as a duplicate?")
    button = gr.Button("Find duplicates", variant="primary", elem_id="sk-find")
    results = answer_place()
    button.click(find, kind, results, **(AT_ONCE | {"show_progress": "minimal"}))


def _lead(sentence: str) -> None:
    gr.HTML(f'<p class="sk-lead">{sentence}</p>', apply_default_css=False)


def _results(hits: list[Hit]) -> str:
    if not hits:
        return '<p class="sk-lead">Nothing in the gallery is probably of the same kind.</p>'
    return picture_grid((hit.row.name, thumbnail_uri(hit.row.path), percentage(hit.probability)) for hit in hits)


def _groups(groups: list[DuplicateGroup]) -> str:
    if not groups:
        return '<p class="sk-lead">There are none.</p>'
    shown = groups[:_MOST_GROUPS]
    more = (
        f" The first {len(shown)} are shown; <code>samekind duplicates</code> lists all."
        if len(groups) > len(shown)
        else ""
    )
    count = f"{len(groups):,} group{'s' if len(groups) != 1 else ''}"
    return f'<p class="sk-lead">{count}.{more}</p>' + "".join(map(_group, enumerate(shown, 1)))


def _group(numbered: tuple[int, DuplicateGroup]) -> str:
    number, group = numbered
    rows = (group.keep, *group.spare)[:_MOST_IN_GROUP]
    hidden = len(group.rows) - len(rows)
    grid = picture_grid(
        (
            row.name,
            thumbnail_uri(row.path),
            "worth keeping" if row is group.keep else f"{row.width}×{row.height}",
        )
        for row in rows
    )
    return (
        f'<section class="sk-group"><h2>Group {number}: {len(group.rows):,} pictures</h2>{grid}'
        + (f'<p class="sk-small">and {hidden:,} more</p>' if hidden else "")
        + "</section>"
    )
