"""Images in, a model file out: look, split, cache, train, export, calibrate, test."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from safetensors.torch import load_model

from samekind.errors import TrainingError
from samekind.evaluation.card_records import measurements
from samekind.model_file.card import Card
from samekind.model_file.file import ModelFile, SeenImages, write_model
from samekind.progress import Progress
from samekind.recognizer import Recognizer
from samekind.system.atomic import replacing
from samekind.training.batches.plan import BatchPlan
from samekind.training.batches.workers import worker_errors_named
from samekind.training.calibrate import calibrated_card
from samekind.training.images import RunImages
from samekind.training.loop.fit import fit
from samekind.training.network.export import export_checked, refuse_unexportable
from samekind.training.network.start import Start, starting_network
from samekind.training.recipe.sections import BUNDLED_BACKBONE
from samekind.training.run.environment import describe_environment
from samekind.training.run.folder import RunFolder
from samekind.training.run.processes import Machines, wait_for_first
from samekind.training.run.settings import RunSettings
from samekind.training.split import keep_split, read_split, split_images
from samekind.training.testing import measure_on, summary


def train(
    settings: RunSettings,
    run: RunFolder,
    images: RunImages,
    *,
    machines: Machines | None = None,
    report: Progress | None = None,
    note: Callable[[str], None] | None = None,
    measure: bool = True,
) -> Card:
    """Train on images and write a calibrated model file.

    The calibration and the operating points are fitted on images held out from training; the test part and the further
    test folders are only ever measured on, and the numbers go into the card.

    Args:
        settings: Recipe, start, and where to write.
        run: The folder of the run, for checkpoints and logs.
        images: What to split, and what to test on; with nothing to split, the run that is there goes on.
        machines: On what to train; None for all that is here.
        report: Called with (stage, done, total) in the long stages.
        note: Called with what a person should know, such as a file that was left out.
        measure: Whether to measure on the test images; without, the card has no metrics.

    Returns:
        The card as written.

    Raises:
        TrainingError: As ``fit``; a run is in that folder already (or, to resume, one with other images); torch cannot
            export the network, which is seen before it is trained; or the exported network disagrees with it.
        DatasetError: The images cannot be split, or a test folder holds training images.
        ImageError: An image can no longer be read.
    """
    is_new, tests = images.source is not None, dict(images.tests)
    if is_new:
        run.refuse_run()
    start = starting_network(settings.recipe, settings.init)

    # Look at all images, and split them.
    measured = tuple(tests.values())
    if images.source is None:
        parts = read_split(run, measured, on_progress=report)
    else:
        parts = split_images(images.source, settings.recipe, measured, on_progress=report)
    if note:
        for message in parts.notes:
            note(message)
    plan = BatchPlan.of(settings.recipe, parts, in_folders=settings.folder.is_dir())
    if is_new and settings.recipe.network.backbone != BUNDLED_BACKBONE:
        refuse_unexportable(start.network, settings.recipe.network.input_size)
    # Only now is there a run: who mends a setting that does not fit need not find another folder.
    if is_new:
        keep_split(parts, run)
        run.begin(settings, describe_environment())

    cache_and_fit(start, plan, run, settings.loggers, machines=machines, report=report)
    onnx_model = export_checked(start.network, plan.calibration.paths, settings.recipe.network.input_size)
    card = calibrated_card(settings, plan, start.weights, onnx_model, report)
    hashes = [parts.hashes[path] for images in (parts.train, parts.held_out) for path in images.paths]
    card = write_model(settings.output, onnx_model, card, hashes)

    # Test, once all is decided.
    results = {}
    if parts.test is not None:
        tests = {f"{settings.folder.name}/test": parts.test} | tests
    if measure and tests:
        model = Recognizer(ModelFile(card, onnx_model, SeenImages(hashes)))
        for name, tested in tests.items():
            results[name] = measure_on(name, model, tested, report)
            data, split = (settings.folder.name, "test") if tested is parts.test else (name, "")
            metrics = card.metrics + measurements(data, results[name], parts.held_out.classes, split=split)
            card = write_model(settings.output, onnx_model, card.model_copy(update={"metrics": metrics}), hashes)
    _tidy_up(settings.output, run, summary(card, str(settings.output), results))
    return card


def train_along(run: RunFolder, machines: Machines) -> None:
    """What a process of a run does that is not the first: it trains, and leaves all else to the first.

    Args:
        run: The folder of the run, which all processes see.
        machines: On what to train.
    """
    wait_for_first(run.ready)
    settings = run.read_settings()
    start = starting_network(settings.recipe, settings.init)
    plan = BatchPlan.of(settings.recipe, read_split(run), in_folders=settings.folder.is_dir())
    cache_and_fit(start, plan, run, settings.loggers, machines=machines)


def cache_and_fit(
    start: Start,
    plan: BatchPlan,
    run: RunFolder,
    loggers: Sequence[str],
    *,
    machines: Machines | None = None,
    report: Progress | None = None,
) -> None:
    """Cache the frozen stages' features and train behind them, or take the weights of a run that has trained already.

    Args:
        start: The network, which is trained in place.
        plan: What its batches are made of, and the recipe.
        run: The folder of the run.
        loggers: Besides the CSV file, by name.
        machines: On what to train; None for all that is here.
        report: Called with (stage, done, total).

    Raises:
        TrainingError: As ``fit``, or there is too little room.
        ImageError: An image can no longer be read.
    """
    if run.network.exists():  # only what comes after training is left to do
        load_model(start.network, run.network)
        return
    with _full_disk_named(run), worker_errors_named():
        data = plan.load(start.network.eval(), run, report)
        fit(start, plan, data, run, loggers, machines=machines, report=report)


@contextmanager
def _full_disk_named(run: RunFolder) -> Iterator[None]:
    """A full disk is named as such; what was written before stays."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise TrainingError(
            f"{run}: the disk is full. Make room and go on from the last checkpoint: --resume {run}"
        ) from error


def _tidy_up(output: Path, run: RunFolder, text: str) -> None:
    if run.model.resolve() != output.resolve():
        with replacing(run.model, own=True) as temporary:
            shutil.copyfile(output, temporary)
    with replacing(run.summary, own=True) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    shutil.rmtree(run.features, ignore_errors=True)
