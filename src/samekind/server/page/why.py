"""The button “Why?” below a verdict, and the picture that it brings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr

from samekind.explain.explanation import Explanation
from samekind.images import data_uri
from samekind.server.http.problems import Problem
from samekind.server.page.events import AT_ONCE, answer_place, discreet
from samekind.server.page.markup import error_box

Explain = Callable[[Any], Awaitable[Explanation]]

_LEGEND = (
    '<b class="sk-warm">Warm</b> places make two pictures more alike, <b class="sk-cool">cool</b> ones less. '
    "Lines join the places that contribute the most together."
)


def why_button(inputs: gr.HTML, explain: Explain) -> gr.HTML:
    """A button, and below it the place for its picture.

    Args:
        inputs: Where the pictures are.
        explain: Explains the verdict on them, from the value of ``inputs``.
    """
    button = gr.Button("Why?", size="sm", elem_classes="sk-ask-why")
    place = answer_place()

    @discreet
    async def say(value: Any) -> str:
        try:
            return figure(await explain(value))
        except Problem as problem:
            return error_box(problem.detail)

    button.click(say, [inputs], [place], **AT_ONCE)
    return place


def figure(explanation: Explanation) -> str:
    """An explanation as a picture with its legend."""
    similarities = ", ".join(f"{pair.similarity:.2f}" for pair in explanation.pairs)
    return (
        f'<figure class="sk-why"><img alt="Maps of where the similarity comes from: {similarities}" '
        f'src="{data_uri(explanation.image(words=False))}"><figcaption class="sk-small">{_LEGEND}</figcaption></figure>'
    )
