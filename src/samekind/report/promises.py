"""What a model's card promises at each operating point, beside what was measured here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from samekind.evaluation.metrics.metric import far_at, tar_at
from samekind.evaluation.resampling.intervals import Estimate
from samekind.evaluation.results import ModelResult, TaskResult
from samekind.model_file.calibration import DEFAULT_OPERATING_POINT, PairCalibration, TrioCalibration
from samekind.model_file.card import Card
from samekind.report.numbers import number
from samekind.report.schema.parts import Promise

# A promised rate holds where the measured one is between a half of it and twice as much.
WITHIN_TIMES = 2.0
_WRONG = {
    "pairs": "pairs of different kinds are taken for the same",
    "trios": "trios of three different kinds are said to hold two of a kind",
}


@dataclass(frozen=True)
class TaskPromises:
    """The promises for pairs, or for trios.

    Attributes:
        measured_on: The pictures that they were measured on, in words.
        groups: By the name of the group of images, and of the operating point.
    """

    measured_on: str
    groups: dict[str, dict[str, Promise]]


Promises: TypeAlias = Mapping[str, TaskPromises]


def promises_of(result: ModelResult) -> Promises:
    """Promised and measured rates of each group, for ``pairs`` and ``trios``; no groups for what was not measured."""
    groups = result.groups.values()
    return {
        "pairs": _of_task(result.card.pair, ((group.name, group.pairs) for group in groups)),
        "trios": _of_task(result.card.trio, ((group.name, group.trios) for group in groups)),
    }


def _of_task(
    calibration: PairCalibration | TrioCalibration | None, groups: Iterable[tuple[str, TaskResult | None]]
) -> TaskPromises:
    if calibration is None:
        return TaskPromises("", {})
    found = {}
    for group, task in groups:
        if task:
            found[group] = {name: _promise(calibration, name, task) for name in calibration.operating_points}
    return TaskPromises(calibration.measured_on.kind_of_pictures, found)


def _promise(calibration: PairCalibration | TrioCalibration, name: str, task: TaskResult) -> Promise:
    point = calibration.operating_points[name]
    far, tar = task.metrics[far_at(name)].estimate(), task.metrics[tar_at(name)].estimate()
    return Promise(
        far=point.far,
        tar=point.tar,
        measured_far=number(far),
        measured_tar=number(tar),
        held=held(point.far, far),
    )


def held(promised: float, measured: Estimate) -> Literal["kept", "higher", "lower", "unclear"]:
    """Whether a measured rate keeps a promise.

    Example:
        >>> [held(0.04, Estimate(*rate)) for rate in ((0.05, 0.03, 0.09), (0.5, 0.4, 0.6), (0.0, 0.0, 0.1))]
        ['kept', 'higher', 'unclear']
    """
    least, most = promised / WITHIN_TIMES, promised * WITHIN_TIMES
    if least <= measured.value <= most:
        return "kept"
    if measured.low > most:
        return "higher"
    return "lower" if measured.high < least else "unclear"


def broken_promises(promises: Promises, card: Card) -> list[str]:
    """A sentence for pairs and one for trios whose FAR is clearly not what the card promises, at ``balanced``.

    They are about all of the images, the first of the groups. Where ``balanced`` keeps its promise, the sentence is
    about the first operating point that does not.
    """
    told = []
    for task, found in promises.items():
        points = next(iter(found.groups.values()), {})
        broken = [name for name, promise in points.items() if promise.held in ("higher", "lower")]
        if broken:
            name = min(broken, key=lambda point: point != DEFAULT_OPERATING_POINT)
            at = "" if name == DEFAULT_OPERATING_POINT else f" at {name}"
            promise = points[name]
            assert promise.measured_far.value is not None  # or it would be unclear
            told.append(
                f"Among these pictures, {_per_cent(promise.measured_far.value)} of {_WRONG[task]}{at}, where "
                f"{card.name} promises {_per_cent(promise.far)}, measured on {found.measured_on}."
            )
    return [*told, remedy(card)] if told else []


def remedy(card: Card) -> str:
    """What makes the promises of a model true for the pictures at hand."""
    labels = "`samekind calibrate` makes the rates true for pictures like these, with some labelled ones of your own"
    if card.domains is None or card.adapted is not None:
        return f"{labels}."
    return f"`samekind adapt` mends this without labels; {labels}."


def _per_cent(share: float) -> str:
    shown = 100 * share
    return f"{shown:.0f} %" if shown >= 10 or shown == 0 else f"{shown:.2g} %"
