"""What `wrap` and `info` say of an encoder from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from commands import run
from conftest import tiny_network

from samekind.model_file.card_words import encoder_words
from samekind.model_file.file import read_model

_TAKES = {"element": "float32", "mean": [0.48145466, 0.456, 0.406], "std": [0.5, 0.5, 0.5]}


def _output(rank: int, pool: str, prefix: int = 5) -> dict[str, Any]:
    return {"output": {"name": "y", "rank": rank, "pool": pool, "prefix": prefix}}


@pytest.mark.parametrize(
    ("recipe", "embedding"),
    [
        (_output(2, "none"), 'its output "y"'),
        (_output(3, "patches"), 'its output "y", the mean of the tokens behind the first 5'),
        (_output(3, "patches", 1), 'its output "y", the mean of the tokens behind the first'),
        (_output(3, "cls+patches", 0), 'its output "y", the first token, and the mean of all tokens'),
        (_output(4, "mean"), 'its output "y", the mean of all places'),
        ({"pool": "timm's own"}, "timm's own"),
        ({"pool": "mean"}, "timm's mean over places"),
    ],
)
def test_an_encoder_is_said_in_words(tiny_model: Path, recipe: dict[str, Any], embedding: str) -> None:
    card = read_model(tiny_model).card
    training = card.training.model_copy(update={"recipe": {"wrapped": _TAKES | recipe}})
    assert encoder_words(card.model_copy(update={"training": training})) == {
        "values": "0 to 1, less 0.48145466,0.456,0.406, divided by 0.5",
        "embedding": embedding,
    }


@pytest.mark.parametrize(
    "recipe",
    [7, {}, {"mean": []} | _output(2, ""), _TAKES | {"mean": [10**400] * 3}, _TAKES | _output(3, "none")],
)
def test_a_recipe_of_something_else_says_nothing(tiny_model: Path, recipe: object) -> None:
    card = read_model(tiny_model).card
    training = card.training.model_copy(update={"recipe": {"wrapped": recipe}})
    assert encoder_words(card.model_copy(update={"training": training})) == {}


def test_wrap_and_info_say_it(tmp_path: Path) -> None:
    onnx.save(tiny_network(), tmp_path / "encoder.onnx")
    done = run("wrap", tmp_path / "encoder.onnx", "-o", tmp_path / "wrapped.onnx")
    assert "values: 0 to 255, as they are\nembedding: its output " in done.stdout
    assert "values        0 to 255, as they are\n" in run("info", tmp_path / "wrapped.onnx", "--all").stdout
