"""Recipes as people write them: by name, as TOML files, as changes of the default, with ``--set section.key=value``."""

from __future__ import annotations

import copy
import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from samekind.errors import TrainingError
from samekind.training.recipe.named import NAMED_RECIPES
from samekind.training.recipe.schema import Recipe

RecipeSource = str | os.PathLike[str] | Recipe | Mapping[str, Any]


def read_recipe(source: RecipeSource, changes: Iterable[str] = ()) -> Recipe:
    """A recipe by name, from a TOML file, or as changes of the default; with more changes.

    Args:
        source: One of ``NAMED_RECIPES``; or the path of a file; or a recipe; or a dictionary of what differs from the
            default, by section or with dots. What a file or a dictionary leaves out keeps its default.
        changes: ``section.key=value`` each, with the value as TOML has it (a text needs no quotes);
            ``objectives.0.margin=0.1`` reaches into a list.

    Raises:
        TrainingError: There is no such recipe, or it says what no recipe can say; the message names the key and the
            nearest right one.

    Example:
        >>> read_recipe("triplets", ["optimizer.lr=1e-3"]).optimizer.lr
        0.001
        >>> read_recipe({"epochs": 3, "optimizer.lr": 1e-3}).epochs
        3
    """
    name, values = _values(source)
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise TrainingError(f"--set {change}: write section.key=value, such as optimizer.lr=1e-3")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text.strip()  # a text without its quotes
        _set(values, key.strip(), value, f"--set {change}")
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise TrainingError(f"{name}: {_explain(error)}") from None


def _values(source: RecipeSource) -> tuple[str, dict[str, Any]]:
    """What to call a recipe in messages, and what it says."""
    if isinstance(source, Recipe):
        return "recipe", source.model_dump(mode="json")
    if isinstance(source, Mapping):
        values: dict[str, Any] = {}
        for key, value in source.items():
            _set(values, str(key), copy.deepcopy(value), f"recipe: {key}")
        return "recipe", values
    name = os.fspath(source)
    if name in NAMED_RECIPES:
        return name, copy.deepcopy(NAMED_RECIPES[name])
    return name, _read_toml(Path(name).expanduser())


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        named = ", ".join(NAMED_RECIPES)
        raise TrainingError(f"no recipe {str(path)!r}: neither a file nor one of {named}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"{path}: not a readable TOML file ({error})") from None


def _set(values: dict[str, Any], key: str, value: Any, said: str) -> None:
    *sections, name = key.split(".")
    if not name:
        raise TrainingError(f"{said}: write section.key=value, such as optimizer.lr=1e-3")
    place: Any = values
    for section in sections:
        place = _inside(place, section)
    if not isinstance(place, dict):
        raise TrainingError(f"{said}: {'.'.join(sections)} is not a section")
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
