"""Images in, embeddings out: ONNX Runtime computes while threads decode the next images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import closing
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from samekind.errors import ArgumentError, ImageError, ModelFileError
from samekind.images import ImageSource, Pixels, Square, describe, load_image
from samekind.images.tensors import is_tensor, tensor_pixels
from samekind.inference.session import ProcessSession, open_session
from samekind.inference.similarity import Embeddings
from samekind.model_file.card import Card
from samekind.model_file.onnx_envelope import OnnxEnvelope
from samekind.progress import Progress, stage_counter
from samekind.system.read_ahead import read_ahead

# Small batches keep a layer's activations in the processor's cache; larger ones gain nothing on a CPU.
DEFAULT_BATCH_SIZE = 8
# How many decoded batches may wait: enough to ride over a slow file, and the bound on memory.
_BATCHES_AHEAD = 3

__all__ = ["DEFAULT_BATCH_SIZE", "OnnxEncoder", "open_session"]


class OnnxEncoder:
    """Runs the network of a model file. Safe to use from several threads, in forked processes, and to be pickled.

    Args:
        onnx_model: The bytes of the model, uint8 (N, S, S, 3) in, float32 (N, D) out.
        name: What to call it in messages.
        providers: Execution providers, best first, by name: ``cpu``, ``cuda``, ``coreml``, … or ONNX Runtime's own
            names. They must be in the installed build of ONNX Runtime. The default is the CPU.
        threads: Threads for computing; the default is one for each core that this process may use.
        taps: Names of inner values of the network that ``encode_pixels_with_taps`` gives beside the embeddings.
        card: The model's, which says how images become square; without one they are squashed, as our networks take
            them.

    Raises:
        ModelFileError: ONNX Runtime cannot load the network, it takes or gives something else, or a provider is
            missing.
        ArgumentError: The threads are no number of threads.

    Attributes:
        taps: The names of the inner values.
        input_size: S, the side of the network's square input in pixels.
        square: How images become that square.
        dimension: D, the length of an embedding.

    Example:
        >>> from samekind.model_file.file import read_model
        >>> encoder = OnnxEncoder(read_model().data, "general")
        >>> encoder.encode_pixels(np.zeros((2, encoder.input_size, encoder.input_size, 3), np.uint8)).shape
        (2, 512)
    """

    def __init__(
        self,
        onnx_model: bytes,
        name: str,
        *,
        providers: str | Sequence[str] | None = None,
        threads: int | None = None,
        taps: Sequence[str] = (),
        card: Card | None = None,
    ) -> None:
        self._name = name
        self.taps = tuple(taps)
        if taps:
            onnx_model = OnnxEnvelope(onnx_model, name).with_outputs(taps)
        self._session = ProcessSession(onnx_model, name, providers=providers, threads=threads)
        self.input_size, self.dimension = self._signature()
        self.square = Square(self.input_size, *(() if card is None else (card.resize, card.shown)))

    def __repr__(self) -> str:
        return f"<OnnxEncoder {self._name!r}: ({self.input_size}, {self.input_size}, 3) to {self.dimension}>"

    def _signature(self) -> tuple[int, int]:
        session = self._session.get()
        inputs, outputs = session.get_inputs(), session.get_outputs()
        match [(i.type, *i.shape) for i in inputs], [(o.type, *o.shape) for o in outputs if o.name not in self.taps]:
            case [("tensor(uint8)", batch, int(height), int(width), 3)], [("tensor(float)", _, int(dimension))]:
                if height == width and not isinstance(batch, int):
                    return height, dimension
        raise ModelFileError(
            f"{self._name}: not a network of images, uint8 (N, S, S, 3), to embeddings, float32 (N, D)"
        )

    def encode_pixels(self, pixels: Pixels) -> Embeddings:
        """Embed one ready batch.

        An image's embedding does not depend on what else is in the batch.

        Args:
            pixels: uint8 (N, S, S, 3), RGB.

        Returns:
            float32 (N, D), unit rows.

        Raises:
            ImageError: The array is of another type or shape.
        """
        return self.encode_pixels_with_taps(pixels)[0]

    def encode_pixels_with_taps(self, pixels: Pixels) -> tuple[Embeddings, list[NDArray[np.float32]]]:
        """Embed one ready batch, and look at the inner values of the same run.

        Args:
            pixels: uint8 (N, S, S, 3), RGB, at least one image where there are taps.

        Returns:
            The embeddings, float32 (N, D), unit rows; and the value of each tap, (N, ...).

        Raises:
            ImageError: The array is of another type or shape.
        """
        expected = (self.input_size, self.input_size, 3)
        if pixels.dtype != np.uint8 or pixels.shape[1:] != expected:
            raise ImageError(f"a batch must be uint8 (N, {', '.join(map(str, expected))}), not {describe(pixels)}")
        if not len(pixels):
            return np.empty((0, self.dimension), np.float32), []
        session = self._session.get()
        embeddings, *taps = session.run(None, {session.get_inputs()[0].name: pixels})
        return np.asarray(embeddings, np.float32), taps

    def stream(
        self,
        sources: Iterable[ImageSource],
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
        on_progress: Progress | None = None,
        stage: str = "images",
    ) -> Iterator[NDArray[np.float32] | ImageError]:
        """Embed any number of images in the order they come, decoding ahead. Memory does not grow with their number.

        Args:
            sources: As ``images.load_image`` takes them.
            batch_size: Images for each run of the network.
            on_progress: Called after each batch.
            stage: What progress calls the work.

        Yields:
            For each source its embedding, float32 (D,), or the ImageError that names it. One bad file does not stop
            the others.
        """
        if batch_size < 1:
            raise ArgumentError(f"a batch holds at least one image; got batch_size={batch_size}")
        count = stage_counter(on_progress, stage, len(sources) if isinstance(sources, Sized) else 0)
        done = 0
        ahead = read_ahead(self._load, sources, ahead=_BATCHES_AHEAD * batch_size, name="samekind-decode")
        with closing(ahead):
            while loaded := list(islice(ahead, batch_size)):
                good = [pixels for pixels in loaded if not isinstance(pixels, ImageError)]
                embeddings = iter(self.encode_pixels(np.stack(good)) if good else ())
                for pixels in loaded:
                    yield pixels if isinstance(pixels, ImageError) else next(embeddings)
                done += len(loaded)
                count(done)

    def encode(
        self,
        sources: Iterable[ImageSource],
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
        on_progress: Progress | None = None,
        stage: str = "images",
    ) -> Embeddings:
        """Embed images, all of which must be readable.

        Returns:
            float32 (N, D), unit rows, in the order of the sources.

        Raises:
            ImageError: The first one that cannot be read.
            ArgumentError: A batch of no images.
        """
        rows = []
        for row in self.stream(sources, batch_size=batch_size, on_progress=on_progress, stage=stage):
            if isinstance(row, ImageError):
                raise row
            rows.append(row)
        return np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)

    def _load(self, source: ImageSource) -> Pixels | ImageError:
        try:
            return load_image(tensor_pixels(source) if is_tensor(source) else source, self.square)
        except ImageError as error:
            return error
