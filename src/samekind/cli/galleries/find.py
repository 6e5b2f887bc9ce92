"""``samekind find``: whether this very picture is in a gallery or a folder already."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import JsonOption, echo_json, gallery_title, printable, shown_path
from samekind.cli.console.remarks import name_unreadable

if TYPE_CHECKING:
    from samekind.gallery import Match


def find(
    picture: Annotated[Path, typer.Argument(help="An image file.", show_default=False)],
    place: Annotated[str, typer.Argument(help="A gallery, or a folder.", metavar="PLACE", show_default=False)],
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
        found = copies_in(place, picture, on_progress=report, on_unreadable=name_unreadable)
    copies = [match for match in found if match.relation == "copy"]
    if json:
        echo_json([_as_json(match) for match in found])
    else:
        for match in found:
            typer.echo(f"{'sure' if match.sure else 'look'}  {shown_path(match.row.place)}  ({match.words()})")
        if not copies:
            typer.echo(f"no copy of {printable(str(picture))} in {gallery_title(place)}", err=True)
    raise typer.Exit(0 if copies else 1)


def _as_json(match: Match) -> dict[str, object]:
    return {
        "image": match.row.name,
        "path": str(match.row.place),
        "relation": match.relation,
        "kinds": match.kinds,
        "certainty": match.certainty,
        "sure": match.sure,
        "words": match.words(),
        "evidence": None if match.evidence is None else dataclasses.asdict(match.evidence),
    }
