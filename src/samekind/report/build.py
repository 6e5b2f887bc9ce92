"""From what was measured to what a report says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

import numpy as np

from samekind.datasets.sampling import GENUINE
from samekind.evaluation.class_to_class import class_to_class
from samekind.evaluation.groups import YES_TRIOS
from samekind.evaluation.metrics.metric import Metric, tar_at_far
from samekind.evaluation.metrics.reliability import Reliability
from samekind.evaluation.metrics.scores import Scores
from samekind.evaluation.metrics.verification import FARS, MIN_FALSE_ACCEPTS, measurable_fars
from samekind.evaluation.mistakes import Mistake
from samekind.evaluation.per_class import per_class
from samekind.evaluation.resampling.all_pairs import AllPairs
from samekind.evaluation.resampling.bootstrap import draw
from samekind.evaluation.resampling.intervals import Drawn
from samekind.evaluation.results import Evaluation, GroupResult, ModelResult, TaskResult
from samekind.model_file.card import Card, pair_calibration_of
from samekind.report.numbers import finite, metric_report, number
from samekind.report.promises import Promises, TaskPromises, broken_promises, promises_of
from samekind.report.schema import contents, parts
from samekind.report.sentences import TITLES, intervals, notes, summary

_CURVE_POINTS = 300
_HISTOGRAM_BINS = 60


def build_report(result: Evaluation) -> contents.Report:
    """The report of an evaluation.

    The map of the embeddings and the agreement of clusters with classes take libraries of the extra ``report``;
    ``Report.save`` adds them.
    """
    judged = result.judged
    known = not result.of_listed_items
    classes, similarity = _classes(result) if known else ((), ())
    promised = promises_of(judged)
    report = contents.Report(
        format_version=contents.REPORT_FORMAT,
        samekind_version=version("samekind"),
        model=_model(judged.card),
        data=result.data,
        images=len(result.paths),
        unreadable=result.unreadable,
        copies=result.copies,
        in_two_classes=tuple(tuple(map(str, paths)) for paths in result.in_two_classes),
        left_out=result.left_out,
        classes_left_out=result.classes_left_out,
        listed=result.listed,
        classes_seen=result.classes_seen,
        classes_unseen=tuple(name for name in result.classes if name not in result.classes_seen) if known else (),
        summary=(*summary(result), *broken_promises(promised, judged.card)),
        notes=tuple(notes(result)),
        resamples=result.resamples,
        seed=result.seed,
        groups={name: _group(group, result, promised) for name, group in judged.groups.items()},
        classes=classes,
        class_to_class=_class_to_class(result, classes) if known else None,
        class_similarity=similarity,
        mistakes=_mistakes(result, known=known),
        protocol=contents.ProtocolReport(**vars(judged.protocol)) if judged.protocol else None,
        map=None,
        comparison=_comparison(judged, result.other) if result.other else None,
    )
    report._evaluation = result
    return report


def _metrics(metrics: Mapping[Metric, Drawn]) -> dict[str, parts.MetricReport]:
    return {metric.key: metric_report(metric, drawn) for metric, drawn in metrics.items()}


def _model(card: Card) -> contents.ModelReport:
    return contents.ModelReport(
        name=card.name,
        fingerprint=card.fingerprint,
        trained_on=card.training.data,
        pretraining=card.training.pretraining,
    )


def _group(group: GroupResult, result: Evaluation, promised: Promises) -> parts.GroupReport:
    return parts.GroupReport(
        title=TITLES[group.name],
        images=len(group.images),
        classes=group.classes,
        intervals=intervals(group, result),
        pairs=_task(group.pairs, promised["pairs"], group.name) if group.pairs else None,
        trios=_task(group.trios, promised["trios"], group.name) if group.trios else None,
        retrieval=_metrics(group.retrieval),
        ami=None,
    )


def _task(task: TaskResult, promised: TaskPromises, group: str) -> parts.TaskReport:
    no = sum(count for name, count in task.counts.items() if name not in (GENUINE, *YES_TRIOS))
    return parts.TaskReport(
        counts=task.counts,
        metrics=_metrics(task.metrics),
        not_measured={
            tar_at_far(far).key: parts.NotMeasured(
                label=tar_at_far(far).label,
                reason=f"{no:,} items with the answer no would hold {no * far:.3g} false accepts; "
                f"{MIN_FALSE_ACCEPTS} are needed",
            )
            for far in FARS
            if far not in measurable_fars(no)
        },
        promised_on=promised.measured_on,
        promises=promised.groups[group],
        confusion={name: _confusion(task.scores, threshold) for name, threshold in task.thresholds.items()},
        roc=curve(task.scores),
        histogram=_histogram(task.scores),
        reliability=_diagram(task.scores.reliability(task.probability)),
        reliability_before=_diagram(task.scores_before.reliability(task.before)),
    )


def _confusion(scores: Scores, threshold: float) -> parts.Confusion:
    far, tar = scores.rates(threshold)
    genuine, impostors = len(scores.yes.values), len(scores.no.values)
    accepted, wrongly = round(tar * genuine), round(far * impostors)
    return parts.Confusion(
        threshold=threshold,
        true_accepts=accepted,
        false_rejects=genuine - accepted,
        false_accepts=wrongly,
        true_rejects=impostors - wrongly,
    )


def curve(scores: Scores) -> parts.Curve:
    """The ROC curve at some hundred false accept rates, close together where they are low, where the curve is read."""
    whole = scores.curve()
    impostors = len(scores.no.values)
    far = np.unique(np.concatenate([[0.0], np.geomspace(1 / impostors, 1, _CURVE_POINTS), np.linspace(0, 1, 101)]))
    # Between corners the curve is straight; where it is upright, its upper end is meant.
    distinct = np.flatnonzero(np.append(np.diff(whole.far) > 0, True))
    tar = np.interp(far, whole.far[distinct], whole.tar[distinct])
    return parts.Curve(far=tuple(np.clip(far, 0, 1).tolist()), tar=tuple(np.clip(tar, 0, 1).tolist()))


def _histogram(scores: Scores) -> parts.Histogram:
    both = (scores.yes.values, scores.no.values)
    edges = np.linspace(min(side[0] for side in both), max(side[-1] for side in both) + 1e-6, _HISTOGRAM_BINS + 1)
    same, different = (-np.diff(np.append(side.share_from(edges[:-1]), 0.0)) for side in (scores.yes, scores.no))
    return parts.Histogram(
        edges=tuple(edges.tolist()), same=tuple(np.clip(same, 0, 1)), different=tuple(np.clip(different, 0, 1))
    )


def _diagram(found: Reliability) -> parts.ReliabilityDiagram:
    return parts.ReliabilityDiagram(
        share=tuple(np.clip(found.share, 0, 1).tolist()),
        probability=tuple(finite(value) for value in found.probability),
        frequency=tuple(finite(value) for value in found.frequency),
    )


def _classes(result: Evaluation) -> tuple[tuple[contents.ClassReport, ...], tuple[tuple[float, ...], ...]]:
    card = result.judged.card
    pairs = AllPairs(result.judged.embeddings, result.labels)
    threshold = pair_calibration_of(card).balanced.threshold
    found = per_class(pairs, draw(result.labels, result.resamples, result.seed), threshold)
    others = found.similarity.copy()
    np.fill_diagonal(others, -np.inf)
    closest = others.argmax(axis=1)
    sizes = np.bincount(result.labels)
    classes = tuple(
        contents.ClassReport(
            name=name,
            seen=name in result.classes_seen,
            images=int(sizes[i]),
            tar=number(found.tar[i].estimate()),
            far=number(found.far[i].estimate()),
            closest=result.classes[closest[i]],
            similarity=float(found.similarity[i, closest[i]]),
            within=float(found.similarity[i, i]),
        )
        for i, name in enumerate(result.classes)
    )
    if len(classes) > parts.MOST_IN_MATRIX:
        return classes, ()
    return classes, tuple(tuple(row) for row in found.similarity.tolist())


def _class_to_class(result: Evaluation, classes: Sequence[contents.ClassReport]) -> contents.ClassToClassReport:
    whole = result.whole.pairs
    pairs = AllPairs(result.judged.embeddings, result.labels)
    scores = pairs.scores() if result.listed or whole is None else whole.scores
    found = class_to_class(pairs, scores, pair_calibration_of(result.judged.card).balanced.threshold)
    rates = np.array([(report.far.value, report.tar.value) for report in classes], np.float64)
    (worst_far, worst_tar), (other_far, other_tar) = (
        rates[found.worst].mean(axis=0).tolist(), np.delete(rates, found.worst, axis=0).mean(axis=0).tolist()
    )  # fmt: skip
    return contents.ClassToClassReport(
        opis=found.opis,
        worst_opis=found.worst_opis,
        lowest=found.lowest,
        highest=found.highest,
        worst=tuple(classes[i].name for i in found.worst),
        worst_far=worst_far,
        worst_tar=worst_tar,
        other_far=other_far,
        other_tar=other_tar,
    )


def _mistakes(result: Evaluation, *, known: bool) -> contents.MistakesReport:
    whole = result.whole
    lists = []
    for task in (whole.pairs, whole.trios):
        for mistakes in task.mistakes if task else ((), ()):
            assert task is not None or not mistakes
            lists.append(tuple(_mistake(mistake, task, whole, result, known) for mistake in mistakes if task))
    return contents.MistakesReport(
        pairs_taken_for_same=lists[0],
        pairs_taken_for_different=lists[1],
        trios_taken_for_alike=lists[2],
        trios_taken_for_none_alike=lists[3],
    )


def _mistake(
    mistake: Mistake, task: TaskResult, group: GroupResult, result: Evaluation, known: bool
) -> contents.MistakeReport:
    numbers = [int(group.images[i]) for i in mistake.images]
    return contents.MistakeReport(
        images=tuple(str(result.paths[i]) for i in numbers),
        classes=tuple(result.classes[result.labels[i]] for i in numbers) if known else (),
        score=mistake.score,
        probability=float(task.probability(np.array([mistake.score]))[0]),
    )


def _comparison(this: ModelResult, other: ModelResult) -> contents.Comparison:
    differences: dict[str, dict[str, dict[str, parts.Difference]]] = {"pairs": {}, "trios": {}, "retrieval": {}}
    curves = {}
    for name, group in this.groups.items():
        beside = other.groups[name]
        for task, metrics in group.measured.items():
            if others := beside.measured.get(task):
                differences[task][name] = {
                    metric.key: _difference(metric, drawn, others[metric])
                    for metric, drawn in metrics.items()
                    if metric in others
                }
        if beside.pairs:
            curves[name] = curve(beside.pairs.scores)
    promised = promises_of(other)
    return contents.Comparison(
        model=_model(other.card),
        classes_seen=other.classes_seen,
        roc=curves,
        promised_on={task: found.measured_on for task, found in promised.items() if found.groups},
        promises={task: found.groups for task, found in promised.items() if found.groups},
        **differences,
    )


def _difference(metric: Metric, this: Drawn, other: Drawn) -> parts.Difference:
    found = this.minus(other).estimate()
    return parts.Difference(
        label=metric.label,
        unit=metric.unit,
        this=finite(this.value),
        other=finite(other.value),
        difference=number(found),
        clear=found.low > 0 or found.high < 0,
    )
