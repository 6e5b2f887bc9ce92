"""``samekind find``: whether this very picture is in a gallery or a folder already."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from samekind.cli.console.options import JsonOption, echo_json, printable, shown_path, warn


def find(
    picture: Annotated[Path, typer.Argument(help="An image file.", show_default=False)],
    place: Annotated[Path, typer.Argument(help="A gallery, or a folder.", metavar="PLACE", show_default=False)],
    json: JsonOption = False,
) -> None:
    """Tell whether this very picture is in a gallery or a folder: its copies, of what kind, how sure, and why.

    What is like it but no copy (another text, another moment) is listed last. The exit status is 0 if there is a copy,
    1 if there is none. A folder's pictures are read anew each time; a gallery keeps what is needed.

    Examples:
      samekind find picture.jpg photos.samekind

      samekind find picture.jpg photos
    """
    from samekind.cli.console.extras import require_gallery

    require_gallery()
    from samekind.cli.console.progress import stage_bars
    from samekind.gallery import copies_in

    with stage_bars() as report:
        found = copies_in(
            place, picture, on_progress=report, on_unreadable=lambda files: _name_unreadable(place, files)
        )
    copies = [match for match in found if match.evidence is not None and match.evidence.relation == "copy"]
    if json:
        evidence = [(match, match.evidence and dataclasses.asdict(match.evidence)) for match in found]
        echo_json([{"image": m.row.name, "path": str(m.row.path), "sure": m.sure, "evidence": e} for m, e in evidence])
    else:
        for match in found:
            typer.echo(f"{'sure' if match.sure else 'look'}  {shown_path(match.row.path)}  ({match.words()})")
        if not copies:
            typer.echo(f"no copy of {printable(str(picture))} in {printable(str(place))}", err=True)
    raise typer.Exit(0 if copies else 1)


def _name_unreadable(place: Path, files: Sequence[tuple[str, str]]) -> None:
    for name, reason in files:
        warn(f"{place / name}: {reason}")
