"""A JPEG whose end is missing beside its whole: every byte of the one stands at the same place in the other."""

from __future__ import annotations

from pathlib import Path

from samekind.copies.evidence import Edit, Evidence

_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
_CHUNK = 1 << 16


def cut_short(first: Path, second: Path, sizes: tuple[int, int]) -> Evidence | None:
    """What the second of two files is to the first, where one is the beginning of the other; None where neither is.

    A file that ends as a JPEG does lacks nothing: what another has behind the same bytes, such as a film, is more than
    the picture.

    Args:
        first: A file.
        second: Another.
        sizes: Their bytes.
    """
    if sizes[0] == sizes[1]:
        return None
    side = int(sizes[1] < sizes[0])
    short, whole = (first, second) if side == 0 else (second, first)
    try:
        if not _is_beginning(short, whole):
            return None
    except OSError:
        return None
    return Evidence("copy", (Edit("damaged", side),), "sure", "", 0, 0.0, (1.0, 1.0), 1.0)


def _is_beginning(short: Path, whole: Path) -> bool:
    """Whether a JPEG without its end is what another file begins with; most pairs differ in the first bytes."""
    end = chunk = b""
    with short.open("rb") as one, whole.open("rb") as other:
        while chunk := one.read(_CHUNK):
            if (not end and not chunk.startswith(_START)) or other.read(len(chunk)) != chunk:
                return False
            end = (end + chunk)[-len(_END) :]
    return bool(end) and end != _END
