"""A recipe as TOML, with the meaning of every key."""

from __future__ import annotations

import json
import textwrap
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from samekind.training.recipe.schema import Recipe


def show_recipe(recipe: Recipe) -> str:
    """A recipe as TOML with the meaning of every key, to be edited and read again.

    Example:
        >>> print(show_recipe(Recipe()).splitlines()[1])
        epochs = 10
    """
    return "\n".join(_table(recipe)).strip() + "\n"


def _table(section: BaseModel) -> list[str]:
    lines: list[str] = []
    tables: list[tuple[str, BaseModel]] = []
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, BaseModel):
            tables.append((f"[{key}]", value))
        elif isinstance(value, tuple):
            tables += [(f"[[{key}]]", item) for item in value]
        else:
            lines += _comment(f"{field.description}{_choices(field.annotation)}")
            # TOML has no null: a key without a value is left to be uncommented.
            lines.append(f"# {key} =" if value is None else f"{key} = {_toml(value)}")
    for header, table in tables:
        about = (type(table).__doc__ or "").split("\n\n")[0].replace("\n    ", " ")
        lines += ["", *_comment(about), header]
        lines += _table(table)
    return lines


def _toml(value: object) -> str:
    # As in JSON, but TOML knows no escaped surrogates, and no bare DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 110, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _choices(annotation: Any) -> str:
    options = [annotation, *(get_args(annotation) if get_origin(annotation) in {Union, UnionType} else ())]
    for option in options:
        values = [value for value in get_args(option) if isinstance(value, str)]
        if values:
            return f" ({' | '.join(values)})"
    return ""
