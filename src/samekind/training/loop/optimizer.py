"""The optimizer and the schedule of its learning rates."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from samekind.training.recipe import Recipe


def make_optimizer(recipe: Recipe, parameters: Iterable[tuple[str, nn.Parameter, bool]], steps: int) -> dict[str, Any]:
    """The optimizer and schedule of a recipe, as Lightning takes them.

    AdamW: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019; one-cycle: Smith and Topin,
    "Super-convergence", 2018. Norms and biases do not decay.

    Args:
        recipe: The settings.
        parameters: Each parameter's name, itself, and whether it starts from noise; frozen ones are passed over.
        steps: The steps of the whole run.
    """
    settings = recipe.optimizer
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for _, parameter, fresh in parameters:
        if not parameter.requires_grad:
            continue
        rate = settings.lr if fresh else settings.pretrained_lr
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    tables = [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]
    fused = all(parameter.is_cuda for group in groups.values() for parameter in group)
    optimizer: torch.optim.Optimizer
    if settings.name == "adamw":
        optimizer = torch.optim.AdamW(tables, fused=fused)
    else:
        optimizer = torch.optim.SGD(tables, momentum=0.9, nesterov=True, fused=fused)
    schedule = _schedule(recipe, optimizer, [rate for rate, _ in groups], steps)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _schedule(
    recipe: Recipe, optimizer: torch.optim.Optimizer, rates: list[float], steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    warmup = recipe.schedule.warmup
    if recipe.schedule.name == "one-cycle":
        # torch divides by the steps of the warm-up less one, so they must not be just one.
        rising = warmup * (1 - 1e-6) if warmup * steps == 1 else warmup
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rates, total_steps=steps, pct_start=rising)
    flat = recipe.schedule.name == "constant"

    def factor(step: int) -> float:
        rising = warmup * steps
        if step < rising:
            return min(1.0, (step + 1) / rising)
        return 1.0 if flat else 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, steps - rising)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
