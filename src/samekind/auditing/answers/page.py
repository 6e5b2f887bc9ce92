"""The page on which a person answers with two keys: by itself, or served by ``answers.server``."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samekind import images
from samekind.auditing.answers.asking import COLUMNS, AskedPair
from samekind.errors import ImageError
from samekind.pages import page_template, thumbnail_uri, write_page

# The longer side of a picture on the page, in pixels.
SIDE = 480


def write_label_page(path: Path, pairs: Sequence[AskedPair]) -> None:
    """Write the page with the pictures in it. It keeps the answers in the browser, and gives them as a CSV file.

    Raises:
        MissingExtraError: jinja2 is not installed.
        OSError: The page cannot be written.
    """
    different = {picture for pair in pairs for picture in (pair.first, pair.second)}
    sources = {picture: thumbnail_uri(picture, side=SIDE, quality=80) or "" for picture in different}
    write_page(path, [label_page(pairs, sources, [])])


def label_page(
    pairs: Sequence[AskedPair], sources: dict[Path, str], answers: Sequence[bool | None], address: str = ""
) -> str:
    """The page as text.

    Args:
        pairs: The pairs.
        sources: Of each picture, what the page shows: an address or a data URI.
        answers: What was answered before, if anything.
        address: Where answers are sent; empty for a page by itself.
    """
    rows = [[str(pair.first.absolute()), str(pair.second.absolute()), f"{pair.weight:.6g}"] for pair in pairs]
    context: dict[str, Any] = {
        "rows": rows,
        "sources": {str(path.absolute()): source for path, source in sources.items()},
        "answers": list(answers),
        "columns": COLUMNS,
        "address": address,
        "key": "samekind-label-" + hashlib.sha256(repr(rows).encode("utf-8", "replace")).hexdigest()[:16],
    }
    return page_template("samekind.auditing.answers", "label.html").render(**context)


def picture_bytes(path: Path) -> bytes | None:
    """A picture as JPEG, as the page shows it; None if it cannot be read."""
    try:
        small = images.thumbnail(path, SIDE)
    except ImageError:
        return None
    encoded = io.BytesIO()
    small.save(encoded, "JPEG", quality=85)
    return encoded.getvalue()
