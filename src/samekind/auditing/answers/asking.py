"""The front door of asking: which pairs of unlabelled pictures to show to a person."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from samekind.adaptation.adaptation import adapt
from samekind.auditing.answers.choose import choose_pairs
from samekind.datasets.tables import Row
from samekind.errors import AdaptationError, ArgumentError, DatasetError
from samekind.images.folder_contents import walk
from samekind.inference.similarity import Embeddings
from samekind.model_file.card import Card
from samekind.progress import Progress
from samekind.recognizer import Recognizer, load
from samekind.system.paths import given_path, relative_path

COLUMNS = ("first", "second", "same", "weight")
# The cosine of two copies of a picture, saved anew: nothing to ask about.
_ONE_PICTURE = 0.995
_MOST_IMAGES = 2_000


@dataclass(frozen=True)
class AskedPair:
    """A pair to be answered.

    Attributes:
        first: One picture.
        second: The other.
        weight: How many pairs of the folder it stands for, 1 in the mean.
    """

    first: Path
    second: Path
    weight: float

    def answered(self, same: bool, folder: Path) -> Row:
        """The pair with its answer as a line of a list in a folder."""
        values = (relative_path(self.first, folder), relative_path(self.second, folder), str(int(same)))
        return dict(zip(COLUMNS, (*values, f"{self.weight:.6g}"), strict=True))


def pairs_to_answer(
    images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    model: Recognizer | str | os.PathLike[str] | None = None,
    *,
    count: int = 200,
    seed: int = 0,
    providers: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> list[AskedPair]:
    """Choose the pairs of pictures whose answers, same kind or not, teach a model's calibration most.

    They are uncertain and diverse, and drawn by a lot whose odds are known: each carries the number of pairs that it
    stands for, and ``calibrate(pairs=…)`` counts with that. So a person may stop anywhere.

    Args:
        images: A folder of pictures, with its subfolders, or their paths. Of more than 2,000, so many are drawn.
        model: A loaded model, the name of one, or a path; None for the default. It adapts to the pictures.
        count: How many pairs.
        seed: Of the lot.
        providers: ONNX Runtime execution providers for a model that is given by name or path.
        on_progress: Called with ("images", done, total).

    Raises:
        DatasetError: There are fewer than two different pictures that can be read.
        ArgumentError: The count is none.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> rng = np.random.default_rng(0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for i in range(6):
        ...         Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(Path(folder, f"{i}.png"))
        ...     len(pairs_to_answer(folder, count=3))
        3
    """
    if count < 1:
        raise ArgumentError(f"count is a number of pairs, not {count}")
    paths = _listed(images)
    if len(paths) > _MOST_IMAGES:
        chosen = np.random.default_rng(seed).choice(len(paths), _MOST_IMAGES, replace=False)
        paths = [paths[place] for place in sorted(chosen.tolist())]
    recognizer = model if isinstance(model, Recognizer) else load(model, providers=providers)
    embedded = recognizer.embed(paths, on_error="skip", on_progress=on_progress)
    rows, places = embedded.embeddings, embedded.positions
    if len(rows):
        different = ~np.tril(rows @ rows.T > _ONE_PICTURE, -1).any(axis=1)
        rows, places = rows[different], places[different]
    if len(rows) < 2:
        raise DatasetError(
            f"of {len(paths):,} pictures, {len(rows)} can be read and differ; two are needed to ask about"
        )
    rows, scale, bias = _adapted(rows, recognizer.card)
    found = choose_pairs(rows, scale, bias, count, seed)
    return [
        AskedPair(paths[places[first]], paths[places[second]], float(weight))
        for (first, second), weight in zip(found.pairs.tolist(), found.weight.tolist(), strict=True)
    ]


def _adapted(rows: Embeddings, card: Card) -> tuple[Embeddings, float, float]:
    """Embeddings less what the pictures have in common, where that can be known; scale and bias of what they mean."""
    if card.pair is None and card.domains is None:
        return rows, *_guessed(rows)
    pair = card.pair
    if card.adapted is None:
        try:
            adaptation = adapt(rows, card, "the pictures")
            rows, pair = adaptation.apply(rows), adaptation.pair
        except AdaptationError:  # too few, or a model that was never measured on collections
            pass
    return (rows, *_guessed(rows)) if pair is None else (rows, pair.scale, pair.bias)


def _guessed(rows: Embeddings) -> tuple[float, float]:
    """Scale and bias for a model that nobody has calibrated, as if one pair in ten were probably the same.

    They decide only which pairs are asked about, which the weights make up for.
    """
    first, second = np.triu_indices(len(rows), 1)
    middle, high = np.quantile((rows @ rows.T)[first, second], (0.5, 0.9))
    scale = 4 / max(float(high - middle), 1e-3)
    return scale, -scale * float(high)


def _listed(images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Path]:
    if not isinstance(images, str | os.PathLike) and isinstance(images, Iterable):
        return [given_path(image, DatasetError) for image in images]
    folder = given_path(images, DatasetError)
    try:
        return sorted(Path(image.path) for image in walk(folder))
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed ({error.strerror})") from error
