import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from samekind.training.loop.optimizer import make_optimizer
from samekind.training.recipe import Recipe


def parameters() -> list[tuple[str, nn.Parameter, bool]]:
    frozen = nn.Parameter(torch.ones(2, 2), requires_grad=False)
    return [
        ("head.weight", nn.Parameter(torch.ones(3, 2)), True),
        ("head.bias", nn.Parameter(torch.ones(3)), True),
        ("body.weight", nn.Parameter(torch.ones(2, 2, 3, 3)), False),
        ("body.bias", nn.Parameter(torch.ones(2)), False),
        ("stem.weight", frozen, False),
    ]


def rates(steps: int, **sections: Any) -> list[list[float]]:
    """The rate of each group at each step."""
    recipe = Recipe().with_settings(**sections)
    made = make_optimizer(recipe, parameters(), steps)
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    assert made["lr_scheduler"]["interval"] == "step"
    seen = []
    for _ in range(steps):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    return seen


def test_layers_from_noise_learn_faster_and_only_matrices_decay() -> None:
    recipe = Recipe().with_settings(
        optimizer={"lr": 0.1, "pretrained_lr": 0.02, "weight_decay": 0.3},
        schedule={"name": "constant", "warmup": 0.0},
    )
    made = parameters()
    optimizer = make_optimizer(recipe, made, 10)["optimizer"]
    assert isinstance(optimizer, torch.optim.AdamW)
    names = {id(parameter): name for name, parameter, _ in made}
    groups = {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert groups == {
        "head.weight": (0.1, 0.3),
        "head.bias": (0.1, 0.0),
        "body.weight": (0.02, 0.3),
        "body.bias": (0.02, 0.0),
    }


def test_one_cycle_rises_for_the_warmup_and_falls_to_nothing() -> None:
    seen = rates(100, optimizer={"lr": 0.1, "pretrained_lr": 0.02}, schedule={"warmup": 0.2})
    for group in zip(*seen, strict=True):
        peak = max(group)
        assert group.index(peak) == pytest.approx(19, abs=1)
        assert peak == pytest.approx(0.1) or peak == pytest.approx(0.02)
        assert list(group[:19]) == sorted(group[:19])
        assert list(group[20:]) == sorted(group[20:], reverse=True)
        assert group[-1] < peak / 1000


def test_cosine_rises_in_a_line_and_falls_along_a_cosine() -> None:
    seen = [step[0] for step in rates(20, optimizer={"lr": 1.0}, schedule={"name": "cosine", "warmup": 0.2})]
    assert seen[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert seen[4:] == pytest.approx([0.5 * (1 + math.cos(math.pi * i / 16)) for i in range(16)])


def test_constant_stays_at_the_peak() -> None:
    seen = [step[0] for step in rates(10, optimizer={"lr": 1.0}, schedule={"name": "constant", "warmup": 0.2})]
    assert seen == pytest.approx([0.5, 1.0, *[1.0] * 8])


@given(st.sampled_from(["one-cycle", "cosine", "constant"]), st.integers(1, 60), st.floats(0, 0.99) | st.just(0.1))
def test_any_length_and_warmup_give_rates_between_nothing_and_the_peak(name: str, steps: int, warmup: float) -> None:
    for share in (warmup, 1 / steps if steps > 1 else 0.5):  # of one step, too
        seen = rates(steps, optimizer={"lr": 1.0, "pretrained_lr": 1.0}, schedule={"name": name, "warmup": share})
        assert all(0 <= rate <= 1 + 1e-9 for step in seen for rate in step)
        assert max(rate for step in seen for rate in step) > 0


def test_sgd_has_nesterovs_momentum() -> None:
    recipe = Recipe().with_settings(optimizer={"name": "sgd"}, schedule={"name": "constant"})
    optimizer = make_optimizer(recipe, parameters(), 10)["optimizer"]
    assert isinstance(optimizer, torch.optim.SGD)
    assert all((group["momentum"], group["nesterov"]) == (0.9, True) for group in optimizer.param_groups)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_a_step_goes_downhill(name: str) -> None:
    weight = nn.Parameter(torch.tensor([[3.0]]))
    made = make_optimizer(Recipe().with_settings(optimizer={"name": name}), [("w", weight, True)], 200)
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    for _ in range(200):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()
        schedule.step()
    assert weight.abs().item() < 2.9
