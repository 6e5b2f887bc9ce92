"""timm's pretrained weights by their full name: which training they come from, and under which licence."""

from __future__ import annotations

from dataclasses import dataclass

import timm
from timm.models import get_pretrained_cfg
from torch import Tensor

from samekind.errors import TrainingError
from samekind.training.network.backbone import size_options
from samekind.training.recipe.sections import BUNDLED_BACKBONE

# timm's own choice for it is Noisy Student, which saw 300 million other images (JFT) as well.
_PINNED = {"tf_efficientnet_b0": "aa_in1k"}
# What a tag has in it whose weights saw more than ImageNet-1k, or another size of image.
_MORE = ("jft", "ig1b", "yfcc", "ssl", "in21k", "in22k", "in12k", "laion", "lvd", "ft_", "distilled", "openai", "dist_")


@dataclass(frozen=True)
class Pretrained:
    """Weights that timm has.

    Attributes:
        name: The architecture and its tag, such as ``tf_efficientnet_b0.aa_in1k``.
        licence: The licence, as timm states it.
        mean: What is taken from each channel of an image, as a share of white.
        std: What it is then divided by.
    """

    name: str
    licence: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def past(self) -> str:
        """What the weights had seen, in words."""
        return past_of(self.name)


def past_of(name: str) -> str:
    """What timm's weights of a name, with its tag, had seen, in words."""
    if _only_imagenet(name.partition(".")[2]):
        return f"ImageNet-1k with labels ({name}), so classes of ImageNet are not new to it"
    return f"what timm's {name} was trained on: more than ImageNet-1k, so hardly any class is new to it"


def find_pretrained(architecture: str) -> Pretrained:
    """The weights that ``imagenet`` means for an architecture: those of ImageNet-1k alone, where timm has such.

    Raises:
        TrainingError: timm has no weights for it.

    Example:
        >>> find_pretrained("tf_efficientnet_b0").name
        'tf_efficientnet_b0.aa_in1k'
    """
    tags = [name.partition(".")[2] for name in timm.list_pretrained(f"{architecture}.*")]
    default = get_pretrained_cfg(architecture)
    if not tags or default is None:
        raise TrainingError(f"timm has no pretrained weights of {architecture}; use --init scratch or a file")
    wanted = [_PINNED.get(architecture), default.tag, *tags]
    tag = next((tag for tag in wanted if tag in tags and _only_imagenet(tag)), default.tag or tags[0])
    name = f"{architecture}.{tag}"
    found = get_pretrained_cfg(name)
    assert found is not None  # timm has just listed it
    return Pretrained(name, found.license or "not stated", found.mean, found.std)


def download(pretrained: Pretrained, size: int | None = None) -> dict[str, Tensor]:
    """The weights, from the cache of timm's client or downloaded, for images of a size.

    Raises:
        TrainingError: They cannot be had; the message says what works without a network.
    """
    try:
        options = size_options(pretrained.name.partition(".")[0], size)
        return dict(timm.create_model(pretrained.name, pretrained=True, num_classes=0, **options).state_dict())
    except Exception as error:  # whatever the hub's client raises: no network, no such weights, a broken file
        ours = pretrained.name.startswith(f"{BUNDLED_BACKBONE}.")
        offline = (
            "without a network --init bundled works, whose weights come with samekind; or give" if ours else "give"
        )
        raise TrainingError(
            f"the pretrained weights {pretrained.name} could not be downloaded ({error}); {offline} a file: "
            "--init WEIGHTS.safetensors"
        ) from error


def _only_imagenet(tag: str | None) -> bool:
    return (
        tag is not None
        and (tag == "in1k" or tag.endswith(("_in1k", "_in1k_288")))
        and not any(part in tag for part in _MORE)
    )
