"""Augmented views of training images, each a function of (image, view, seed) alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2

from samekind.images import Pixels
from samekind.training.recipe import Recipe
from samekind.training.recipe.sections import AugmentationSection


class Augmentation:
    """Makes views of images: 0 is the image itself, 1 its mirror image, the others random crops and colours.

    A view is decided by its number, the image's number and the seed, so a run that was broken off can go on where it
    stood, and two workers make the same one.

    Args:
        strength: How far the views differ from the image.
        size: S, pixels.
        seed: Decides the views.
    """

    def __init__(self, strength: AugmentationSection, size: int, seed: int) -> None:
        self.strength, self.size, self.seed = strength, size, seed
        jitter = strength.colour
        self._random = v2.Compose(
            [
                v2.RandomResizedCrop(size, scale=(strength.smallest_crop, 1.0), ratio=(3 / 4, 4 / 3), antialias=True),
                v2.RandomHorizontalFlip(),
                # Hue moves a tenth as far: a green face is no face.
                v2.ColorJitter(brightness=jitter, contrast=jitter, saturation=jitter, hue=jitter / 10),
                v2.RandomGrayscale(strength.grey),
            ]
        )

    @classmethod
    def of(cls, recipe: Recipe) -> Augmentation:
        """The views that a recipe describes."""
        return cls(recipe.augmentation, recipe.network.input_size, recipe.seed)

    def __call__(self, pixels: Pixels, index: int, view: int) -> Pixels:
        """View number ``view`` of image number ``index``: uint8 (S, S, 3) in and out."""
        if view == 0:
            return pixels
        image: Tensor = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
        if view == 1:
            image = v2.functional.horizontal_flip(image)
        else:
            with torch.random.fork_rng(devices=[]):
                entropy = np.random.SeedSequence([self.seed, index, view]).generate_state(1, np.uint64)
                torch.manual_seed(int(entropy[0]))
                image = self._random(image)
        return image.permute(1, 2, 0).contiguous().numpy()
