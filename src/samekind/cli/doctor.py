"""``samekind doctor``: what is installed, what it runs on, and what is wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from samekind.cli.console.options import echo_json, printable


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is installed and what it runs on; and what is wrong, each with the command that mends it.

    The exit status is 1 if something is wrong.

    Examples:
      samekind doctor
    """
    from samekind.diagnosis.diagnosis import diagnose

    found = diagnose()
    if json:
        echo_json(found)
    else:
        typer.echo(printable(found.text()))
    if found.faults:
        raise typer.Exit(1)
