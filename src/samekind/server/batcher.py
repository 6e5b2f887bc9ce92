"""Images of requests that arrive at the same time, gathered into batches for ONNX Runtime.

Nothing waits for a batch to fill: a worker that becomes free takes what has been decoded meanwhile, so batches grow
with the load and a lone request is answered at once.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.errors import ImageError
from samekind.images import Pixels, Square, describe, formats, load_image
from samekind.inference.similarity import Embeddings
from samekind.server.limits import FORMATS, Limits
from samekind.server.pixel_budget import PixelBudget
from samekind.system.cores import available_cores

Row = NDArray[np.float32]
_Job = tuple[Pixels, asyncio.Future[Row]]
_Read = TypeVar("_Read")

# With one thread a worker, batches of 4 are the fastest on a CPU (benchmarks/README.md, Serving).
BATCH_SIZE = 4


class Encoder(Protocol):
    """What the batcher needs of a model; an ``OnnxEncoder``, safe to call from several threads."""

    square: Square

    def encode_pixels(self, pixels: Pixels) -> Embeddings:
        """Embed a batch, uint8 (N, S, S, 3) to float32 (N, D)."""
        ...


class BusyError(Exception):
    """More images wait than the limits allow, or these have waited for too long."""


class TooManyPixelsError(Exception):
    """The images of one request have more pixels together than may ever wait."""


class UnreadableError(Exception):
    """Some images of a request cannot be read.

    Attributes:
        reasons: What is wrong with each, by its name in the request.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
        self.reasons = dict(reasons)


class _Reason(str):
    """Why an image cannot be read."""

    __slots__ = ()


