"""``samekind search``: the images of a gallery that are most like one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samekind.cli.console.options import (
    BareOption,
    GalleryArgument,
    JsonOption,
    ModelOption,
    WhereOption,
    echo_json,
    shown_path,
)
from samekind.cli.console.outputs import HtmlOption

if TYPE_CHECKING:
    from samekind.gallery import Gallery, Hit
    from samekind.recognizer import Recognizer


def search(
    gallery: GalleryArgument,
    query: Annotated[Path, typer.Argument(help="An image file.", show_default=False)],
    k: Annotated[int, typer.Option("-k", min=1, help="At most so many.")] = 20,
    min_probability: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Leave out what is less probably of the same kind.", show_default="none"),
    ] = None,
    where: WhereOption = None,
    model: ModelOption = None,
    bare: BareOption = False,
    html: HtmlOption = None,
    why: Annotated[
        bool, typer.Option("--why", help="Show on the contact sheet what makes each picture like the query.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Find the images of a gallery that are most like one.

    Prints the calibrated probability that both show the same kind of thing, the similarity, and the file, the most
    alike first. A gallery that is being written by another process can be searched all the same.

    Examples:
      samekind search photos.samekind query.jpg

      samekind search photos.samekind query.jpg --where "taken >= '2024-06' and folder = 'photos/shoes'"

      samekind search photos.samekind query.jpg -k 5 --min-probability 0.5 --html found.html --why
    """
    if why and html is None:
        raise typer.BadParameter("--why is for a contact sheet: --html FILE")
    from samekind.cli.console.extras import require_gallery

    require_gallery()
    from samekind.gallery import Gallery, write_hits_sheet

    with Gallery.open(gallery, model=model, read_only=True, bare=bare) as opened:
        hits = opened.search(query, k, min_probability=min_probability, where=where)
        recognizer = _recognizer_of(opened, model) if why else None
    if html is not None:
        draw = None if recognizer is None else lambda path: recognizer.explain(query, path).overlay(1)
        write_hits_sheet(html, query.name, hits, why=draw)
    if json:
        echo_json([as_json(hit) for hit in hits])
        return
    for hit in hits:
        typer.echo(f"{hit.words.replace(', ', '  ')}  {shown_path(hit.row.place)}")
    if not hits:
        typer.echo("nothing found", err=True)


def _recognizer_of(gallery: Gallery, model: str | None) -> Recognizer:
    """What judges in a gallery: its model, adapted as the gallery is."""
    from samekind.adaptation.adaptation import adapted_model
    from samekind.model_file.file import read_model
    from samekind.recognizer import Recognizer

    bare, adaptation = read_model(model or gallery.model), gallery.adaptation
    return Recognizer(bare if adaptation is None else adapted_model(bare, adaptation))


def as_json(hit: Hit) -> dict[str, Any]:
    """A hit as JSON has it: without the embedding."""
    row = dataclasses.asdict(hit.row)
    del row["embedding"]
    return {"probability": hit.probability, "similarity": hit.similarity, **row, "path": str(hit.row.place)}
