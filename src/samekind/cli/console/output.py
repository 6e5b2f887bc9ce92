"""What commands print, written whatever the encoding of the terminal or of the file that it is redirected to."""

from __future__ import annotations

import codecs
import sys

# Typography of ours, as people type it where the code page lacks it.
_PLAIN = str.maketrans(
    {"→": "->", "×": "x", "–": "-", "—": "-", "…": "...", "≥": ">=", "≤": "<=", "±": "+-", "“": '"', "”": '"', "’": "'"}
)
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF


def write_anything() -> None:
    r"""Make standard output and error take any text: never an error in the middle of a list.

    Windows gives redirected output the code page of the country, a container none but ASCII. What that lacks is written
    as people would type it, or else escaped (``\U0001f600``); bytes of a file name that are no text, as they are.
    """
    codecs.register_error("samekind.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a stream that somebody put in its place may have no encoding
            stream.reconfigure(errors="samekind.plain")


def writes_unicode() -> bool:
    """Whether standard output takes every character as it is."""
    return codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name.startswith("utf")


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    first = ord(error.object[error.start])
    if _FIRST_BYTE <= first <= _LAST_BYTE:  # os.fsdecode keeps a byte that is no UTF-8 so
        return bytes([first - 0xDC00]), error.start + 1
    character = error.object[error.start]
    plain = character.translate(_PLAIN)
    return plain if plain != character else character.encode("ascii", "backslashreplace").decode(), error.start + 1
