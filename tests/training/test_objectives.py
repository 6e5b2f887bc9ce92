import itertools

import pytest
import torch
import torch.nn.functional as F

from samekind.training.objectives import make_objective

LABELS = torch.tensor([0, 0, 0, 1, 1, 2])


@pytest.fixture
def embeddings() -> torch.Tensor:
    raw = torch.randn(6, 5, generator=torch.Generator().manual_seed(1))
    return F.normalize(raw, dim=1).requires_grad_()


def test_pair_loss_is_the_mean_cross_entropy_of_genuine_and_impostor_pairs(embeddings: torch.Tensor) -> None:
    scale, bias = torch.tensor(7.0), torch.tensor(-2.0)
    losses: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    for i, j in itertools.combinations(range(6), 2):
        same = bool(LABELS[i] == LABELS[j])
        logit = scale * (embeddings[i] @ embeddings[j]) + bias
        losses[same].append(F.binary_cross_entropy_with_logits(logit, torch.tensor(float(same))))
    expected = (torch.stack(losses[True]).mean() + torch.stack(losses[False]).mean()) / 2
    torch.testing.assert_close(make_objective("pairs", 0.2)(embeddings, LABELS, scale, bias), expected)


def test_triplet_loss_is_the_mean_over_violating_triplets(embeddings: torch.Tensor) -> None:
    margin, cosine = 0.3, embeddings @ embeddings.T
    violations = [
        cosine[a, n] - cosine[a, p] + margin
        for a, p, n in itertools.permutations(range(6), 3)
        if LABELS[a] == LABELS[p] and LABELS[a] != LABELS[n] and cosine[a, p] - cosine[a, n] <= margin
    ]
    nothing = torch.tensor(0.0)
    loss = make_objective("triplets", margin)(embeddings, LABELS, nothing, nothing)
    torch.testing.assert_close(loss, torch.stack(violations).mean())


@pytest.mark.parametrize("name", ["pairs", "triplets"])
def test_descending_pulls_classes_together(name: str, embeddings: torch.Tensor) -> None:
    objective, raw = make_objective(name, 0.5), embeddings.detach().clone().requires_grad_()
    scale, bias = torch.tensor(5.0), torch.tensor(-2.0)
    optimizer = torch.optim.SGD([raw], lr=0.5)
    losses = []
    for _ in range(60):
        loss = objective(F.normalize(raw, dim=1), LABELS, scale, bias)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    cosine = F.normalize(raw, dim=1) @ F.normalize(raw, dim=1).T
    same = LABELS[:, None] == LABELS[None]
    off_diagonal = ~torch.eye(6, dtype=torch.bool)
    assert cosine[same & off_diagonal].mean() > cosine[~same].mean() + 0.5


def test_a_batch_without_violating_triplets_costs_nothing() -> None:
    apart = torch.eye(3).repeat_interleave(2, dim=0)
    nothing = torch.tensor(0.0)
    assert make_objective("triplets", 0.2)(apart, torch.tensor([0, 0, 1, 1, 2, 2]), nothing, nothing) == 0
