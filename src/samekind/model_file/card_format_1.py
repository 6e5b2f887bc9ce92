"""Reading the cards of format 1, whose metrics were named by English prose."""

from __future__ import annotations

import re

from pydantic import BaseModel, Field
from pydantic_core import from_json, to_json

# Keys of format 2 by the labels of format 1; ``{}`` is what the label says in that place.
_KEYS = (
    (r"AUC", "auc"),
    (r"EER", "eer"),
    (r"ECE", "ece"),
    (r"Brier", "brier"),
    (r"log loss", "log_loss"),
    (r"R-precision", "r_precision"),
    (r"MAP@R", "map@r"),
    (r"(recall@\d+)", "{}"),
    (r"accuracy on (.+)", "accuracy@kind={}"),
    (r"false alarms on (.+)", "false_alarms@kind={}"),
    (r"accuracy at (.+)", "accuracy@{}"),
    (r"precision at (.+)", "precision@{}"),
    (r"FAR at (.+)", "far@{}"),
)
_BEFORE = " before the link"
_TASKS = ("pairs", "trios", "retrieval")
_SPLITS = ("train", "val", "valid", "validation", "test")


class _Value(BaseModel):
    value: float
    low: float
    high: float


class _Metrics(BaseModel):
    """The one part of a card of format 1 that is read otherwise."""

    metrics: dict[str, dict[str, _Value]] = Field(default_factory=dict)


def upgraded(text: str) -> str:
    """The text of a card of format 1 as one of format 2.

    Raises:
        ValueError: Its metrics are broken (pydantic's ``ValidationError``), or it is no JSON.
    """
    measured = _Metrics.model_validate_json(text).metrics
    records = [
        _place(data) | _metric(name) | {end: getattr(found, end) for end in ("value", "low", "high")}
        for data, metrics in measured.items()
        for name, found in metrics.items()
    ]
    return to_json(from_json(text) | {"format_version": 2, "metrics": records}, inf_nan_mode="strings").decode()


def _place(data: str) -> dict[str, str]:
    """Data set, split and group of ``photos/val (5 of 10 classes seen in training)``."""
    name, _, note = data.partition(" (")
    note = note.removesuffix(")")
    folder, _, last = name.rpartition("/")
    data, split = (folder, last) if folder and last in _SPLITS else (name, "")
    return {"data": data, "split": split, "group": _group(note), "note": note}


def _group(note: str) -> str:
    if counted := re.match(r"(\d+) of (\d+) classes seen", note):
        return "seen" if counted[1] == counted[2] else "all"
    return next((group for word, group in (("unseen ", "unseen"), ("classes seen", "seen")) if word in note), "all")


def _metric(name: str) -> dict[str, str]:
    """Task, key and label of ``pairs: FAR at balanced``."""
    task, colon, label = name.partition(": ")
    if not colon or task not in _TASKS:
        task, label = "retrieval" if "@" in name or name == "R-precision" else "pairs", name
    return {"task": task, "metric": _key(label), "label": label.replace(_BEFORE, " before calibration")}


def _key(label: str) -> str:
    if (plain := label.removeprefix("naive rule: ")) != label:
        return f"naive.{_key(plain)}"
    if (plain := label.removesuffix(_BEFORE)) != label:
        return f"uncalibrated.{_key(plain)}"
    if at_far := re.fullmatch(r"TAR at FAR ([\d.]+)%", label):
        return f"tar@far={float(at_far[1]) / 100:g}"
    for pattern, key in (*_KEYS, (r"TAR at (.+)", "tar@{}")):
        if found := re.fullmatch(pattern, label):
            return key.format(*found.groups())
    return label
