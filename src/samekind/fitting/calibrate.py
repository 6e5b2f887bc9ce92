"""New probabilities and thresholds for a model, from your own labelled images."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from samekind.adaptation.adaptation import adapted_model
from samekind.adaptation.graph import can_fold
from samekind.datasets.dataset import read_dataset
from samekind.datasets.folders import LabelledImages
from samekind.errors import ArgumentError, DatasetError
from samekind.fitting.listed_pairs import recalibrate_by_pairs
from samekind.fitting.recalibrate import OldAndNew, Rates, Start, recalibrate
from samekind.model_file.card import Card
from samekind.model_file.file import ModelFile, SeenImages, make_model, read_model, write_model
from samekind.progress import Progress
from samekind.recognizer import Recognizer
from samekind.system.paths import given_path

Source = str | os.PathLike[str]


@dataclass(frozen=True, repr=False)
class Recalibrated:
    """A model with new calibrations, and how right they are beside the old ones.

    Attributes:
        model: The new model. Its network is the old one, and so is its fingerprint, unless ``start.adapted``.
        old: The card of the old model.
        pairs: Old and new on pairs.
        trios: Old and new on trios; None with fewer than three classes.
        unreadable: Messages about files that were left out.
        start: Whether the new model is adapted to the images, and what that gained; None where that was not tried.
    """

    model: ModelFile
    old: Card
    pairs: OldAndNew
    trios: OldAndNew | None
    unreadable: tuple[str, ...]
    start: Start | None = None

    @property
    def card(self) -> Card:
        """The card of the new model."""
        return self.model.card

    def recognizer(self, *, providers: Sequence[str] | None = None, threads: int | None = None) -> Recognizer:
        """The new model, loaded. Arguments and errors as ``samekind.load``."""
        return Recognizer(self.model, providers=providers, threads=threads)

    def save(self, output: Source) -> Card:
        """Write the new model, whole or not at all; the stem of the file names it.

        Returns:
            The card as written.

        Raises:
            OSError: The file cannot be written.
        """
        path = given_path(output, ArgumentError)
        card = self.card.model_copy(update={"name": path.stem})
        return write_model(path, self.model.data, card, self.model.seen_images)

    def __repr__(self) -> str:
        return f"<Recalibrated: {self.card.name}, {self.pairs.positives + self.pairs.negatives:,} pairs>"

    def _repr_html_(self) -> str:
        rows = []
        for task, found in (("pairs", self.pairs), ("trios", self.trios)):
            for name, new in found.new.points.items() if found else ():
                old = found.old.points.get(name) if found and found.old else None
                cells = "".join(f"<td>{_rates(rates)}</td>" for rates in (old, new))
                rows.append(f"<tr><th>{task}: {escape(name)}</th>{cells}</tr>")
        heads = "<tr><td></td><th>old</th><th>new</th></tr>"
        return f"<div><h3>{escape(self.card.name)}</h3><table>{heads}{''.join(rows)}</table></div>"


def calibrate(
    model: ModelFile | Source | None,
    images: LabelledImages | Source | None = None,
    output: Source | None = None,
    *,
    pairs: Source | None = None,
    bare: bool = False,
    exclude: Sequence[str] = (),
    providers: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Recalibrated:
    """Fit a model's probabilities and thresholds to your own labelled images, without training and without torch.

    The rates of the new thresholds come from thresholds that were fitted on one half of the images and measured on the
    other, both ways. The images also adapt the model (``samekind.Recognizer.adapt``) where that lowers the log loss so
    measured; then its fingerprint changes, and embeddings that were stored no longer fit it. A model that is adapted
    already stays as it is.

    Args:
        model: The name of a model that comes with samekind, a path, or None for the default model.
        images: Class folders (of ``train`` and ``val``, ``train`` is used), or a CSV manifest, of which the held-out
            images are used before those to train on. None where there are answered pairs instead.
        output: The model file to write; its stem names the model. None writes nothing.
        pairs: A CSV list of answered pairs (first, second, same and, if wanted, weight: how many pairs each stands
            for), such as ``samekind data label`` writes, instead of images. A few hundred are too few for other
            operating points than ``balanced``, and say nothing of three images.
        bare: Keep the network as it is, and with it embeddings that were stored.
        exclude: Patterns in gitignore's form of what to pass over in folders.
        providers: ONNX Runtime execution providers, best first.
        on_progress: Called with ("images", done, total).

    Returns:
        The new model beside the old one.

    Raises:
        ArgumentError: Both images and pairs are given, or neither.
        DatasetError: There are too few images, classes or answers, images that had a part in the model's training or
            calibration, or the network cannot tell these classes apart at all.
        ModelFileError: There is no such model, or it cannot be used.
        IsADirectoryError: The output is a folder; known before the work.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from PIL import Image
        >>> rng = np.random.default_rng(0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        ...         Path(folder, name).mkdir()
        ...         for i in range(10):
        ...             pixels = np.clip(rng.normal(colour, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
        ...             Image.fromarray(pixels).save(Path(folder, name, f"{i}.png"))
        ...     mine = calibrate("general", folder, bare=True)
        >>> mine.recognizer().card.name, mine.card.fingerprint == mine.old.fingerprint
        ('general-calibrated', True)
    """
    if output is not None and given_path(output, ArgumentError).is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(output))
    listed = None if pairs is None else given_path(pairs, DatasetError)
    if (images is None) == (pairs is None):
        raise ArgumentError("calibrate takes labelled images or a list of answered pairs, one of them")
    source = model if isinstance(model, ModelFile) else read_model(model)
    name = f"{source.card.name}-calibrated" if output is None else Path(output).stem
    bare = bare or not can_fold(source.data, source.card.name)
    if listed is not None:
        recognizer = Recognizer(source, providers=providers)
        found = recalibrate_by_pairs(recognizer, listed, name, bare=bare, on_progress=on_progress)
    else:
        assert images is not None
        labelled = images if isinstance(images, LabelledImages) else _to_fit_on(images, exclude)
        data = labelled.root if isinstance(images, LabelledImages) else Path(images)
        recognizer = Recognizer(source, providers=providers)
        found = recalibrate(recognizer, labelled, name, data.resolve().name, bare=bare, on_progress=on_progress)
    network = adapted_model(source, found.adaptation).data if found.adaptation else source.data
    seen = source.seen_images | SeenImages(found.hashes)
    new = Recalibrated(
        make_model(network, found.card, seen), source.card, found.pairs, found.trios, found.unreadable, found.start
    )
    if output is not None:
        new = replace(new, model=replace(new.model, card=new.save(output)))
    return new


def _to_fit_on(source: Source, exclude: Sequence[str]) -> LabelledImages:
    dataset = read_dataset(source, same_classes=False, exclude=exclude)
    return dataset.train if dataset.held_out is None else dataset.held_out


def _rates(rates: Rates | None) -> str:
    return f"FAR {rates.far:.2%}, TAR {rates.tar:.1%}" if rates else ""
