"""From what was measured to what a report says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.metadata import version

import numpy as np

from samekind.calibration import DEFAULT_OPERATING_POINT
from samekind.card import Card
from samekind.evaluation import report
from samekind.evaluation.all_pairs import AllPairs
from samekind.evaluation.bootstrap import Drawn, Estimate, draw
from samekind.evaluation.groups import YES_TRIOS, Group, Task
from samekind.evaluation.metrics import FARS, MIN_FALSE_ACCEPTS, measurable_fars
from samekind.evaluation.mistakes import Mistake
from samekind.evaluation.per_class import per_class
from samekind.evaluation.protocol import Evaluation, Judged
from samekind.evaluation.scores import Reliability, Scores
from samekind.evaluation.words import TITLES, intervals, notes, summary

_CURVE_POINTS = 300
_HISTOGRAM_BINS = 60
# The matrix of so many has 90,000 entries, a megabyte of JSON; of ten thousand it would have a hundred million.
MOST_IN_MATRIX = 300


def describe(
    result: Evaluation, *, ami: Mapping[str, Drawn] | None = None, embedding_map: report.EmbeddingMap | None = None
) -> report.Report:
    """The report of an evaluation.

    Args:
        result: From ``evaluate``.
        ami: How well clusters agree with classes, by group; it takes scikit-learn (``samekind.report.clusters``).
        embedding_map: Likewise (``samekind.report.layout``).
    """
    judged = result.judged
    listed = "listed" in judged.groups
    classes, similarity = ((), ()) if listed else _classes(result)
    return report.Report(
        format_version=report.REPORT_FORMAT,
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
        classes_unseen=() if listed else tuple(name for name in result.classes if name not in result.classes_seen),
        summary=tuple(summary(result)),
        notes=tuple(notes(result)),
        resamples=result.resamples,
        seed=result.seed,
        groups={name: _group(group, result, (ami or {}).get(name)) for name, group in judged.groups.items()},
        classes=classes,
        class_similarity=similarity,
        mistakes=_mistakes(result, known=not listed),
        protocol=report.Protocol(**vars(judged.protocol)) if judged.protocol else None,
        map=embedding_map,
        comparison=_comparison(judged, result.other) if result.other else None,
    )


def number(estimate: Estimate) -> report.Number:
    """An estimate as JSON has it, which knows no NaN."""
    return report.Number(value=_finite(estimate.value), low=_finite(estimate.low), high=_finite(estimate.high))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _numbers(metrics: Mapping[str, Drawn]) -> dict[str, report.Number]:
    return {name: number(metric.estimate()) for name, metric in metrics.items()}


def _model(card: Card) -> report.Model:
    return report.Model(
        name=card.name,
        fingerprint=card.fingerprint,
        trained_on=card.training.data,
        pretraining=card.training.pretraining,
    )


def _group(group: Group, result: Evaluation, ami: Drawn | None) -> report.Group:
    return report.Group(
        title=TITLES[group.name],
        images=len(group.images),
        classes=group.classes,
        intervals=intervals(group, result),
        pairs=_task(group.pairs) if group.pairs else None,
        trios=_task(group.trios) if group.trios else None,
        retrieval=_numbers(group.retrieval),
        ami=number(ami.estimate()) if ami else None,
    )


def _task(task: Task) -> report.Task:
    no = sum(count for name, count in task.counts.items() if name not in ("genuine", *YES_TRIOS))
    measured = measurable_fars(no)
    return report.Task(
        counts=task.counts,
        metrics=_numbers(task.metrics),
        not_measured={
            f"TAR at FAR {far:.1%}": f"{no:,} items with the answer no would hold {no * far:.3g} false accepts; "
            f"{MIN_FALSE_ACCEPTS} are needed"
            for far in FARS
            if far not in measured
        },
        confusion={name: _confusion(task.scores, threshold) for name, threshold in task.thresholds.items()},
        roc=curve(task.scores),
        histogram=_histogram(task.scores),
        reliability=_diagram(task.scores.reliability(task.probability)),
        reliability_before=_diagram(task.scores_before.reliability(task.before)),
    )


def _confusion(scores: Scores, threshold: float) -> report.Confusion:
    far, tar = scores.rates(threshold)
    genuine, impostors = len(scores.yes.values), len(scores.no.values)
    accepted, wrongly = round(tar * genuine), round(far * impostors)
    return report.Confusion(
        threshold=threshold,
        true_accepts=accepted,
        false_rejects=genuine - accepted,
        false_accepts=wrongly,
        true_rejects=impostors - wrongly,
    )


def curve(scores: Scores) -> report.Curve:
    """The ROC curve at some hundred false accept rates, close together where they are low, where the curve is read."""
    whole = scores.curve()
    impostors = len(scores.no.values)
    far = np.unique(np.concatenate([[0.0], np.geomspace(1 / impostors, 1, _CURVE_POINTS), np.linspace(0, 1, 101)]))
    # Between corners the curve is straight; where it is upright, its upper end is meant.
    distinct = np.flatnonzero(np.append(np.diff(whole.far) > 0, True))
    tar = np.interp(far, whole.far[distinct], whole.tar[distinct])
    return report.Curve(far=tuple(np.clip(far, 0, 1).tolist()), tar=tuple(np.clip(tar, 0, 1).tolist()))


def _histogram(scores: Scores) -> report.Histogram:
    both = (scores.yes.values, scores.no.values)
    edges = np.linspace(min(side[0] for side in both), max(side[-1] for side in both) + 1e-6, _HISTOGRAM_BINS + 1)
    same, different = (-np.diff(np.append(side.share_from(edges[:-1]), 0.0)) for side in (scores.yes, scores.no))
    return report.Histogram(
        edges=tuple(edges.tolist()), same=tuple(np.clip(same, 0, 1)), different=tuple(np.clip(different, 0, 1))
    )


def _diagram(found: Reliability) -> report.ReliabilityDiagram:
    return report.ReliabilityDiagram(
        share=tuple(np.clip(found.share, 0, 1).tolist()),
        probability=tuple(_finite(value) for value in found.probability),
        frequency=tuple(_finite(value) for value in found.frequency),
    )


def _classes(result: Evaluation) -> tuple[tuple[report.ClassReport, ...], tuple[tuple[float, ...], ...]]:
    card = result.judged.card
    pairs = AllPairs(result.judged.embeddings, result.labels)
    threshold = card.pair.operating_points[DEFAULT_OPERATING_POINT].threshold
    found = per_class(pairs, draw(result.labels, result.resamples, result.seed), threshold)
    others = found.similarity.copy()
    np.fill_diagonal(others, -np.inf)
    closest = others.argmax(axis=1)
    sizes = np.bincount(result.labels)
    classes = tuple(
        report.ClassReport(
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
    if len(classes) > MOST_IN_MATRIX:
        return classes, ()
    return classes, tuple(tuple(row) for row in found.similarity.tolist())


def _mistakes(result: Evaluation, *, known: bool) -> report.Mistakes:
    whole = result.whole
    lists = []
    for task in (whole.pairs, whole.trios):
        for mistakes in task.mistakes if task else ((), ()):
            assert task is not None or not mistakes
            lists.append(tuple(_mistake(mistake, task, whole, result, known) for mistake in mistakes if task))
    return report.Mistakes(
        pairs_taken_for_same=lists[0],
        pairs_taken_for_different=lists[1],
        trios_taken_for_alike=lists[2],
        trios_taken_for_none_alike=lists[3],
    )


def _mistake(mistake: Mistake, task: Task, group: Group, result: Evaluation, known: bool) -> report.Mistake:
    numbers = [int(group.images[i]) for i in mistake.images]
    return report.Mistake(
        images=tuple(str(result.paths[i]) for i in numbers),
        classes=tuple(result.classes[result.labels[i]] for i in numbers) if known else (),
        score=mistake.score,
        probability=float(task.probability(np.array([mistake.score]))[0]),
    )


def _comparison(this: Judged, other: Judged) -> report.Comparison:
    differences: dict[str, dict[str, dict[str, report.Difference]]] = {"pairs": {}, "trios": {}, "retrieval": {}}
    curves = {}
    for name, group in this.groups.items():
        beside = other.groups[name]
        for part, one, two in (
            ("pairs", group.pairs and group.pairs.metrics, beside.pairs and beside.pairs.metrics),
            ("trios", group.trios and group.trios.metrics, beside.trios and beside.trios.metrics),
            ("retrieval", group.retrieval, beside.retrieval),
        ):
            if one and two:
                differences[part][name] = {key: _difference(one[key], two[key]) for key in one if key in two}
        if beside.pairs:
            curves[name] = curve(beside.pairs.scores)
    return report.Comparison(model=_model(other.card), classes_seen=other.classes_seen, roc=curves, **differences)


def _difference(this: Drawn, other: Drawn) -> report.Difference:
    found = this.minus(other).estimate()
    return report.Difference(
        this=_finite(this.value),
        other=_finite(other.value),
        difference=number(found),
        clear=found.low > 0 or found.high < 0,
    )
