"""The sections of a recipe, validated: what a recipe file may say in each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# The backbone whose pretrained weights come with samekind.
BUNDLED_BACKBONE = "tf_efficientnet_b0"

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A part of a recipe; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkSection(Section):
    """The Siamese network: a backbone and a head."""

    backbone: Annotated[str, Field(description="timm's name of the feature extractor")] = BUNDLED_BACKBONE
    input_size: Annotated[int, Field(ge=32, le=1024, description="side of the square input, pixels")] = 224
    features: Annotated[
        Literal["last", "expanded"],
        Field(
            description="what the head gets. last: the backbone's output, pooled. expanded: the channels inside "
            "EfficientNet's last block, pooled before and after its squeeze-and-excite; better for classes that are "
            "not trained on"
        ),
    ] = "last"
    head: Annotated[
        Literal["linear", "mlp"], Field(description="linear: one layer. mlp: two, with a ReLU between them")
    ] = "linear"
    head_start: Annotated[
        Literal["noise", "whitened"],
        Field(
            description="whitened: a linear head computed from the training images' features, which then moves at "
            "optimizer.pretrained_lr; better for classes that are not trained on"
        ),
    ] = "noise"
    whitening: Annotated[
        Literal["part", "full", "grouped"],
        Field(
            description="how far a whitened head goes. part: for classes that are not trained on. full: for those that "
            "are, with network.dimension about their number. grouped: for a list of pairs or triplets; as full, and "
            "then once more, by the groups that the images fall into, one more than network.dimension"
        ),
    ] = "part"
    dimension: Annotated[int, Field(ge=2, le=4096, description="D, the length of the embedding")] = 128
    dropout: Annotated[float, Field(ge=0, lt=1, description="before the head")] = 0.2


class FreezingSection(Section):
    """What stays as it was pretrained, and for how long."""

    stages: Annotated[
        Annotated[int, Field(ge=0)] | Literal["all"],
        Field(
            description="first stages that are never trained; their outputs are computed once and cached. 0 trains "
            "everything, 'all' the head alone",
        ),
    ] = 5
    head_only_epochs: Annotated[
        int, Field(ge=0, description="first epochs in which only layers that start from noise learn")
    ] = 0


class AugmentationSection(Section):
    """The random views of training images. View 0 is the image itself and view 1 its mirror image."""

    views: Annotated[int, Field(ge=1, description="views of each image in the cache; without a cache all are new")] = 4
    smallest_crop: Annotated[
        float, Field(gt=0, le=1, description="the smallest share of the image's area that a crop shows")
    ] = 0.35
    colour: Annotated[float, Field(ge=0, le=1, description="how far brightness, contrast, saturation move")] = 0.3
    grey: Annotated[float, Field(ge=0, le=1, description="share of views without colour")] = 0.05


class SamplerSection(Section):
    """What a batch is made of.

    The recipe of a listed protocol (``samekind reproduce``) takes a fixed list of pairs or triplets instead of all
    that a batch of P classes × K images offers.
    """

    kind: Annotated[
        Literal["classes", "pairs", "triplets"],
        Field(
            description="classes: P classes × K images, and all pairs or triplets among them. pairs, triplets: only "
            "those of a list that is drawn once"
        ),
    ] = "classes"
    classes: Annotated[int, Field(ge=2, description="P (classes)")] = 10
    images: Annotated[int, Field(ge=2, description="K, of each class (classes)")] = 12
    apart: Annotated[
        bool,
        Field(
            description="where a manifest's class folders lie in several folders, a batch takes P × K of each of them, "
            "the objectives look at the images of each by themselves, and in a whitened head each weighs the same: to "
            "tell data sets apart would be too easy. Losses with proxies have those of all classes (classes)"
        ),
    ] = False
    centre: Annotated[
        bool,
        Field(
            description="the objectives see a batch's embeddings less their mean (with apart, that of each data set), "
            "as a model sees them that is adapted to a collection. Losses with proxies are not for this (classes)"
        ),
    ] = False
    per_class: Annotated[int, Field(ge=2, description="length of the list, for each class (pairs, triplets)")] = 128
    items: Annotated[int, Field(ge=2, description="pairs or triplets in a batch (pairs, triplets)")] = 40


class DistillationSection(Section):
    """Keeping images as alike as they are to the network that the run starts from, which knows more than its classes.

    With sampler.apart each data set is looked at by itself, and one of few classes, which are to be learned by heart,
    may be left out; without it least_classes is about all classes together.
    """

    weight: Annotated[
        NotNegative, Field(description="of the mean squared change of cosines, beside the objectives; 0 for none")
    ] = 0.0
    least_classes: Annotated[int, Field(ge=2, description="only in data sets of so many classes or more")] = 2


class OptimizerSection(Section):
    """How weights move."""

    name: Annotated[Literal["adamw", "sgd"], Field(description="sgd: with Nesterov momentum 0.9")] = "adamw"
    lr: Annotated[Positive, Field(description="peak learning rate, for layers that start from noise")] = 2e-3
    pretrained_lr: Annotated[NotNegative, Field(description="peak, for layers that start from trained weights")] = 4e-4
    weight_decay: Annotated[NotNegative, Field(description="of matrices and kernels, not of norms and biases")] = 0.02
    clip_norm: Annotated[NotNegative, Field(description="longest gradient; 0 does not clip")] = 0.0


class ScheduleSection(Section):
    """How the learning rates change over the run."""

    name: Annotated[
        Literal["one-cycle", "cosine", "constant"],
        Field(description="after the warm-up: to zero along a cosine (one-cycle moves the momentum, too), or flat"),
    ] = "one-cycle"
    warmup: Annotated[float, Field(ge=0, lt=1, description="share of the run in which the rates rise")] = 0.15


class EmaSection(Section):
    """An exponential moving average of the weights, which is what is measured and shipped."""

    decay: Annotated[float, Field(ge=0, lt=1, description="of the old average at each step; 0 for none")] = 0.0


class EarlyStoppingSection(Section):
    """Stopping when the equal error rate on held-out images no longer falls.

    Half of the held-out images then choose the epoch, and the other half the thresholds, so that no threshold is
    fitted on images that had a say in which weights it is for.
    """

    patience: Annotated[int, Field(ge=0, description="epochs without a better rate; 0 trains to the end")] = 0


class ComputeSection(Section):
    """How it is computed; the result hardly depends on it."""

    precision: Annotated[
        Literal["auto", "float32", "bfloat16"], Field(description="auto: bfloat16 on GPUs that have it, else float32")
    ] = "auto"
    compile: Annotated[bool, Field(description="torch.compile: minutes at the start, faster steps on a GPU")] = False


class HoldoutSection(Section):
    """What is set aside where the data do not say it themselves."""

    calibration: Annotated[Share, Field(description="share of each class kept for probabilities and thresholds")] = 0.12
    test: Annotated[
        float,
        Field(ge=0, lt=1, description="share of each class only tested on, where there is no val and enough images"),
    ] = 0.1
    classes: Annotated[
        int,
        Field(
            ge=0,
            description="whole classes kept for probabilities and thresholds, so that they hold for unseen classes",
        ),
    ] = 0
