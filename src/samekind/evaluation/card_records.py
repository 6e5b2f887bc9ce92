"""What a card says of an evaluation."""

from __future__ import annotations

from samekind.evaluation.results import Evaluation
from samekind.model_file.card import Measurement


def measurements(
    data: str, result: Evaluation, calibrated_on: tuple[str, ...] = (), *, split: str = ""
) -> tuple[Measurement, ...]:
    """The records of all that was measured, of each group of classes apart.

    Args:
        data: The name of the test data.
        result: What was measured.
        calibrated_on: The classes that the calibrations were fitted on.
        split: The part of the data that was measured on, such as ``test``; empty where there are no parts.
    """
    groups = result.judged.groups
    unseen = set(result.classes) - set(result.classes_seen)
    of_all = f"{len(result.classes_seen)} of {len(result.classes)} classes seen in training"
    notes = {
        "all": of_all,
        "seen": "classes seen in training" if "all" in groups else of_all,
        "unseen": "unseen classes"
        + (" that the thresholds were fitted on" if unseen & set(calibrated_on) else ""),
        "listed": "listed items",
    }  # fmt: skip
    found = []
    for group in groups.values():
        for task, metrics in group.measured.items():
            for metric, drawn in metrics.items():
                e = drawn.estimate()
                found.append(
                    Measurement(
                        data=data, split=split, group=group.name, note=notes[group.name], task=task,
                        metric=metric.key, label=metric.label, value=e.value, low=e.low, high=e.high,
                    )
                )  # fmt: skip
    return tuple(found)
