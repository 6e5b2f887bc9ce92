"""``samekind duplicates --apply`` and ``--undo``: what a plan would do, doing it, and the way back."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import echo_json, printable, shown_path, warn
from samekind.cli.console.outputs import folder_like
from samekind.system.paths import shell_word

if TYPE_CHECKING:
    from samekind.plans import Applied, Plan, Undone

ApplyOption = Annotated[
    Path | None,
    typer.Option(
        "--apply",
        metavar="PLAN",
        help="Show what a plan would do; with --yes, do it: what it removes is moved to a folder, by date, from which "
        "--undo puts it back. A file that has changed since, or is the last copy, stays.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "--really", help="With --apply: move the files.")]
TrashOption = Annotated[bool, typer.Option("--trash", help="With --apply: move them to the system's trash.")]
IntoOption = Annotated[
    Path | None,
    typer.Option(
        "--into",
        metavar="FOLDER",
        callback=folder_like,
        help="With --apply: make the dated folder here, as on another disk that has room.",
    ),
]
UndoOption = Annotated[
    Path | None,
    typer.Option(
        "--undo",
        metavar="FOLDER",
        help="Put back what --apply moved: the dated folder that it named, or the folder above for all of them. "
        "Nothing is written over.",
    ),
]


_INDEX_AGAIN = "A gallery of them knows it after the next samekind index"


def apply_or_undo(
    gallery: str | None, plan: Path | None, run: Path | None, yes: bool, trash: bool, into: Path | None, json: bool
) -> bool:
    """Do what ``--apply`` or ``--undo`` asks for; False if neither was given.

    Raises:
        BadParameter: Options that do not go together, or nothing to do.
        Exit: With 1 if some files could not be moved, with 130 after Ctrl-C.
    """
    _refuse_unfit(gallery, plan, run, yes, trash, into)
    if plan is None and run is None:
        return False
    from samekind.cli.console.extras import require

    require("gallery", "filelock", *(("send2trash",) if trash else ()))
    if run is not None:
        _undo(run, json)
    elif plan is not None:
        _apply(plan, yes, trash, into, json)
    return True


def _refuse_unfit(
    gallery: str | None, plan: Path | None, run: Path | None, yes: bool, trash: bool, into: Path | None
) -> None:
    given = [value for value in (gallery, plan, run) if value is not None]
    if not given:
        raise typer.BadParameter("name a gallery, or a plan with --apply, or a folder with --undo")
    if len(given) > 1:
        raise typer.BadParameter("a gallery, --apply and --undo do not go together; give one of the three")
    if plan is None and (yes or trash or into is not None):
        raise typer.BadParameter("--yes, --trash and --into go with --apply PLAN")
    if trash and into is not None:
        raise typer.BadParameter("--trash and --into do not go together: files are moved to one place")


def _apply(path: Path, yes: bool, trash: bool, into: Path | None, json: bool) -> None:
    from samekind.cli.console.progress import stage_bars
    from samekind.plans import apply_plan, preview_plan, read_plan

    plan = read_plan(path)
    with stage_bars() as report:
        if not yes:
            result = preview_plan(plan, report)
        else:
            with stop_after_this_file() as stopped:
                result = apply_plan(plan, trash=trash, into=into, on_progress=report, stopped=stopped)
    if json:
        echo_json(_as_json(result))
    else:
        _tell_applied(path, plan, result, yes, "the trash" if trash else None, into)
    _exit(interrupted=result.left > 0, incomplete=bool(result.refused))


def _undo(run: Path, json: bool) -> None:
    from samekind.cli.console.progress import stage_bars
    from samekind.plans import undo

    with stage_bars() as report, stop_after_this_file() as stopped:
        result = undo(run, on_progress=report, stopped=stopped)
    if json:
        echo_json(result)
    else:
        _tell_undone(run, result)
    _exit(interrupted=result.left > 0, incomplete=bool(result.problems or result.by_hand))


@contextmanager
def stop_after_this_file() -> Iterator[Callable[[], bool]]:
    """Yield what tells whether Ctrl-C was pressed. A second one stops at once, and loses nothing either."""
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, _frame: object) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, before)
        warn("stopping after this file")

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def _tell_applied(path: Path, plan: Plan, result: Applied, yes: bool, trash: str | None, into: Path | None) -> None:
    if not yes:
        for ready in result.moved:
            typer.echo(printable(f"would move  {ready.line.name}  (its copy {ready.copy} stays)"))
    for refused in result.refused:
        warn(f"stays: {refused.line.name} {refused.why}")
    if result.moved:
        where = trash or (shown_path(result.run) if result.run else "a dated folder")
        word = "moved" if yes else "would be moved"
        what = f"{len(result.moved):,} files, {result.size / 1e6:,.1f} MB, {word} to {where}"
    else:
        what = "nothing was moved" if yes else "nothing would be moved"
    typer.echo(f"{what}{_rest(plan, result)}")
    if result.shared:
        typer.echo(f"{result.shared:,} of them have another name on the disk (a hard link): to move them frees nothing")
    if not yes and result.moved:
        again = f"samekind duplicates --apply {_word(path)}{' --trash' if trash else ''}"
        typer.echo(f"Nothing was moved. To move them: {again}{f' --into {_word(into)}' if into else ''} --yes")
    if result.left:
        typer.echo(f"Stopped; {result.left:,} files to go. To go on, type the same again")
    if result.run:
        typer.echo(f"To put them back: samekind duplicates --undo {_word(result.run)}")
        if not trash:
            typer.echo("Their room is free when you delete that folder")
        if result.moved:
            typer.echo(_INDEX_AGAIN)


def _rest(plan: Plan, result: Applied) -> str:
    counts = (
        (len(result.refused), "stay, as said above"),
        (result.gone, "were gone already"),
        (len(plan.of("look")), "to look at"),
    )
    return "".join(f"; {count:,} {what}" for count, what in counts if count)


def _tell_undone(run: Path, result: Undone) -> None:
    for problem in result.problems:
        warn(problem)
    for path in result.by_hand:
        warn(f"{path}: not found in the trash")
    there = f"; {result.there:,} were there already" if result.there else ""
    failed = len(result.problems) + len(result.by_hand)
    typer.echo(f"{result.back:,} files put back{there}{f'; {failed:,} not, as said above' if failed else ''}")
    if result.back:
        typer.echo(_INDEX_AGAIN)
    if result.by_hand:
        typer.echo(f"What is in the trash all the same: {result.how_by_hand}")
    if result.left:
        typer.echo(f"Stopped; {result.left:,} files to go. To go on: samekind duplicates --undo {_word(run)}")


def _as_json(result: Applied) -> dict[str, object]:
    return {
        "moved": [ready.line.name for ready in result.moved],
        "bytes": result.size,
        "stay": {refused.line.name: refused.why for refused in result.refused},
        "gone": result.gone,
        "left": result.left,
        "run": result.run,
    }


def _word(path: Path) -> str:
    """A path as a word of a command line."""
    return shell_word(printable(str(path)))


def _exit(*, interrupted: bool, incomplete: bool) -> None:
    if interrupted:
        raise typer.Exit(130)
    if incomplete:
        raise typer.Exit(1)
