"""Options that several commands share, and what they print alike."""

from __future__ import annotations

import dataclasses
import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from unicodedata import category

import typer

from samekind.cli.console.output import writes_unicode
from samekind.system.each import EngineName
from samekind.system.passwords import without_passwords
from samekind.system.paths import is_database

if TYPE_CHECKING:
    from samekind.model_file.calibration import OperatingPoint

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="A model that comes with samekind, by name, the path of a model file, or an address: hf://owner/name.",
        show_default="general",
    ),
]
OperatingPointOption = Annotated[
    str | None,
    typer.Option(
        "--operating-point",
        help="A threshold by name: balanced, strict (false accept rate at most 1 %) or very_strict (0.1 %). "
        "`samekind info` lists them with their error rates.",
        show_default="balanced",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, with full precision.")]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        help="Pass over what a pattern in gitignore's form names, such as '*_thumb.jpg' or 'raw/'; repeat for more. "
        "A file .samekindignore in a folder does the same.",
        show_default=False,
    ),
]
ProviderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        "--provider",
        help="What computes: cpu, cuda, coreml, … (ONNX Runtime's execution providers); repeat for fallbacks.",
        show_default="cpu",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        help="Threads for computing.",
        show_default="one for each core that this process may use",
    ),
]
# Unicode's control, format and surrogate characters.
_CONTROL = frozenset({"Cc", "Cf", "Cs"})
# The pairs of a trio, in the order of its verdicts.
PAIR_NAMES = ("a~b", "a~c", "b~c")


EngineOption = Annotated[
    EngineName, typer.Option(help='local: this process. ray: the workers of a Ray cluster (extra "ray").')
]
AddressOption = Annotated[
    str, typer.Option(help="With ray: auto or HOST:PORT of a running cluster; local starts one on this machine.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(min=1, help="With ray: workers at most.", show_default="as many as there are cores or GPUs"),
]


class DuplicateKind(StrEnum):
    """The kinds of ``gallery.duplicates``."""

    EXACT = "exact"
    NEAR = "near"
    SAME_CLASS = "same-class"


# A file, or the address of a database, which is no path: one would lose a slash of it.
GalleryArgument = Annotated[
    str,
    typer.Argument(
        help="A gallery, as `samekind index` makes it: a file, or postgresql://HOST/DATABASE.",
        metavar="GALLERY",
        show_default=False,
    ),
]
WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="FILTER",
        help="Only among images that meet a filter, such as \"taken >= '2024' and path like 'shoes/%'\". Fields: path, "
        "folder, width, height, size, taken, mtime; and, or, not, like, in, is known, = != < <= > >=.",
        show_default=False,
    ),
]
# As GalleryArgument: an address is no path.
AmongOption = Annotated[
    str | None,
    typer.Option(
        "--among",
        metavar="FOLDER",
        help="Judge among the pictures of this folder, or of a gallery: the model adapts to them first, without "
        "labels. 20 pictures serve, 200 are better.",
        show_default=False,
    ),
]
BareOption = Annotated[
    bool,
    typer.Option("--bare", help="Judge as the bare model does, not among the images of the gallery."),
]


def echo_json(value: Any) -> None:
    """Print a dataclass (or a dictionary) as JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    # A file name need not be UTF-8, and a code page lacks most characters; escaped, they read back the same.
    if not writes_unicode() or any("\ud800" <= c <= "\udfff" for c in text):
        text = json.dumps(value, indent=2, default=str)
    typer.echo(text)


def describe_threshold(threshold: float, name: str | None, point: OperatingPoint | None, rates_from: str) -> str:
    """Where a threshold comes from: ``(threshold 0.52, balanced: FAR 1.0 %, TAR 99.2 %, measured on birds)``."""
    if name is None or point is None:
        return f"(threshold {threshold:.2f}, given)"
    rates = f"FAR {100 * point.far:.1f} %, TAR {100 * point.tar:.1f} %"
    return f"(threshold {threshold:.2f}, {name}: {rates}, measured on {printable(rates_from)})"


def verdict_word(same: bool, yes: str, no: str) -> str:
    """The verdict, padded to one width and coloured on a terminal."""
    return typer.style(f"{yes if same else no:<12}", fg="green" if same else "yellow", bold=True)


def warn(text: str) -> None:
    """Tell a person of something that does not stop the work, such as a file that was left out."""
    typer.secho(f"samekind: {printable(text)}", err=True, fg="yellow")


def printable(text: str) -> str:
    """Text from elsewhere, without passwords, and without the control characters that would write to the terminal."""
    text = without_passwords(text)
    return "".join("\N{REPLACEMENT CHARACTER}" if category(c) in _CONTROL and c != "\n" else c for c in text)


def gallery_title(gallery: str) -> str:
    """The name of a gallery, for a page about it."""
    from samekind.gallery.store.postgres.address import parse_address

    return printable(parse_address(gallery).shown if is_database(gallery) else Path(gallery).name)


def on_one_line(text: str) -> str:
    """The same for a name, which could make lines of its own by a line break."""
    return printable(text).replace("\n", "\N{REPLACEMENT CHARACTER}")


def shown_path(path: Path | str) -> str:
    """A path as a person wants to read it and paste it: relative where it lies below the working directory."""
    if isinstance(path, str):  # the address of a database, or of an image
        return on_one_line(path)
    return on_one_line(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))
