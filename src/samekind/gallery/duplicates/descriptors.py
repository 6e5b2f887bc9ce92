"""What the network's inner layers see of an image: a descriptor by which its copies are known.

An embedding is trained to be the same for all pictures of a class. The layers before it still tell two pictures of one
class apart, so the descriptor is made of what they see: of the last feature maps at 1/16 and at 1/32 of the input's
side, each channel's mean and standard deviation. It costs nothing beside the run that the embedding needs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samekind.model_file import ModelFile
from samekind.onnx_envelope import OnnxEnvelope
from samekind.session import open_session
from samekind.similarity import Embeddings

_STRIDES = (16, 32)
# Where a block ends in a network with shortcuts; and in one without.
_BLOCK_ENDS = (("Add",), ("Conv",))
# A wide network's descriptor would fill the gallery.
_MOST_CHANNELS = 1024


def feature_maps(model: ModelFile) -> list[str]:
    """The names of a network's last feature map, (N, C, H, W), at 1/16 and at 1/32 of its input's side.

    A network without feature maps, such as one of attention alone, has none.
    """
    name, size = model.card.name, model.card.input_size
    envelope = OnnxEnvelope(model.data, name)
    pixels = np.zeros((1, size, size, 3), np.uint8)
    for operators in _BLOCK_ENDS:
        candidates = envelope.values_of(*operators)
        if not candidates:
            continue
        # Shapes are known only from running.
        session = open_session(envelope.with_outputs(candidates), name, threads=1)
        values = session.run(candidates, {session.get_inputs()[0].name: pixels})
        shapes = dict(zip(candidates, (value.shape for value in values), strict=True))
        found = [_last_of_side(shapes, -(-size // stride)) for stride in _STRIDES]
        if any(found):
            return [value for value in found if value]
    return []


def describe_maps(embeddings: Embeddings, maps: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The descriptors of a batch.

    Args:
        embeddings: float32 (N, D), which describe the images where there are no maps.
        maps: The feature maps, float32 (N, C, H, W) each.

    Returns:
        float32 (N, twice the channels of all maps), or the embeddings.

    Example:
        >>> describe_maps(np.eye(2, dtype=np.float32), [np.ones((2, 1, 4, 4), np.float32)]).tolist()
        [[1.0, 0.0], [1.0, 0.0]]
    """
    if not maps:
        return embeddings
    parts = [part for values in maps for part in (values.mean(axis=(2, 3)), values.std(axis=(2, 3)))]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _last_of_side(shapes: dict[str, tuple[int, ...]], side: int) -> str | None:
    right = [
        name
        for name, shape in shapes.items()
        if len(shape) == 4 and shape[2:] == (side, side) and shape[1] <= _MOST_CHANNELS
    ]
    return right[-1] if right else None
