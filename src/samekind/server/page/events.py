"""What the page's events have in common."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import gradio as gr

_Values = ParamSpec("_Values")
_Answer = TypeVar("_Answer")

# They answer at once, without Gradio's queue and its streams, and are no API: that is at /api/v1.
AT_ONCE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

_ANNOUNCE = "element.setAttribute('role', 'status'); element.setAttribute('aria-live', 'polite');"


def answer_place(script: str = "", **options: Any) -> gr.HTML:
    """A place for an answer; a screen reader speaks what changes in it.

    Args:
        script: What else runs when it is there, with the place as ``element``.
        options: Further ones of Gradio.
    """
    return gr.HTML("", elem_classes="sk-answer", js_on_load=_ANNOUNCE + script, apply_default_css=False, **options)


def discreet(handler: Callable[_Values, Awaitable[_Answer]]) -> Callable[_Values, Awaitable[_Answer]]:
    """An event whose failure says nothing of the pictures: Gradio would print the message of its exception."""

    @wraps(handler)
    async def handle(*values: _Values.args, **named: _Values.kwargs) -> _Answer:
        try:
            return await handler(*values, **named)
        except Exception as error:
            log_without_data(error)
            raise gr.Error("the page failed", print_exception=False) from None

    return handle


def log_without_data(error: Exception) -> None:
    """Log where an exception came from, without its message, which may repeat what somebody sent."""
    places = "".join(traceback.format_tb(error.__traceback__))
    logging.getLogger(__name__).error("the page failed: %s\n%s", type(error).__name__, places)
