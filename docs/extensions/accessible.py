"""What the theme leaves out for screen readers and keyboards, put into the pages when they are written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_MENDED = {
    # Code that scrolls sideways can be scrolled with the keyboard.
    "<pre>": '<pre tabindex="0">',
    # The caption of a list of pages is a heading below the page's own.
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    # Two landmarks of a kind have names.
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    '<aside class="toc-drawer': '<aside aria-label="On this page" class="toc-drawer',
    # A corner of a table that heads no column is no heading.
    '<th class="head"><p></p></th>': "<td></td>",
    '<th class="head"></th>': "<td></td>",
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx use it."""
    app.connect("build-finished", _mend)
    return {"parallel_read_safe": True}


def _mend(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.name != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" in path.parts or "try" in path.relative_to(app.outdir).parts[:1]:
            continue
        text = mended(before := path.read_text(encoding="utf-8"))
        if text != before:
            path.write_text(text, encoding="utf-8")


def mended(page: str) -> str:
    """A page of the theme, with what it lacks.

    Example:
        >>> mended("<pre>code</pre>")
        '<pre tabindex="0">code</pre>'
    """
    for theirs, ours in _MENDED.items():
        page = page.replace(theirs, ours)
    return page
