"""Training from Python: what ``samekind.train`` and the command call. Importing it needs no torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from samekind.errors import DatasetError, TrainingError
from samekind.progress import Progress
from samekind.system.paths import given_path
from samekind.training.images import RunImages, list_images
from samekind.training.recipe import read_recipe, show_recipe
from samekind.training.recipe.reading import RecipeSource
from samekind.training.run.folder import RunFolder
from samekind.training.run.preflight import preflight, refuse_missing_extra
from samekind.training.run.processes import Machines, is_first
from samekind.training.run.settings import RunSettings

if TYPE_CHECKING:
    from samekind.recognizer import Recognizer

PathLike = str | os.PathLike[str]

__all__ = ["read_recipe", "read_summary", "resume", "show_recipe", "train"]


def train(
    images: PathLike,
    output: PathLike,
    *,
    recipe: RecipeSource = "default",
    changes: Iterable[str] = (),
    init: PathLike = "imagenet",
    tests: Iterable[PathLike] = (),
    holdout_classes: int | None = None,
    exclude: Iterable[str] = (),
    licence: str = "unspecified",
    run: PathLike | None = None,
    devices: int = 0,
    num_nodes: int = 1,
    loggers: Sequence[str] = ("tensorboard",),
    on_progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> Recognizer:
    """Train a Siamese network on labelled images and write a calibrated model file.

    A part of the images is held out; the probability and the thresholds are fitted there, never on training images.
    What can be refused by names and settings alone is refused within a second or so.

    In a run of several processes (``devices``, or a launcher) the others run the same script up to this call; they
    train along in it, and end there.

    Args:
        images: Class folders; or ``train`` and ``val`` with class folders in each, of which ``val`` is only tested on;
            or a CSV manifest; or a CSV list of pairs that a person answered (first, second, same), for the recipe
            ``answers``.
        output: The model file to write; its stem names the model.
        recipe: ``default``, ``general`` (for kinds that are not trained on), ``pairs``, ``triplets``, ``answers``
            (for answered pairs); the path of a TOML file; a ``Recipe``; or a dictionary of what differs from the
            default.
        changes: More changes as text, such as ``optimizer.lr=1e-3``.
        init: Where the weights start: ``imagenet`` (timm's pretrained weights, downloaded), ``bundled`` (weights that
            come with samekind), ``scratch``, a ``.safetensors`` file with timm's names, or a samekind model file.
        tests: More class folders or manifests to test on.
        holdout_classes: Fit the probability and the thresholds on so many classes that are not trained on.
        exclude: Patterns in gitignore's form of what to pass over in all these folders.
        licence: The licence of the weights, for the card.
        run: The folder of the run, for checkpoints, logs and the cache; None for ``runs/NAME``.
        devices: GPUs (or processes on the CPU) on each machine; 0 for all GPUs, else one.
        num_nodes: Machines, which must share the run folder.
        loggers: ``tensorboard``, ``wandb``; ``logs/metrics.csv`` is always written.
        on_progress: Called with (stage, done, total).
        note: Called with what a person should know, such as a file that was left out.

    Returns:
        The model, as it was written.

    Raises:
        TrainingError: The settings do not fit, a run is in that folder already, the weights cannot be had, the loss is
            no number, or the embeddings have collapsed.
        DatasetError: The images or a test folder cannot be used.
        ImageError: An image can no longer be read.
        MissingExtraError: The extra ``train`` is not installed.
        KeyboardInterrupt: Somebody pressed Ctrl-C; all work is saved, and the message says how to go on.

    Example:
        >>> samekind.train("photos", "photos.onnx", init="bundled", recipe={"epochs": 5})  # doctest: +SKIP
    """
    refuse_missing_extra()
    held_out = [] if holdout_classes is None else [f"holdout.classes={holdout_classes}"]
    settings = RunSettings(
        folder=given_path(images, DatasetError),
        output=given_path(output, TrainingError),
        recipe=read_recipe(recipe, [*changes, *held_out]),
        init=os.fspath(init),
        tests=tuple(given_path(test, DatasetError) for test in tests),
        exclude=tuple(exclude),
        licence=licence,
        loggers=tuple(loggers),
    )
    folder = _folder(run, output)
    listed = preflight(settings, folder) if is_first() else None
    return _train(settings, folder, listed, Machines(devices, num_nodes), on_progress=on_progress, note=note)


def resume(
    run: PathLike,
    *,
    devices: int = 0,
    num_nodes: int = 1,
    on_progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> Recognizer:
    """Go on with a run from its last checkpoint, with the settings that it was started with.

    On a CPU, with the same number of threads, it ends with the same weights as one that was never stopped.

    Args:
        run: The folder of the run; it may have been moved together with its images.
        devices: As ``train``.
        num_nodes: As ``train``.
        on_progress: As ``train``.
        note: As ``train``.

    Raises:
        TrainingError: There is no run, its images have changed, or as ``train``.
    """
    refuse_missing_extra()
    folder = RunFolder(given_path(run, TrainingError))
    settings = folder.read_settings()
    listed = list_images(settings, resume=True) if is_first() else None
    return _train(settings, folder, listed, Machines(devices, num_nodes), on_progress=on_progress, note=note)


def read_summary(run: PathLike | None, output: PathLike | None = None) -> str:
    """What came out of a finished run, in words: accuracy on test images, the worst classes, what to do next.

    Args:
        run: The folder of the run; None for that of ``train`` without one.
        output: The model file, where no run is named.
    """
    return _folder(run, output).summary.read_text(encoding="utf-8")


def _folder(run: PathLike | None, output: PathLike | None = None) -> RunFolder:
    return RunFolder(Path("runs") / Path(output or "").stem if run is None else given_path(run, TrainingError))


def _train(
    settings: RunSettings,
    folder: RunFolder,
    images: RunImages | None,
    machines: Machines,
    *,
    on_progress: Progress | None,
    note: Callable[[str], None] | None,
) -> Recognizer:
    # What is refused before this needs neither torch, which takes seconds to import, nor a model.
    from samekind.recognizer import load  # noqa: PLC0415
    from samekind.training import train as spine  # noqa: PLC0415

    if images is None:
        spine.train_along(folder, machines)
        raise SystemExit(0)
    try:
        spine.train(settings, folder, images, machines=machines, report=on_progress, note=note)
    except KeyboardInterrupt:
        if not folder.has_begun:
            raise
        raise KeyboardInterrupt(f"Go on with: samekind train --resume {folder}") from None
    return load(settings.output)
