"""``samekind search``: the images of a gallery that are most like one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samekind.cli.console.options import (
    BareOption,
    GalleryArgument,
    HtmlOption,
    JsonOption,
    ModelOption,
    echo_json,
    shown_path,
)

if TYPE_CHECKING:
    from samekind.gallery import Hit


def search(
    gallery: GalleryArgument,
    query: Annotated[Path, typer.Argument(help="An image file.", show_default=False)],
    k: Annotated[int, typer.Option("-k", min=1, help="At most so many.")] = 20,
    min_probability: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Leave out what is less probably of the same kind.", show_default="none"),
    ] = None,
    model: ModelOption = None,
    bare: BareOption = False,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Find the images of a gallery that are most like one.

    Prints the calibrated probability that both show the same kind of thing, the similarity, and the file, the most
    alike first. A gallery that is being written by another process can be searched all the same.

    Examples:
      samekind search photos.samekind query.jpg

      samekind search photos.samekind query.jpg -k 5 --min-probability 0.5 --html found.html
    """
    from samekind.cli.console.extras import require_gallery

    require_gallery()
    from samekind.gallery import Gallery, write_hits_sheet

    with Gallery.open(gallery, model=model, read_only=True, bare=bare) as opened:
        hits = opened.search(query, k, min_probability=min_probability)
    if html is not None:
        write_hits_sheet(html, query.name, hits)
    if json:
        echo_json([as_json(hit) for hit in hits])
        return
    for hit in hits:
        typer.echo(f"p={hit.probability:.2f}  similarity {hit.similarity:.2f}  {shown_path(hit.path)}")
    if not hits:
        typer.echo("nothing found", err=True)


def as_json(hit: Hit) -> dict[str, Any]:
    """A hit as JSON has it: without the embedding."""
    row = dataclasses.asdict(hit.row)
    del row["embedding"]
    return {"probability": hit.probability, "similarity": hit.similarity, **row}
