"""The settings of a training run, validated."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Recipe(BaseModel):
    """Everything that decides a training run besides the images.

    Example:
        >>> Recipe(objective="triplets").margin
        0.2
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: Annotated[
        Literal["pairs", "triplets"],
        Field(description="pairs: binary cross-entropy on all pairs of a batch; triplets: mined triplet loss"),
    ] = "pairs"
    backbone: Annotated[str, Field(description="timm name of an EfficientNet")] = "tf_efficientnet_b0"
    input_size: Annotated[int, Field(ge=32, le=1024, description="side of the square input, pixels")] = 224
    dimension: Annotated[int, Field(ge=2, le=4096, description="length of the embedding")] = 128
    frozen_stages: Annotated[
        int, Field(ge=0, description="first stages kept as they are and computed once; 0 trains everything")
    ] = 5
    views: Annotated[int, Field(ge=1, description="augmented views of each image that are computed once")] = 4
    epochs: Annotated[int, Field(ge=1)] = 10
    classes_per_batch: Annotated[int, Field(ge=2)] = 10
    images_per_class: Annotated[int, Field(ge=2, description="of each class in a batch")] = 12
    learning_rate: Annotated[float, Field(gt=0, description="peak, for layers that start from noise")] = 2e-3
    pretrained_learning_rate: Annotated[
        float, Field(gt=0, description="peak, for layers that start from trained weights")
    ] = 4e-4
    weight_decay: Annotated[float, Field(ge=0)] = 0.02
    dropout: Annotated[float, Field(ge=0, lt=1, description="before the head")] = 0.2
    margin: Annotated[float, Field(gt=0, description="of the triplet loss, on the cosine")] = 0.2
    holdout: Annotated[
        float, Field(gt=0, lt=1, description="share of the training images kept for links and thresholds")
    ] = 0.12
    seed: Annotated[int, Field(ge=0)] = 0
