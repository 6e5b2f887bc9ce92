"""The frozen stages' features of all training images, computed once by ONNX Runtime into a memory-mapped file.

An epoch then trains only the stages behind them, so a laptop is enough.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from samekind.datasets.folders import LabelledImages
from samekind.encoder import open_session
from samekind.errors import TrainingError
from samekind.images import load_image
from samekind.training.augment import Augmentation
from samekind.training.export import export_onnx
from samekind.training.network import SiameseNetwork

_BATCH = 8


class ViewsOfImages(Dataset[Tensor]):
    """Item i: all views of image i, uint8 (V, S, S, 3)."""

    def __init__(self, images: LabelledImages, size: int, views: int, seed: int) -> None:
        self._images = images
        self._size = size
        self._views = views
        self._augment = Augmentation(size, seed)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor:
        pixels = load_image(self._images.paths[index], self._size)
        views = [self._augment(pixels, index, view) for view in range(self._views)]
        return torch.from_numpy(np.stack(views))


def cached_features(
    network: SiameseNetwork,
    images: LabelledImages,
    folder: Path,
    *,
    size: int,
    views: int,
    seed: int,
    on_progress: Callable[[int], None] | None = None,
) -> NDArray[np.float16]:
    """The frozen features of every view of every image, from the cache or computed into it.

    A computation that was broken off goes on where it stood; one for other weights, images or views starts anew.

    Args:
        network: Its frozen stages give the features.
        images: The N images.
        folder: Where the two files of the cache lie.
        size: S, pixels.
        views: V, how many views of each image.
        seed: Decides the augmented views.
        on_progress: Called with the number of images done so far.

    Returns:
        float16 (N, V, C, H, W), memory-mapped, read-only.

    Raises:
        TrainingError: There is too little room on the disk.
        ImageError: An image cannot be read; the message names it.
    """
    model = export_onnx(network, size, part="features").SerializeToString()
    session = open_session(model, "the frozen stages")
    _, *shape = session.run(None, {"images": np.zeros((1, size, size, 3), np.uint8)})[0].shape
    full_shape = (len(images), views, *shape)
    folder.mkdir(parents=True, exist_ok=True)
    state_file, data_file = folder / "features.json", folder / "features.f16"
    identity = _identity(model, images, views, seed)
    state = _read_state(state_file)
    if state.get("identity") != identity or not data_file.exists():
        state = {"identity": identity, "done": 0}
        _check_room(folder, 2 * int(np.prod(full_shape)))
        data_file.unlink(missing_ok=True)
        np.memmap(data_file, np.float16, "w+", shape=full_shape).flush()
    done = int(state["done"])
    if done < len(images):
        data = np.memmap(data_file, np.float16, "r+", shape=full_shape)
        rest = torch.utils.data.Subset(ViewsOfImages(images, size, views, seed), range(done, len(images)))
        # One worker process decodes and augments while this one computes.
        for batch in DataLoader(rest, batch_size=_BATCH, num_workers=1, worker_init_fn=ignore_interrupts):
            for offset, item in enumerate(batch.numpy()):
                data[done + offset] = session.run(None, {"images": item})[0]
            done += len(batch)
            if done % (64 * _BATCH) < _BATCH or done == len(images):
                data.flush()
                state_file.write_text(json.dumps({"identity": identity, "done": done}))
            if on_progress:
                on_progress(done)
    return np.memmap(data_file, np.float16, "r", shape=full_shape)


def ignore_interrupts(_: int) -> None:
    """For worker processes: Ctrl-C reaches the whole group, and ending the workers is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _identity(model: bytes, images: LabelledImages, views: int, seed: int) -> str:
    digest = hashlib.sha256(model)
    names = [path.relative_to(images.root).as_posix() for path in images.paths]
    digest.update(json.dumps([names, views, seed]).encode())
    return digest.hexdigest()


def _read_state(path: Path) -> dict[str, str | int]:
    try:
        state: dict[str, str | int] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return state


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise TrainingError(
            f"{folder}: {needed / 1e9:.1f} GB are needed for the features and {free / 1e9:.1f} GB are free; "
            "use fewer views (--views) or another folder (--run)"
        )
