"""A report as lines of text."""

from __future__ import annotations

from collections.abc import Mapping

from samekind.evaluation.metrics.metric import EER, accuracy_at
from samekind.model_file.calibration import DEFAULT_OPERATING_POINT
from samekind.report.numbers import HELD
from samekind.report.schema.contents import ClassToClassReport, Comparison, Report
from samekind.report.schema.parts import Difference, GroupReport, MetricReport, Number, Promise

_WIDTH = 34
_MOST_NAMED = 10  # classes
_DRAWS = "mean [smallest, largest draw]"


def lines(found: Report) -> list[str]:
    """What a terminal shows of a report."""
    classes = len(found.classes_seen) + len(found.classes_unseen)
    of_classes = f" of {classes} classes" if classes else ""
    told = [f"{found.model.name} on {found.data}: {found.images:,} images{of_classes}", "", *found.summary]
    if found.comparison:
        told = [*_which_is_better(found, found.comparison), *told]
    for name, group in found.groups.items():
        told += _group_lines(group)
        if found.comparison:
            other = found.comparison
            parts = {"pairs": other.pairs, "trios": other.trios, "retrieval": other.retrieval}
            for part, of_groups in parts.items():
                told += _difference_lines(f"{part}: {found.model.name} - {other.model.name}", of_groups.get(name, {}))
            for part, of_promises in other.promises.items():
                title = f"{part}: promised by {other.model.name}, and measured here"
                told += _promise_lines(title, of_promises.get(name, {}), other.promised_on[part])
    if found.class_to_class:
        told += _class_lines(found.class_to_class, classes)
    if found.protocol:
        drawn = found.protocol
        told += [
            "",
            "the protocol's test pairs, 32 a class, 10 draws, accuracy at balanced",
            f"  {_DRAWS:<{_WIDTH}}{drawn.mean:.4f}  [{drawn.smallest:.4f}, {drawn.largest:.4f}]",
        ]
    return [*told, "", *found.notes]


def _which_is_better(found: Report, other: Comparison) -> list[str]:
    """Both models' accuracy and error rate on the same items, and which is better by them, and how surely."""
    task, of_groups = ("pairs", other.pairs) if other.pairs else ("trios", other.trios)
    differences = next(iter(of_groups.values()), {})
    accuracy = differences.get(accuracy_at(DEFAULT_OPERATING_POINT).key)
    if accuracy is None:
        return []
    eer = differences.get(EER.key)
    measured = [accuracy, eer] if eer else [accuracy]
    names = found.model.name, other.model.name + " (the other)" * (other.model.name == found.model.name)
    values = [[metric.this for metric in measured], [metric.other for metric in measured]]
    width = max(map(len, names))
    told = [
        f"{name:<{width}}  {', '.join(f'{m.label} {_value(v)}' for m, v in zip(measured, of_model, strict=True))}"
        for name, of_model in zip(names, values, strict=True)
    ]
    return [*told, f"{_verdict(names, accuracy)} (accuracy on {task} {_shown(accuracy.difference, sign='+')})", ""]


def _verdict(names: tuple[str, str], accuracy: Difference) -> str:
    gained = accuracy.difference.value
    if gained is None or not accuracy.clear:
        return "neither is clearly better"
    return f"{names[gained < 0]} is clearly better"


def _group_lines(group: GroupReport) -> list[str]:
    lines = ["", f"== {group.title}: {group.images:,} images"] if group.classes else []
    for what, task in (("pairs", group.pairs), ("trios", group.trios)):
        if task:
            counts = ", ".join(f"{count:,} {name}" for name, count in task.counts.items())
            lines += ["", f"{sum(task.counts.values()):,} {what}: {counts}", *_metric_lines(task.metrics)]
            lines += [f"  {m.label:<{_WIDTH}}not measured: {m.reason}" for m in task.not_measured.values()]
            lines += _promise_lines(f"{what}: promised and measured here", task.promises, task.promised_on)
    if group.retrieval:
        lines += ["", "retrieval: each image looked up among all others", *_metric_lines(group.retrieval)]
    return lines


def _metric_lines(metrics: Mapping[str, MetricReport]) -> list[str]:
    return [f"  {metric.label:<{_WIDTH}}{_shown(metric)}" for metric in metrics.values()]


def _difference_lines(title: str, differences: Mapping[str, Difference]) -> list[str]:
    if not differences:
        return []
    rows = [
        f"  {found.label:<{_WIDTH}}{_shown(found.difference, sign='+')}{'  clear' if found.clear else ''}"
        for found in differences.values()
    ]
    return ["", title, *rows]


def _promise_lines(title: str, promises: Mapping[str, Promise], measured_on: str) -> list[str]:
    if not promises:
        return []
    rows = []
    for name, promise in promises.items():
        told = HELD[promise.held]
        rows.append(f"  {f'FAR at {name}':<{_WIDTH}}{promise.far:.4f}    {_shown(promise.measured_far)}  {told}")
        rows.append(f"  {f'TAR at {name}':<{_WIDTH}}{promise.tar:.4f}    {_shown(promise.measured_tar)}")
    return ["", title, *rows, f"  promised: measured on {measured_on}"]


def _class_lines(found: ClassToClassReport, classes: int) -> list[str]:
    worst = ", ".join(found.worst[:_MOST_NAMED])
    more = len(found.worst) - _MOST_NAMED
    rates = (
        (f"{len(found.worst)} of {classes}, the worst", found.worst_far, found.worst_tar),
        ("the others", found.other_far, found.other_tar),
    )
    return [
        "",
        "from class to class, one threshold for all (0: all classes alike)",
        f"  {'OPIS':<{_WIDTH}}{found.opis:.4f}",
        f"  {'worst tenth against the others':<{_WIDTH}}{found.worst_opis:.4f}",
        *(f"  {f'at balanced: {who}':<{_WIDTH}}FAR {far:.4f}, TAR {tar:.4f}" for who, far, tar in rates),
        f"  the worst: {worst}{f' and {more:,} more' if more > 0 else ''}",
    ]


def _shown(metric: Number, sign: str = "") -> str:
    value, low, high = (_value(end, sign) for end in (metric.value, metric.low, metric.high))
    return f"{value}  [{low}, {high}]"


def _value(number: float | None, sign: str = "") -> str:
    return "undefined" if number is None else f"{number:{sign}.4f}"
