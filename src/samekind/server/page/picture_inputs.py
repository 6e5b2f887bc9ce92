"""Where pictures are dropped, pasted, chosen or taken: a component of our own.

Gradio's own picture component writes each upload to disk and fetches addresses that it is given. This one hands the
pictures to the events as data URLs, which live in memory only.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from http import HTTPStatus
from importlib.resources import files
from typing import Any

import gradio as gr

from samekind.adaptation.collection import FEWEST_PICTURES
from samekind.server.http.problems import Problem
from samekind.server.limits import Limits

# With fewer, the mean of the pictures is mostly chance; more than these and three to judge no request may hold.
FEWEST_OTHERS, MOST_OTHERS = FEWEST_PICTURES, 26
_ORDINALS = ("first picture", "second picture", "third picture")
# Larger files are made smaller in the browser first: the network sees a small square of them anyway.
_SHRINK_BYTES = 1_500_000
# What the browser cannot make smaller, because it cannot draw it, may still be a picture, up to here.
_SENT_BYTES = 5_000_000
_INPUT = """
<div class="sk-picture" role="group" aria-label="{name}">
  <label class="sk-drop">
    <input type="file" accept="image/*" {multiple} aria-label="{name}: choose a file">
    <img alt="" hidden>
    <span class="sk-unseen" hidden></span>
    <video playsinline muted hidden></video>
    <span class="sk-hint">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 16V5m0 0L7.5 9.5M12 5l4.5 4.5M4 16v2.5A1.5 1.5 0 0 0 \
5.5 20h13a1.5 1.5 0 0 0 1.5-1.5V16"/></svg>
      <b>{name}</b><span>Drop, paste or choose</span>
    </span>
  </label>
  <div class="sk-tools">
    <button type="button" data-do="camera" hidden>Camera</button>
    <button type="button" data-do="shoot" hidden>Take picture</button>
    <button type="button" data-do="cancel" hidden>Cancel</button>
    <button type="button" data-do="remove" hidden>Remove</button>
  </div>
</div>
"""
_OTHERS = f"""
<div class="sk-others" role="group" aria-label="Your other pictures">
  <label class="sk-drop">
    <input type="file" accept="image/*" multiple aria-label="Your other pictures: choose {FEWEST_OTHERS} to \
{MOST_OTHERS} files">
    <span class="sk-hint"><b>Judge among your own pictures ({FEWEST_OTHERS} to {MOST_OTHERS})</b>
      <span>What they all have in common then no longer counts. Drop, paste or choose them together.</span></span>
  </label>
  <div class="sk-strip" aria-hidden="true"></div>
  <div class="sk-tools"><span class="sk-count" role="status"></span>
    <button type="button" data-do="clear" hidden>Remove them</button></div>
</div>
"""


def picture_inputs(
    name: str,
    count: int,
    limits: Limits,
    examples: Sequence[tuple[str, tuple[str, ...]]],
    *,
    others: bool = False,
) -> gr.HTML:
    """Places for so many pictures, which trigger ``submit`` when all are filled.

    Its value is ``{"images": [data URL, ...], "among": [data URL, ...]}``; ``pictures_of`` and ``others_of`` read it.

    Args:
        name: Names the component in the page's style and script.
        count: How many pictures.
        limits: The bound on a file.
        examples: What to call each, and the file names of its pictures.
        others: Whether there is a place for other pictures, among which to judge.
    """
    names = [text.capitalize() for text in _ORDINALS[:count]] if count > 1 else ["Your picture"]
    places = "".join(_INPUT.format(name=text, multiple="multiple" if count > 1 else "") for text in names)
    offers = "".join(
        f'<button type="button" class="sk-example" data-pictures="{" ".join(pictures)}">'
        + "".join(f'<img src="examples/{picture}" alt="">' for picture in pictures)
        + f"<span>{escape(words)}</span></button>"
        for words, pictures in examples
    )
    shelf = f'<div class="sk-examples" role="group" aria-label="Examples"><span>Try one:</span>{offers}</div>'
    return gr.HTML(
        html_template=f'<div class="sk-pictures sk-of-{count}">{places}</div><p class="sk-complaint" role="alert"></p>'
        + (shelf if examples else "")
        + (_OTHERS if others else ""),
        js_on_load=files(__package__).joinpath("picture_inputs.js").read_text(encoding="utf-8"),
        elem_id=f"sk-{name}",
        apply_default_css=False,
        max_bytes=min(_SENT_BYTES, limits.image_bytes),
        shrink_bytes=_SHRINK_BYTES,
        fewest_others=FEWEST_OTHERS,
        most_others=MOST_OTHERS,
    )


def pictures_of(value: Any, count: int, limits: Limits) -> dict[str, bytes]:
    """The encoded pictures in a value of ``picture_inputs``, by the names that messages call them.

    Raises:
        Problem: Some are missing, no data URLs, or too large.
    """
    urls = value.get("images") if isinstance(value, dict) else None
    if not isinstance(urls, list) or len(urls) != count or not all(isinstance(url, str) for url in urls):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"please give {count} pictures" if count > 1 else "no picture")
    names = _ORDINALS if count > 1 else ("picture",)
    return {name: _content(url, name, limits) for name, url in zip(names, urls, strict=False)}


def others_of(value: Any, limits: Limits) -> list[bytes]:
    """The encoded pictures among which to judge, in a value of ``picture_inputs``; none where none were given.

    Raises:
        Problem: They are no data URLs, too many or too large.
    """
    urls = value.get("among") or [] if isinstance(value, dict) else None
    if not isinstance(urls, list) or len(urls) > MOST_OTHERS or not all(isinstance(url, str) for url in urls):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"at most {MOST_OTHERS} other pictures can be given")
    return [_content(url, f"other picture {number}", limits) for number, url in enumerate(urls, 1)]


def _content(url: str, name: str, limits: Limits) -> bytes:
    head, _, encoded = url.partition(",")
    content = _decoded(encoded) if head.startswith("data:") and head.endswith(";base64") else None
    if content is None:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, errors={name: "did not arrive whole"})
    if len(content) > limits.image_bytes:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, errors={name: "the file is too large"})
    return content


def _decoded(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:  # of which binascii.Error is one; other characters than ASCII raise it too
        return None
