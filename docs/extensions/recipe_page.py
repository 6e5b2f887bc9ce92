"""Every key of a recipe with its meaning, range and default, from the schema that checks recipes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from extensions.generated import in_cell, write_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx use it."""
    app.connect("builder-inited", lambda _: write_page("recipe.md", recipe_page()))
    return {"parallel_read_safe": True}


def recipe_page() -> str:
    """The page, in Markdown."""
    from samekind.training.recipe.schema import Recipe

    schema = Recipe.model_json_schema()
    about = (
        "A recipe is a TOML file. It need only say what it changes: `samekind train photos -o photos.onnx --recipe "
        "mine.toml`. One key can be changed on the command line: `--set optimizer.lr=1e-3`. "
        "`samekind train --show-recipe default` prints all keys as a file to edit. [Training](../training.md) tells "
        "what they are for."
    )
    parts = ["# Recipe keys", about, "## The recipe itself", _table(schema["properties"])]
    for key, entry in schema["properties"].items():
        name = _reference(entry)
        if name is None:
            continue
        section = schema["$defs"][name]
        title = f"[[{key}]]" if entry.get("type") == "array" else f"[{key}]"
        about = section.get("description", "").partition("\n\n")[0]
        parts += [f"## `{title}`", in_cell(about), _table(section["properties"])]
    return "\n\n".join(parts) + "\n"


def _reference(entry: dict[str, Any]) -> str | None:
    pointer = entry.get("$ref") or entry.get("items", {}).get("$ref") or next(
        (part["$ref"] for part in entry.get("allOf", ()) if "$ref" in part), None
    )  # fmt: skip
    return pointer.rpartition("/")[2] if pointer else None


def _table(properties: dict[str, Any]) -> str:
    rows = [
        f"| `{key}` | {in_cell(entry.get('description', ''))}{_range(entry)} | {_default(entry)} |"
        for key, entry in properties.items()
        if _reference(entry) is None
    ]
    return "\n".join(["| key | meaning | default |", "|---|---|---|", *rows])


def _default(entry: dict[str, Any]) -> str:
    if "default" not in entry:
        return "must be given"
    return "none" if entry["default"] is None else f"`{json.dumps(entry['default'], ensure_ascii=False)}`"


def _range(entry: dict[str, Any]) -> str:
    words = [word for part in (entry, *entry.get("anyOf", ())) for word in _limits(part)]
    return f" ({'; '.join(words)})" if words else ""


def _limits(part: dict[str, Any]) -> Iterator[str]:
    if "enum" in part:
        yield " or ".join(f"`{value}`" for value in part["enum"])
    for key, words in _BOUNDS.items():
        if key in part:
            yield f"{words} {part[key]:,}"