class Batcher:
    """Decodes in threads of its own, embeds in others, and never holds more than the limits allow.

    Args:
        encoder: The network. On a CPU, open it with ``threads=1``: each worker is one thread of computing, and the
            workers together are faster than one run of as many threads.
        limits: The bounds on images, pixels and waiting.
        workers: Threads that run the network; the default is one for each core that this process may use.
        decoders: Threads that decode; the same default.
        on_batch: Called with the size of each batch, from a worker's thread.
    """

    def __init__(
        self,
        encoder: Encoder,
        limits: Limits,
        *,
        workers: int | None = None,
        decoders: int | None = None,
        batch_size: int = BATCH_SIZE,
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.waiting = 0
        self.waiting_pixels = {False: 0, True: 0}  # whether of large images
        self._budget = PixelBudget(limits.pixels)
        self._encoder, self._limits = encoder, limits
        self._batch_size, self._on_batch = batch_size, on_batch
        cores = available_cores()
        self._decoders = ThreadPoolExecutor(decoders or cores, thread_name_prefix="samekind-decode")
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._workers = [
            Thread(target=self._work, name=f"samekind-embed-{i}", daemon=True) for i in range(workers or cores)
        ]
        for worker in self._workers:
            worker.start()

    async def embed(self, images: Mapping[str, bytes]) -> dict[str, Row]:
        """Embed the images of one request.

        Args:
            images: The encoded images by their names in the request.

        Returns:
            float32 (D,) unit rows by the same names.

        Raises:
            BusyError: Too many images or pixels wait already, or these have waited for too long.
            TooManyPixelsError: The images have more pixels than may ever wait.
            UnreadableError: Some cannot be read; nothing was embedded.
        """
        async with self._admitted(len(images)):
            decoded = await self._read_all(images, self._decode)
            rows = await asyncio.gather(*map(self._submit, decoded.values()))
        return dict(zip(decoded, rows, strict=True))

    async def read(self, images: Mapping[str, bytes], read: Callable[[bytes], _Read]) -> dict[str, _Read]:
        """Read the images of one request in another way than to embed them, within the same bounds.

        Args:
            images: As ``embed``.
            read: What to do with each, in a thread; it takes ``FORMATS`` of at most ``pixels`` and no others.

        Raises:
            BusyError, TooManyPixelsError, UnreadableError: As ``embed``.
        """
        async with self._admitted(len(images)):
            return await self._read_all(images, read)

    def close(self) -> None:
        """End the threads, after what they have accepted."""
        self._decoders.shutdown()
        for _ in self._workers:
            self._jobs.put(None)
        for worker in self._workers:
            worker.join()

    @asynccontextmanager
    async def _admitted(self, images: int) -> AsyncIterator[None]:
        """The time that so many images of a request may take, if they may come in."""
        if self.waiting + images > self._limits.waiting_images:
            raise BusyError
        self._loop = asyncio.get_running_loop()
        self.waiting += images
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                yield
        except TimeoutError:
            raise BusyError from None
        finally:
            self.waiting -= images

    async def _read_all(self, images: Mapping[str, bytes], read: Callable[[bytes], _Read]) -> dict[str, _Read]:
        assert self._loop is not None
        measured = await asyncio.gather(
            *(self._loop.run_in_executor(self._decoders, self._measure, data) for data in images.values())
        )
        totals = {large: sum(n for n in measured if self._budget.is_large(n) is large) for large in (False, True)}
        most = self._limits.waiting_pixels
        if any(total > most for total in totals.values()):
            raise TooManyPixelsError
        if any(self.waiting_pixels[large] + total > most for large, total in totals.items()):
            raise BusyError
        for large, total in totals.items():
            self.waiting_pixels[large] += total
        try:
            answers = await asyncio.gather(
                *(
                    self._read_in_turn(data, pixels, read)
                    for data, pixels in zip(images.values(), measured, strict=True)
                )
            )
        finally:
            for large, total in totals.items():
                self.waiting_pixels[large] -= total
        by_name = dict(zip(images, answers, strict=True))
        if bad := {name: str(answer) for name, answer in by_name.items() if isinstance(answer, _Reason)}:
            raise UnreadableError(bad)
        return {name: answer for name, answer in by_name.items() if not isinstance(answer, _Reason)}

    async def _read_in_turn(self, data: bytes, pixels: int, read: Callable[[bytes], _Read]) -> _Read | _Reason:
        loop = asyncio.get_running_loop()
        await self._budget.acquire(pixels)
        job = self._decoders.submit(self._read_one, data, read)
        # Not in a finally: a decoder that has begun takes its memory to the end, also when nobody waits any more.
        job.add_done_callback(lambda _: loop.call_soon_threadsafe(self._budget.release, pixels))
        return await asyncio.wrap_future(job)

    def _measure(self, data: bytes) -> int:
        """The pixels that decoding would make, from the image's head; 0 where it will be refused."""
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                pixels = image.width * image.height
        except Exception:  # Pillow raises almost anything on broken input; decoding will say what is wrong
            return 0
        return pixels if pixels <= self._limits.pixels else 0

    def _read_one(self, data: bytes, read: Callable[[bytes], _Read]) -> _Read | _Reason:
        """What was read, or in words why it cannot be."""
        # Markers cannot occur within the compressed data of a JPEG, so counting them needs no parsing.
        if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > self._limits.scans:
            return _Reason(f"a JPEG of more than {self._limits.scans} scans; save it anew")
        try:
            return read(data)
        except ImageError as error:
            if formats.sniff(data[: formats.HEAD]) == "HEIF" and "HEIF" not in FORMATS:
                return _Reason("a HEIC image, for which the extra heif is missing where the service runs; send a JPEG")
            return _Reason(str(error).removeprefix(f"{describe(data)}: "))

    def _decode(self, data: bytes) -> Pixels:
        return load_image(data, self._encoder.square, max_pixels=self._limits.pixels, formats=FORMATS)

    def _submit(self, pixels: Pixels) -> asyncio.Future[Row]:
        assert self._loop is not None
        future: asyncio.Future[Row] = self._loop.create_future()
        self._jobs.put((pixels, future))
        return future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch, last = [job], False
            while len(batch) < self._batch_size and not last:
                try:
                    following = self._jobs.get_nowait()
                except Empty:
                    break
                if following is None:
                    last = True
                else:
                    batch.append(following)
            self._run(batch)
            if last:
                return

    def _run(self, batch: list[_Job]) -> None:
        batch = [job for job in batch if not job[1].cancelled()]
        if not batch:
            return
        answer: Embeddings | Exception
        try:
            answer = self._encoder.encode_pixels(np.stack([pixels for pixels, _ in batch]))
        except Exception as error:
            answer = error
        self._on_batch(len(batch))
        assert self._loop is not None
        self._loop.call_soon_threadsafe(_deliver, [future for _, future in batch], answer)


def _deliver(futures: list[asyncio.Future[Row]], answer: Embeddings | Exception) -> None:
    for index, future in enumerate(futures):
        if future.cancelled():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer[index])
