"""Progress bars on standard error, only where a person is watching."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from samekind.progress import Progress, note_of

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextmanager
def stage_bars(*, log: bool = True) -> Iterator[Progress]:
    """Bars for stages that come one after another; yields what to call with (stage, done, total).

    Where standard error is a file, a line is written for each tenth of a stage, so that a long run's log shows where
    it stands.

    Args:
        log: Whether to write such lines.
    """
    if not sys.stderr.isatty():
        yield _log_tenths() if log else lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total or None, note="")
            bars.update(tasks[stage], completed=done, note=note_of(stage))

        yield report


def _log_tenths() -> Progress:
    written: dict[str, int] = {}

    def report(stage: str, done: int, total: int) -> None:
        tenth = 10 * done // total if total else 0
        if tenth > written.get(stage, 0):
            written[stage] = tenth
            note = f", {note_of(stage)}" if note_of(stage) else ""
            print(f"{stage}: {done:,} of {total:,}{note}", file=sys.stderr, flush=True)  # noqa: T201 - a log

    return report
