"""The page says what the card says, and nothing of what it does not."""

from __future__ import annotations

import re

import pytest
from conftest import adaptable_card, make_card

from samekind.model_file.card import Measurement
from samekind.model_file.file import read_model
from samekind.publishing.model_page import model_page

yaml = pytest.importorskip("yaml")
pytest.importorskip("huggingface_hub")


def parts(page: str) -> tuple[dict[str, object], str]:
    _, front, text = page.split("---\n", 2)
    return yaml.safe_load(front), text


def test_promised_and_measured_rates_stand_with_their_intervals() -> None:
    metric = Measurement(
        data="birds", split="val", group="all", task="pairs", metric="auc", label="AUC", value=0.98, low=0.97, high=0.99
    )
    front, text = parts(model_page(adaptable_card(metrics=(metric,)), "hf://me/tiny"))
    assert (front["license"], front["library_name"]) == ("apache-2.0", "samekind")
    [model] = front["model-index"]  # type: ignore[misc]
    [result] = model["results"]  # type: ignore[index]
    [measured] = result["metrics"]
    assert (measured["value"], measured["args"]["low"], measured["args"]["high"]) == (0.98, 0.97, 0.99)
    assert "| birds val all | pairs: AUC | 0.9800 [0.9700, 0.9900] |" in text
    assert "| balanced | 0.500 | 2.00% | 97.00% |" in text
    assert "once adapted to a collection, from 10 images of collections of other kinds" in text


def test_a_model_without_rates_promises_none_and_another_licence_is_named() -> None:
    card = make_card(pair=None, trio=None, domains=None, licence="Our own 1.0")
    front, text = parts(model_page(card, "hf://me/tiny"))
    assert (front["license"], front["license_name"]) == ("other", "our-own-1.0")
    assert "* licence of the weights: Our own 1.0" in text
    assert "model-index" not in front
    assert "None: it is not calibrated" in text
    assert "model.embed" in text
    assert "model.verify" not in text


def test_the_shipped_model_has_a_page() -> None:
    card = read_model().card
    front, text = parts(model_page(card, "hf://me/general/small.onnx"))
    assert re.fullmatch(r"[a-z0-9.-]{1,64}", str(front["license_name"]))
    assert card.licence in text
    assert 'samekind.load("hf://me/general/small.onnx")' in text
    for name in card.pair.operating_points if card.pair else ():
        assert f"| {name} |" in text
    assert card.fingerprint in text
