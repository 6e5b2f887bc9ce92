import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss
from strategies import unit_rows

from samekind.training.loop.objectives import (
    PairLoss,
    TripletLoss,
    WeightedSum,
    centred,
    make_objective,
    of_each_source,
)
from samekind.training.recipe.objective import OWN_KEYS, Objective

LABELS = torch.tensor([0, 0, 0, 1, 1, 2])


def objective(loss: str, *, listed: bool = False, **settings: Any) -> WeightedSum:
    torch.manual_seed(3)  # the proxies start from noise
    return make_objective([Objective(loss=loss, **settings)], classes=3, dimension=8, listed=listed)


@pytest.fixture
def embeddings() -> torch.Tensor:
    raw = torch.randn(6, 8, generator=torch.Generator().manual_seed(1))
    return F.normalize(raw, dim=1)


@given(unit_rows(6), st.floats(0.1, 12), st.floats(-6, 6))
def test_pair_loss_is_sklearns_log_loss_with_both_answers_weighing_the_same(
    rows: np.ndarray, scale: float, bias: float
) -> None:
    loss = PairLoss().double()
    with torch.no_grad():
        loss.scale.fill_(scale)
        loss.bias.fill_(bias)
    pairs = list(itertools.combinations(range(6), 2))
    same = np.array([bool(LABELS[i] == LABELS[j]) for i, j in pairs])
    logits = np.array([scale * float(np.dot(rows[i].astype(float), rows[j].astype(float))) + bias for i, j in pairs])
    weights = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    expected = log_loss(same, 1 / (1 + np.exp(-logits)), sample_weight=weights)
    assert loss(torch.from_numpy(rows).double(), LABELS).item() == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_listed_pairs_are_only_those_of_the_list(embeddings: torch.Tensor) -> None:
    labels = torch.tensor([0, 0, 0, 1, 2, 2])
    loss = PairLoss(listed=True)
    logits = [10 * (embeddings[i] @ embeddings[i + 1]) - 5 for i in (0, 2, 4)]
    genuine = (F.softplus(-logits[0]) + F.softplus(-logits[2])) / 2
    expected = (genuine + F.softplus(logits[1])) / 2
    torch.testing.assert_close(loss(embeddings, labels), expected)
    # Of one answer only, as a small batch may have it.
    torch.testing.assert_close(loss(embeddings[2:4], labels[2:4]), F.softplus(logits[1]))


def test_triplet_loss_is_the_mean_over_violating_triplets(embeddings: torch.Tensor) -> None:
    margin, cosine = 0.3, embeddings @ embeddings.T
    violations = [
        cosine[a, n] - cosine[a, p] + margin
        for a, p, n in itertools.permutations(range(6), 3)
        if LABELS[a] == LABELS[p] and LABELS[a] != LABELS[n] and cosine[a, p] - cosine[a, n] <= margin
    ]
    loss = TripletLoss(margin, "all")(embeddings, LABELS)
    torch.testing.assert_close(loss, torch.stack(violations).mean())


@pytest.mark.parametrize("miner", ["semihard", "hard"])
def test_miners_take_the_triplets_of_their_name(miner: str, embeddings: torch.Tensor) -> None:
    margin, cosine = 0.9, embeddings @ embeddings.T
    wanted = []
    for a, p, n in itertools.permutations(range(6), 3):
        if LABELS[a] == LABELS[p] and LABELS[a] != LABELS[n]:
            gap = cosine[a, p] - cosine[a, n]
            if (gap <= 0) if miner == "hard" else (0 < gap <= margin):
                wanted.append(margin - gap)
    torch.testing.assert_close(TripletLoss(margin, miner)(embeddings, LABELS), torch.stack(wanted).mean())


def test_batch_hard_takes_of_each_anchor_the_hardest(embeddings: torch.Tensor) -> None:
    margin, cosine = 2.0, embeddings @ embeddings.T  # so wide that every triplet violates it
    wanted = []
    for a in range(5):  # image 5 is alone in its class
        same = (LABELS[a] == LABELS) & (torch.arange(6) != a)
        wanted.append(cosine[a][LABELS[a] != LABELS].max() - cosine[a][same].min() + margin)
    torch.testing.assert_close(TripletLoss(margin, "batch-hard")(embeddings, LABELS), torch.stack(wanted).mean())


def test_listed_triplets_are_only_those_of_the_list(embeddings: torch.Tensor) -> None:
    margin, cosine = 0.5, embeddings @ embeddings.T
    labels = torch.tensor([0, 0, 1, 1, 1, 0])
    losses = [F.relu(cosine[a, a + 2] - cosine[a, a + 1] + margin) for a in (0, 3)]
    violating = [loss for loss in losses if loss > 0]
    actual = objective("triplet", margin=margin, listed=True)(embeddings, labels)
    torch.testing.assert_close(actual, torch.stack(violating).mean())


def test_a_batch_without_violating_triplets_costs_nothing() -> None:
    apart = torch.eye(3).repeat_interleave(2, dim=0)
    assert TripletLoss(0.2, "all")(apart, torch.tensor([0, 0, 1, 1, 2, 2])) == 0


