"""``samekind data check``: what must be mended in a folder before training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import ExcludeOption, JsonOption, echo_json, printable

if TYPE_CHECKING:
    from samekind.datasets.checking.check_report import CheckReport, Finding


def check(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Class folders; or train, val and test with class folders in each; or a CSV with columns path, label "
            "and (if wanted) split; or a Parquet or WebDataset file.",
            show_default=False,
        ),
    ],
    exclude: ExcludeOption = None,
    json: JsonOption = False,
) -> None:
    """Look at every image before you train: unreadable files, copies, tiny classes, and what to do about them.

    Every file is decoded once, by the code that training uses; one that cannot be read is only noted, for training
    leaves it out. Identical images are those with the same bytes; in two
    classes they contradict each other, and in two splits they make a measurement look better than it is.

    Exit status: 0 if training by the default recipe could start as it stands, 1 if something should be mended, 2 for
    trouble, such as a folder that is not there.

    Examples:
      samekind data check photos && samekind train photos -o photos.onnx

      samekind data check photos --exclude "*_thumb.jpg" --json > findings.json
    """
    from samekind.cli.console.progress import stage_bars
    from samekind.datasets.checking.check import check as look

    with stage_bars() as on_progress:
        found = look(folder, exclude=exclude or (), on_progress=on_progress)
    if json:
        echo_json({"source": str(folder), "ready": found.ready} | dataclasses.asdict(found))
    else:
        _print(found)
    if not found.ready:
        raise typer.Exit(1)


def _print(found: CheckReport) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from samekind.datasets.checking.check_report import MOST_CLASSES

    typer.secho(f"{found.images:,} readable images of {len(found.classes):,} classes", bold=True)
    table = Table()
    table.add_column("class", overflow="fold")
    for name in (*found.splits, "different"):
        table.add_column(name, justify="right")
    # Of many classes the smallest, which are what one looks for.
    shown = sorted(found.classes, key=lambda count: count.different)[:MOST_CLASSES]
    for count in found.classes:
        if count in shown:
            numbers = [f"{count.images[split]:,}" if split in count.images else "" for split in found.splits]
            table.add_row(Text(printable(count.name)), *numbers, f"{count.different:,}")
    Console().print(table)
    for text in found.passed_over:
        typer.echo(f"passed over: {printable(text)}")
    if hidden := len(found.classes) - len(shown):
        typer.echo(f"and {hidden:,} larger classes (--json lists all)")
    for finding in found.findings:
        for line in _lines(finding):
            typer.echo(line)
    mend = sum(finding.mend for finding in found.findings)
    typer.echo(
        typer.style(f"\nthings to mend: {mend}", fg="red")
        if mend
        else typer.style("\nready to train", fg="green") + (", with the notes above" if found.findings else "")
    )


def _lines(finding: Finding) -> list[str]:
    from samekind.datasets.checking.check_report import MOST_DETAILS

    word = typer.style("mend", fg="red", bold=True) if finding.mend else typer.style("note", fg="yellow", bold=True)
    lines = ["", f"{word}  {printable(finding.summary)}"]
    lines += [f"        {printable(detail)}" for detail in finding.details[:MOST_DETAILS]]
    if (more := len(finding.details) - MOST_DETAILS) > 0:
        lines.append(f"        … and {more:,} more (--json lists all)")
    return [*lines, f"      → {printable(finding.advice)}"]
