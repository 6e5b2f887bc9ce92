"""``samekind status``, ``remove``, ``export`` and ``match``: the small commands on galleries."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import (
    DuplicateKind,
    GalleryArgument,
    JsonOption,
    WhereOption,
    echo_json,
    gallery_title,
    on_one_line,
    printable,
    shown_path,
)
from samekind.cli.console.outputs import ROWS, file_like
from samekind.cli.console.remarks import name_unreadable

if TYPE_CHECKING:
    from samekind.gallery import Match


def status(gallery: GalleryArgument, json: JsonOption = False) -> None:
    """Print what a gallery holds: images, folders, model, size, index, and what could not be read.

    Example:
      samekind status photos.samekind
    """
    from samekind.cli.console.extras import require_gallery

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
        typer.style(shown_path(_absolute(found.path)), bold=True),
        f"  images      {found.images:,}" + f", {found.frames:,} of them frames of videos" * bool(found.frames),
        f"  folders     {printable(', '.join(found.folders)) or 'none yet'}",
        f"  model       {printable(found.model or 'none yet')}  {(found.fingerprint or '')[:12]}",
        f"  embedding   {found.dimension or 0} dimensions",
        f"  on disk     {found.bytes / 1e6:,.1f} MB",
        f"  index       {found.index or 'none yet'}{recall}{behind}{advice}",
        f"  unreadable  {len(found.unreadable):,}",
    ]
    lines += [f"    {on_one_line(name)}: {printable(reason)}" for name, reason in found.unreadable]
    typer.echo("\n".join(lines))


def remove(
    gallery: GalleryArgument,
    folder: Annotated[
        str,
        typer.Argument(
            help="A folder whose images to drop; or a tar or Parquet file, or an address, that shards brought.",
            show_default=False,
        ),
    ],
) -> None:
    """Drop a folder's images from a gallery. The files themselves stay where they are.

    It is for folders that were indexed. Of a folder within one the next samekind index takes the images in again,
    unless it has been moved away or its name begins with a dot.

    Example:
      samekind remove photos.samekind more-photos
    """
    from samekind.cli.console.extras import require_gallery

    require_gallery()
    from samekind.gallery import Gallery
    from samekind.shards.addresses import is_address, without_file_scheme

    folder = without_file_scheme(folder)
    Gallery.open(gallery, read_only=True).close()  # one that is not there is not made
    with Gallery.open(gallery) as opened:
        removed = opened.remove(folder)
        typer.echo(f"{shown_path(_absolute(opened.path))}: {removed:,} images dropped, {len(opened):,} left")
        within = () if is_address(folder) else Path(folder).resolve().parents
        outer = [name for name in opened.status().folders if (opened.folder / name).resolve() in within]
    if outer:
        typer.echo(
            f"samekind: {printable(folder)} lies within {printable(outer[0])}, which is indexed: "
            "the next samekind index takes it in again, unless you move it away or begin its name with a dot",
            err=True,
        )


def export(
    gallery: GalleryArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            callback=file_like(ROWS),
            help="NAME.csv, NAME.parquet (needs pyarrow) or NAME.npz.",
            show_default=False,
        ),
    ],
    where: WhereOption = None,
) -> None:
    """Write a gallery's rows and embeddings for other programs.

    Columns: name (relative to the gallery's folder), size, sha256, width, height, taken, and embedding (float32, unit
    length).

    Example:
      samekind export photos.samekind -o photos.csv

      samekind export photos.samekind -o large.csv --where "width >= 4000 or height >= 4000"
    """
    from samekind.cli.console.extras import require_gallery

    require_gallery()
    from samekind.gallery import Gallery

    with Gallery.open(gallery, read_only=True) as opened:
        typer.echo(f"{output}: {opened.export(output, where=where):,} images")


def match(
    place: Annotated[str, typer.Argument(help="A gallery, or a folder.", metavar="A", show_default=False)],
    other: Annotated[str, typer.Argument(help="Another one.", metavar="B", show_default=False)],
    kind: Annotated[
        DuplicateKind,
        typer.Option(
            help="near: the same picture. exact: the same bytes, of two galleries. same-class: the same kind of thing, "
            "of two galleries of one model."
        ),
    ] = DuplicateKind.NEAR,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=-1, max=1, help="How alike, for same-class; higher finds fewer.", show_default="the model's strict"
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Tell which images of one gallery or folder are in another, each with its best counterpart and the evidence.

    A sure copy is the same picture in all its details; one to look at may not be.

    Examples:
      samekind match card.samekind photos.samekind

      samekind match /media/card photos.samekind
    """
    from samekind.cli.console.extras import require_gallery

    require_gallery()
    from samekind.cli.console.progress import stage_bars
    from samekind.gallery import Gallery, matches_between

    if threshold is not None and kind is not DuplicateKind.SAME_CLASS:
        raise typer.BadParameter("--threshold is for --kind same-class; copies are told by their details")
    if kind is DuplicateKind.NEAR:
        with stage_bars() as report:
            matches, count = matches_between(place, other, on_progress=report, on_unreadable=name_unreadable)
    elif Path(place).is_dir() or Path(other).is_dir():
        raise typer.BadParameter(f"--kind {kind} needs two galleries; `samekind index FOLDER` makes one")
    else:
        with Gallery.open(place, read_only=True) as first, Gallery.open(other, read_only=True) as second:
            matches = first.matches(
                second, "same-class" if kind is DuplicateKind.SAME_CLASS else "exact", threshold=threshold
            )
            count = len(first)
    if json:
        echo_json([_match_as_json(found) for found in matches])
        return
    for found in matches:
        typer.echo(f"{shown_path(found.row.place)}  {shown_path(found.other.place)}  ({found.words()})")
    typer.echo(_match_summary(matches, count, kind, gallery_title(other)), err=True)


def _match_summary(matches: Sequence[Match], count: int, kind: DuplicateKind, other: str) -> str:
    sure = sum(found.sure for found in matches)
    if kind is DuplicateKind.NEAR:
        return f"{sure:,} of {count:,} images are in {other}; {len(matches) - sure:,} more to look at"
    what = "are in" if kind is DuplicateKind.EXACT else "have one of their kind in"
    return f"{len(matches):,} of {count:,} images {what} {other}"


def _match_as_json(found: Match) -> dict[str, object]:
    return {
        "image": found.row.name,
        "other": found.other.name,
        "similarity": found.similarity,
        "relation": found.relation,
        "kinds": found.kinds,
        "sure": found.sure,
        "evidence": None if found.evidence is None else dataclasses.asdict(found.evidence),
    }


def _absolute(path: Path | str) -> Path | str:
    return path if isinstance(path, str) else path.absolute()
