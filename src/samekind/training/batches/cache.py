"""The frozen stages' features of all training images, computed once by ONNX Runtime into a memory-mapped file.

An epoch then trains only the stages behind them, so a laptop is enough.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from samekind.datasets.folders import LabelledImages
from samekind.errors import ImageError, TrainingError
from samekind.images import load_image
from samekind.inference.encoder import open_session
from samekind.system.atomic import replacing
from samekind.system.disk import shortage
from samekind.training.batches.augmentation import Augmentation
from samekind.training.batches.workers import IMAGES_AHEAD, TIMEOUT, ignore_interrupts, refuse_small_for_cache
from samekind.training.network.export import export_onnx
from samekind.training.network.siamese import SiameseNetwork

# Images between two notes of how far the computation has come.
_SAVE_EVERY = 512


class ViewsOfImages(Dataset[Tensor | ImageError]):
    """Item i: all views of image i, uint8 (V, S, S, 3); or why it cannot be read, which no worker could raise whole."""

    def __init__(self, images: LabelledImages, augment: Augmentation, views: int) -> None:
        self._images = images
        self._augment = augment
        self._views = views

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor | ImageError:
        try:
            pixels = load_image(self._images.paths[index], self._augment.size)
        except ImageError as error:
            return error
        views = [self._augment(pixels, index, view) for view in range(self._views)]
        return torch.from_numpy(np.stack(views))


def frozen_stages(network: SiameseNetwork, input_size: int) -> bytes:
    """The frozen stages of a network as an ONNX model, uint8 (N, S, S, 3) in and float32 (N, C, H, W) out."""
    model: bytes = export_onnx(network, input_size, part="features").SerializeToString()
    return model


def cached_features(
    model: bytes,
    images: LabelledImages,
    hashes: Sequence[str],
    folder: Path,
    *,
    augment: Augmentation,
    views: int,
    on_progress: Callable[[int], None] | None = None,
) -> NDArray[np.float16]:
    """The frozen features of every view of every image, from the cache or computed into it.

    A computation that was broken off goes on where it stood; one for other weights, images or views starts anew.

    Args:
        model: As ``frozen_stages`` gives it.
        images: The N images.
        hashes: The SHA-256 of each, by which the cache knows them.
        folder: Where the two files of the cache lie.
        augment: Makes the views, and knows the size of the images.
        views: V, how many views of each image.
        on_progress: Called with the number of images done so far.

    Returns:
        float16 (N, V, C, H, W), memory-mapped, read-only.

    Raises:
        TrainingError: There is too little room on the disk.
        ImageError: An image cannot be read; the message names it.
    """
    size = augment.size
    session = open_session(model, "the frozen stages")
    _, *shape = session.run(None, {"images": np.zeros((1, size, size, 3), np.uint8)})[0].shape
    full_shape = (len(images), views, *shape)
    folder.mkdir(parents=True, exist_ok=True)
    state_file, data_file = folder / "features.json", folder / "features.f16"
    identity = _identity(model, hashes, augment, views)
    state = _read_state(state_file)
    if state.get("identity") != identity or not data_file.exists():
        state = {"identity": identity, "done": 0}
        data_file.unlink(missing_ok=True)
        size_of_all = 2 * int(np.prod(full_shape))
        if short := shortage(folder, size_of_all):
            raise TrainingError(
                f"{short}; use fewer views (--set augmentation.views=2) or a folder on another disk (--run)"
            )
        _allocate(data_file, size_of_all)
    done = int(state["done"])
    if done < len(images):
        data = np.memmap(data_file, np.float16, "r+", shape=full_shape)
        rest = torch.utils.data.Subset(ViewsOfImages(images, augment, views), range(done, len(images)))
        refuse_small_for_cache(views, size)
        # Worker processes decode and augment while this one computes.
        loader = DataLoader(
            rest,
            batch_size=None,
            num_workers=1,
            prefetch_factor=IMAGES_AHEAD,
            timeout=TIMEOUT,
            worker_init_fn=ignore_interrupts,
        )
        for item in loader:
            if isinstance(item, ImageError):
                raise item
            data[done] = session.run(None, {"images": item.numpy()})[0]
            done += 1
            if done % _SAVE_EVERY == 0 or done == len(images):
                data.flush()
                with replacing(state_file, own=True) as temporary:
                    temporary.write_text(json.dumps({"identity": identity, "done": done}))
            if on_progress:
                on_progress(done)
    return np.memmap(data_file, np.float16, "r", shape=full_shape)


def cache_size(network: SiameseNetwork, input_size: int, views: int) -> int:
    """Bytes that the features of ``views`` views of images take.

    Args:
        network: Its frozen stages give the features.
        input_size: S, pixels.
        views: The views of all images together.
    """
    with torch.no_grad():
        features = network.features(torch.zeros((1, input_size, input_size, 3), dtype=torch.uint8))
    return 2 * features.numel() * views


def _identity(model: bytes, hashes: Sequence[str], augment: Augmentation, views: int) -> str:
    digest = hashlib.sha256(model)
    digest.update(json.dumps([list(hashes), views, augment.seed, augment.strength.model_dump()]).encode())
    return digest.hexdigest()


def _read_state(path: Path) -> dict[str, str | int]:
    try:
        state: dict[str, str | int] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return state


def _allocate(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)
        # Only now can no other program take the room: writing to a mapped file on a full disk ends the process.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
