"""The tab that looks for a picture in the gallery: for copies of this very one, and for others like it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from samekind import images
from samekind.errors import ImageError
from samekind.gallery import Gallery, Hit, Match
from samekind.gallery.duplicates.pictures.difference import draw_difference
from samekind.server.http.problems import Problem
from samekind.server.limits import Limits
from samekind.server.page.events import AT_ONCE, discreet
from samekind.server.page.gallery.markup import (
    DIFFERENCE,
    Shown,
    badge,
    lead,
    pair,
    picture_grid,
    results_place,
    shown_row,
)
from samekind.server.page.markup import error_box, percentage
from samekind.server.page.picture_inputs import picture_inputs, pictures_of
from samekind.server.service import Service

if TYPE_CHECKING:
    from samekind.gallery.duplicates.pictures.picture_files import PictureFile

_MOST_HITS, _MOST_COPIES = 24, 8


def search_tab(service: Service, gallery: Gallery, limits: Limits) -> None:
    """One picture in; its copies in the gallery, and those that are most like it, out."""

    async def copies_of(image: bytes) -> str:
        query = await service.query(image)

        def look() -> str:
            matches = gallery.copies_of(query)
            return _copies(
                gallery, query, [(match, _difference(gallery, query, match)) for match in matches[:_MOST_COPIES]]
            )

        return await service.comparisons.run(look)

    async def like(image: bytes, only_probable: bool, where: str) -> str:
        hits = await service.search(image, _MOST_HITS, 0.5 if only_probable else None, where.strip() or None)
        return await service.searches.run(lambda: _results(gallery, hits))

    @discreet
    async def search(value: Any, only_probable: bool, where: str) -> tuple[str, str]:
        try:
            image = pictures_of(value, 1, limits)["picture"]
            return await copies_of(image), await like(image, only_probable, where)
        except Problem as problem:
            return "", error_box(problem.detail)

    @discreet
    async def search_again(value: Any, only_probable: bool, where: str) -> str:
        try:
            return await like(pictures_of(value, 1, limits)["picture"], only_probable, where) if value else ""
        except Problem as problem:
            return error_box(problem.detail)

    gr.HTML(
        lead(f"Is your picture among the {len(gallery):,} of this gallery, and which are like it?"),
        apply_default_css=False,
    )
    inputs = picture_inputs("search", 1, limits, [])
    only_probable = gr.Checkbox(value=True, label="Only pictures that are probably of the same kind", container=False)
    where = gr.Textbox(
        label="Only among pictures that meet a filter",
        placeholder="taken >= '2024-01-01' and path like 'shoes/%'",
        info="path, folder, width, height, size, taken, mtime; and, or, not, like, in, is known, = != < <= > >=",
        max_lines=1,
        max_length=1000,
        elem_id="sk-where",
    )
    copies, results = results_place(), results_place()
    asked = [inputs, only_probable, where]
    inputs.submit(search, asked, [copies, results], **AT_ONCE)
    only_probable.change(search_again, asked, results, **AT_ONCE)
    where.submit(search_again, asked, results, **AT_ONCE)


def _difference(gallery: Gallery, query: PictureFile, match: Match) -> str | None:
    """What a found file differs in from the query, as a data URL; None where it is the same or cannot be drawn."""
    if match.kinds == ("exact",) or not match.row.is_here:
        return None
    try:
        drawn = draw_difference(gallery.picture_file(match.row.id), query)
    except ImageError:
        return None
    return None if drawn is None else images.data_uri(Image.fromarray(drawn))


def _copies(gallery: Gallery, query: PictureFile, matches: Sequence[tuple[Match, str | None]]) -> str:
    if not matches:
        return lead("This very picture is not in the gallery.")
    count = sum(match.relation == "copy" for match, _ in matches)
    title = f"This very picture is here {count} times" if count > 1 else "This very picture is here"
    own = Shown("your picture", images.data_uri(images.thumbnail(query.image)), "your picture")
    pairs = [
        pair(
            shown_row(gallery, match.row, "in the gallery"),
            own,
            None if drawn is None else Shown("", drawn, DIFFERENCE),
            badge(match.certainty if match.relation == "copy" else str(match.relation)),
            match.words(),
        )
        for match, drawn in matches
    ]
    heading = title if count else "Alike, but no copies of this very picture"
    return f'<section class="sk-group"><h2>{heading}</h2>{"".join(pairs)}</section>'


def _results(gallery: Gallery, hits: Sequence[Hit]) -> str:
    if not hits:
        return lead("Nothing in the gallery is probably of the same kind.")
    grid = picture_grid(
        shown_row(gallery, hit.row, hit.words if hit.probability is None else percentage(hit.probability))
        for hit in hits
    )
    return f'<section class="sk-group"><h2>The most alike first</h2>{grid}</section>'
