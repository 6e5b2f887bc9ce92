from dataclasses import replace

import numpy as np
import pytest

from samekind.evaluation.metrics.verification import verdict_rates
from samekind.fitting.domains import JudgedCollection, fit_collections, fit_domains, rates_of


def collection(
    domain: str, name: str, seed: int, *, apart: float = 1.0, spread: float = 0.3, length: float = 0.6
) -> JudgedCollection:
    """Five classes of twelve pictures, the classes so far apart."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(5), 12)
    rows = apart * rng.normal(size=(5, 16))[labels] + rng.normal(size=(60, 16))
    embeddings = np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
    return JudgedCollection.of(domain, name, embeddings, labels, spread=spread, length=length)


@pytest.fixture(scope="module")
def collections() -> list[JudgedCollection]:
    return [collection(domain, str(i), 10 * number + i) for number, domain in enumerate("abcd") for i in range(2)]


def test_similarities_are_in_units_of_the_spread() -> None:
    one, other = collection("a", "1", 0, spread=0.2), collection("a", "1", 0, spread=0.4)
    assert one.pairs == pytest.approx(2 * other.pairs, rel=1e-5)
    assert one.trios == pytest.approx(2 * other.trios, rel=1e-5)
    assert len(one.pairs) == 60 * 59 // 2
    assert (one.images, one.classes) == (60, 5)


def test_rates_are_those_of_the_domains_left_out(collections: list[JudgedCollection]) -> None:
    card = fit_domains(collections, 0.2, "a test")
    expected = []
    for one in collections:
        pair = fit_collections([other for other in collections if other.domain != one.domain], "").pair
        expected.append(verdict_rates(one.pairs >= pair.operating_points["balanced"].threshold, one.pairs_same))
    point = card.pair.operating_points["balanced"]
    assert (point.far, point.tar) == pytest.approx(tuple(np.mean(expected, axis=0)))
    assert point.far_interval
    assert point.far_interval[0] <= point.far <= point.far_interval[1]
    assert card.pair.measured_on.cross_fitted
    assert card.pair.measured_on.images == 4 * 60
    assert card.domains == ("a", "b", "c", "d")


def test_more_collections_are_fitted_on_and_left_out_with_their_domain(collections: list[JudgedCollection]) -> None:
    more = [collection(domain, "by lot", 50 + i, apart=0.5) for i, domain in enumerate(("a", "drawn"))]
    card = fit_domains(collections, 0.2, "a test", more)
    # Not to the digit: the fit trusts the pictures that are told of only, so its targets are a little softer.
    fit = fit_collections([*collections, *more])
    pair, trio = fit.pair, fit.trio
    assert (card.pair.scale, card.pair.bias) == pytest.approx((pair.scale, pair.bias), rel=0.01)
    assert card.trio is not None
    assert card.trio.weights == pytest.approx(trio.weights, rel=0.02)
    assert card.pair.scale != pytest.approx(fit_collections(collections).pair.scale, rel=0.02)
    expected = []
    for one in collections:
        left = ([other for other in some if other.domain != one.domain] for some in (collections, more))
        others = fit_collections(next(left), more=next(left)).pair
        expected.append(verdict_rates(one.pairs >= others.operating_points["balanced"].threshold, one.pairs_same))
    point = card.pair.operating_points["balanced"]
    assert (point.far, point.tar) == pytest.approx(tuple(np.mean(expected, axis=0)))
    assert card.pair.measured_on.images == 4 * 60
    assert card.domains == ("a", "b", "c", "d")


def test_each_domain_weighs_the_same_however_many_collections_it_has(collections: list[JudgedCollection]) -> None:
    hard = [collection("hard", str(i), 100, apart=0.3) for i in range(6)]
    once, often = (fit_collections(collections + some, "").pair for some in (hard[:1], hard))
    assert often.scale == pytest.approx(once.scale, rel=0.05)
    assert often.bias == pytest.approx(once.bias, rel=0.05)


def test_rates_of_a_collection_are_counted(collections: list[JudgedCollection]) -> None:
    fit = fit_collections(collections, "")
    found = rates_of(collections[0], fit)
    accepted = collections[0].pairs >= fit.pair.operating_points["balanced"].threshold
    assert found["pairs", "balanced"][0] == pytest.approx(accepted[~collections[0].pairs_same].mean())
    assert {task for task, _ in found} == {"pairs", "trios"}


@pytest.fixture(scope="module")
def with_broad(collections: list[JudgedCollection]) -> list[JudgedCollection]:
    """Beside the others, two domains of broad collections, whose kinds are told apart as well a spread higher up."""
    broad = [collection(domain, "many kinds", seed, length=0.25) for seed, domain in enumerate("ab", 60)]
    return [*collections, *(replace(one, pairs=one.pairs + 1, trios=one.trios + 1) for one in broad)]


def test_in_broad_collections_similarities_count_from_higher_up(with_broad: list[JudgedCollection]) -> None:
    fit = fit_collections(with_broad)
    assert fit.shift * (0.45 - 0.25) == pytest.approx(1.0, abs=0.1)
    card = fit_domains(with_broad, 0.2, "a test")
    assert card.broad
    assert (card.broad.below, card.broad.shift) == (0.45, fit.shift)
    expected = []
    for one in with_broad[-2:]:
        others = fit_collections([other for other in with_broad if other.domain != one.domain])
        threshold = others.pair.operating_points["balanced"].threshold + others.shift * 0.2
        expected.append(verdict_rates(one.pairs >= threshold, one.pairs_same))
    point = card.broad.pair.operating_points["balanced"]
    assert (point.far, point.tar) == pytest.approx(tuple(np.mean(expected, axis=0)), abs=1e-3)
    assert card.broad.trio
    assert card.broad.pair.measured_on.domain.startswith("broad collections")
    assert card.pair.measured_on.domain.startswith("collections")


def test_rates_of_the_others_are_not_those_of_broad_ones(with_broad: list[JudgedCollection]) -> None:
    card, others = fit_domains(with_broad, 0.2, "a test"), with_broad[:-2]
    found = [
        rates_of(one, fit_collections([other for other in with_broad if other.domain != one.domain]))[
            "pairs", "balanced"
        ]
        for one in others
    ]
    point = card.pair.operating_points["balanced"]
    assert (point.far, point.tar) == pytest.approx(tuple(np.mean(found, axis=0)))


def test_broad_collections_of_one_domain_are_judged_as_all_others(with_broad: list[JudgedCollection]) -> None:
    card = fit_domains(with_broad[:-1], 0.2, "a test")
    assert card.broad is None


def test_where_broad_ones_are_as_hard_nothing_is_shifted(collections: list[JudgedCollection]) -> None:
    """A shift that would make similarities count for more is none."""
    lower = [replace(one, length=0.25, pairs=one.pairs - 1, trios=one.trios - 1) for one in collections[:4]]
    assert fit_collections([*collections[4:], *lower]).shift == 0.0
    assert fit_domains([*collections[4:], *lower], 0.2, "a test").broad is None


def test_where_others_are_of_one_domain_all_are_judged_alike(with_broad: list[JudgedCollection]) -> None:
    broad, other = with_broad[-2:], [one for one in with_broad if one.domain == "c"][:1]
    card = fit_domains([*broad, *other], 0.2, "a test")
    assert card.broad is None
    assert card.pair.operating_points["balanced"].far_interval
    low, high = card.pair.operating_points["balanced"].far_interval
    assert low < high
