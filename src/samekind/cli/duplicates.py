"""``samekind duplicates``: groups of copies, and which copy of each is worth keeping."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.apply import ApplyOption, IntoOption, TrashOption, UndoOption, YesOption, apply_or_undo
from samekind.cli.options import (
    BareOption,
    DuplicateKind,
    HtmlOption,
    JsonOption,
    echo_json,
    printable,
    shown_path,
)

if TYPE_CHECKING:
    from samekind.gallery import DuplicateGroup


def duplicates(
    gallery: Annotated[
        Path | None,
        typer.Argument(help="A gallery, as `samekind index` makes it.", metavar="GALLERY", show_default=False),
    ] = None,
    kind: Annotated[
        DuplicateKind,
        typer.Option(
            help="exact: the same bytes or the same pixels. near: the same picture, also resized, recompressed, "
            "cropped, mirrored, grey or a little turned. same-class: the same kind of thing."
        ),
    ] = DuplicateKind.NEAR,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=-1,
            max=1,
            help="How alike all images of a group must be; higher finds fewer. For near two images of a group may be "
            "0.16 less alike, if others link them.",
            show_default="near: calibrated; same-class: the model's strict threshold",
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan", metavar="FILE", help="Write a list of what to keep and what to remove, to read, edit and apply."
        ),
    ] = None,
    bare: BareOption = False,
    html: HtmlOption = None,
    apply: ApplyOption = None,
    yes: YesOption = False,
    trash: TrashOption = False,
    into: IntoOption = None,
    undo: UndoOption = None,
    json: JsonOption = False,
) -> None:
    """Find duplicates, move those that a plan removes, put them back. Nothing is deleted.

    In a group every image is a duplicate of every other, so a chain of look-alikes does not swallow an album. Of each
    group one copy is worth keeping: that with the most pixels; of several the largest file, then the oldest.

    Examples:
      samekind duplicates photos.samekind

      samekind duplicates photos.samekind --kind exact --plan plan.txt

      samekind duplicates photos.samekind --html duplicates.html

      samekind duplicates --apply plan.txt --yes

      samekind duplicates --undo removed-by-samekind
    """
    if apply_or_undo(gallery, apply, undo, yes, trash, into, json) or gallery is None:
        return
    from samekind.cli.extras import require_gallery

    require_gallery()
    from samekind.cli.progress import stage_bars
    from samekind.gallery import Gallery, summary_of_duplicates, write_duplicates_sheet

    changed: list[int] = []
    with Gallery.open(gallery, read_only=True, bare=bare) as opened, stage_bars() as report:
        groups = opened.duplicates(
            kind.value,
            threshold=threshold,
            on_progress=report,
            on_changed=changed.append,
        )
        folder = opened.folder
    if changed:
        typer.echo(f"samekind: left out: {sum(changed):,} files changed since; run samekind index", err=True)
    if plan is not None:
        from samekind.gallery.plan import write_plan

        title = f"{kind} duplicates in {gallery.name}"
        write_plan(plan, groups, title, folder, sure=kind != DuplicateKind.SAME_CLASS)
    if html is not None:
        write_duplicates_sheet(html, printable(f"{kind} duplicates in {gallery.name}"), groups)
    if json:
        echo_json([_as_json(group) for group in groups])
        return
    typer.echo(summary_of_duplicates(groups))
    for number, group in enumerate(groups, 1):
        typer.secho(f"group {number}: {len(group.rows)} images, least alike {group.similarity:.2f}", bold=True)
        for row in group.rows:
            kept = row == group.keep
            typer.echo(f"  {'keep' if kept else '    '}  {shown_path(row.path)}{f'  ({group.why})' if kept else ''}")


def _as_json(group: DuplicateGroup) -> dict[str, object]:
    return {
        "similarity": group.similarity,
        "keep": group.keep.name,
        "why": group.why,
        "images": [row.name for row in group.rows],
    }
