"""A folder in, a model file out: split, fit, export, check, calibrate, test, write."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from samekind.atomic import replacing
from samekind.card import FORMAT_VERSION, Card, Measurement, Training
from samekind.datasets.dataset import read_test_images
from samekind.datasets.folders import LabelledImages
from samekind.datasets.splits import refuse_shared_images, split_digest
from samekind.encoder import OnnxEncoder
from samekind.errors import TrainingError
from samekind.evaluation.cross_fit import fit_links
from samekind.evaluation.protocol import Evaluation, Report, evaluate
from samekind.images import load_image
from samekind.model_file import read_model, write_model
from samekind.recognizer import Recognizer
from samekind.training.export import PARITY_TOLERANCE, export_onnx, parity, round_to_float16, store_as_float16
from samekind.training.fit import Fitted, Machines, fit
from samekind.training.prepare import Parts, keep, prepare, read_kept
from samekind.training.processes import wait_for_first
from samekind.training.recipe import Recipe
from samekind.training.run import RunSettings, read_run, refuse_run, start_run
from samekind.training.start import begin

_PARITY_IMAGES = 16


def train(
    settings: RunSettings,
    run: Path,
    *,
    resume: bool = False,
    machines: Machines | None = None,
    report: Report | None = None,
    note: Callable[[str], None] | None = None,
    measure: bool = True,
) -> Card:
    """Train on a folder and write a calibrated model file.

    The links and operating points are fitted on images held out from training; the test part and the further test
    folders are only ever measured on, and the numbers go into the card.

    Args:
        settings: Images, recipe, start, and where to write.
        run: The folder of the run, for checkpoints and logs.
        resume: Go on with the run that is there, from its last checkpoint.
        machines: On what to train; None for all that is here.
        report: Called with (stage, done, total) in the long stages.
        note: Called with what a person should know, such as a file that was left out.
        measure: Whether to measure on the test images; without, the card has no metrics.

    Returns:
        The card as written.

    Raises:
        TrainingError: As ``fit``; a run is in that folder already (or, to resume, one with other images); or torch and
            ONNX Runtime disagree on the exported network.
        DatasetError: A folder cannot be used, or a test folder holds training images.
        ImageError: An image can no longer be read.
    """
    if not resume:
        refuse_run(run)
    # A typing mistake in a test folder shows now, not after hours.
    further: dict[str, LabelledImages] = {}
    for path in settings.tests:
        short = f"{path.parent.name}/{path.name}"
        further[str(path) if short in further else short] = read_test_images(path)
    looked_at = (lambda done, total: report("look at the images", done, total)) if report else None
    if resume:
        parts = read_kept(run, on_progress=looked_at)
    else:
        parts = prepare(settings.folder, settings.recipe, on_progress=looked_at)
    if note:
        for message in parts.notes:
            note(message)
    tests = further if parts.test is None else {f"{settings.folder.name}/test": parts.test} | further
    for images in further.values():
        refuse_shared_images(parts.train, images, parts.hashes)
        refuse_shared_images(parts.held_out, images, parts.hashes)
    # Before there is a run: who mends a setting that does not fit need not find another folder.
    start = begin(settings, parts)
    if not resume:
        keep(parts, run)
        start_run(run, settings)  # last, for it makes the folder a run
    fitted = fit(settings, parts, run, start=start, machines=machines, report=report)
    round_to_float16(fitted.network)
    model = export_onnx(fitted.network, settings.recipe.network.input_size)
    store_as_float16(model)
    onnx_model = model.SerializeToString()
    _check_parity(fitted, settings.recipe, onnx_model)
    card = _calibrated_card(settings, parts, fitted, onnx_model, report)
    hashes = [parts.hashes[path] for images in (parts.train, parts.held_out) for path in images.paths]
    card = write_model(settings.output, onnx_model, card, hashes)
    for name, images in tests.items() if measure else ():
        recognizer = Recognizer(read_model(settings.output))
        result = evaluate(recognizer, images, report=_within(report, f"test on {name}"))
        metrics = card.metrics | measurements(name, result, parts.held_out.classes)
        card = card.model_copy(update={"metrics": metrics})
        card = write_model(settings.output, onnx_model, card, hashes)
    kept = run / "model.onnx"
    if kept.resolve() != settings.output.resolve():
        with replacing(kept) as temporary:
            shutil.copyfile(settings.output, temporary)
    shutil.rmtree(run / "features", ignore_errors=True)
    return card


def train_along(run: Path, machines: Machines) -> None:
    """What a process of a run does that is not the first: it trains, and leaves all else to the first.

    Args:
        run: The folder of the run, which all processes see.
        machines: On what to train.
    """
    wait_for_first(run)
    settings = read_run(run)
    fit(settings, read_kept(run), run, machines=machines)


def _check_parity(fitted: Fitted, recipe: Recipe, onnx_model: bytes) -> None:
    paths = fitted.calibration.paths[:: max(1, len(fitted.calibration) // _PARITY_IMAGES)]
    pixels = np.stack([load_image(path, recipe.network.input_size) for path in paths])
    difference = parity(fitted.network, onnx_model, pixels)
    if not difference <= PARITY_TOLERANCE:
        raise TrainingError(
            f"the exported network's embeddings differ from torch's by {difference:.2g} "
            f"(at most {PARITY_TOLERANCE:g} is allowed); no model file was written"
        )


def _calibrated_card(
    settings: RunSettings, parts: Parts, fitted: Fitted, onnx_model: bytes, report: Report | None
) -> Card:
    recipe, held_out, name = settings.recipe, fitted.calibration, settings.output.stem
    embeddings = OnnxEncoder(onnx_model, name).encode(held_out.paths, on_progress=report, stage="calibrate")
    source = f"{len(held_out)} images of {settings.folder.name}, held out from its training images"
    if not set(held_out.classes) & set(parts.train.classes):
        source += "; none of their classes was trained on"
    pair, trio = fit_links(embeddings, held_out.labels, [parts.hashes[path] for path in held_out.paths], source)
    return Card(
        format_version=FORMAT_VERSION,
        name=name,
        backbone=recipe.network.backbone,
        input_size=recipe.network.input_size,
        resize="squash",
        dimension=recipe.network.dimension,
        pair=pair,
        trio=trio,
        training=Training(
            data=f"{settings.folder.name}: {len(parts.train)} images of {len(parts.train.classes)} classes",
            classes=parts.train.classes,
            images=len(parts.train),
            digest=_digest(parts.train, parts),
            objective=" + ".join(
                objective.loss if objective.weight == 1 else f"{objective.weight:g} × {objective.loss}"
                for objective in recipe.objectives
            ),
            init=Path(settings.init).name,
            pretraining=fitted.pretraining,
            recipe=recipe.model_dump(mode="json"),
        ),
        licence=settings.licence,
        created=dt.datetime.now(dt.UTC).date().isoformat(),
        samekind_version=version("samekind"),
    )


def _digest(images: LabelledImages, parts: Parts) -> str:
    return split_digest(parts.hashes[path] for path in images.paths)


def measurements(name: str, result: Evaluation, calibrated_on: tuple[str, ...]) -> dict[str, dict[str, Measurement]]:
    """What a card says of an evaluation.

    Args:
        name: Of the test data.
        result: What was measured.
        calibrated_on: The classes that the links were fitted on.

    Returns:
        By data and group of classes: all, and where there are both, those seen in training and the others apart.
    """
    found = {}
    kinds = {"all": f"{len(result.classes_seen)} of {len(result.classes)} classes seen in training"}
    unseen = set(result.classes) - set(result.classes_seen)
    from_thresholds = " that the thresholds were fitted on" if unseen & set(calibrated_on) else ""
    of_all = "classes seen in training" if "all" in result.judged.groups else kinds["all"]
    kinds |= {"seen": of_all, "unseen": f"unseen classes{from_thresholds}"}
    for part, group in result.judged.groups.items():
        tasks = {"pairs": group.pairs and group.pairs.metrics, "trios": group.trios and group.trios.metrics}
        measured = {
            f"{task}: {metric}": drawn.estimate()
            for task, metrics in (tasks | {"retrieval": group.retrieval}).items()
            for metric, drawn in (metrics or {}).items()
        }
        found[f"{name} ({kinds[part]})"] = {
            metric: Measurement(value=e.value, low=e.low, high=e.high) for metric, e in measured.items()
        }
    return found


def _within(report: Report | None, stage: str) -> Report | None:
    return (lambda part, done, total: report(f"{stage}: {part}", done, total)) if report else None
