"""A folder in, a model file out: fit, export, check, calibrate, test, write."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from samekind.card import FORMAT_VERSION, Card, Measurement, Training
from samekind.datasets.folders import LabelledImages, read_class_folders, read_train_and_test
from samekind.datasets.splits import content_hash, refuse_shared_images, split_digest
from samekind.encoder import OnnxEncoder
from samekind.errors import TrainingError
from samekind.evaluation.links import fit_pair_link, fit_trio_link
from samekind.evaluation.protocol import Evaluation, evaluate
from samekind.images import load_image
from samekind.model_file import read_model, write_model
from samekind.recognizer import Recognizer
from samekind.training.export import PARITY_TOLERANCE, export_onnx, parity, round_to_float16, store_as_float16
from samekind.training.fit import Fitted, fit
from samekind.training.recipe import Recipe
from samekind.training.run import RunSettings, check_same_images, refuse_run, start_run

Report = Callable[[str, int, int], None]

_PARITY_IMAGES = 16


def train(settings: RunSettings, run: Path, *, resume: bool = False, report: Report | None = None) -> Card:
    """Train on a folder and write a calibrated model file.

    The links and operating points are fitted on images held out from the training part of the folder; its test part
    (``val``) and the further test folders are only ever measured on, and the numbers go into the card.

    Args:
        settings: Images, recipe, start, and where to write.
        run: The folder of the run, for checkpoints and logs.
        resume: Go on with the run that is there, from its last checkpoint.
        report: Called with (stage, done, total) in the long stages.

    Returns:
        The card as written.

    Raises:
        TrainingError: As ``fit``; a run is in that folder already (or, to resume, one with other images); or torch and
            ONNX Runtime disagree on the exported network.
        DatasetError: A folder cannot be used, or a test folder holds training images.
        ImageError: An image cannot be read.
    """
    if not resume:
        refuse_run(run)
    images, test = read_train_and_test(settings.folder)
    # A typing mistake in a test folder shows now, not after hours.
    tests = [*([test] if test else []), *(read_class_folders(path) for path in settings.tests)]
    for part in tests:
        refuse_shared_images(images, part)
    hashes = [content_hash(path) for path in images.paths]
    # With the classes: an image that changed its class would change the split.
    labelled = split_digest(f"{images.classes[i]} {file}" for i, file in zip(images.labels, hashes, strict=True))
    if resume:
        check_same_images(run, labelled)
    else:
        start_run(run, settings, labelled)
    fitted = fit(images, settings.recipe, settings.init, run, report=report)
    round_to_float16(fitted.network)
    model = export_onnx(fitted.network, settings.recipe.input_size)
    store_as_float16(model)
    onnx_model = model.SerializeToString()
    _check_parity(fitted, settings.recipe, onnx_model)
    card = _calibrated_card(settings, fitted, onnx_model, report)
    card = write_model(settings.output, onnx_model, card, hashes)
    for part in tests:
        recognizer = Recognizer(read_model(settings.output))
        result = evaluate(recognizer, part, on_progress=_on(report, f"test on {part.root}", len(part)))
        card = card.model_copy(update={"metrics": card.metrics | _measurements(result)})
        card = write_model(settings.output, onnx_model, card, hashes)
    shutil.rmtree(run / "features", ignore_errors=True)
    return card


def _check_parity(fitted: Fitted, recipe: Recipe, onnx_model: bytes) -> None:
    paths = fitted.held_out.paths[:: max(1, len(fitted.held_out) // _PARITY_IMAGES)]
    pixels = np.stack([load_image(path, recipe.input_size) for path in paths])
    difference = parity(fitted.network, onnx_model, pixels)
    if not difference <= PARITY_TOLERANCE:
        raise TrainingError(
            f"the exported network's embeddings differ from torch's by {difference:.2g} "
            f"(at most {PARITY_TOLERANCE:g} is allowed); no model file was written"
        )


def _calibrated_card(settings: RunSettings, fitted: Fitted, onnx_model: bytes, report: Report | None) -> Card:
    recipe, held_out, name = settings.recipe, fitted.held_out, settings.output.stem
    embeddings = OnnxEncoder(onnx_model, name).encode(
        held_out.paths, on_progress=_on(report, "calibrate", len(held_out))
    )
    source = f"{len(held_out)} images of {settings.folder.name}, held out from its training images"
    return Card(
        format_version=FORMAT_VERSION,
        name=name,
        backbone=recipe.backbone,
        input_size=recipe.input_size,
        resize="squash",
        dimension=recipe.dimension,
        pair=fit_pair_link(embeddings, held_out.labels, source),
        trio=fit_trio_link(embeddings, held_out.labels, source),
        training=Training(
            data=f"{settings.folder.name}: {len(fitted.train)} images of {len(fitted.train.classes)} classes",
            classes=fitted.train.classes,
            images=len(fitted.train),
            digest=_digest(fitted.train),
            objective=recipe.objective,
            init=Path(settings.init).name,
            pretraining=fitted.pretraining,
            recipe=recipe.model_dump(),
        ),
        licence=settings.licence,
        created=dt.datetime.now(dt.UTC).date().isoformat(),
        samekind_version=version("samekind"),
    )


def _digest(images: LabelledImages) -> str:
    return split_digest(content_hash(path) for path in images.paths)


def _measurements(result: Evaluation) -> dict[str, dict[str, Measurement]]:
    seen = len(result.classes_seen)
    kind = "unseen classes" if seen == 0 else f"{seen} of {result.classes} classes seen in training"
    where = f"{Path(result.data).parent.name}/{Path(result.data).name} ({kind})"
    estimates = {f"pairs: {name}": value for name, value in result.pair_metrics.items()}
    estimates |= {f"trios: {name}": value for name, value in result.trio_metrics.items()}
    return {where: {k: Measurement(value=e.value, low=e.low, high=e.high) for k, e in estimates.items()}}


def _on(report: Report | None, stage: str, total: int) -> Callable[[int], None] | None:
    return (lambda done: report(stage, done, total)) if report else None
