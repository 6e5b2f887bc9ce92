"""The recipes that have a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What each named recipe changes in the defaults.
NAMED_RECIPES: Mapping[str, dict[str, Any]] = {
    "default": {},
    "pairs": {"objectives": [{"loss": "pairs"}]},
    # For kinds of pictures that are not trained on (docs/training.md): only the head learns, and keeps most of what its
    # start knows. The large rate is that of the loss's own scale and bias, which alone start from noise.
    "general": {
        "epochs": 22,
        "network": {"features": "expanded", "head_start": "whitened", "dimension": 512, "dropout": 0.0},
        "freezing": {"stages": 7},
        "distillation": {"weight": 30.0, "least_classes": 20},
        "sampler": {"classes": 50, "images": 5, "apart": True, "centre": True},
        "augmentation": {"views": 1},
        "optimizer": {"lr": 3e-2, "pretrained_lr": 7e-4, "weight_decay": 0.0},
        "schedule": {"warmup": 0.3},
    },
    # For pairs that a person answered (docs/auditing.md): some hundreds teach little, so only the head learns, and
    # keeps most of what its start knows.
    "answers": {
        "epochs": 20,
        "network": {"features": "expanded", "head_start": "whitened", "dimension": 512, "dropout": 0.0},
        "freezing": {"stages": 7},
        "distillation": {"weight": 30.0},
        "sampler": {"kind": "pairs", "items": 40},
        "augmentation": {"views": 2},
        "optimizer": {"lr": 3e-2, "pretrained_lr": 7e-4, "weight_decay": 0.0},
        "holdout": {"calibration": 0.3, "test": 0.0},
        "objectives": [{"loss": "pairs"}],
    },
    "triplets": {"objectives": [{"loss": "triplet"}]},
}
