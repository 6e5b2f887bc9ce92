"""``samekind status``, ``remove``, ``export`` and ``match``: the small commands on galleries."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from samekind.cli.options import DuplicateKind, GalleryArgument, JsonOption, echo_json, printable, shown_path


def status(gallery: GalleryArgument, json: JsonOption = False) -> None:
    """Print what a gallery holds: images, folders, model, size, index, and what could not be read.

    Example:
      samekind status photos.samekind
    """
    from samekind.cli.extras import require_gallery

    require_gallery()
    from samekind.gallery import Gallery

    with Gallery.open(gallery, read_only=True) as opened:
        found = opened.status()
    if json:
        echo_json(dataclasses.asdict(found))
        return
    behind = f", {found.index_behind:,} embeddings behind (searches are right all the same)" * bool(found.index_behind)
    recall = "" if found.index_recall is None else f", finds {found.index_recall:.0%} of the ten nearest of a sample"
    advice = f"; for so many images {found.advised_index} is advised" if found.advised_index != "Flat" else ""
    lines = [
        typer.style(shown_path(found.path.absolute()), bold=True),
        f"  images      {found.images:,}",
        f"  folders     {printable(', '.join(found.folders)) or 'none yet'}",
        f"  model       {printable(found.model or 'none yet')}  {(found.fingerprint or '')[:12]}",
        f"  embedding   {found.dimension or 0} dimensions",
        f"  on disk     {found.bytes / 1e6:,.1f} MB",
        f"  index       {found.index or 'none yet'}{recall}{behind}{advice}",
        f"  unreadable  {len(found.unreadable):,}",
    ]
    lines += [f"    {printable(name)}: {printable(reason)}" for name, reason in found.unreadable]
    typer.echo("\n".join(lines))


def remove(
    gallery: GalleryArgument,
    folder: Annotated[Path, typer.Argument(help="A folder whose images to drop.", show_default=False)],
) -> None:
    """Drop a folder's images from a gallery. The files themselves stay where they are.

    It is for folders that were indexed. Of a folder within one the next samekind index takes the images in again,
    unless it has been moved away or its name begins with a dot.

    Example:
      samekind remove photos.samekind more-photos
    """
    from samekind.cli.extras import require_gallery

    require_gallery()
    from samekind.gallery import Gallery

    if not gallery.is_file():
        raise typer.BadParameter(f"{gallery}: no such gallery")
    with Gallery.open(gallery) as opened:
        removed = opened.remove(folder)
        typer.echo(f"{shown_path(opened.path.absolute())}: {removed:,} images dropped, {len(opened):,} left")
        outer = [
            name for name in opened.status().folders if (opened.folder / name).resolve() in folder.resolve().parents
        ]
    if outer:
        typer.echo(
            f"samekind: {printable(str(folder))} lies within {printable(outer[0])}, which is indexed: "
            "the next samekind index takes it in again, unless you move it away or begin its name with a dot",
            err=True,
        )


def export(
    gallery: GalleryArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="NAME.parquet (needs pyarrow) or NAME.npz.", show_default=False)
    ],
) -> None:
    """Write a gallery's rows and embeddings for other programs.

    Columns: name (relative to the gallery's folder), size, sha256, width, height, taken, and embedding (float32, unit
    length).

    Example:
      samekind export photos.samekind -o photos.npz
    """
    from samekind.cli.extras import require_gallery

    require_gallery()
    from samekind.gallery import Gallery

    with Gallery.open(gallery, read_only=True) as opened:
        typer.echo(f"{output}: {opened.export(output):,} images")


def match(
    gallery: GalleryArgument,
    other: Annotated[Path, typer.Argument(help="Another gallery, of the same model.", show_default=False)],
    kind: Annotated[
        DuplicateKind,
        typer.Option(help="exact: the same bytes. near: the same picture. same-class: the same kind of thing."),
    ] = DuplicateKind.NEAR,
    threshold: Annotated[
        float | None,
        typer.Option(min=-1, max=1, help="How alike; higher finds fewer.", show_default="that of the kind"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Tell which images of one gallery are in another, each with its best counterpart.

    Example:
      samekind match card.samekind photos.samekind
    """
    from samekind.cli.extras import require_gallery

    require_gallery()
    from samekind.gallery import Gallery

    with Gallery.open(gallery, read_only=True) as first, Gallery.open(other, read_only=True) as second:
        matches = first.matches(second, kind.value, threshold=threshold)
        count = len(first)
    if json:
        echo_json([{"image": m.row.name, "other": m.other.name, "similarity": m.similarity} for m in matches])
        return
    for found in matches:
        typer.echo(f"{found.similarity:.2f}  {shown_path(found.row.path)}  {shown_path(found.other.path)}")
    typer.echo(f"{len(matches):,} of {count:,} images are in {printable(str(other))}", err=True)
