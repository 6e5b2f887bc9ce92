"""The card of a model file, field by field, from the classes that read it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from extensions.generated import in_cell, schema_type, write_page

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx use it."""
    app.connect("builder-inited", lambda _: _write())
    return {"parallel_read_safe": True}


def _write() -> None:
    from samekind.model_file.card import Card

    schema = Card.model_json_schema()
    write_page("card.schema.json", json.dumps(schema, indent=2))
    write_page("card.md", card_page(schema))


def card_page(schema: dict[str, Any]) -> str:
    """The page, in Markdown, of the schema of a card, which has what the code says of each of its parts."""
    parts = {name: part for name, part in {"Card": schema, **schema["$defs"]}.items() if "properties" in part}
    about_cards = (
        "A card is JSON in the metadata of a [model file](../reference/model-file.md), under the key `samekind.card`. "
        "`samekind info MODEL --json` prints it, and `recognizer.card` has it in Python. "
        "Its JSON schema is to {download}`download <card.schema.json>`. A reader passes over fields that it does "
        'not know: later cards of the same format may say more. Numbers that are not finite are strings (`"NaN"`).'
    )
    page = ["# The card", about_cards]
    for name, part in parts.items():
        about, meanings = _taken_apart(part["description"])
        rows = [
            f"| `{field}` | {in_cell(schema_type(entry))} | {in_cell(meanings.get(field, ''))} |"
            for field, entry in part["properties"].items()
        ]
        page += [f"## {name}", about, "\n".join(["| field | type | meaning |", "|---|---|---|", *rows])]
    return "\n\n".join(page) + "\n"


def _taken_apart(docstring: str) -> tuple[str, dict[str, str]]:
    """What stands above the attributes, and the meaning of each."""
    about, _, attributes = docstring.partition("Attributes:\n")
    entries = re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", attributes, flags=re.MULTILINE | re.DOTALL)
    return about.strip(), dict(entries)
