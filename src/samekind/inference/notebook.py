"""Verdicts as HTML, for a notebook: the word, the probability, and the pictures where they are at hand."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from html import escape

from PIL import Image

from samekind.errors import ImageError
from samekind.images import ImageSource, load_image
from samekind.images.tensors import is_tensor, tensor_pixels

_SIDE = 96
_GREEN, _AMBER = "#0b6e4f", "#9a4b00"  # behind white letters, so that a dark notebook shows them as well


def verdict_html(yes: bool, word: str, details: str, pictures: Iterable[ImageSource]) -> str:
    """A verdict as a piece of HTML that needs nothing from elsewhere.

    Args:
        yes: Whether the verdict is yes, which is green.
        word: The verdict in a word or two.
        details: How it was reached.
        pictures: What was judged. A picture that cannot be read any more is left out.

    Example:
        >>> "<b" in verdict_html(True, "same", "p=0.98", [])
        True
    """
    return (
        f'<div style="font-family:sans-serif">{"".join(map(picture_html, pictures))}<div>'
        f'<b style="color:#fff;background:{_GREEN if yes else _AMBER};padding:0 0.4em;border-radius:0.3em">'
        f"{escape(word)}</b> {escape(details)}</div></div>"
    )


def picture_html(source: ImageSource) -> str:
    """A picture as the network sees it, squashed to a square; nothing if it cannot be read."""
    try:
        pixels = load_image(tensor_pixels(source) if is_tensor(source) else source, _SIDE)
    except ImageError:
        return ""
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "JPEG", quality=85)
    url = f"data:image/jpeg;base64,{base64.b64encode(encoded.getvalue()).decode()}"
    return f'<img alt="" src="{url}" width="{_SIDE}" height="{_SIDE}" style="display:inline-block;margin:0 4px 4px 0">'
