"""Judging a CSV list of pairs or trios."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

from samekind.atomic import replacing
from samekind.cli.progress import progress_bar
from samekind.datasets.lists import Row, read_list, write_rows
from samekind.errors import ImageError
from samekind.recognizer import TrioVerdict, Verdict

_VERDICT_COLUMNS = ("verdict", "probability", "similarity", "threshold", "operating_point", "error")


def judge_list(
    path: Path,
    image_columns: Sequence[str],
    judge: Callable[[Any, Any], Sequence[Verdict | TrioVerdict | ImageError]],
    output: Path | None,
) -> None:
    """Read a list, judge its items, and write it again with the verdicts in further columns.

    An item with a bad image gets the reason in the column ``error``; the rest goes on, and the exit status is 2.

    Args:
        path: The CSV list.
        image_columns: The columns with paths.
        judge: Takes the items and a progress callback.
        output: Where to write; None is standard output.
    """
    listed = read_list(path, image_columns)
    different = len({image for item in listed.items for image in item})
    with progress_bar("images", different) as on_progress:
        verdicts = judge(listed.items, on_progress)
    columns = (*listed.columns, *(name for name in _VERDICT_COLUMNS if name not in listed.columns))
    rows = [row | _verdict_row(verdict) for row, verdict in zip(listed.rows, verdicts, strict=True)]
    if output is None:
        write_rows(sys.stdout, columns, rows)
    else:
        with replacing(output) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            write_rows(file, columns, rows)
    failed = [verdict for verdict in verdicts if isinstance(verdict, ImageError)]
    same = sum(not isinstance(verdict, ImageError) and verdict.same for verdict in verdicts)
    for message in dict.fromkeys(str(error) for error in failed):
        typer.secho(f"samekind: {message}", err=True, fg="red")
    typer.echo(
        f"{len(verdicts)} judged from {different} images: {same} same, {len(verdicts) - same - len(failed)} "
        f"different, {len(failed)} not readable",
        err=True,
    )
    if failed:
        raise typer.Exit(2)


def _verdict_row(verdict: Verdict | TrioVerdict | ImageError) -> Row:
    if isinstance(verdict, ImageError):
        return dict.fromkeys(_VERDICT_COLUMNS, "") | {"error": str(verdict)}
    return {
        "verdict": "same" if verdict.same else "different",
        "probability": f"{verdict.probability:.6f}",
        "similarity": f"{verdict.similarity:.6f}",
        "threshold": f"{verdict.threshold:.6f}",
        "operating_point": verdict.operating_point or "",
        "error": "",
    }
