"""Recipes as people write them: by name, as TOML files, and with ``--set section.key=value``."""

from __future__ import annotations

import difflib
import json
import textwrap
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from samekind.errors import TrainingError
from samekind.training.recipe import Recipe

# What each named recipe changes in the defaults.
NAMED_RECIPES: Mapping[str, dict[str, Any]] = {
    "default": {},
    "pairs": {"objectives": [{"loss": "pairs"}]},
    # For kinds of pictures that are not trained on (docs/training.md): only the head learns, and keeps most of what its
    # start knows. The large rate is that of the loss's own scale and bias, which alone start from noise.
    "general": {
        "epochs": 15,
        "network": {"features": "expanded", "head_start": "whitened", "dimension": 512, "dropout": 0.0},
        "freezing": {"stages": 7},
        "distillation": {"weight": 30.0, "least_classes": 20},
        "sampler": {"classes": 50, "images": 5, "apart": True},
        "augmentation": {"views": 1},
        "optimizer": {"lr": 3e-2, "pretrained_lr": 7e-4, "weight_decay": 0.0},
        "schedule": {"warmup": 0.3},
    },
    "triplets": {"objectives": [{"loss": "triplet", "margin": 0.2, "miner": "all"}]},
}


def read_recipe(source: str, changes: Iterable[str] = ()) -> Recipe:
    """A recipe by name or from a TOML file, with changes.

    Args:
        source: One of ``NAMED_RECIPES``, or the path of a file; what the file leaves out keeps its default.
        changes: ``section.key=value`` each, with the value as TOML has it (a text needs no quotes);
            ``objectives.0.margin=0.1`` reaches into a list.

    Raises:
        TrainingError: There is no such recipe, or it says what no recipe can say; the message names the key and the
            nearest right one.

    Example:
        >>> read_recipe("triplets", ["optimizer.lr=1e-3"]).optimizer.lr
        0.001
    """
    values = json.loads(json.dumps(NAMED_RECIPES[source])) if source in NAMED_RECIPES else _read_toml(Path(source))
    for change in changes:
        _set(values, change)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise TrainingError(f"{source}: {_explain(error)}") from None


def show_recipe(recipe: Recipe) -> str:
    """A recipe as TOML with the meaning of every key, to be edited and read again.

    Example:
        >>> print(show_recipe(Recipe()).splitlines()[1])
        epochs = 10
    """
    return "\n".join(_table(recipe)).strip() + "\n"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        named = ", ".join(NAMED_RECIPES)
        raise TrainingError(f"no recipe {str(path)!r}: neither a file nor one of {named}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"{path}: not a readable TOML file ({error})") from None


def _set(values: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    *sections, name = key.strip().split(".")
    if not equals or not name:
        raise TrainingError(f"--set {change}: write section.key=value, such as optimizer.lr=1e-3")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # a text without its quotes
    place: Any = values
    for section in sections:
        place = _inside(place, section)
    if not isinstance(place, dict):
        raise TrainingError(f"--set {change}: {'.'.join(sections)} is not a section")
    place[name] = value


def _inside(place: Any, section: str) -> Any:
    """What lies in a section, which is made if it is missing; None where there can be no such section."""
    if isinstance(place, dict):
        # The default's list is one objective, so that objectives.0 is there to be changed.
        return place.setdefault(section, [{}] if section == "objectives" else {})
    if isinstance(place, list) and section.isdecimal() and len(section) < 4 and int(section) <= len(place):
        place += [{}] * (int(section) == len(place))
        return place[int(section)]
    return None


def _explain(error: ValidationError) -> str:
    problems = []
    found = error.errors(include_url=False)
    for problem in found:
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "too_short" and len(found) > 1:
            continue  # a list whose items are wrong counts as empty; the items say why
        if problem["type"] == "extra_forbidden":
            problems.append(f"unknown key {where!r}{_nearest(problem['loc'])}")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            got = f" (got {problem['input']!r})" if where and not isinstance(problem["input"], dict) else ""
            problems.append(f"{where}: {message}{got}" if where else message)
    return "; ".join(problems)


def _nearest(location: tuple[int | str, ...]) -> str:
    """Advice on a wrong key: the most similar right one, wherever in the recipe it is."""
    wrong = str(location[-1])
    right = {name.rpartition(".")[2]: name for name in reversed(list(_keys(Recipe, "")))}
    # A key of the same section is nearer than one of another.
    section = ".".join(str(part) for part in location[:-1] if not isinstance(part, int))
    own = {name.rpartition(".")[2]: name for name in _keys(Recipe, "") if name.rpartition(".")[0] == section}
    for candidates in (own, right):
        if close := difflib.get_close_matches(wrong, candidates, n=1, cutoff=0.6):
            return f"; did you mean {candidates[close[0]]!r}?"
    return f"; the keys here are {', '.join(own)}" if own else ""


def _keys(model: type[BaseModel], prefix: str) -> Iterable[str]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        if section := _section_type(field.annotation):
            yield from _keys(section, f"{prefix}{name}.")


def _section_type(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


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
