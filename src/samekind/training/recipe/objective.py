"""The terms of a recipe's loss: which losses there are, and the keys that each has of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from samekind.training.recipe.sections import Positive, Section

# The keys that each loss has of its own, with their defaults.
OWN_KEYS: dict[str, dict[str, float | str]] = {
    "pairs": {},
    "contrastive": {"margin": 0.5},
    "triplet": {"margin": 0.2, "miner": "all"},
    "multi-similarity": {"scale": 50.0},
    "supcon": {"temperature": 0.1},
    "proxy-anchor": {"margin": 0.1, "scale": 32.0},
    "proxy-nca": {"scale": 32.0},
    "arcface": {"margin": 28.6, "scale": 64.0},
    "cosface": {"margin": 0.35, "scale": 64.0},
}


def _defaults(key: str) -> str:
    """The default of a key for each loss that has it, in words."""
    return ", ".join(f"{loss} {own[key]:g}" for loss, own in OWN_KEYS.items() if key in own)


class Objective(Section):
    """One term of the loss. Keys that its loss does not have must be left out.

    The losses but ``pairs`` are those of pytorch-metric-learning, on cosines.
    """

    loss: Annotated[
        Literal[
            "pairs", "contrastive", "triplet", "multi-similarity", "supcon", "proxy-anchor", "proxy-nca", "arcface",
            "cosface",
        ],
        Field(description="pairs: binary cross-entropy of scale × cosine + bias, both learned"),
    ] = "pairs"  # fmt: skip
    weight: Annotated[Positive, Field(description="in the sum of all objectives")] = 1.0
    margin: Annotated[
        float | None, Field(gt=0, lt=180, description=f"{_defaults('margin')}; that of arcface is in degrees")
    ] = None
    scale: Annotated[Positive | None, Field(description=_defaults("scale"))] = None
    temperature: Annotated[Positive | None, Field(description=_defaults("temperature"))] = None
    miner: Annotated[
        Literal["all", "semihard", "hard", "batch-hard"] | None,
        Field(
            description=f"triplet: which violating triplets count; {OWN_KEYS['triplet']['miner']} by default, which is "
            "FaceNet's. batch-hard: of each anchor the hardest"
        ),
    ] = None

    @model_validator(mode="after")
    def _has_only_its_own_keys(self) -> Objective:
        for key in ("margin", "scale", "temperature", "miner"):
            if getattr(self, key) is not None and key not in OWN_KEYS[self.loss]:
                own = ", ".join(OWN_KEYS[self.loss]) or "none but weight"
                raise ValueError(f"the loss {self.loss} has no {key}; its own keys: {own}")
        return self

    @property
    def own(self) -> dict[str, Any]:
        """The values of its loss's own keys; those that are left out have their defaults."""
        return {
            key: default if getattr(self, key) is None else getattr(self, key)
            for key, default in OWN_KEYS[self.loss].items()
        }
