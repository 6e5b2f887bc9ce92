"""What makes shards of planned inputs; and the engine that is this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol, TypeAlias

from samekind.embedding.embed_batch import EmbeddedImage, embed_stream
from samekind.inference.encoder import OnnxEncoder
from samekind.model_file.file import ModelFile
from samekind.shards.inputs import Input, read_input
from samekind.shards.shard_file import Shard, make_shard

# The number of a plan, that of a shard in it, and the shard's inputs; or the shard itself.
PlannedShard: TypeAlias = tuple[int, int, list[Input]]
FinishedShard: TypeAlias = tuple[int, int, Shard]


class Engine(Protocol):
    """What makes shards."""

    def embed(
        self, planned: Iterator[PlannedShard], count: Callable[[int], None]
    ) -> Generator[FinishedShard, None, None]:
        """Make shards; they may come in another order.

        Args:
            planned: The shards to make.
            count: Called with the number of images that were embedded since it was last called.
        """
        ...


class LocalEngine:
    """This process: files are read in threads, ahead of the network, across the ends of shards.

    Args:
        model: The model.
        providers: ONNX Runtime execution providers, best first.
        threads: Threads for computing; None for one on each core that this process may use.
    """

    def __init__(self, model: ModelFile, *, providers: Sequence[str], threads: int | None) -> None:
        self._encoder = OnnxEncoder(model.data, model.card.name, providers=providers, threads=threads, card=model.card)

    def embed(
        self, planned: Iterator[PlannedShard], count: Callable[[int], None]
    ) -> Generator[FinishedShard, None, None]:
        """Make shards, one after the other."""
        begun: deque[PlannedShard] = deque()

        def inputs() -> Iterator[Input]:
            for shard in planned:
                begun.append(shard)
                yield from shard[2]

        images: list[EmbeddedImage] = []
        for image in embed_stream(inputs(), self._encoder, read_input, lambda one: one.name):
            images.append(image)
            count(1)
            plan, number, wanted = begun[0]
            if len(images) == len(wanted):
                yield plan, number, make_shard(wanted, images, self._encoder.dimension)
                begun.popleft()
                images = []
