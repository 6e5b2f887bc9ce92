"""Images in, embeddings out: ONNX Runtime computes while threads decode the next images."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

# Its official builds keep an identifier of the machine in the user's cache folder and report to their makers from the
# moment they are imported, unless this is set before. Whoever wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from samekind.errors import ImageError, ModelFileError
from samekind.images import ImageSource, Pixels, describe, load_image
from samekind.onnx_envelope import OnnxEnvelope
from samekind.similarity import Embeddings

# Small batches keep a layer's activations in the processor's cache; larger ones gain nothing on a CPU.
DEFAULT_BATCH_SIZE = 8
# How many decoded batches may wait: enough to ride over a slow file, and the bound on memory.
_BATCHES_AHEAD = 3

Progress = Callable[[int], None]


class OnnxEncoder:
    """Runs the network of a model file.

    Args:
        onnx_model: The bytes of the model, uint8 (N, S, S, 3) in, float32 (N, D) out.
        name: What to call it in messages.
        providers: Execution providers, best first, by name: ``cpu``, ``cuda``, ``coreml``, … or ONNX Runtime's own
            names. They must be in the installed build of ONNX Runtime. The default is the CPU.
        threads: Threads for computing; the default is one a core.
        taps: Names of inner values of the network that ``encode_pixels_with_taps`` gives beside the embeddings.

    Raises:
        ModelFileError: ONNX Runtime cannot load the network, it takes or gives something else, or a provider is
            missing.

    Attributes:
        taps: The names of the inner values.
        input_size: S, the side of the network's square input in pixels.
        dimension: D, the length of an embedding.

    Example:
        >>> from samekind.model_file import read_model
        >>> encoder = OnnxEncoder(read_model().data, "general")
        >>> encoder.encode_pixels(np.zeros((2, encoder.input_size, encoder.input_size, 3), np.uint8)).shape
        (2, 512)
    """

    def __init__(
        self,
        onnx_model: bytes,
        name: str,
        *,
        providers: Sequence[str] | None = None,
        threads: int | None = None,
        taps: Sequence[str] = (),
    ) -> None:
        self.taps = tuple(taps)
        if taps:
            onnx_model = OnnxEnvelope(onnx_model, name).with_outputs(taps)
        self._session = open_session(onnx_model, name, providers=providers, threads=threads)
        self.input_size, self.dimension = self._signature(name)

    def _signature(self, name: str) -> tuple[int, int]:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        match [(i.type, *i.shape) for i in inputs], [(o.type, *o.shape) for o in outputs if o.name not in self.taps]:
            case [("tensor(uint8)", batch, int(height), int(width), 3)], [("tensor(float)", _, int(dimension))]:
                if height == width and not isinstance(batch, int):
                    return height, dimension
        raise ModelFileError(f"{name}: not a network of images, uint8 (N, S, S, 3), to embeddings, float32 (N, D)")

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
        embeddings, *taps = self._session.run(None, {self._session.get_inputs()[0].name: pixels})
        return np.asarray(embeddings, np.float32), taps

    def stream(
        self,
        sources: Iterable[ImageSource],
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
        on_progress: Progress | None = None,
    ) -> Iterator[NDArray[np.float32] | ImageError]:
        """Embed any number of images in the order they come, decoding ahead. Memory does not grow with their number.

        Args:
            sources: As ``images.load_image`` takes them.
            batch_size: Images for each run of the network.
            on_progress: Called with the number of images done so far, after each batch.

        Yields:
            For each source its embedding, float32 (D,), or the ImageError that names it. One bad file does not stop
            the others.
        """
        if batch_size < 1:
            raise ValueError(f"a batch holds at least one image; got batch_size={batch_size}")
        done = 0
        for loaded in _load_ahead(iter(sources), self.input_size, batch_size):
            good = [pixels for pixels in loaded if not isinstance(pixels, ImageError)]
            embeddings = iter(self.encode_pixels(np.stack(good)) if good else ())
            for pixels in loaded:
                yield pixels if isinstance(pixels, ImageError) else next(embeddings)
            done += len(loaded)
            if on_progress:
                on_progress(done)

    def encode(
        self,
        sources: Iterable[ImageSource],
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
        on_progress: Progress | None = None,
    ) -> Embeddings:
        """Embed images, all of which must be readable.

        Returns:
            float32 (N, D), unit rows, in the order of the sources.

        Raises:
            ImageError: The first one that cannot be read.
        """
        rows = []
        for row in self.stream(sources, batch_size=batch_size, on_progress=on_progress):
            if isinstance(row, ImageError):
                raise row
            rows.append(row)
        return np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)


def open_session(
    onnx_model: bytes, name: str, *, providers: Sequence[str] | None = None, threads: int | None = None
) -> ort.InferenceSession:
    """An ONNX Runtime session of our settings.

    Raises:
        ModelFileError: ONNX Runtime cannot load the model, or has no such provider.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 3  # its warnings speak to the authors of kernels, not to users
    # Without this a file that is also of ONNX Runtime's own format would be read as that, past our checks of the ONNX.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if threads:
        options.intra_op_num_threads = threads
    try:
        return ort.InferenceSession(onnx_model, options, providers=_provider_names(providers))
    except ModelFileError:
        raise
    except Exception as error:  # ONNX Runtime's exceptions share no base class of their own
        reason = str(error).splitlines()[0]
        raise ModelFileError(f"{name}: ONNX Runtime cannot load this network ({reason})") from error


def _provider_names(wanted: Sequence[str] | None) -> list[str]:
    available = ort.get_available_providers()
    by_short_name = {name.removesuffix("ExecutionProvider").lower(): name for name in available}
    names = []
    for provider in wanted or ("cpu",):
        name = by_short_name.get(provider.lower(), provider)
        if name not in available:
            raise ModelFileError(
                f"no execution provider {provider!r} in this build of ONNX Runtime; it has "
                f"{', '.join(by_short_name)} (for CUDA: pip install onnxruntime-gpu)"
            )
        names.append(name)
    return names


def _load(source: ImageSource, size: int) -> Pixels | ImageError:
    try:
        return load_image(source, size)
    except ImageError as error:
        return error


def _load_ahead(sources: Iterator[ImageSource], size: int, batch_size: int) -> Iterator[list[Pixels | ImageError]]:
    """Batches of decoded images, while threads decode the following ones."""
    # Decoding takes a tenth of the time of computing, so one core of eight keeps up.
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 4), thread_name_prefix="samekind-decode") as pool:
        waiting: deque[Future[Pixels | ImageError]] = deque()

        def fill() -> None:
            room = _BATCHES_AHEAD * batch_size - len(waiting)
            waiting.extend(pool.submit(_load, source, size) for source in islice(sources, room))

        try:
            fill()
            while waiting:
                batch = [waiting.popleft().result() for _ in range(min(batch_size, len(waiting)))]
                fill()
                yield batch
        finally:
            # A reader that stops early (Ctrl-C, an error) does not wait for images it will never use.
            pool.shutdown(wait=False, cancel_futures=True)
