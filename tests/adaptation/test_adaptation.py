from pathlib import Path

import numpy as np
import pytest
from conftest import DIMENSION, make_card

from samekind.adaptation.adaptation import adapt, adapted_model, pair_for, trio_for
from samekind.errors import AdaptationError
from samekind.inference.encoder import OnnxEncoder
from samekind.model_file.calibration import BroadCollections, DomainCalibration, pair_probability, trio_probability
from samekind.model_file.file import ModelFile, parse_model, read_model, write_model


def domains(few: float = 0.0) -> DomainCalibration:
    card = make_card()
    in_spreads = {
        name: point.model_copy(update={"threshold": 2 * point.threshold})
        for name, point in card.pair.operating_points.items()
    }
    pair = card.pair.model_copy(update={"scale": 2.0, "bias": -2.0, "operating_points": in_spreads})
    trio = card.trio and card.trio.model_copy(update={"weights": (2.0, 1.0, 0.5)})
    return DomainCalibration(full_length=0.6, spread=0.2, few=few, pair=pair, trio=trio, domains=("birds", "coins"))


def rows(count: int, dimension: int = DIMENSION) -> np.ndarray:
    found = np.random.default_rng(0).normal(size=(count, dimension)) + 0.8
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def test_a_narrow_collection_loses_all_of_its_mean_and_a_broad_one_a_part() -> None:
    card = make_card(domains=domains())
    narrow = adapt(rows(40), card, "a test")
    assert narrow.about.share == 1.0
    assert narrow.offset == pytest.approx(rows(40).mean(axis=0), abs=1e-6)
    broad = np.asarray(np.linalg.qr(np.random.default_rng(1).normal(size=(64, 64)))[0], np.float32)
    found = adapt(broad, make_card(domains=domains(), dimension=64), "a test")
    assert found.about.length < 0.05
    assert found.about.share == pytest.approx(found.about.length / 0.6)


def test_similarities_count_in_units_of_the_spread() -> None:
    given = domains()
    pair, trio = pair_for(given, 0.25, 0.6), trio_for(given, 0.25, 0.6)
    similarity = np.linspace(-1, 1, 9)
    assert pair_probability(pair, similarity) == pytest.approx(pair_probability(given.pair, similarity / 0.25))
    three = np.random.default_rng(2).uniform(-1, 1, (20, 3))
    assert trio
    assert given.trio
    assert trio_probability(trio, three) == pytest.approx(trio_probability(given.trio, three / 0.25))
    assert pair.operating_points["balanced"].threshold == pytest.approx(0.25 * 1.0)
    assert trio.operating_points == given.trio.operating_points  # probabilities


def test_in_a_broad_collection_similarities_count_from_higher_up() -> None:
    plain = domains()
    told = plain.pair.model_copy(
        update={
            "operating_points": {
                name: point.model_copy(update={"far": 0.5}) for name, point in plain.pair.operating_points.items()
            }
        }
    )
    broad = BroadCollections(below=0.5, shift=3.0, pair=told, trio=plain.trio)
    given = plain.model_copy(update={"broad": broad})
    similarity, three = np.linspace(-1, 1, 9), np.random.default_rng(2).uniform(-1, 1, (20, 3))
    pair, trio = pair_for(given, 0.25, 0.3), trio_for(given, 0.25, 0.3)
    assert trio
    assert plain.trio
    assert pair_probability(pair, similarity) == pytest.approx(pair_probability(plain.pair, similarity / 0.25 - 0.6))
    assert trio_probability(trio, three) == pytest.approx(trio_probability(plain.trio, three / 0.25 - 0.6))
    assert pair.operating_points["balanced"].threshold == pytest.approx(0.25 * 1.6)
    assert pair.operating_points["balanced"].far == 0.5
    # At the border nothing jumps but the rates, and beyond it all is as it was.
    at, above = pair_for(given, 0.25, 0.5 - 1e-9), pair_for(given, 0.25, 0.5)
    assert pair_probability(at, similarity) == pytest.approx(pair_probability(above, similarity))
    assert (above, trio_for(given, 0.25, 0.9)) == (pair_for(plain, 0.25, 0.5), trio_for(plain, 0.25, 0.9))


def test_no_threshold_lies_beyond_what_a_cosine_can_be() -> None:
    assert pair_for(domains(), 5.0, 0.6).operating_points["strict"].threshold == 1.0


def test_few_pictures_have_the_usual_spread() -> None:
    few, none = (adapt(rows(12), make_card(domains=domains(few)), "a test").about.spread for few in (1e9, 0.0))
    assert few == pytest.approx(0.2, abs=1e-6)
    assert none != pytest.approx(0.2, abs=1e-3)


def test_what_cannot_be_adapted_is_refused() -> None:
    with pytest.raises(AdaptationError, match="tiny: cannot be adapted"):
        adapt(rows(20), make_card(), "a test")
    with pytest.raises(AdaptationError, match="12 dimensions, and tiny's have 6"):
        adapt(rows(20, 12), make_card(domains=domains()), "a test")
    with pytest.raises(AdaptationError, match="9 readable pictures"):
        adapt(rows(9), make_card(domains=domains()), "a test")


def test_the_adapted_file_gives_what_the_adaptation_gives_of_bare_embeddings(tmp_path: Path) -> None:
    bare = read_model("general")
    collection = rows(30, bare.card.dimension)
    card = bare.card.model_copy(update={"domains": domains()})
    adaptation = adapt(collection, card, "thirty pictures")
    adapted = adapted_model(ModelFile(card, bare.data, bare.seen_images), adaptation, "mine")
    write_model(tmp_path / "mine.onnx", adapted.data, adapted.card, adapted.seen_images)
    written = parse_model((tmp_path / "mine.onnx").read_bytes(), "mine")
    size = bare.card.input_size
    pixels = np.random.default_rng(3).integers(0, 256, (4, size, size, 3), np.uint8)
    expected = adaptation.apply(OnnxEncoder(bare.data, "bare").encode_pixels(pixels))
    assert OnnxEncoder(written.data, "mine").encode_pixels(pixels) == pytest.approx(expected, abs=1e-6)
    assert written.card == adapted.card
    assert written.card.name == "mine"
    assert written.card.adapted == adaptation.about
    assert written.card.adapted.network == bare.card.fingerprint != written.card.fingerprint
    assert written.card.pair == adaptation.pair


def test_nothing_of_a_picture_is_kept_but_the_mean() -> None:
    about = adapt(rows(20), make_card(domains=domains()), "a test").about
    assert set(about.model_dump()) == {
        "source", "pictures", "distinct", "length", "share", "spread", "created", "network",
    }  # fmt: skip
