"""What a card says in numbers, in words: how pictures become square, what an encoder from elsewhere takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samekind.model_file.card import Card

_MEAN = "timm's mean over places"
_OF_TIMM = {"cls": "the first token", "mean": _MEAN, "patches": _MEAN, "cls+patches": f"the first token, and {_MEAN}"}


def square_words(card: Card) -> str:
    """How pictures become square."""
    part = "" if card.shown == 1 else f", the inner {card.shown:.0%} of each side"
    return f"{'cropped' if card.resize == 'crop' else 'squashed'}{part}"


def encoder_words(card: Card) -> dict[str, str]:
    """``values`` and ``embedding`` of a wrapped encoder; empty for what is not wrapped, or by something else.

    Example:
        >>> from samekind.model_file.file import read_model
        >>> encoder_words(read_model("general").card)
        {}
    """
    recipe: Any = card.training.recipe.get("wrapped")
    try:
        return {"values": _values(recipe), "embedding": _embedding(recipe)}
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):  # nobody has checked a file's recipe
        return {}


def _values(recipe: dict[str, Any]) -> str:
    if recipe.get("element") == "uint8":
        return "0 to 255, as they are"
    return f"0 to 1, less {_numbers(recipe['mean'])}, divided by {_numbers(recipe['std'])}"


def _embedding(recipe: dict[str, Any]) -> str:
    output = recipe.get("output")
    if output is None:
        return _OF_TIMM.get(recipe["pool"], "timm's own")
    name = f'its output "{output["name"]}"'
    if output["rank"] == 2:
        return name
    if output["rank"] == 4:
        return f"{name}, the mean of all places"
    return f"{name}, {_of_tokens(output['pool'], int(output['prefix']))}"


def _of_tokens(pool: str, prefix: int) -> str:
    behind = {0: "the mean of all tokens", 1: "the mean of the tokens behind the first"}.get(
        prefix, f"the mean of the tokens behind the first {prefix:,}"
    )
    return {
        "cls": "the first token",
        "mean": "the mean of all tokens",
        "patches": behind,
        "cls+patches": f"the first token, and {behind}",
    }[pool]


def _numbers(values: Sequence[float]) -> str:
    """Three numbers, or one where they are alike, as ``--mean`` takes them."""
    red, green, blue = values
    return f"{red:.9g}" if red == green == blue else f"{red:.9g},{green:.9g},{blue:.9g}"
