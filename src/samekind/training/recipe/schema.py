"""The settings of a training run, validated: sections and the terms of the loss, and what of them goes together."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from samekind.training.recipe.objective import Objective
from samekind.training.recipe.sections import (
    AugmentationSection,
    ComputeSection,
    DistillationSection,
    EarlyStoppingSection,
    EmaSection,
    FreezingSection,
    HoldoutSection,
    NetworkSection,
    OptimizerSection,
    SamplerSection,
    ScheduleSection,
    Section,
)


class Recipe(Section):
    """Everything that decides a training run besides the images and the starting weights.

    Example:
        >>> Recipe(objectives=(Objective(loss="triplet", margin=0.1),)).objectives[0].weight
        1.0
    """

    epochs: Annotated[int, Field(ge=1, description="passes over the training images")] = 10
    seed: Annotated[int, Field(ge=0, lt=2**32, description="decides splits, views, order and dropout")] = 0
    network: NetworkSection = NetworkSection()
    freezing: FreezingSection = FreezingSection()
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1, description="their weighted sum is the loss")] = (
        Objective(),
    )
    distillation: DistillationSection = DistillationSection()
    sampler: SamplerSection = SamplerSection()
    augmentation: AugmentationSection = AugmentationSection()
    optimizer: OptimizerSection = OptimizerSection()
    schedule: ScheduleSection = ScheduleSection()
    ema: EmaSection = EmaSection()
    early_stopping: EarlyStoppingSection = EarlyStoppingSection()
    holdout: HoldoutSection = HoldoutSection()
    compute: ComputeSection = ComputeSection()

    @model_validator(mode="after")
    def _objectives_fit_the_sampler(self) -> Recipe:
        needed = {"pairs": "pairs", "triplets": "triplet"}.get(self.sampler.kind)
        if needed and [objective.loss for objective in self.objectives] != [needed]:
            raise ValueError(f"sampler.kind = {self.sampler.kind!r} goes with one objective: loss = {needed!r}")
        if needed and self.holdout.classes:
            raise ValueError("of a list, items are held out and not classes: holdout.classes = 0")
        return self

    @model_validator(mode="after")
    def _head_can_be_whitened(self) -> Recipe:
        if self.network.head_start == "whitened" and self.network.head != "linear":
            raise ValueError("a whitened head is one layer: network.head = 'linear'")
        if self.network.whitening == "grouped" and self.sampler.kind not in ("pairs", "triplets"):
            raise ValueError("network.whitening = 'grouped' is for lists: sampler.kind = 'pairs' or 'triplets'")
        if self.network.head_start == "whitened" and not self.freezing.stages:
            raise ValueError(
                "a whitened head is computed from the features of frozen stages: freezing.stages = 5 or so"
            )
        return self

    def with_settings(self, **sections: dict[str, Any] | Any) -> Recipe:
        """A copy with some settings changed, validated.

        Example:
            >>> Recipe().with_settings(epochs=2, optimizer={"lr": 0.1}).optimizer.lr
            0.1
        """
        values = self.model_dump()
        for name, value in sections.items():
            values[name] = {**values[name], **value} if isinstance(value, dict) else value
        return Recipe.model_validate(values)
