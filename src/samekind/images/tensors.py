"""Tensors of torch as images, without importing torch: whoever has a tensor has imported it already."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samekind.errors import ImageError

_CHANNELS = frozenset({1, 3, 4})


def is_tensor(source: object) -> bool:
    """Whether something is a torch tensor (or a subclass of torchvision's)."""
    return any(kind.__module__ == "torch" and kind.__name__ == "Tensor" for kind in type(source).__mro__)


def tensor_pixels(tensor: Any) -> NDArray[np.uint8]:
    """The pixels of a uint8 tensor with the channels last, as ``images.load_image`` takes them.

    Args:
        tensor: A torch tensor of uint8: one image (H, W), (C, H, W) or (H, W, C), or many (N, C, H, W) or (N, H, W, C),
            with 1, 3 or 4 channels C; on any device.

    Raises:
        ImageError: It is of another type, which has no agreed range; of another shape; or it could have its channels
            first as well as last. The message has the line that converts it.
    """
    name = f"<tensor {str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}>"
    if str(tensor.dtype) != "torch.uint8":
        raise ImageError(
            f"{name}: pixels must be uint8, 0 to 255. Values from 0 to 1: give (255 * tensor).round().byte(); "
            "values that were normalised: undo that first"
        )
    array: NDArray[np.uint8] = tensor.detach().cpu().numpy()
    if array.ndim == 2:
        return array
    if array.ndim not in {3, 4}:
        raise ImageError(
            f"{name}: an image is (H, W), (C, H, W) or (H, W, C), and many are (N, C, H, W) or (N, H, W, C)"
        )
    first, last = (array.shape[axis] in _CHANNELS for axis in (-3, -1))
    if first and last:
        raise ImageError(f"{name}: channels first or last? Give tensor.numpy() with them last: tensor.movedim(-3, -1)")
    if not first and not last:
        raise ImageError(f"{name}: no axis of 1, 3 or 4 channels, first or last")
    return np.moveaxis(array, -3, -1) if first else array
