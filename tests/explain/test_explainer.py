from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import pixels

import samekind
from samekind.adaptation.adaptation import adapt
from samekind.errors import ArgumentError, ImageError, OperatingPointError
from samekind.images import read_image
from samekind.model_file.file import ModelFile, bundled_models
from samekind.recognizer import Recognizer

Networks = Callable[..., ModelFile]


@pytest.fixture(scope="module", params=sorted(bundled_models()))
def model(request: pytest.FixtureRequest) -> Recognizer:
    return samekind.load(request.param)


@settings(max_examples=10)
@given(pixels(24), pixels(24))
def test_contributions_add_up_to_the_similarity_of_the_shipped_models(
    model: Recognizer, first: np.ndarray, second: np.ndarray
) -> None:
    explanation = model.explain(first, second)
    [pair] = explanation.pairs
    assert explanation.method == "contributions"
    assert pair.contributions is not None
    similarity = model.similarity(first, second)
    assert pair.contributions.sum() == pytest.approx(similarity, abs=1e-4)
    assert pair.maps[0].sum() == pytest.approx(similarity, abs=1e-4)
    assert pair.maps[1].sum() == pytest.approx(similarity, abs=1e-4)
    assert pair.similarity == pytest.approx(similarity, abs=1e-5)


def test_the_verdict_is_that_of_verify(model: Recognizer, pictures: np.ndarray) -> None:
    explained, verdict = model.explain(*pictures[:2]).verdict, model.verify(*pictures[:2])
    assert explained.same == verdict.same
    assert explained.probability == pytest.approx(verdict.probability, abs=1e-4)
    trio = model.explain(*pictures)
    assert trio.verdict.probability == pytest.approx(model.verify_trio(*pictures).probability, abs=1e-4)
    assert [pair.pictures for pair in trio.pairs] == [(0, 1), (0, 2), (1, 2)]
    for pair in trio.pairs:
        i, j = pair.pictures
        assert pair.similarity == pytest.approx(model.similarity(pictures[i], pictures[j]), abs=1e-5)


def test_an_adapted_model_explains_the_adapted_similarity(many_colours: Path) -> None:
    files = sorted(many_colours.glob("*/*.png"))
    adapted = samekind.load().adapt(files, source="colours")
    explanation = adapted.explain(*files[:2])
    [pair] = explanation.pairs
    assert explanation.among == "colours"
    assert pair.contributions is not None
    assert pair.contributions.sum() == pytest.approx(adapted.similarity(*files[:2]), abs=1e-4)


def test_an_adaptation_beside_the_model_is_as_an_adapted_model(many_colours: Path) -> None:
    files = sorted(many_colours.glob("*/*.png"))
    bare = samekind.load()
    adaptation = adapt(bare.embed(files), bare.card, "colours")
    inside = bare.adapt(files, source="colours")
    decoded = [read_image(file, 224) for file in files[:2]]
    for method in ("contributions", "occlusion"):
        beside = bare.explainer.explain_decoded(
            decoded,
            ("one", "other"),
            lambda rows: inside.judge_pairs(rows[:1], rows[1:])[0],
            method=method,
            adaptation=adaptation,
        )
        [pair], [expected] = beside.pairs, inside.explain(*files[:2], method=method).pairs
        assert beside.among == "colours"
        assert pair.similarity == pytest.approx(expected.similarity, abs=1e-4)
        np.testing.assert_allclose(pair.maps[0], expected.maps[0], atol=1e-4)


@pytest.mark.parametrize("form", [{"head": "layers"}, {"pooling": "mean", "alpha": 2.0}])
def test_other_networks_are_explained_by_occlusion_which_is_said(
    network: Networks, pictures: np.ndarray, form: dict[str, object]
) -> None:
    other = Recognizer(network(**form))
    explanation = other.explain(*pictures[:2])
    assert explanation.method == "occlusion"
    assert "occlusion" in explanation.how
    [pair] = explanation.pairs
    assert pair.contributions is None
    assert pair.correspondences == ()
    assert pair.maps[0].any()
    with pytest.raises(ArgumentError, match="tiny: its network does not pool and project; use occlusion"):
        other.explain(*pictures[:2], method="contributions")


def test_bad_arguments_are_refused_before_the_work(model: Recognizer, pictures: np.ndarray, tiny_model: Path) -> None:
    with pytest.raises(ArgumentError, match="contributions or occlusion, not by 'gradients'"):
        model.explain(*pictures[:2], method="gradients")  # type: ignore[arg-type]
    with pytest.raises(ImageError, match=r"gone\.jpg: no such file"):
        model.explain(pictures[0], "gone.jpg")
    pairs_only = samekind.load(tiny_model)
    pairs_only.card = pairs_only.card.model_copy(update={"trio": None})
    with pytest.raises(OperatingPointError, match="calibrated for pairs only"):
        pairs_only.explain(*pictures)


def test_it_works_in_threads_and_after_pickling(pictures: np.ndarray) -> None:
    model = samekind.load()
    before = len(pickle.dumps(model))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: model.explain(*pictures[:2]).pairs[0].similarity, range(4)))
    assert len(set(found)) == 1
    # The network is not sent twice.
    assert len(pickle.dumps(model)) < 1.1 * before
    copy = pickle.loads(pickle.dumps(model))
    assert copy.explain(*pictures[:2]).pairs[0].similarity == found[0]


def test_flat_pictures_are_explained_like_any(model: Recognizer) -> None:
    for colour in (0, 255):
        flat = np.full((30, 20, 3), colour, np.uint8)
        [pair] = model.explain(flat, flat).pairs
        assert pair.maps[0].sum() == pytest.approx(1, abs=1e-4)
