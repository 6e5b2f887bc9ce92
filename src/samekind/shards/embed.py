"""Embedding any number of images into a folder of shards: ``samekind.embed``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from math import inf

from samekind.errors import ArgumentError, ShardError
from samekind.inference.session import provider_names
from samekind.model_file.file import ModelFile, lasting_name, read_model
from samekind.progress import Progress, stage_counter
from samekind.shards.engine import Engine, LocalEngine
from samekind.shards.folder import ShardFolder, is_shard_folder
from samekind.shards.listing import list_inputs
from samekind.shards.manifest import Settings
from samekind.shards.parquet_images import require_pyarrow
from samekind.shards.plan import new_inputs
from samekind.system.each import EngineName
from samekind.system.paths import given_path

# Images of a shard: some 8 MB, and 20 seconds of one core.
DEFAULT_ROWS, _MOST_ROWS = 1024, 1_000_000


@dataclass
class EmbedReport:
    """What ``embed`` did.

    Attributes:
        embedded: Images that were embedded, or looked at in vain, this time.
        images: Rows of all shards in the folder.
        shards: Shards in the folder.
        unreadable: The images that cannot be read, and why; those of this time only.
        unreadable_before: Images that could not be read before, and are as they were.
        damaged: Images of which a part is missing, and what; of this time.
        unlisted: Folders, tar and Parquet files that cannot be read, or not in whole, and why; each time.
        passed_over: The reasons why files and folders were passed over, with their number, in words.
    """

    embedded: int = 0
    images: int = 0
    shards: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unreadable_before: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)
    unlisted: list[tuple[str, str]] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def embed(
    images: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    engine: EngineName = "local",
    address: str = "local",
    workers: int | None = None,
    gpus: float = 0,
    providers: str | Sequence[str] | None = None,
    threads: int | None = None,
    rows: int | None = None,
    exclude: Sequence[str] = (),
    on_progress: Progress | None = None,
) -> EmbedReport:
    """Embed images into a folder of Parquet shards, which ``samekind index`` takes into a gallery.

    It may be stopped at any moment, by whatever means: called again it goes on, and embeds only what is new. The shards
    are the same to the bit whatever the engine and however often it was stopped.

    Args:
        images: A folder; a list (``.txt``), a CSV or a Parquet file with paths or addresses; a Parquet file with
            encoded images; a tar file of WebDataset, or a folder of such; each by its path, or by an address such as
            ``s3://shop/photos`` (extra ``remote``). Or any number of paths and addresses.
        output: The folder of shards; made if it is missing.
        model: As ``samekind.load`` takes it. None is the folder's own, and the default model for a new folder.
        engine: ``local``, this process; or ``ray`` (extra ``ray``), as many as there are.
        address: Of a Ray cluster: ``auto``, ``HOST:PORT``, or ``local`` for one of this machine's cores, which is
            started and ended.
        workers: Workers of Ray at most; None is as many as it has cores, or GPUs, for.
        gpus: GPUs for each worker of Ray. Name the provider, too.
        providers: ONNX Runtime execution providers, best first, or one. None is as the folder was begun, on the
            CPU at first.
        threads: Threads for computing, of this process or of each worker; None is one for each core here, and one in a
            worker.
        rows: Images of a shard; None is as the folder was begun, 1,024 at first.
        exclude: Patterns in gitignore's form of files and folders to pass over.
        on_progress: Called with ``images``, the number of this time's that are done, and how many there are.

    Raises:
        ShardError: The folder is an address, of another model or other settings, damaged, or being written by another
            process.
        DatasetError: There is no such source, it cannot be listed, or it holds no images.
        ArgumentError: Rows, workers or GPUs are no such number, or are for another engine.
        ModelFileError: There is no such model, or a provider is not available.
        MissingExtraError: What reads the source, writes Parquet or drives Ray is not installed.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     os.mkdir(f"{folder}/photos")
        ...     Image.new("RGB", (40, 30), "red").save(f"{folder}/photos/red.png")
        ...     reports = [embed(f"{folder}/photos", f"{folder}/shards") for _ in range(2)]
        >>> [(report.embedded, report.images) for report in reports]
        [(1, 1), (0, 1)]
    """
    require_pyarrow()
    output = given_path(output, ShardError)
    before = ShardFolder(output).manifest if is_shard_folder(output) else None
    if before is not None:
        model = before.model if model is None else model
        rows = before.settings.rows if rows is None else rows
        providers = before.settings.providers if providers is None else providers
    rows = DEFAULT_ROWS if rows is None else rows
    if isinstance(rows, bool) or not isinstance(rows, int) or not 1 <= rows <= _MOST_ROWS:
        raise ArgumentError(f"rows is a whole number from 1 to {_MOST_ROWS:,}; got {rows!r}")
    _refuse_ray_settings(engine, address, workers, gpus)
    listing, found = list_inputs(images, exclude)
    network = read_model(model)
    settings = Settings(fingerprint=network.card.fingerprint, providers=provider_names(providers), rows=rows)
    works = _engine(engine, network, settings.providers, threads, address=address, workers=workers, gpus=gpus)
    folder = ShardFolder.begin(output, settings, network.card, lasting_name(model))
    with folder.writing():
        folder.add_plan(listing.name, listing.folder, new_inputs(found, folder.known()))
        if not folder.manifest.plans:
            raise listing.emptiness()
        report = EmbedReport(unlisted=listing.unlisted, passed_over=listing.passed.sentences())
        _finish(folder, works, report, on_progress)
        report.unreadable_before = max(0, folder.unreadable() - len(report.unreadable))
    report.images, report.shards = sum(entry.rows for _, entry in folder.files()), len(folder.files())
    return report


def _refuse_ray_settings(engine: str, address: str, workers: int | None, gpus: float) -> None:
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise ArgumentError(f"workers is a whole number from 1; got {workers!r}")
    if isinstance(gpus, bool) or not isinstance(gpus, int | float) or not 0 <= gpus < inf:
        raise ArgumentError(f"gpus is a number from 0; got {gpus!r}")
    if engine == "local" and (address, workers, gpus) != ("local", None, 0):
        raise ArgumentError(
            "address, workers and gpus are for the engine ray; give that, too (--engine ray), or leave them out"
        )


def _finish(folder: ShardFolder, works: Engine, report: EmbedReport, on_progress: Progress | None) -> None:
    """Make the shards that are planned and not finished, those of older plans first."""
    unfinished = folder.unfinished()
    tell = stage_counter(on_progress, "images", sum(folder.planned_rows(*shard) for shard in unfinished))
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        tell(done)

    planned = ((plan, number, folder.inputs_of(plan, number)) for plan, number in unfinished)
    with closing(works.embed(planned, count)) as finished:
        for plan, number, shard in finished:
            folder.finish(plan, number, shard)
            report.embedded += shard.rows
            report.unreadable += shard.unreadable
            report.damaged += shard.damaged


def _engine(
    name: str,
    network: ModelFile,
    providers: Sequence[str],
    threads: int | None,
    *,
    address: str,
    workers: int | None,
    gpus: float,
) -> Engine:
    if name == "local":
        return LocalEngine(network, providers=providers, threads=threads)
    if name == "ray":
        from samekind.shards.ray_engine import RayEngine  # noqa: PLC0415 - extra ray

        return RayEngine(network, providers=providers, threads=threads, address=address, workers=workers, gpus=gpus)
    raise ArgumentError(f"engine is 'local' or 'ray', not {name!r}")
