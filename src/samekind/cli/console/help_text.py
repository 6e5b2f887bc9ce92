"""What ``--help`` says: the docstring of a command, as paragraphs that flow to the width of the terminal."""

from __future__ import annotations

import inspect

import typer


def let_help_flow(app: typer.Typer) -> None:
    """Give each command of an app its docstring as help, without the line breaks that only the source code needs."""
    for command in app.registered_commands:
        if command.help is None and command.callback is not None:
            command.help = flowing(inspect.getdoc(command.callback) or "")


def flowing(docstring: str) -> str:
    r"""A docstring with each paragraph on one line; what is indented, such as examples, stays as it is.

    Example:
        >>> flowing("One\ntwo.\n\nExamples:\n  samekind demo\n  samekind info")
        'One two.\n\nExamples:\n  samekind demo\n  samekind info'
    """
    return "\n\n".join(
        part if "\n " in part or part.startswith(" ") else part.replace("\n", " ") for part in docstring.split("\n\n")
    )
