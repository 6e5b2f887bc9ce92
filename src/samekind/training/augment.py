"""Augmented views of training images, each a function of (image, view, seed) alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2

from samekind.images import Pixels


class Augmentation:
    """Makes views of images: 0 is the image itself, 1 its mirror image, the others random crops and colours.

    A view is decided by its number, the image's number and the seed, so a run that was broken off can go on where it
    stood, and two workers make the same one.

    Args:
        size: S, pixels.
        seed: Decides the random views.
    """

    def __init__(self, size: int, seed: int) -> None:
        self._seed = seed
        self._random = v2.Compose(
            [
                v2.RandomResizedCrop(size, scale=(0.35, 1.0), ratio=(3 / 4, 4 / 3), antialias=True),
                v2.RandomHorizontalFlip(),
                v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.03),
                v2.RandomGrayscale(0.05),
            ]
        )

    def __call__(self, pixels: Pixels, index: int, view: int) -> Pixels:
        """View number ``view`` of image number ``index``: uint8 (S, S, 3) in and out."""
        if view == 0:
            return pixels
        image: Tensor = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
        if view == 1:
            image = v2.functional.horizontal_flip(image)
        else:
            with torch.random.fork_rng(devices=[]):
                entropy = np.random.SeedSequence([self._seed, index, view]).generate_state(1, np.uint64)
                torch.manual_seed(int(entropy[0]))
                image = self._random(image)
        return image.permute(1, 2, 0).contiguous().numpy()
