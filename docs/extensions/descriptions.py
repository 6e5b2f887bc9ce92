"""A description of each page for search engines and previews: its first paragraph."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_MOST = 300  # characters


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx use it."""
    app.connect("html-page-context", _describe)
    return {"parallel_read_safe": True}


def _describe(_: Sphinx, __: str, ___: str, context: dict[str, Any], page: nodes.document | None) -> None:
    paragraph = next(page.findall(nodes.paragraph), None) if page else None
    if paragraph is not None:
        text = " ".join(paragraph.astext().split())[:_MOST]
        context["metatags"] += f'\n<meta name="description" content="{escape(text)}">'
