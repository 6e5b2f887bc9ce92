"""Shards made by the workers of a Ray cluster (extra ``ray``): Ray Data's actors, each of which holds a network.

A shard is one unit of work. Ray spreads the units, starts a worker that died again and gives it its unit once more, and
holds back where results wait. Which shards are finished the folder's own manifest knows, so a driver that died goes on
as the local engine does, and with either.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from samekind.embedding.embed_batch import embed_stream
from samekind.errors import ClusterError
from samekind.inference.encoder import OnnxEncoder
from samekind.model_file.file import ModelFile
from samekind.shards.engine import FinishedShard, PlannedShard
from samekind.shards.inputs import read_input
from samekind.shards.shard_file import Shard, make_shard
from samekind.system.cores import available_cores
from samekind.system.ray_cluster import RayCluster

# Bytes of shared memory that a cluster of this machine's takes: some hundred shards of 1,024 images.
_OBJECT_STORE = 512 * 1024 * 1024


class RayEngine:
    """Workers of Ray.

    Args:
        model: The model; workers get it from here, and need no file.
        providers: ONNX Runtime execution providers, best first.
        threads: Threads for computing, and cores, of each worker; None is one.
        address: ``local``, ``auto`` or ``HOST:PORT``.
        workers: How many at most; None is as many as there are cores, or GPUs, for.
        gpus: GPUs of each worker.

    Raises:
        MissingExtraError: Ray is not installed.
        ClusterError: Nothing listens at the address.
    """

    def __init__(
        self,
        model: ModelFile,
        *,
        providers: Sequence[str],
        threads: int | None,
        address: str,
        workers: int | None,
        gpus: float,
    ) -> None:
        self._cluster = RayCluster(address)
        self._threads = threads or 1
        self._model, self._providers = (model.data, model.card), tuple(providers)
        self._workers, self._gpus = workers, gpus

    def embed(
        self, planned: Iterator[PlannedShard], count: Callable[[int], None]
    ) -> Generator[FinishedShard, None, None]:
        """Make shards, in the order in which the workers finish them."""
        items = [{"plan": plan, "number": number, "inputs": pickle.dumps(inputs)} for plan, number, inputs in planned]
        if not items:
            return
        cores = max(1, self._workers or available_cores() // self._threads) * self._threads
        with self._cluster.connected(cores, _OBJECT_STORE, "the same command goes on from here") as ray:
            import ray.data  # noqa: PLC0415 - extra ray

            logging.getLogger("ray.data").setLevel(logging.ERROR)
            ray.data.DataContext.get_current().enable_progress_bars = False
            model = ray.put(self._model)  # held here, so that a worker which is started again finds it
            done = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
                Worker,
                fn_constructor_args=([model], self._providers, self._threads),
                batch_size=1,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=self._most_workers(ray, len(items))),
                num_cpus=self._threads,
                num_gpus=self._gpus or None,
            )
            for row in done.iter_rows():
                shard = Shard.of(row["content"], row["about"])
                count(shard.rows)
                yield row["plan"], row["number"], shard

    def _most_workers(self, ray: Any, shards: int) -> int:
        there = ray.cluster_resources()
        room = there.get("GPU", 0) / self._gpus if self._gpus else there.get("CPU", 1) / self._threads
        if room < 1:
            what = f"{self._gpus:g} GPUs" if self._gpus else f"{self._threads} cores"
            raise ClusterError(f"Ray: no worker of {what} fits into the cluster {self._cluster.address}")
        return max(1, min(shards, int(room), self._workers or shards))


class Worker:
    """A worker: it holds the network for as long as it lives.

    Args:
        model: The reference to the bytes of the model and its card, in a list, which Ray does not follow.
        providers: ONNX Runtime execution providers, best first.
        threads: Threads for computing.
    """

    def __init__(self, model: list[Any], providers: Sequence[str], threads: int) -> None:
        import ray  # noqa: PLC0415 - extra ray

        data, card = ray.get(model[0])
        self._encoder = OnnxEncoder(data, card.name, providers=providers, threads=threads, card=card)

    def __call__(self, batch: Any) -> dict[str, list[Any]]:
        """The shards of a batch of rows with ``plan``, ``number`` and ``inputs``."""
        done: dict[str, list[Any]] = {"plan": [], "number": [], "content": [], "about": []}
        for row in batch.to_pylist():
            inputs = pickle.loads(row["inputs"])  # noqa: S301 - it comes from the driver
            images = list(embed_stream(inputs, self._encoder, read_input, lambda one: one.name))
            shard = make_shard(inputs, images, self._encoder.dimension)
            for name, value in (("content", shard.content), ("about", shard.about())):
                done[name].append(value)
            for name in ("plan", "number"):
                done[name].append(row[name])
        return done
