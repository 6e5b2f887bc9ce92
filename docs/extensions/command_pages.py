"""A page for each command, from the code that parses it."""

from __future__ import annotations

from enum import EnumType
from typing import TYPE_CHECKING, Any

from extensions.generated import in_cell, write_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx use it."""
    app.connect("builder-inited", lambda _: write_command_pages())
    return {"parallel_read_safe": True}


def write_command_pages() -> None:
    """Write the pages of all commands, and the one that lists them."""
    import typer

    from samekind.cli.main import app

    commands = dict(_commands(typer.main.get_command(app), "samekind"))
    for name, command in commands.items():
        write_page(f"commands/{name.replace(' ', '-')}.md", command_page(name, command))
    rows = [f"* [`{name}`]({name.replace(' ', '-')}.md): {_first_sentence(c)}" for name, c in commands.items()]
    entries = [name.replace(" ", "-") for name in commands]
    write_page(
        "commands/index.md",
        "# Commands\n\nThe same text stands behind `--help` of each.\n\n"
        + "\n".join(rows)
        + "\n\n```{toctree}\n:hidden:\n\n"
        + "\n".join(entries)
        + "\n```\n",
    )


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, child in sorted(command.commands.items()):
        if hasattr(child, "commands"):
            yield from _commands(child, f"{name} {word}")
        else:
            yield f"{name} {word}", child


def command_page(name: str, command: Any) -> str:
    """What a command does, its examples, arguments and options, in Markdown."""
    about, _, examples = (command.help or "").partition("Examples:\n")
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not getattr(p, "hidden", False)]
    usage = " ".join([name, "[OPTIONS]", *(_usage(argument) for argument in arguments)])
    parts = [f"# {name}", f"```text\n{usage}\n```", _escaped(about.strip())]
    if examples:
        lines = "\n".join(f"$ {line.strip()}" for line in examples.splitlines() if line.strip())
        parts.append(f"```console\n{lines}\n```")
    for title, rows in (("Arguments", arguments), ("Options", options)):
        if rows:
            parts.append(f"## {title}\n\n| | |\n|---|---|\n" + "\n".join(map(_row, rows)))
    return "\n\n".join(parts) + "\n"


def _usage(argument: Any) -> str:
    name = (argument.metavar or argument.name).upper().strip("[]")
    return (name if argument.required else f"[{name}]") + ("..." if argument.nargs == -1 else "")


def _row(parameter: Any) -> str:
    option = parameter.param_type_name == "option"
    names = [*parameter.opts, *parameter.secondary_opts] if option else [_usage(parameter).strip("[].")]
    help_text = in_cell(_escaped(parameter.help or ""))
    if choices := _choices(parameter):
        help_text += " One of " + ", ".join(f"`{choice}`" for choice in choices) + "."
    default = parameter.default
    if isinstance(parameter.show_default, str):
        help_text += f" Default: {_escaped(parameter.show_default)}."
    elif option and default not in (None, False, ()) and not callable(default):
        help_text += f" Default: `{getattr(default, 'value', default)}`."
    return f"| {', '.join(f'`{name}`' for name in names)} | {help_text} |"


def _choices(parameter: Any) -> list[str]:
    """The values of an option that is one of a few; typer keeps them in another place since it left click."""
    if known := getattr(getattr(parameter, "type", None), "choices", ()):
        return [str(getattr(choice, "value", choice)) for choice in known]
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    return [member.value for member in annotation] if isinstance(annotation, EnumType) else []


def _escaped(text: str) -> str:
    return text.replace("*", r"\*").replace("\b", "").replace("[", r"\[")


def _first_sentence(command: Any) -> str:
    return _escaped(" ".join((command.help or "").partition("\n\n")[0].split()))
