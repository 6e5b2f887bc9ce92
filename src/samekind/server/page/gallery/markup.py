"""Pictures of the gallery as HTML: grids, pairs side by side, pages. Everything that is not ours is escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

import gradio as gr

from samekind.errors import GalleryError
from samekind.gallery import Gallery, Row
from samekind.gallery.duplicates.duplicate_group import without_certainty
from samekind.pages import thumbnail_uri
from samekind.server.http.replies import utf8_name
from samekind.server.page.events import answer_place

DIFFERENCE = "where they differ"
_BADGES = {"sure": "sure", "look": "look at it", "variant": "no copy: a variant", "same scene": "no copy: same scene"}


@dataclass(frozen=True)
class Shown:
    """A picture as the page shows it.

    Attributes:
        name: The path within the gallery; empty for what is no file.
        source: Where the browser has the small picture from; None if it cannot be shown.
        said: What is said of it.
        aside: More that is said.
        address: Where it is large; empty if nowhere.
    """

    name: str
    source: str | None
    said: str
    aside: str = ""
    address: str = ""


def shown_row(gallery: Gallery, row: Row, said: str, aside: str = "") -> Shown:
    """An image of the gallery; one behind an address only in small: to show it no other server is asked."""
    size = f"{row.width}×{row.height}"
    small = thumbnail_uri(row.path) if row.is_file else _kept_small(gallery, row)
    large = f"gallery/{row.id}" if row.is_here else ""
    return Shown(row.name, small, said, f"{size} · {aside}" if aside else size, large)


def _kept_small(gallery: Gallery, row: Row) -> str | None:
    """The small picture that the gallery has of an image: nothing is fetched, or looked for in a tar file."""
    try:
        small, _ = gallery.picture_file(row.id).kept
    except GalleryError:
        return None
    return f"data:image/webp;base64,{base64.b64encode(small).decode()}" if small else None


def difference_address(first: Row, second: Row) -> str | None:
    """Where the browser has the drawn difference of two images from; None if one is behind an address."""
    return f"gallery/{first.id}/{second.id}" if first.is_here and second.is_here else None


def lead(sentence: str) -> str:
    """A sentence above or instead of pictures."""
    return f'<p class="sk-lead">{escape(sentence)}</p>'


def badge(word: str) -> str:
    """How sure it is, or that it is no copy."""
    kind = word if word in {"sure", "look"} else "apart"
    return f'<span class="sk-badge sk-is-{kind}">{escape(_BADGES.get(word, word))}</span>'


def picture_grid(pictures: Iterable[Shown]) -> str:
    """Pictures as a list."""
    return f'<ul class="sk-grid">{"".join(f"<li>{_figure(picture)}</li>" for picture in pictures)}</ul>'


def pair(first: Shown, second: Shown, difference: Shown | None, word: str, evidence: str) -> str:
    """Two pictures side by side, what they differ in, and what is known of the two.

    Args:
        first: The kept one.
        second: The other.
        difference: The drawing; None where there is none.
        word: The badge, as HTML.
        evidence: A line in words.
    """
    figures = "".join(_figure(shown) for shown in (first, second, difference) if shown is not None)
    said = f"{word} {escape(without_certainty(evidence))}"
    return f'<div class="sk-pair"><div class="sk-row">{figures}</div><p>{said}</p></div>'


def names_list(names: Sequence[str]) -> str:
    """Files that are not drawn, by name."""
    if not names:
        return ""
    items = "".join(f"<li>{escape(utf8_name(name))}</li>" for name in names)
    return f'<details class="sk-names"><summary>and {len(names):,} more</summary><ul>{items}</ul></details>'


def tabs_of(parts: Mapping[str, tuple[str, int]], chosen: str) -> str:
    """Buttons for the parts of what was found: their labels, each with its key and how many groups it has."""
    buttons = "".join(
        f'<button type="button" data-part="{part}" data-page="0" aria-pressed="{str(part == chosen).lower()}">'
        f"{escape(label)} <b>{count:,}</b></button>"
        for label, (part, count) in parts.items()
    )
    return f'<div class="sk-parts" role="group" aria-label="What to show">{buttons}</div>' if len(parts) > 1 else ""


def pager(page: int, pages: int, part: str) -> str:
    """Buttons to the pages before and behind; nothing where there is one page."""
    if pages <= 1:
        return ""

    def button(words: str, to: int) -> str:
        disabled = "" if 0 <= to < pages else " disabled"
        return f'<button type="button" data-part="{escape(part)}" data-page="{max(0, to)}"{disabled}>{words}</button>'

    return (
        f'<nav class="sk-pages" aria-label="Pages">{button("« First", 0 if page else -1)}{button("‹ Before", page - 1)}'
        f"<span>Page {page + 1:,} of {pages:,}</span>"
        f"{button('Next ›', page + 1)}{button('Last »', pages - 1 if page < pages - 1 else pages)}</nav>"
    )


def results_place(**options: Any) -> gr.HTML:
    """A place for pictures of the gallery, which open large."""
    script = files("samekind.server.page.gallery").joinpath("large.js").read_text(encoding="utf-8")
    return answer_place(script, **options)


def _figure(picture: Shown) -> str:
    name = utf8_name(picture.name)
    folder, _, file = name.rpartition("/")
    if picture.source is None:
        image = '<div class="sk-gone">cannot be read any more</div>'
    else:
        # A drawing is made when it comes into sight; what the page has in it already is shown at once.
        lazy = "" if picture.source.startswith("data:") else ' loading="lazy"'
        image = f'<img src="{escape(picture.source)}" alt="{escape(file or picture.said)}"{lazy}>'
        if picture.address:
            image = (
                f'<a class="sk-large" href="{escape(picture.address)}" data-file="{escape(file or picture.said)}" '
                f'data-folder="{escape(folder)}">{image}</a>'
            )
    where = f'<span title="{escape(name)}">{escape(file)}</span>' if file and file != picture.said else ""
    where += f"<small>{escape(folder)}</small>" if folder else ""
    aside = f"<small>{escape(picture.aside)}</small>" if picture.aside else ""
    return f"<figure>{image}<figcaption><b>{escape(picture.said)}</b>{where}{aside}</figcaption></figure>"
