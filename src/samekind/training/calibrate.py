"""The card of a trained network, with its calibration fitted on held-out images."""

from __future__ import annotations

import datetime as dt
from importlib.metadata import version
from pathlib import Path

from samekind.fitting.cross_fit import fit_calibrations
from samekind.inference.encoder import OnnxEncoder
from samekind.model_file.card import FORMAT_VERSION, Card, Training
from samekind.progress import Progress
from samekind.system.hashing import split_digest
from samekind.training.batches.plan import BatchPlan
from samekind.training.network.start import StartingWeights
from samekind.training.run.settings import RunSettings


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
    source = f"{len(held_out)} images of {settings.folder.name}, held out from its training images"
    if not set(held_out.classes) & set(parts.train.classes):
        source += "; none of their classes was trained on"
    pair, trio = fit_calibrations(embeddings, held_out.labels, [parts.hashes[path] for path in held_out.paths], source)
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
