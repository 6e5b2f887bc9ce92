"""One run of the network, two views of an image: its embedding, and a descriptor by which its copies are known.

An embedding is trained to be the same for all pictures of a class. The layers before it still tell two pictures of one
class apart, so the descriptor is made of what they see: of the last feature maps at 1/16 and at 1/32 of the input's
side, each channel's mean and standard deviation. It costs nothing beside the run that the embedding needs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samekind.encoder import open_session
from samekind.images import Pixels
from samekind.model_file import ModelFile
from samekind.onnx_envelope import OnnxEnvelope
from samekind.similarity import Embeddings

_STRIDES = (16, 32)
# Where a block ends in a network with shortcuts; and in one without.
_BLOCK_ENDS = (("Add",), ("Conv",))
# A wide network's descriptor would fill the gallery.
_MOST_CHANNELS = 1024


class DescribingEncoder:
    """Runs the network of a model file and looks inside.

    Args:
        model: From ``read_model``.
        providers: As ``load`` takes them.
        threads: As ``load`` takes them.

    Raises:
        ModelFileError: The network cannot run.

    Attributes:
        input_size: S, the side of the network's square input in pixels.
    """

    def __init__(self, model: ModelFile, *, providers: Sequence[str] | None = None, threads: int | None = None) -> None:
        name = model.card.name
        self.input_size = model.card.input_size
        envelope = OnnxEnvelope(model.data, name)
        inner = _feature_maps(envelope, name, self.input_size)
        self._session = open_session(envelope.with_outputs(inner), name, providers=providers, threads=threads)
        self._input = self._session.get_inputs()[0].name

    def encode(self, pixels: Pixels) -> tuple[Embeddings, NDArray[np.float32]]:
        """Embed and describe one batch. An image's rows do not depend on what else is in it.

        Args:
            pixels: uint8 (N, S, S, 3), RGB.

        Returns:
            The embeddings, float32 (N, D), unit rows; and the descriptors, float32 (N, C). A network without feature
            maps, such as one of attention alone, is described by its embedding.
        """
        embeddings, *maps = self._session.run(None, {self._input: pixels})
        if not maps:
            return embeddings, embeddings
        parts = [part for values in maps for part in (values.mean(axis=(2, 3)), values.std(axis=(2, 3)))]
        return embeddings, np.concatenate(parts, axis=1).astype(np.float32)


def _feature_maps(envelope: OnnxEnvelope, name: str, size: int) -> list[str]:
    """The names of the last feature map, (N, C, H, W), at each of the strides. Shapes are known only from running."""
    pixels = np.zeros((1, size, size, 3), np.uint8)
    for operators in _BLOCK_ENDS:
        candidates = envelope.values_of(*operators)
        if not candidates:
            continue
        session = open_session(envelope.with_outputs(candidates), name, threads=1)
        values = session.run(candidates, {session.get_inputs()[0].name: pixels})
        shapes = dict(zip(candidates, (value.shape for value in values), strict=True))
        found = [_last_of_side(shapes, -(-size // stride)) for stride in _STRIDES]
        if any(found):
            return [value for value in found if value]
    return []


def _last_of_side(shapes: dict[str, tuple[int, ...]], side: int) -> str | None:
    right = [
        name
        for name, shape in shapes.items()
        if len(shape) == 4 and shape[2:] == (side, side) and shape[1] <= _MOST_CHANNELS
    ]
    return right[-1] if right else None
