"""Files and folders that commands write: what their names may end in, and what may lie there already.

Each option that names one has a callback from here, so that what does not fit is refused before the work.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

# Endings that fit, the usual one first.
PAGE = (".html", ".htm")
MODEL = (".onnx",)
TABLE = (".csv", ".tsv", ".txt")
PLAN = (".txt", ".plan")
JSON = (".json",)
ROWS = (".csv", ".parquet", ".npz")
PICTURE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".pdf")
FIGURE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".pdf", ".svg")
GALLERY = (".samekind", ".db", ".sqlite", ".sqlite3")
# Endings of files that people keep and nothing here writes.
_OTHERS = (
    ".doc",
    ".docx",
    ".odt",
    ".ods",
    ".xls",
    ".xlsx",
    ".ppt",
    ".pptx",
    ".zip",
    ".heic",
    ".mp4",
    ".mov",
    ".py",
    ".tar",
)
# Endings of files, which no folder that is written has.
_FILES = frozenset({*PAGE, *MODEL, *TABLE, *PLAN, *JSON, *PICTURE, *FIGURE, *GALLERY, *ROWS})
# Separators of a table's first line.
_SEPARATORS = ",;\t|"


def file_like(endings: tuple[str, ...]) -> Callable[[Path | None], Path | None]:
    """A callback that lets a path through whose ending and whose content, where there is any, are of one kind.

    Args:
        endings: What its name may end in. A name whose ending is of no known kind is taken as it is.
    """

    def fitting(path: Path | None) -> Path | None:
        if path is not None:
            _refuse_unfit(path, endings)
        return path

    return fitting


def folder_like(path: Path | None) -> Path | None:
    """A callback that refuses what is a file, or is named as one is: a folder of that name would surprise."""
    if path is not None and not path.is_dir():
        if path.exists():
            raise typer.BadParameter(f"{path} is a file; name a folder")
        if path.suffix.lower() in _FILES:
            raise typer.BadParameter(f"{path}: names a file, but a folder is written; give a name such as {path.stem}")
    return path


def gallery_like(place: str | None) -> str | None:
    """A callback that refuses a new gallery under a name of another kind of file; a database is no file."""
    if place is not None and "://" not in place and not Path(place).exists():
        _refuse_unfit(Path(place), GALLERY)
    return place


def _refuse_unfit(path: Path, endings: tuple[str, ...]) -> None:
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a folder; name a file")
    # Another dot in a name is just a dot: verdicts.2026-11-29, model.v2.
    if path.suffix.lower() in _FILES.union(_OTHERS).difference(endings):
        known = f"{', '.join(endings[:-1])} or {endings[-1]}" if endings[1:] else endings[0]
        raise typer.BadParameter(f"{path}: the name must end in {known}, such as {path.with_suffix(endings[0])}")
    if not _may_be_replaced(path, endings):
        from samekind.system.atomic import OTHER_KIND

        raise typer.BadParameter(f"{path}: {OTHER_KIND}")


def _may_be_replaced(path: Path, endings: tuple[str, ...]) -> bool:
    """Whether what lies at a path, if anything, is of the kind that is to be written, as far as this can be known."""
    from samekind.system import file_kind

    kind = file_kind.kind_of_file(path)
    if kind is None or endings in {PICTURE, FIGURE, ROWS}:  # of several kinds; compared where they are written
        return True
    if endings == PLAN:
        return _first_line(path).startswith("samekind plan ")
    if endings == TABLE:
        header = _first_line(path).strip()  # of one column it is a word
        return kind == file_kind.TEXT and (header.isidentifier() or any(mark in header for mark in _SEPARATORS))
    return kind == {PAGE: file_kind.PAGE, MODEL: file_kind.MODEL, JSON: file_kind.JSON}[endings]


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.readline()


_MODEL_OUTPUT = typer.Option(
    "--output",
    "-o",
    callback=file_like(MODEL),
    help="The model file to write; its stem names the model.",
    show_default=False,
)
ModelOutput = Annotated[Path, _MODEL_OUTPUT]
OptionalModelOutput = Annotated[Path | None, _MODEL_OUTPUT]
TableOutput = Annotated[
    Path | None,
    typer.Option("--output", "-o", callback=file_like(TABLE), help="Write the list here instead of standard output."),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        callback=file_like(PAGE),
        help="Write a contact sheet: one HTML file with the pictures in it.",
    ),
]
