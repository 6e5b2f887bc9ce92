"""What an event of the page may hold. It is checked before Gradio sees it, whose errors repeat what they were given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import gradio as gr

from samekind.server.http.problems import Problem

# Three pictures as the inputs send them at most, or 29 small ones.
_EVENT_BYTES = 24_000_000
# Pictures are base64, which has none of these but a comma within and one behind each. JSON of many of them takes a
# hundred times its size in memory, so they are counted before it is parsed; this bounds its depth, too.
_MARKS = b"[{,\\"
_MOST_MARKS = 96


def read_event(body: bytes, inputs: Mapping[int, list[Any]]) -> bytes:
    """An event of the page without its session, for which Gradio would keep memory; and without files.

    Args:
        body: The event as JSON.
        inputs: The components whose values each event brings, by its number.

    Raises:
        Problem: It is no event, brings other values than the page would, or holds what Gradio would take for a file: it
            would fetch or copy what it names.
    """
    if len(body) > _EVENT_BYTES:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "these pictures are too large for the page")
    event = _parsed(body)
    if not isinstance(event, dict) or not isinstance(event.get("data"), list):
        raise Problem(HTTPStatus.BAD_REQUEST, "this is not an event of the page")
    number, values = event.get("fn_index"), event["data"]
    if _names_a_file(values):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "pictures are sent as such, not as the names of files")
    components = inputs.get(number) if type(number) is int else None
    if components is None or len(components) != len(values) or not all(map(_fits, components, values)):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the page has no such event, or gives it other values")
    return json.dumps({"data": values, "fn_index": number}).encode()


def _parsed(body: bytes) -> Any:
    if sum(body.count(mark) for mark in _MARKS) > _MOST_MARKS:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None


def _names_a_file(value: Any) -> bool:
    if isinstance(value, dict):
        return "path" in value or "meta" in value or any(map(_names_a_file, value.values()))
    return isinstance(value, list) and any(map(_names_a_file, value))


def _fits(component: Any, value: Any) -> bool:
    """Whether a component of the page could have this value, as far as its event does not see to that itself."""
    if isinstance(component, gr.Slider):
        return type(value) in {int, float} and component.minimum <= value <= component.maximum
    if isinstance(component, gr.Checkbox):
        return isinstance(value, bool)
    if isinstance(component, gr.Radio):
        return value is None or value in [choice for _, choice in component.choices]
    if isinstance(component, gr.Textbox):
        return isinstance(value, str) and len(value) <= (component.max_length or 0)
    return not value or isinstance(value, dict)