def test_contrastive_loss_pulls_genuine_pairs_all_the_way_and_impostors_to_the_margin(embeddings: torch.Tensor) -> None:
    margin, cosine = 0.1, embeddings @ embeddings.T
    genuine, impostor = [], []
    for i, j in itertools.combinations(range(6), 2):
        if LABELS[i] == LABELS[j]:
            genuine.append(1 - cosine[i, j])
        elif cosine[i, j] > margin:
            impostor.append(cosine[i, j] - margin)
    expected = torch.stack(genuine).mean() + torch.stack(impostor).mean()
    torch.testing.assert_close(objective("contrastive", margin=margin)(embeddings, LABELS), expected)


@pytest.mark.parametrize("loss", OWN_KEYS)
def test_descending_pulls_classes_together(loss: str, embeddings: torch.Tensor) -> None:
    term = objective(loss)
    raw = embeddings.clone().requires_grad_()
    optimizer = torch.optim.Adam([raw, *term.parameters()], lr=0.05)
    values = []
    for _ in range(80):
        value = term(F.normalize(raw, dim=1), LABELS)
        optimizer.zero_grad()
        value.backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in (raw, *term.parameters()))
        optimizer.step()
        values.append(value.item())
    assert values[-1] < values[0]
    unit = F.normalize(raw.detach(), dim=1)
    same = LABELS[:, None] == LABELS[None]
    cosine = unit @ unit.T
    off_diagonal = ~torch.eye(6, dtype=torch.bool)
    assert cosine[same & off_diagonal].mean() > cosine[~same].mean() + 0.4


@pytest.mark.parametrize("loss", OWN_KEYS)
@pytest.mark.parametrize("alike", [True, False])
def test_gradients_are_finite_where_all_are_alike_and_where_all_is_well(loss: str, alike: bool) -> None:
    rows = torch.ones(6, 8) if alike else torch.eye(8)[LABELS]
    raw = rows.requires_grad_()
    value = objective(loss)(F.normalize(raw, dim=1), LABELS)
    value.backward()
    assert value.isfinite()
    assert raw.grad is None or raw.grad.isfinite().all()


@pytest.mark.parametrize("loss", OWN_KEYS)
def test_the_order_of_the_batch_does_not_matter(loss: str, embeddings: torch.Tensor) -> None:
    term = objective(loss)
    order = torch.tensor([3, 0, 5, 2, 4, 1])
    torch.testing.assert_close(term(embeddings[order], LABELS[order]), term(embeddings, LABELS), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("loss", "settings"),
    [(loss, {key: value}) for loss, keys in OWN_KEYS.items() for key, value in
     {"margin": 0.05, "scale": 3.0, "temperature": 0.7, "miner": "hard"}.items() if key in keys],
)  # fmt: skip
def test_each_key_changes_its_loss(loss: str, settings: dict[str, Any], embeddings: torch.Tensor) -> None:
    assert objective(loss, **settings)(embeddings, LABELS) != objective(loss)(embeddings, LABELS)


def test_terms_are_summed_by_their_weights(embeddings: torch.Tensor) -> None:
    terms = [Objective(loss="pairs", weight=2.0), Objective(loss="supcon", weight=0.5), Objective(loss="contrastive")]
    total = make_objective(terms, classes=3, dimension=8, listed=False)(embeddings, LABELS)
    expected = sum(term.weight * objective(term.loss)(embeddings, LABELS) for term in terms)
    torch.testing.assert_close(total, expected)


def test_what_a_loss_learns_are_parameters_of_the_sum() -> None:
    assert {name for name, _ in objective("pairs").named_parameters()} == {"terms.0.scale", "terms.0.bias"}
    for loss in ("proxy-anchor", "proxy-nca", "arcface", "cosface"):
        (proxies,) = objective(loss).parameters()
        assert sorted(proxies.shape) == [3, 8]
    assert not list(objective("supcon").parameters())


def test_of_several_data_sets_each_is_looked_at_by_itself(embeddings: torch.Tensor) -> None:
    loss = objective("pairs")
    sources = torch.tensor([0, 1, 0, 1, 0, 1])
    mixed = LABELS[torch.tensor([0, 0, 0, 3, 3, 3])]
    expected = (loss(embeddings[::2], mixed[::2]) + loss(embeddings[1::2], mixed[1::2])) / 2
    torch.testing.assert_close(of_each_source(loss, embeddings, mixed, sources), expected)
    torch.testing.assert_close(of_each_source(loss, embeddings, LABELS, 0 * sources), loss(embeddings, LABELS))


@given(unit_rows(6))
def test_centred_rows_are_those_less_their_mean(rows: np.ndarray) -> None:
    found = centred(torch.from_numpy(rows)).numpy().astype(float)
    left = rows.astype(float) - rows.astype(float).mean(axis=0)
    lengths = np.linalg.norm(left, axis=1, keepdims=True)
    assert np.isfinite(found).all()
    clear = lengths[:, 0] > 1e-3  # what is left of others is rounding
    assert found[clear] == pytest.approx((left / np.maximum(lengths, 1e-12))[clear], abs=1e-3)


def test_a_batch_of_one_kind_loses_what_its_images_have_in_common(embeddings: torch.Tensor) -> None:
    together = F.normalize(embeddings + 5 * torch.eye(8)[0], dim=1)
    assert (together @ together.T).min() > 0.5
    cosines = centred(together) @ centred(together).T
    assert cosines[~torch.eye(6, dtype=torch.bool)].mean() < 0
