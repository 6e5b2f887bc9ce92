"""Searching the gallery for pictures like one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from samekind.server.limits import Limits
from samekind.server.page.answers import apology, percentage, picture_grid
from samekind.server.page.events import AT_ONCE, answer_place
from samekind.server.page.thumbnails import thumbnail
from samekind.server.page.wells import picture_wells, pictures_of
from samekind.server.problems import Problem
from samekind.server.service import Service

if TYPE_CHECKING:
    from samekind.gallery import Gallery, Hit

_MOST_HITS = 24


def search_tab(service: Service, gallery: Gallery, limits: Limits) -> None:
    """One picture in, those of the gallery that are most like it out."""

    async def search(value: Any, only_probable: bool) -> str:
        try:
            (image,) = pictures_of(value, 1, limits).values()
            hits = await service.search(image, _MOST_HITS, 0.5 if only_probable else None)
            return await service.with_gallery(lambda: _results(hits))
        except Problem as problem:
            return apology(problem.detail)

    gr.HTML(
        f'<p class="sk-lead">Find pictures like yours among the {len(gallery):,} of this gallery.</p>',
        apply_default_css=False,
    )
    wells = picture_wells("search", 1, limits, [])
    only_probable = gr.Checkbox(value=True, label="Only pictures that are probably of the same kind")
    results = answer_place()
    wells.submit(search, [wells, only_probable], results, **AT_ONCE)
    only_probable.change(search, [wells, only_probable], results, **AT_ONCE)


def _results(hits: list[Hit]) -> str:
    if not hits:
        return '<p class="sk-lead">Nothing in the gallery is probably of the same kind.</p>'
    return picture_grid((hit.image.name, thumbnail(hit.path), percentage(hit.probability)) for hit in hits)
