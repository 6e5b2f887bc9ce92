"""``samekind duplicates``: groups of copies, and which copy of each is worth keeping."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import (
    AddressOption,
    BareOption,
    DuplicateKind,
    EngineOption,
    JsonOption,
    WhereOption,
    WorkersOption,
    echo_json,
    gallery_title,
    shown_path,
)
from samekind.cli.console.outputs import PLAN, HtmlOption, file_like
from samekind.cli.galleries.apply import ApplyOption, IntoOption, TrashOption, UndoOption, YesOption, apply_or_undo

if TYPE_CHECKING:
    from samekind.gallery import DuplicateGroup


def duplicates(
    gallery: Annotated[
        str | None,
        typer.Argument(
            help="A gallery, as `samekind index` makes it: a file, or postgresql://HOST/DATABASE.",
            metavar="GALLERY",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        DuplicateKind,
        typer.Option(
            help="exact: the same bytes or the same pixels. near: the same picture, also resized, recompressed, "
            "cropped, turned, mirrored, grey, toned, bordered, overlaid or damaged. same-class: the same kind of "
            "thing, no copy."
        ),
    ] = DuplicateKind.NEAR,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=-1,
            max=1,
            help="How alike all images of a group must be, for same-class; higher finds fewer.",
            show_default="the model's strict threshold",
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            callback=file_like(PLAN),
            help="Write a list of what to keep and what to remove, to read, edit and apply.",
        ),
    ] = None,
    where: WhereOption = None,
    engine: EngineOption = "local",
    address: AddressOption = "local",
    workers: WorkersOption = None,
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

    Copies are known by their details, compared in the files themselves. Each is sure, or to be looked at; a plan
    removes sure copies of the kept image only. Variants (other text, another colour) and other moments of one scene
    are listed last and never removed. Kept is the image as it was before edits, with camera data, more pixels, less
    compressed, older.

    Examples:
      samekind duplicates photos.samekind

      samekind duplicates photos.samekind --kind exact --plan plan.txt

      samekind duplicates photos.samekind --html duplicates.html

      samekind duplicates photos.samekind --engine ray --address auto --plan plan.txt

      samekind duplicates --apply plan.txt --yes

      samekind duplicates --undo removed-by-samekind
    """
    if apply_or_undo(gallery, apply, undo, yes, trash, into, json) or gallery is None:
        return
    from samekind.cli.console.extras import require, require_gallery

    require_gallery()
    if engine == "ray":
        require("ray", "ray")
    if threshold is not None and kind is not DuplicateKind.SAME_CLASS:
        raise typer.BadParameter("--threshold is for --kind same-class; copies are told by their details")
    from samekind.cli.console.progress import stage_bars
    from samekind.gallery import Gallery, summary_of_duplicates, title_of_group, write_duplicates_sheet

    changed: list[int] = []
    with Gallery.open(gallery, read_only=True, bare=bare) as opened, stage_bars() as report:
        groups = opened.duplicates(
            kind.value,
            threshold=threshold,
            related=True,
            where=where,
            engine=engine,
            address=address,
            workers=workers,
            on_progress=report,
            on_changed=changed.append,
        )
        folder = opened.folder
    if changed:
        typer.echo(f"samekind: left out: {sum(changed):,} files changed since; run samekind index", err=True)
    if plan is not None:
        from samekind.gallery.plan import write_plan

        write_plan(plan, groups, f"{kind} duplicates in {gallery_title(gallery)}", folder)
    if html is not None:
        with stage_bars() as report:
            write_duplicates_sheet(
                html, f"{kind.capitalize()} duplicates in {gallery_title(gallery)}", groups, folder, on_progress=report
            )
    if json:
        echo_json([_as_json(group) for group in groups])
        return
    typer.echo(summary_of_duplicates(groups))
    for number, group in enumerate(groups, 1):
        alike = "" if group.similarity in {None, 1.0} else f", least alike {group.similarity:.2f}"
        typer.secho(f"{title_of_group(number, group)}{alike}", bold=True)
        typer.echo(f"  keep  {shown_path(group.keep.place)}  ({group.why})")
        for other in group.others:
            typer.echo(f"  {'sure' if other.sure else 'look'}  {shown_path(other.row.place)}  ({other.words()})")


def _as_json(group: DuplicateGroup) -> dict[str, object]:
    return {
        "relation": group.relation,
        "similarity": group.similarity,
        "keep": group.keep.name,
        "why": group.why,
        "images": [row.name for row in group.rows],
        "others": [
            {
                "image": other.row.name,
                "kinds": other.kinds,
                "certainty": "sure" if other.sure else "look",
                "doubt": other.doubt,
                "worse": other.worse,
                "evidence": None if other.evidence is None else dataclasses.asdict(other.evidence),
            }
            for other in group.others
        ],
    }
