"""What `wrap` and `info` say of an encoder from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from commands import run
from conftest import tiny_network

from samekind.cli.models.encoder_words import encoder_words
from samekind.model_file.file import read_model

_TAKES = {"element": "float32", "mean": [0.485, 0.456, 0.406], "std": [0.5, 0.5, 0.5]}


def _output(rank: int, pool: str) -> dict[str, Any]:
    return {"output": {"name": "y", "rank": rank, "pool": pool, "prefix": 5}}


@pytest.mark.parametrize(
    ("recipe", "embedding"),
    [
        (_output(2, "none"), 'its output "y"'),
        (_output(3, "patches"), 'the mean of all tokens but the first 5 of its output "y"'),
        (_output(4, "mean"), 'the mean of all places of its output "y"'),
        ({"pool": "timm's own"}, "as timm pools it"),
        ({"pool": "cls"}, "the first token"),
    ],
)
def test_an_encoder_is_said_in_words(tiny_model: Path, recipe: dict[str, Any], embedding: str) -> None:
    card = read_model(tiny_model).card
    training = card.training.model_copy(update={"recipe": {"wrapped": _TAKES | recipe}})
    assert encoder_words(card.model_copy(update={"training": training})) == {
        "values": "0 to 1, less 0.485,0.456,0.406, divided by 0.5",
        "embedding": embedding,
    }


@pytest.mark.parametrize("recipe", [7, {}, {"mean": 1, "std": [1]}, _TAKES | {"output": {"name": "y", "rank": 3}}])
def test_a_recipe_of_something_else_says_nothing(tiny_model: Path, recipe: object) -> None:
    card = read_model(tiny_model).card
    training = card.training.model_copy(update={"recipe": {"wrapped": recipe}})
    assert encoder_words(card.model_copy(update={"training": training})) == {}


def test_wrap_and_info_say_it(tmp_path: Path) -> None:
    onnx.save(tiny_network(), tmp_path / "encoder.onnx")
    done = run("wrap", tmp_path / "encoder.onnx", "-o", tmp_path / "wrapped.onnx")
    assert "values: 0 to 255, as they are\nembedding: its output " in done.stdout
    assert "values        0 to 255, as they are\n" in run("info", tmp_path / "wrapped.onnx", "--all").stdout
