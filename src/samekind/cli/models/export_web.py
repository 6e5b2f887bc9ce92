"""``samekind export-web``: the page that judges pictures in a visitor's browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samekind.cli.console.options import ModelOption, printable
from samekind.cli.console.outputs import folder_like


def export_web(
    folder: Annotated[
        Path,
        typer.Argument(
            callback=folder_like, help="Where to write: a new folder, or one of an earlier page.", show_default=False
        ),
    ],
    model: ModelOption = None,
) -> None:
    """Write a page that judges pictures in the visitor's browser, for any host of static files.

    The pictures never leave the visitor's device: the model comes to them. The page judges two and three pictures,
    says why, adapts to pictures of the visitor's, and works without a network once it was loaded.

    Examples:
      samekind export-web site && python -m http.server --directory site

      samekind export-web site --model mine.onnx
    """
    from samekind.web.export import export_web as write

    page = write(folder, model)
    typer.echo(
        f"{page.folder}: written, {page.bytes / 1e6:.1f} MB, with {printable(page.card.name)} as {page.model}\n"
        f"see it: python -m http.server --directory {page.folder}, then open http://localhost:8000\n"
        "publish it: put the folder on any host of static files that has https"
    )
