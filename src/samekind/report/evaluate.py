"""How often a model is right on your labelled images, as a report."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from samekind.datasets.checking.near_copies import MOST_IMAGES as MOST_COMPARED
from samekind.datasets.checking.near_copies import can_compare, copied_among
from samekind.datasets.dataset import read_dataset, read_test_images
from samekind.datasets.folders import LabelledImages
from samekind.errors import DatasetError
from samekind.evaluation.listed_items import ListedItems, read_pairs, read_trios
from samekind.evaluation.measure import MOST_IMAGES, RESAMPLES, TRIO_COUNT, measure
from samekind.progress import Progress
from samekind.recognizer import Recognizer, load
from samekind.report.build import build_report
from samekind.report.schema.contents import Report
from samekind.system.paths import given_path

Source = str | os.PathLike[str]


def evaluate(
    model: Recognizer | Source,
    images: LabelledImages | Source | None = None,
    *,
    pairs: ListedItems | Source | None = None,
    trios: ListedItems | Source | None = None,
    compare: Recognizer | Source | None = None,
    training: LabelledImages | Source | None = None,
    classes_seen: Collection[str] | None = None,
    exclude: Sequence[str] = (),
    trio_count: int = TRIO_COUNT,
    most_images: int = MOST_IMAGES,
    resamples: int = RESAMPLES,
    seed: int = 0,
    providers: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Measure a model's verdicts on labelled images or listed items, each number with its 95 % interval.

    Thresholds and probabilities are used as the model's card gives them; nothing is fitted on these images, and images
    that had a part in the model's training or calibration are refused.

    Args:
        model: A loaded model, the name of one that comes with samekind, or the path of a model file.
        images: Class folders, or a CSV manifest; of a folder with ``train`` and ``val``, ``val`` is used. None if there
            are lists only.
        pairs: A CSV list of pairs (first, second, same) to judge rather than all pairs of the images.
        trios: A CSV list of trios (first, second, third, same) to judge rather than a sample.
        compare: Another model, to be measured on the same items; differences come with their paired intervals.
        training: The images that the model was trained on; the report says how many of ``images`` have a copy, near or
            exact, among them. None takes the train part beside the images, where these are given as one data set. Needs
            OpenCV, from the extra ``gallery``.
        classes_seen: The names of the classes that the model was trained on; None believes its card.
        exclude: Patterns in gitignore's form of what to pass over in folders.
        trio_count: How many balanced trios to draw.
        most_images: All pairs are judged of at most so many images.
        resamples: How many bootstrap resamples are behind each interval.
        seed: Decides the samples.
        providers: ONNX Runtime execution providers for models that are given by name or path.
        on_progress: Called with (stage, done, total).

    Returns:
        The report; ``Report.save`` writes it as a page with figures.

    Raises:
        DatasetError: There is nothing to measure on, a list or folder cannot be read, there is one class only, a class
            has fewer than two different readable images, an image had a part in a model's training or calibration, or
            a list's items all have one answer.
        ModelFileError: There is no such model, or it cannot be used.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from PIL import Image
        >>> rng = np.random.default_rng(0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        ...         Path(folder, name).mkdir()
        ...         for i in range(4):
        ...             pixels = np.clip(rng.normal(colour, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
        ...             Image.fromarray(pixels).save(Path(folder, name, f"{i}.png"))
        ...     report = evaluate("general", folder, resamples=10)
        >>> report.images, report.groups["unseen"].pairs.counts
        (8, {'genuine': 12, 'impostor': 16})
    """
    found = (
        images if isinstance(images, LabelledImages) or images is None else read_test_images(images, exclude=exclude)
    )
    listed_pairs, listed_trios = (
        items if isinstance(items, ListedItems) or items is None else read(given_path(items, DatasetError))
        for items, read in ((pairs, read_pairs), (trios, read_trios))
    )
    this = model if isinstance(model, Recognizer) else load(model, providers=providers)
    other = compare if isinstance(compare, Recognizer) or compare is None else load(compare, providers=providers)
    result = measure(
        this,
        found,
        pairs=listed_pairs,
        trios=listed_trios,
        compare=other,
        classes_seen=classes_seen,
        trio_count=trio_count,
        most_images=most_images,
        resamples=resamples,
        seed=seed,
        on_progress=on_progress,
    )
    report = build_report(result)
    trained_on = training_part(images, exclude) if training is None else training
    if found is not None and trained_on is not None:
        report = report.model_copy(update={"notes": (*report.notes, _copied(found, trained_on, exclude, on_progress))})
    report._explain = this.explain
    return report


def training_part(images: LabelledImages | Source | None, exclude: Sequence[str] = ()) -> LabelledImages | None:
    """The images to train on that lie beside those to test on; None where there are none of either."""
    if images is None or isinstance(images, LabelledImages):
        return None
    try:
        dataset = read_dataset(images, same_classes=False, usable=False, exclude=exclude)
    except DatasetError:  # a list of test images only
        return None
    return None if dataset.test is None else dataset.train


def _copied(
    images: LabelledImages, training: LabelledImages | Source, exclude: Sequence[str], on_progress: Progress | None
) -> str:
    """How many images have a copy among those trained on, in words."""
    others = (
        training
        if isinstance(training, LabelledImages)
        else read_dataset(training, usable=False, exclude=exclude).train
    )
    if not can_compare():
        return "Copies among the training images were not looked for: pip install 'samekind[gallery]'."
    if len(images) + len(others) > MOST_COMPARED:
        return f"Copies among the training images were not looked for: there are more than {MOST_COMPARED:,} images."
    report = (lambda done, total: on_progress("copies", done, total)) if on_progress else None
    found = copied_among(images.paths, others.paths, report)
    named = f", such as {found[0]}" if found else ""
    return (
        f"Of {len(images):,} images, {len(found):,} have a copy, near or exact, among the {len(others):,} images of "
        f"{others.root}{named}."
    )
