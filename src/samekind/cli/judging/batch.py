"""Judging a CSV list of pairs or trios."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from samekind.cli.console.options import PAIR_NAMES, printable
from samekind.cli.console.progress import stage_bars
from samekind.datasets.lists import ItemList, list_folder, read_list
from samekind.datasets.tables import Row, new_list, write_rows
from samekind.errors import DatasetError, ImageError
from samekind.inference.verdict import TrioVerdict, Verdict
from samekind.system.paths import ENCODING_ERRORS, relative_path

_VERDICT_COLUMNS = ("verdict", "probability", "similarity", "threshold", "operating_point", "error")

AnyVerdict = Verdict | TrioVerdict


def judge_list(
    path: Path,
    image_columns: Sequence[str],
    judge: Callable[[Any, Any], Sequence[AnyVerdict | ImageError]],
    output: Path | None,
) -> None:
    """Read a list, judge its items, and write it again with the verdicts in further columns.

    An item with a bad image gets the reason in the column ``error``; the rest goes on, and the exit status is 2.

    Args:
        path: The CSV list.
        image_columns: The columns with paths.
        judge: Takes the items and a progress callback.
        output: Where to write; None is standard output. In a file relative paths are rewritten to be relative to its
            folder; elsewhere they stay as they were.

    Raises:
        DatasetError: The list cannot be read, or has a column of a name that the verdicts need.
    """
    listed = read_list(path, image_columns)
    added = (*_VERDICT_COLUMNS, *(PAIR_NAMES if len(image_columns) == 3 else ()))
    if clash := [name for name in added if name in listed.columns]:
        raise DatasetError(f"{path}: has a column {clash[0]!r} already, which the verdicts need; rename it")
    if output is None:
        verdicts = _judged(listed, judge)
        # As lists are read again; a code page of Windows could not write every name.
        sys.stdout.reconfigure(encoding="utf-8", errors=ENCODING_ERRORS)  # type: ignore[union-attr]
        write_rows(sys.stdout, (*listed.columns, *added), _rows(listed, image_columns, verdicts, None))
    else:
        # Opened before the work, so that an output that cannot be written is known at once.
        with new_list(output) as file:
            verdicts = _judged(listed, judge)
            write_rows(file, (*listed.columns, *added), _rows(listed, image_columns, verdicts, list_folder(output)))
    failed = [verdict for verdict in verdicts if isinstance(verdict, ImageError)]
    for message in dict.fromkeys(str(error) for error in failed):
        typer.secho(f"samekind: {printable(message)}", err=True, fg="red")
    same = sum(not isinstance(verdict, ImageError) and verdict.same for verdict in verdicts)
    yes, no = ("two alike", "none alike") if len(image_columns) == 3 else ("same", "different")
    typer.echo(
        f"{len(verdicts)} judged from {_different(listed)} images: {same} {yes}, "
        f"{len(verdicts) - same - len(failed)} {no}, {len(failed)} not readable",
        err=True,
    )
    if failed:
        raise typer.Exit(2)


def _judged(
    listed: ItemList, judge: Callable[[Any, Any], Sequence[AnyVerdict | ImageError]]
) -> Sequence[AnyVerdict | ImageError]:
    with stage_bars(log=False) as on_progress:
        return judge(listed.items, on_progress)


def _different(listed: ItemList) -> int:
    return len({image for item in listed.items for image in item})


def _rows(
    listed: ItemList, image_columns: Sequence[str], verdicts: Sequence[AnyVerdict | ImageError], folder: Path | None
) -> Iterable[Row]:
    for row, item, verdict in zip(listed.rows, listed.items, verdicts, strict=True):
        paths = {
            column: _relative(image, folder) if folder and not Path(row[column]).is_absolute() else row[column]
            for column, image in zip(image_columns, item, strict=True)
        }
        yield row | paths | _verdict_row(verdict)


def _relative(image: Path, folder: Path) -> str:
    # ".." behind a link is not where it seems to be.
    return relative_path(image.parent.resolve() / image.name, folder)


def _verdict_row(verdict: AnyVerdict | ImageError) -> Row:
    if isinstance(verdict, ImageError):
        return {"error": str(verdict)}
    row = {
        "verdict": "same" if verdict.same else "different",
        "probability": f"{verdict.probability:.6f}",
        "similarity": f"{verdict.similarity:.6f}",
        "threshold": f"{verdict.threshold:.6f}",
        "operating_point": verdict.operating_point or "",
    }
    if isinstance(verdict, TrioVerdict):
        row["verdict"] = "two alike" if verdict.same else "none alike"
        row |= {name: f"{pair.similarity:.6f}" for name, pair in zip(PAIR_NAMES, verdict.pairs, strict=True)}
    return row
