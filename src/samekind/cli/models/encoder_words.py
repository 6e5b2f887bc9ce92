"""What a wrapped encoder does with pixels, and what of it becomes the embedding, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from samekind.cli.console.options import printable

if TYPE_CHECKING:
    from samekind.model_file.card import Card

_POOLED = {
    "cls": "the first token",
    "mean": "the mean of all tokens",
    "patches": "the mean of all tokens but the first {prefix}",
    "cls+patches": "the first token, and the mean of all but the first {prefix}",
}


def encoder_words(card: Card) -> dict[str, str]:
    """``values`` and ``embedding``, each in words; empty for what is not wrapped, or wrapped by something else."""
    recipe: Any = card.training.recipe.get("wrapped")
    try:
        return {"values": _values(recipe), "embedding": printable(_embedding(recipe))}
    except (LookupError, TypeError, ValueError, AttributeError):  # what is in a file's recipe nobody has checked
        return {}


def _values(recipe: dict[str, Any]) -> str:
    if recipe.get("element") == "uint8":
        return "0 to 255, as they are"
    return f"0 to 1, less {_numbers(recipe['mean'])}, divided by {_numbers(recipe['std'])}"


def _embedding(recipe: dict[str, Any]) -> str:
    output = recipe.get("output")
    if output is None:
        pool = recipe["pool"]
        return "as timm pools it" if pool not in _POOLED else _POOLED[pool].format(prefix="ones, as timm counts them")
    name = f'its output "{output["name"]}"'
    if output["rank"] == 2:
        return name
    pooled = "the mean of all places" if output["rank"] == 4 else _POOLED[output["pool"]].format(**output)
    return f"{pooled} of {name}"


def _numbers(values: Sequence[float]) -> str:
    """Three numbers, or one where they are alike, as ``--mean`` takes them."""
    return ",".join(f"{value:g}" for value in (values[:1] if len(set(values)) == 1 else values))
