"""CSV files as people have them: commas, semicolons or tabs, UTF-8 or UTF-16, columns by one of several names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from samekind.errors import DatasetError
from samekind.system.atomic import replacing
from samekind.system.paths import ENCODING_ERRORS

Row = dict[str, str]

# A field may hold a list of tags, or base64; the csv module's own bound is 128 KB.
_MOST_FIELD = 1 << 24
_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
# A line ends as on Windows, on Unix, or as on an old Mac.
_LINE_END = re.compile(r"\r\n|\n|\r")
_ABOVE = re.compile(r"(?:(?:sep=.)?[ \t]*(?:\r\n|\n|\r))*", re.IGNORECASE)


def read_rows(
    path: Path, needed: Sequence[str], synonyms: Mapping[str, Sequence[str]] | None = None
) -> tuple[tuple[str, ...], list[tuple[int, Row]]]:
    """Read a CSV file with a line of column names.

    The separator is the first of comma, semicolon, tab and bar by which the line has the needed columns. Blanks around
    names do not count, nor does case; blanks after a separator do not where the first line has them.

    Args:
        path: The file, in UTF-8 or UTF-16. Bytes that are neither are kept, for a file name need not be text.
        needed: Columns it must have, by name.
        synonyms: Other names of columns, best first. Those that are used come out under the name that was asked for.

    Returns:
        All column names, in order; and each row with the number of the line it ends on.

    Raises:
        DatasetError: The file is missing, not text, lacks a column or an entry, or holds no row; the message says what
            was seen.
    """
    above, text = _from_names(_text(path))
    first = _first_line(text)
    names: dict[str, Sequence[str]] = dict.fromkeys(needed, ()) | dict(synonyms or {})
    form = _form(first, needed, names)
    if form is None:
        raise DatasetError(_lacking(path, first, needed, names))
    columns, delimiter, quote = form
    _refuse_twice(path, columns, names)
    return columns, _rows(path, text, columns, delimiter, quote, above=above)


def has_columns(path: Path, needed: Sequence[str]) -> bool:
    """Whether a CSV file has columns of these names.

    Raises:
        DatasetError: It cannot be read.
    """
    first = _first_line(_from_names(_text(path))[1])
    return _form(first, needed, dict.fromkeys(needed, ())) is not None


def _form(
    first: str, needed: Sequence[str], names: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], str, str] | None:
    """The columns, the separator and the quotation mark by which the first line has what is needed."""
    for delimiter in _DELIMITERS:
        for quote in ('"', "'"):
            columns = _columns(first, delimiter, quote, names)
            if set(needed) <= set(columns):
                return columns, delimiter, quote
    return None


@contextmanager
def new_list(path: Path) -> Iterator[TextIO]:
    """A text file to write a list to, whole or not at all."""
    with (
        replacing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors=ENCODING_ERRORS) as file,
    ):
        yield file


def write_list(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV, whole or not at all."""
    with new_list(path) as file:
        write_rows(file, rows[0].keys() if rows else (), rows)


def write_rows(file: TextIO, columns: Iterable[str], rows: Iterable[Row]) -> None:
    """Write rows as CSV to an open text file."""
    names = list(columns)
    writer, quoting = (
        csv.DictWriter(file, names, lineterminator="\n", quoting=rule) for rule in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
    )
    writer.writeheader()
    for row in rows:
        # A reader ends a line at a bare carriage return, for which the csv module of Python 3.11 and 3.12 puts no
        # quotation marks; a file may have one in its name.
        (quoting if any("\r" in entry for entry in row.values()) else writer).writerow(row)


def _from_names(text: str) -> tuple[int, str]:
    """The number of lines above the names (empty ones, and ``sep=;``, by which spreadsheets are told), and the rest."""
    begin = _ABOVE.match(text)
    assert begin is not None  # it matches nothing, too
    return begin[0].count("\n") or begin[0].count("\r"), text[begin.end() :]


