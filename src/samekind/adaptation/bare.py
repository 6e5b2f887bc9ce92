"""The model as it was before it was adapted."""

from __future__ import annotations

from samekind.adaptation.graph import unfold
from samekind.model_file.file import ModelFile


def bare_model(model: ModelFile) -> ModelFile:
    """A model that gives bare embeddings again, to adapt it to other pictures; one that is not adapted as it is.

    What similarities meant to the bare model is not kept by an adapted one, so its calibration here is still that of
    the collection.
    """
    adapted = model.card.adapted
    if adapted is None:
        return model
    card = model.card.model_copy(update={"adapted": None, "fingerprint": adapted.network})
    return ModelFile(card, unfold(model.data, model.card.name), model.seen_images)
