"""The ``samekind`` command: its subcommands, and how errors reach a person."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from samekind.cli import demo, doctor, serve
from samekind.cli.console.help_text import let_help_flow
from samekind.cli.console.options import printable
from samekind.cli.console.output import write_anything
from samekind.cli.console.remarks import show_remarks
from samekind.cli.console.words import hint_of_quotes, refuse_empty
from samekind.cli.datasets import audit, check, data, imagenette, label
from samekind.cli.galleries import cluster, duplicates, embed, find, gallery, index, search
from samekind.cli.judging import adapt, explain, trio, verify
from samekind.cli.models import calibrate, evaluate, export_web, info, models, push, reproduce, train, wrap
from samekind.errors import SamekindError

# None lets click decide by whether it writes to a terminal.
_COLOUR = False if os.environ.get("NO_COLOR") else None
# Characters of a message.
_LONGEST = 2000
# The exit status.
_TROUBLE = 2


class _Discreet(TyperGroup):
    """Commands whose errors of usage, which repeat what was typed, are as fit to be shown as all others."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if hasattr(error, "format_message"):  # of click, which typer has as its own in some versions
                error.message = printable(str(getattr(error, "message", "")))  # type: ignore[attr-defined]
            raise


app = typer.Typer(
    name="samekind",
    cls=_Discreet,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Are these pictures the same kind of thing?\n\n"
    "Two images: do they show the same class? Three: do at least two of them? "
    "Verdicts come with a calibrated probability and a threshold whose error rates are known.",
)


def _version(wanted: bool) -> None:
    if wanted:
        import samekind

        typer.echo(f"samekind {samekind.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Common options; the callback of ``--version`` does the work."""
    del version


app.command("verify")(verify.verify)
app.command("trio")(trio.trio)
app.command("explain")(explain.explain)
app.command("info")(info.info)
app.command("adapt")(adapt.adapt)
app.command("evaluate")(evaluate.evaluate)
app.command("calibrate")(calibrate.calibrate)
app.command("train")(train.train)
app.command("push")(push.push)
app.command("wrap")(wrap.wrap)
app.command("reproduce")(reproduce.reproduce)
app.command("export-web")(export_web.export_web)
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.command("models")(models.models)
app.command("demo")(demo.demo)
data.app.command("check")(check.check)
data.app.command("audit")(audit.audit)
data.app.command("apply")(audit.apply)
data.app.command("label")(label.label)
data.app.command("imagenette")(imagenette.imagenette)
app.command("embed")(embed.embed)
app.command("index")(index.index)
app.command("search")(search.search)
app.command("duplicates")(duplicates.duplicates)
app.command("cluster")(cluster.cluster)
app.command("find")(find.find)
app.command("match")(gallery.match)
app.command("status")(gallery.status)
app.command("remove")(gallery.remove)
app.command("export")(gallery.export)
app.add_typer(data.app, name="data")
for _commands in (app, data.app):
    let_help_flow(_commands)


def run() -> None:
    """Entry point: the commands, with an error as one line on standard error and exit status 2."""
    write_anything()
    show_remarks()
    try:
        refuse_empty(sys.argv[1:])
        app(color=_COLOUR)
    except SystemExit as end:
        if end.code == _TROUBLE:
            _hint()
        raise
    except SamekindError as error:
        _fail(str(error))
    except OSError as error:
        # Images, lists and models are guarded where they are read; what is left is mostly output.
        _fail(f"{error.filename or 'output'}: {error.strerror or error}")
    except KeyboardInterrupt:
        typer.echo("samekind: interrupted", err=True)
        sys.exit(130)


def _fail(message: str) -> None:
    message = printable(message)
    if len(message) > _LONGEST:  # a field of a list, say, that was taken for a path
        message = f"{message[:_LONGEST]}…"
    typer.secho(f"samekind: {message}", err=True, fg="red", color=_COLOUR)
    _hint()
    sys.exit(_TROUBLE)


def _hint() -> None:
    if hint := hint_of_quotes(sys.argv[1:]):
        typer.echo(f"samekind: {printable(hint)}", err=True)
