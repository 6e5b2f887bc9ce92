"""Pages that are written at the build, into docs/generated, which git ignores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
GENERATED = DOCS / "generated"


def write_page(name: str, text: str) -> None:
    """Write a page, and leave it alone where it says so already: Sphinx then need not read it again.

    Args:
        name: Its path below docs/generated.
        text: All of it.
    """
    path = GENERATED / name
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def in_cell(text: str) -> str:
    """Text as it may stand in a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", r"\|").replace("<", r"\<")


def schema_type(entry: dict[str, Any]) -> str:
    """The type that a JSON schema gives a field, in words.

    Example:
        >>> schema_type({"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Part"}}, {"type": "null"}]})
        'list of Part or null'
    """
    if "$ref" in entry:
        return str(entry["$ref"].rpartition("/")[2])
    if "anyOf" in entry:
        return " or ".join(schema_type(part) for part in entry["anyOf"])
    if entry.get("format") == "binary" or "contentMediaType" in entry:
        return "file"
    if entry.get("type") == "array":
        return f"list of {schema_type(entry.get('items', entry.get('prefixItems', [{}])[0]))}"
    if isinstance(named := entry.get("additionalProperties"), dict):
        return f"{schema_type(named)} by name"
    return repr(entry["const"]) if "const" in entry else str(entry.get("type", "any"))
