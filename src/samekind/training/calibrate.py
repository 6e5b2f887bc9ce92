"""The card of a trained network, with its calibration fitted on held-out images."""

from __future__ import annotations

import datetime as dt
from importlib.metadata import version
from pathlib import Path

from samekind.fitting.cross_fit import fit_calibrations
from samekind.fitting.listed_pairs import calibration_of_answers
from samekind.inference.encoder import OnnxEncoder
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import PairCalibration, TrioCalibration
from samekind.model_file.card import FORMAT_VERSION, Card, Training
from samekind.progress import Progress
from samekind.system.hashing import split_digest
from samekind.training.batches.plan import BatchPlan
from samekind.training.network.start import StartingWeights
from samekind.training.run.settings import RunSettings
from samekind.training.split import Parts


def calibrated_card(
    settings: RunSettings,
    plan: BatchPlan,
    weights: StartingWeights,
    onnx_model: bytes,
    report: Progress | None = None,
) -> Card:
    """Embed the held-out images with the exported file itself, fit the calibration there, and say what the model is.

    Args:
        settings: What the run was started with.
        plan: Its images.
        weights: Where it started.
        onnx_model: The exported network.
        report: Called with (stage, done, total).

    Raises:
        DatasetError: There are too few held-out images.
    """
    recipe, parts, held_out, name = settings.recipe, plan.parts, plan.calibration, settings.output.stem
    embeddings = OnnxEncoder(onnx_model, name).encode(held_out.paths, on_progress=report, stage="calibrate")
    pair, trio = _fitted(settings.folder.name, plan, embeddings)
    # The groups of a list of answers are no classes that anybody knows.
    classes = parts.train.classes if parts.held_out_items is None else ()
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
            data=f"{settings.folder.name}: {len(parts.train)} images of {_kinds(parts)}",
            classes=classes,
            images=len(parts.train),
            digest=split_digest(parts.hashes[path] for path in parts.train.paths),
            objective=" + ".join(
                objective.loss if objective.weight == 1 else f"{objective.weight:g} × {objective.loss}"
                for objective in recipe.objectives
            ),
            init=Path(settings.init).name,
            pretraining=weights.pretraining,
            recipe=recipe.model_dump(mode="json"),
            init_tag=weights.tag,
            init_licence=weights.licence,
        ),
        licence=settings.licence,
        created=dt.datetime.now(dt.UTC).date().isoformat(),
        samekind_version=version("samekind"),
    )


def _fitted(data: str, plan: BatchPlan, embeddings: Embeddings) -> tuple[PairCalibration, TrioCalibration | None]:
    parts, held_out, items = plan.parts, plan.calibration, plan.parts.held_out_items
    if items is not None:
        same = held_out.labels[items[:, 0]] == held_out.labels[items[:, 1]]
        source = f"{len(items)} pairs of {data} that a person answered, held out from those trained on"
        return calibration_of_answers(embeddings, items, same, source), None
    source = f"{len(held_out)} images of {data}, held out from its training images"
    if not set(held_out.classes) & set(parts.train.classes):
        source += "; none of their classes was trained on"
    return fit_calibrations(embeddings, held_out.labels, [parts.hashes[path] for path in held_out.paths], source)


def _kinds(parts: Parts) -> str:
    if parts.items is not None and parts.held_out_items is not None:
        return f"{len(parts.items)} pairs that a person answered"
    return f"{len(parts.train.classes)} classes"
