"""``samekind index``: bring a gallery in step with a folder, once or for as long as one watches."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import (
    ExcludeOption,
    JsonOption,
    ModelOption,
    echo_json,
    on_one_line,
    printable,
    shown_path,
    warn,
)
from samekind.cli.console.outputs import gallery_like

if TYPE_CHECKING:
    from samekind.gallery import Gallery, SyncReport

# A look at a folder may take this share of the time.
_MOST_LOOKING = 0.05


def index(
    folder: Annotated[
        Path,
        typer.Argument(help="A folder of images, subfolders too; or of shards (samekind embed).", show_default=False),
    ],
    gallery: Annotated[
        str | None,
        typer.Option(
            "--gallery",
            "-g",
            metavar="PLACE",
            callback=gallery_like,
            help='The gallery\'s file, or a database: postgresql://HOST/DATABASE (extra "postgres").',
            show_default="FOLDER.samekind, beside it",
        ),
    ] = None,
    model: ModelOption = None,
    index: Annotated[
        str | None,
        typer.Option(
            "--index",
            metavar="FACTORY",
            help="How to search: Flat (exact), or a FAISS factory string such as IVF4096,Flat or HNSW32, or advised. "
            "In a database: Flat or HNSW16, which is made for many images.",
            show_default="Flat, or as it is",
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and follow the folder's changes until Ctrl-C.")] = False,
    exclude: ExcludeOption = None,
    frames: Annotated[
        str | None,
        typer.Option(
            "--frames",
            metavar="HOW",
            help='Which frames of videos to index (extra "video"): scenes, where the scene changes; a number of '
            "seconds between two; or none.",
            show_default="scenes, or as it is",
        ),
    ] = None,
    every: Annotated[float, typer.Option(min=0.1, help="With --watch: seconds between two looks.")] = 2.0,
    json: JsonOption = False,
) -> None:
    """Index a folder, so that it can be searched, deduplicated and grouped.

    Run it again and only what changed is read: new, changed, moved and deleted files are found by size, time and the
    hash of their content, and only new content is embedded. It may be stopped at any moment; the next run goes on from
    there. A gallery may hold several folders: name the same --gallery again. Of videos some frames are indexed, under
    names such as clip.mp4#t=12.5.

    Shards are taken in without embedding anything: images that they do not have stay in the gallery, and a later index
    of the pictures' own folder reads only what has changed since.

    Nothing is ever written into the folder: the gallery is one SQLite file, with an index beside it that can be
    rebuilt from it.

    Examples:
      samekind index photos

      samekind index more-photos --gallery photos.samekind

      samekind index photos --watch

      samekind index photos --gallery postgresql://host/shop

      samekind index shards --gallery photos.samekind
    """
    from samekind.cli.console.extras import require_gallery

    require_gallery()
    from samekind.errors import GalleryError
    from samekind.gallery import Gallery
    from samekind.gallery.unfit import refuse_unfit
    from samekind.shards.folder import ShardFolder, is_shard_folder
    from samekind.system.paths import given_folder

    shards = is_shard_folder(folder)
    if shards and (watch or exclude or frames):
        raise typer.BadParameter(f"{folder}: --watch, --exclude and --frames are for folders of images, not of shards")
    folder = given_folder(folder, GalleryError)  # before an empty gallery is made for it
    path = _beside(folder) if gallery is None else gallery
    refuse_unfit(
        path,
        model=model,
        shards=ShardFolder(folder) if shards else None,
        index=None if index == "advised" else index,
        frames=frames,
    )
    with Gallery.open(path, model=model) as opened:
        report = _add_shards(opened, folder, index) if shards else _sync(opened, folder, index, exclude or (), frames)
        _tell(opened, report, json)
        # Also that there was nothing: who misses a picture need not wonder.
        typer.echo(f"passed over: {printable(', '.join(report.passed_over)) or 'nothing'}", err=True)
        _warn_of_recall(opened)
        trouble, unlisted = "", report.unlisted
        while watch:
            time.sleep(every)
            start = time.monotonic()
            try:
                report = _sync(opened, folder, None, exclude or ())
            except GalleryError as error:  # a disk that is away, another writer: it may end
                if str(error) != trouble:
                    trouble = str(error)
                    typer.secho(f"samekind: {printable(trouble)}; watching on", err=True, fg="red")
            else:
                trouble = ""
                if report.unlisted == unlisted:  # told before
                    report.unlisted = []
                else:
                    unlisted = report.unlisted
                if _has_news(report):
                    _tell(opened, report, json)
            time.sleep((time.monotonic() - start) / _MOST_LOOKING)


def _beside(folder: Path) -> Path:
    from samekind.errors import GalleryError

    # Of "." only the real folder knows its name.
    named = folder if folder.name not in {"", ".."} else folder.resolve()
    if not named.name:
        raise GalleryError(f"{folder}: there is nothing beside the root of a disk; name the gallery's file: --gallery")
    return named.with_name(f"{named.name}.samekind")


def _add_shards(gallery: Gallery, folder: Path, index: str | None) -> SyncReport:
    from samekind.cli.console.progress import stage_bars
    from samekind.shards.folder import ShardFolder

    with stage_bars() as report:
        found = gallery.add_shards(folder, index=None if index == "advised" else index, on_progress=report)
        if index == "advised":
            gallery.add_shards(folder, index=gallery.status().advised_index)
    if found.not_embedded:
        shards = ShardFolder(folder)
        source = next((shards.manifest.plans[plan].source for plan, _ in shards.unfinished()), "SOURCE")
        warn(
            f"{shown_path(folder)}: {found.not_embedded:,} images are not embedded yet; run "
            f"`{on_one_line(shlex.join(['samekind', 'embed', source, '-o', shown_path(folder)]))}` again, with the "
            "options that it had, and then this command"
        )
    return found


def _sync(
    gallery: Gallery, folder: Path, index: str | None, exclude: Sequence[str], frames: str | None = None
) -> SyncReport:
    from samekind.cli.console.progress import stage_bars

    with stage_bars() as report:
        try:
            found = gallery.sync(
                folder,
                index=None if index == "advised" else index,
                exclude=exclude,
                frames=frames,
                on_progress=report,
            )
            if index == "advised":  # by what the gallery holds now
                gallery.sync(folder, index=gallery.status().advised_index, exclude=exclude)
        except KeyboardInterrupt:
            typer.echo("\nsamekind: stopped; what was done is kept, and the same command goes on from here", err=True)
            raise
    return found


def _warn_of_recall(gallery: Gallery) -> None:
    status = gallery.status()
    if status.recall_is_low:
        typer.echo(
            f"samekind: the index {status.index} finds {status.index_recall:.0%} of the ten nearest of a sample; "
            f"--index {status.advised_index} finds more",
            err=True,
        )


def _has_news(report: SyncReport) -> bool:
    counts = report.added, report.changed, report.moved, report.removed
    return bool(any(counts) or report.unreadable or report.unlisted)


def _tell(gallery: Gallery, report: SyncReport, json: bool) -> None:
    for name, reason in report.unreadable:
        typer.secho(f"samekind: {on_one_line(name)}: {printable(reason)}", err=True, fg="red")
    for name, reason in report.unlisted:
        warn(f"{on_one_line(name)}: {reason}; what the gallery has of it stays")
    for name, reason in report.damaged:
        warn(f"{on_one_line(name)}: {reason}")
    if json:
        echo_json(report)
        return
    done = [
        f"{count:,} {word}"
        for count, word in (
            (report.added, "new"),
            (report.changed, "changed"),
            (report.moved, "moved"),
            (report.removed, "removed"),
            (len(report.unreadable) + report.unreadable_before, "unreadable"),
        )
        if count
    ]
    typer.echo(f"{shown_path(gallery.path)}: {len(gallery):,} images ({', '.join(done) or 'nothing changed'})")
