"""What the page's events have in common."""

from __future__ import annotations

from typing import Any

import gradio as gr

# They answer at once, without Gradio's queue and its streams, and are no API: that is at /api/v1.
AT_ONCE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

_ANNOUNCE = "element.setAttribute('role', 'status'); element.setAttribute('aria-live', 'polite');"


def answer_place() -> gr.HTML:
    """A place for an answer; a screen reader speaks what changes in it."""
    return gr.HTML("", elem_classes="sk-answer", js_on_load=_ANNOUNCE, apply_default_css=False)