def _first_line(text: str) -> str:
    return _LINE_END.split(text, maxsplit=1)[0]


def _refuse_twice(path: Path, columns: Sequence[str], names: Mapping[str, Sequence[str]]) -> None:
    """Make sure that no column is there twice, for then nobody knows which one is meant."""
    folded = [_folded(name) for name in columns]
    for name in names:
        if (count := folded.count(_folded(name))) > 1:
            places = ", ".join(str(place) for place, other in enumerate(folded, 1) if other == _folded(name))
            raise DatasetError(
                f"{path}: {count} columns are called {name!r} (columns {places}); rename or remove all but one"
            )


def text_of(content: bytes, name: object) -> str:
    """The text of a list, in UTF-8 or UTF-16; bytes that are neither are kept.

    Raises:
        DatasetError: It is begun in UTF-16 or UTF-32 and not gone on so; ``name`` is what the message calls it.
    """
    try:
        if content.startswith(_UTF32):
            return content.decode("utf-32")
        if content.startswith(_UTF16):
            return content.decode("utf-16")
        if b"\0" in content[:4]:  # UTF-16 without its mark: every other byte of a name in Latin letters
            return content.decode("utf-16-be" if content[0] == 0 else "utf-16-le")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{name}: not a readable list ({error})") from error
    return content.decode("utf-8-sig", ENCODING_ERRORS)


def _text(path: Path) -> str:
    try:
        return text_of(path.read_bytes(), path)
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file") from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error


def _columns(first: str, delimiter: str, quote: str, synonyms: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The names in the first line, with those that are synonyms replaced by what was asked for."""
    try:
        names = next(csv.reader([first], delimiter=delimiter, quotechar=quote, skipinitialspace=True), [])
    except csv.Error:
        return ()
    plain = [name.strip() for name in names]
    for wanted, others in synonyms.items():
        folded = [_folded(name) for name in plain]
        place = next((folded.index(_folded(name)) for name in (wanted, *others) if _folded(name) in folded), None)
        if place is not None and wanted not in plain:
            plain[place] = wanted
    return tuple(plain)


def _folded(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


def _rows(
    path: Path, text: str, columns: tuple[str, ...], delimiter: str, quote: str, *, above: int
) -> list[tuple[int, Row]]:
    first = _first_line(text)
    spaced = f"{delimiter} " in first
    csv.field_size_limit(_MOST_FIELD)
    try:
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, skipinitialspace=spaced
        )
        next(reader)
        numbered = []
        for entries in reader:
            if not entries:  # an empty line
                continue
            if len(entries) != len(columns):
                counts = f"{len(entries)} {'entries' if len(entries) > 1 else 'entry'} for {len(columns)} columns"
                raise DatasetError(f"{path}: line {above + reader.line_num} has {counts}; add or remove some")
            numbered.append((above + reader.line_num, dict(zip(columns, entries, strict=True))))
    except csv.Error as error:
        raise DatasetError(f"{path}: not a readable CSV file ({error})") from error
    if not numbered:
        raise DatasetError(f"{path}: no rows after the line of column names")
    return numbered


def _lacking(path: Path, first: str, needed: Sequence[str], synonyms: Mapping[str, Sequence[str]]) -> str:
    """What is missing, and what was seen instead."""
    delimiter = max(_DELIMITERS, key=first.count)
    seen = _columns(first, delimiter, '"', synonyms)
    missing = next((name for name in needed if name not in seen), needed[0])
    shown = ", ".join(name[:30] for name in seen[:8]) + (", …" if len(seen) > 8 else "")
    what = f"; it has {shown or 'nothing'}"
    if first.count(delimiter):
        what += f", separated by {_NAMES[delimiter]}"
    other = f" (or {', '.join(list(synonyms[missing])[:4])})" if synonyms.get(missing) else ""
    return f"{path}: no column {missing!r}{other}; the first line must name the columns {', '.join(needed)}{what}"
