"""The findings in sentences, for a reader who has never heard of embeddings, and what to know before trusting them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from samekind.evaluation.measure import FEWEST_CLASSES
from samekind.evaluation.metrics.metric import far_at, recall_at, tar_at
from samekind.evaluation.metrics.retrieval import MOST_RESAMPLES
from samekind.evaluation.resampling.intervals import Estimate
from samekind.evaluation.results import Evaluation, GroupResult, TaskResult
from samekind.model_file.calibration import DEFAULT_OPERATING_POINT

# Files in a note; report.json has all.
_MOST_NAMED = 5

TITLES = {
    "all": "All classes",
    "seen": "Classes that the model was trained on",
    "unseen": "Classes that the model was not trained on",
    "listed": "The listed items",
}


def summary(result: Evaluation) -> list[str]:
    """The findings at ``balanced``, group by group."""
    groups = result.judged.groups.values()
    return [
        f"{TITLES[group.name]}: {sentence}" if len(groups) > 1 else sentence
        for group in groups
        for sentence in _of_group(group)
    ]


def _of_group(group: GroupResult) -> list[str]:
    sentences = []
    if group.pairs:
        wrong, missed = _errors(group.pairs)
        sentences.append(
            f"In 1,000 pairs of different kinds, {wrong} are called the same; "
            f"in 1,000 pairs of the same kind, {missed} are called different."
        )
    if group.trios:
        wrong, missed = _errors(group.trios)
        sentences.append(
            f"In 1,000 trios of three different kinds, {wrong} are said to hold two of a kind; "
            f"in 1,000 trios that do, {missed} are missed."
        )
    if group.retrieval:
        nearest = per_thousand(group.retrieval[recall_at(1)].estimate())
        sentences.append(f"The image most like a given one is of its kind in {nearest} of 1,000 cases.")
    return sentences


def _errors(task: TaskResult) -> tuple[str, str]:
    """False accepts and false rejects at ``balanced``, in a thousand each."""
    far, tar = (task.metrics[rate(DEFAULT_OPERATING_POINT)].estimate() for rate in (far_at, tar_at))
    return per_thousand(far), per_thousand(tar, missing=True)


def per_thousand(rate: Estimate, *, missing: bool = False) -> str:
    """A rate as a count in a thousand, with its interval; with ``missing``, what it is short of one.

    Example:
        >>> per_thousand(Estimate(0.0123, 0.009, 0.0167))
        '12 (9 to 17)'
    """
    value, low, high = (1 - rate.value, 1 - rate.high, 1 - rate.low) if missing else (rate.value, rate.low, rate.high)
    if not low <= high:  # not a number
        return _count(value)
    return f"{_count(value)} ({_count(low)} to {_count(high)})"


def _count(share: float) -> str:
    in_thousand = 1_000 * share
    return f"{in_thousand:.0f}" if in_thousand >= 9.5 or in_thousand < 0.05 else f"{in_thousand:.1f}".removesuffix(".0")


def notes(result: Evaluation) -> list[str]:
    """What to know before trusting the findings."""
    groups = result.judged.groups
    told = [*_seen(result), f"Before that training the network had seen: {result.judged.card.training.pretraining}."]
    if not result.of_listed_items and len(result.classes_seen) < len(result.classes):
        told.append(
            '"Not trained on" means: not by samekind train. What the weights had seen before that, they have seen all '
            "the same, and a class among it is not new to the network."
        )
    told += _of_other(result)
    of_intervals = dict.fromkeys(intervals(group, result) for group in groups.values())
    resampled = f"{result.resamples:,} resamples"
    if result.resamples > MOST_RESAMPLES and any(group.retrieval for group in groups.values()):
        resampled += f", {MOST_RESAMPLES} for retrieval"
    told.append(f"Numbers in brackets are 95 % intervals, of {resampled}. " + " ".join(of_intervals))
    told.append(
        "Accuracy, precision and probabilities are for a world where yes and no are equally common: the two answers "
        "weigh the same, however many items of each there are."
    )
    if result.copies:
        told.append(
            f"Left out as byte copies of others of their class: {result.copies:,}. A picture that finds its own copy "
            "says nothing of a model. Copies that were resized or saved anew are not recognised."
        )
    if result.in_two_classes:
        told.append(
            "The same in more than one class, byte for byte, so that one of the labels is wrong: "
            f"{_named(result.in_two_classes)}."
        )
    if result.left_out:
        share = "of each class its share"
        if result.classes_left_out:
            total = len(result.classes) + result.classes_left_out
            share = f"among them {result.classes_left_out:,} of {total:,} classes as a whole"
        total = len(result.paths) + result.left_out + len(result.unreadable)
        told.append(f"Of {total:,} images, {result.left_out:,} drawn at random were left out, {share}.")
    return told


def _named(same: Sequence[Sequence[Path]]) -> str:
    named = [" and ".join(map(str, paths)) for paths in same[:_MOST_NAMED]]
    return "; ".join(named) + (f"; and {len(same) - _MOST_NAMED:,} more" if len(same) > _MOST_NAMED else "")


def intervals(group: GroupResult, result: Evaluation) -> str:
    """What the intervals of a group say."""
    if group.name == "listed":
        return (
            "The intervals come from resampling images, and say how numbers would vary with other images of the same "
            "sort."
        )
    if group.whole_classes:
        others = "; images of classes that were trained on, within their class" if group.name == "all" else ""
        return (
            f"The intervals come from resampling whole classes{others}. They say how numbers would vary with other "
            "classes of the same sort."
        )
    if group.name != "seen" and len(result.classes_seen) < len(result.classes):
        return (
            "The intervals come from resampling images within their class, and hold for these classes only: fewer than "
            f"{FEWEST_CLASSES} that were not trained on cannot tell how other classes would do."
        )
    return (
        "The intervals come from resampling images within their class, and say how numbers would vary with "
        "other images "
        "of these classes."
    )


def _seen(result: Evaluation) -> list[str]:
    if result.of_listed_items:
        return ["A list does not say which classes its images are of; with a folder of classes the report tells more."]
    seen, total = len(result.classes_seen), len(result.classes)
    if seen == 0:
        return ["None of these classes is among those the model was trained on."]
    if seen == total:
        return ["The model was trained on other images of these very classes."]
    names = ", ".join(result.classes_seen)
    return [f"{seen} of these {total} classes are among those the model was trained on: {names}."]


def _of_other(result: Evaluation) -> list[str]:
    """What the model compared with was trained on, if it is not the same."""
    this, other = result.judged, result.other
    if other is None or (this.classes_seen, this.card.training.data, this.card.training.pretraining) == (
        other.classes_seen, other.card.training.data, other.card.training.pretraining
    ):  # fmt: skip
        return []
    told = (
        f"The other model, {other.card.name}, was trained on {other.card.training.data}, and before that the network "
        f"had seen: {other.card.training.pretraining}."
    )
    if result.of_listed_items:
        return [told]
    names = f": {', '.join(other.classes_seen)}" if other.classes_seen else " none"
    told += f" Of these classes it was trained on{names}."
    return [f"{told} Classes are told apart by what the first model, {this.card.name}, was trained on."]
