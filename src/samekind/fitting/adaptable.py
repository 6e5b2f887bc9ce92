"""Making a model adaptable: what its similarities mean in collections of any kind, fitted on labelled folders."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.adaptation.adaptation import known_spread
from samekind.adaptation.collection import FEWEST_PICTURES, Collection, less
from samekind.adaptation.graph import can_fold
from samekind.datasets.dataset import read_dataset
from samekind.datasets.folders import LabelledImages
from samekind.errors import AdaptationError, ArgumentError, DatasetError
from samekind.evaluation.selection import refuse_seen
from samekind.fitting.domains import FEW, FULL_LENGTH, JudgedCollection, fit_domains
from samekind.inference.similarity import Embeddings
from samekind.model_file.file import ModelFile, SeenImages, make_model, read_model
from samekind.progress import Progress
from samekind.recognizer import Recognizer
from samekind.system.hashing import content_hashes

FEWEST_FOLDERS = 3
# Of more pictures of a folder so many are drawn: half of them adapt, half are judged.
MOST_PICTURES = 1_600
# So many pictures adapt, besides all of a half: rates with few are others.
_COUNTS = (20, 50, 200)


@dataclass(frozen=True, eq=False)
class _Folder:
    name: str
    embeddings: Embeddings
    labels: NDArray[np.int64]
    hashes: tuple[str, ...]


def make_adaptable(
    model: ModelFile | str | os.PathLike[str] | None,
    folders: Sequence[str | os.PathLike[str]],
    *,
    exclude: Sequence[str] = (),
    providers: str | Sequence[str] | None = None,
    threads: int | None = None,
    on_progress: Progress | None = None,
) -> Recognizer:
    """A model that can be adapted to collections without labels, such as an encoder from elsewhere cannot yet.

    Of each folder one half adapts, as a person's pictures will, and the other half is judged. What similarities mean,
    in units of a collection's spread, is fitted to all folders; the error rates are those on folders that were left out
    of the fit. So each should hold another kind of pictures than the others, with labels of classes.

    Args:
        model: The name of a model that comes with samekind, a path, or None for the default model.
        folders: Class folders or manifests, three or more.
        exclude: Patterns in gitignore's form of what to pass over.
        providers: ONNX Runtime execution providers, best first.
        threads: Threads for computing.
        on_progress: Called with ("images", done, total).

    Returns:
        The model; ``adapt`` gives it verdicts, and ``save`` writes it.

    Raises:
        ArgumentError: There are fewer than three folders, or one is given twice.
        AdaptationError: The model is adapted already, or its network cannot be.
        DatasetError: A folder cannot be used: fewer than three classes, too few pictures, or some that had a part in
            the model's training.
    """
    if len(folders) < FEWEST_FOLDERS:
        raise ArgumentError(
            f"{len(folders)} labelled folders cannot tell what similarities mean elsewhere; give {FEWEST_FOLDERS} or "
            "more, each of another kind of pictures; for pictures like those of one folder: samekind calibrate"
        )
    source = model if isinstance(model, ModelFile) else read_model(model)
    if source.card.adapted is not None:
        raise AdaptationError(f"{source.card.name}: adapted already; give the bare model")
    if not can_fold(source.data, source.card.name):
        raise AdaptationError(f"{source.card.name}: its network does not end by normalising, so it cannot be adapted")
    listed = [
        (name, _labelled(folder, exclude)) for name, folder in zip(_names(folders), folders, strict=True)
    ]  # refused before the work
    recognizer = Recognizer(source, providers=providers, threads=threads)
    found = [_embedded(recognizer, name, images, on_progress) for name, images in listed]
    usual = float(np.exp(np.mean([np.log(_spread(folder)) for folder in found])))
    judged = [one for folder in found for one in _judged(folder, usual)]
    description = (
        f"{', '.join(folder.name for folder in found)}: each folder judged by what the others say, adapted with "
        f"{', '.join(map(str, _COUNTS))} or half of its pictures"
    )
    card = source.card.model_copy(
        update={"domains": fit_domains(judged, usual, description), "pair": None, "trio": None, "metrics": ()}
    )
    seen = SeenImages(digest for folder in found for digest in folder.hashes)
    return Recognizer(make_model(source.data, card, source.seen_images | seen), providers=providers, threads=threads)


def _names(folders: Sequence[str | os.PathLike[str]]) -> list[str]:
    """The last part of each path, and as many before it as tell the folders apart: each is a domain of its own."""
    paths = [Path(os.path.realpath(folder)) for folder in folders]
    for path in paths:
        if paths.count(path) > 1:
            raise ArgumentError(f"{path}: given twice; each folder should hold another kind of pictures")
    for count in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-count:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names


def _labelled(folder: str | os.PathLike[str], exclude: Sequence[str]) -> LabelledImages:
    images = read_dataset(folder, same_classes=False, exclude=exclude).train
    if len(images.classes) < 3:
        raise DatasetError(
            f"{images.root}: has {len(images.classes)} classes; three are needed to fit verdicts on trios"
        )
    if len(images) < 4 * FEWEST_PICTURES:
        raise DatasetError(
            f"{images.root}: has {len(images)} pictures; {4 * FEWEST_PICTURES} are needed, and some hundreds are better"
        )
    if len(images) > MOST_PICTURES:
        drawn = np.random.default_rng(0).choice(len(images), MOST_PICTURES, replace=False)
        images = images.subset(np.sort(drawn))
    return images


def _embedded(recognizer: Recognizer, name: str, images: LabelledImages, on_progress: Progress | None) -> _Folder:
    hashes, _ = content_hashes(images.paths)
    images = images.subset(np.flatnonzero([path in hashes for path in images.paths]))
    refuse_seen(recognizer, images, hashes)
    embedded = recognizer.embed(list(images.paths), on_error="skip", on_progress=on_progress)
    kept = images.subset(embedded.positions)
    return _Folder(name, embedded.embeddings, kept.labels, tuple(hashes[path] for path in kept.paths))


def _spread(folder: _Folder) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that most pictures are copies
        collection = Collection.of(folder.embeddings)
    spread = collection.spread(_offset(collection))
    if spread <= 0:
        raise DatasetError(f"{folder.name}: each two of its pictures are about as alike to the model as any others")
    return spread


def _offset(collection: Collection) -> NDArray[np.float32]:
    return np.asarray(min(1.0, collection.length / FULL_LENGTH) * collection.mean, np.float32)


def _judged(folder: _Folder, usual: float) -> Iterator[JudgedCollection]:
    """The second half of a folder, as the model sees it that is adapted with some pictures of the first."""
    order = np.random.default_rng(0).permutation(len(folder.labels))
    adapting, measured = order[: len(order) // 2], order[len(order) // 2 :]
    labels = folder.labels[measured]
    counts = np.bincount(labels)
    if (counts > 0).sum() < 3 or counts.max() < 2:
        raise DatasetError(f"{folder.name}: half of its pictures have too few of a class; add pictures to its classes")
    for count in (*(count for count in _COUNTS if count < len(adapting)), len(adapting)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that most pictures are copies, once for each count
            try:
                collection = Collection.of(folder.embeddings[adapting[:count]])
            except AdaptationError:  # too few different ones among so few
                continue
        offset = _offset(collection)
        spread = known_spread(collection, offset, usual, FEW)
        rows = less(folder.embeddings[measured], offset)
        length = collection.length
        yield JudgedCollection.of(folder.name, folder.name, rows, labels, spread=spread, length=length)
