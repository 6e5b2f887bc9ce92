"""The figures of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator, PercentFormatter
from numpy.typing import NDArray
from scipy.stats import norm

from samekind.evaluation.metrics.metric import AUC, ECE, EER, uncalibrated
from samekind.report.page.drawing import INK, Drawing, draw
from samekind.report.promises import WITHIN_TIMES
from samekind.report.schema.contents import EmbeddingMap, Report
from samekind.report.schema.parts import Curve, Promise, TaskReport

_SAME, _DIFFERENT, _OTHER = "#2f7ed8", "#e07b1a", "#8a63d2"
_LINES = (_SAME, "#1a9a6b", _DIFFERENT)
_Rates = NDArray[np.float64]
# A name for each class fits on a map or a heatmap of so many.
_MOST_NAMES = 60
# A logarithmic axis has no place for a rate of zero: the lowest that is drawn.
_LOWEST_RATE = 1e-4
_DET_TICKS = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8)


@dataclass(frozen=True)
class _Line:
    """A curve in a figure, and whether it is the other model's."""

    title: str
    curve: Curve
    of_other: bool = False


def draw_all(report: Report) -> list[Drawing]:
    """All figures that a report has something for."""
    drawings = curves(report)
    for name, group in report.groups.items():
        for what, task in (("pairs", group.pairs), ("trios", group.trios)):
            if task:
                drawings += of_task(name, what, group.title, task)
    if report.class_similarity:
        drawings.append(heatmap(report))
    if report.map:
        drawings.append(embedding_map(report.map))
    return drawings


def curves(report: Report) -> list[Drawing]:
    """ROC and DET, all groups in one: of pairs, and of trios."""
    drawings = []
    for what in ("pairs", "trios"):
        tasks: dict[str, TaskReport] = {
            group.title: task for group in report.groups.values() if (task := getattr(group, what)) is not None
        }
        if not tasks:
            continue
        lines = [_Line(title, task.roc) for title, task in tasks.items()]
        if report.comparison and what == "pairs":
            lines += [
                _Line(f"{report.comparison.model.name}: {report.groups[name].title}", curve, of_other=True)
                for name, curve in report.comparison.roc.items()
            ]
        told = "; ".join(
            f"{title}: AUC {task.metrics[AUC.key].value or 0:.4f}, equal error rate "
            f"{100 * (task.metrics[EER.key].value or 0):.2f} %"
            for title, task in tasks.items()
        )
        roc, det = f"True against false accept rate. {told}.", f"False reject against false accept rate. {told}."
        drawings += [
            draw(f"roc-{what}", f"ROC of {what}", roc, _roc, lines, tasks, what),
            draw(f"det-{what}", f"DET of {what}", det, _det, lines, tasks, what),
        ]
    return drawings


def of_task(name: str, what: str, title: str, task: TaskReport) -> list[Drawing]:
    """The spread of the scores, the reliability diagram and what became of the promises of one group."""
    score = "similarity" if what == "pairs" else "probability that two are alike"
    ece, before = (task.metrics.get(metric.key) for metric in (ECE, uncalibrated(ECE)))
    told = f"Calibration error {ece.value:.3f}" if ece and ece.value is not None else "Calibration"
    told += f", before calibration {before.value:.3f}." if before and before.value is not None else "."
    drawings = [
        draw(
            f"scores-{what}-{name}",
            f"Scores of {what}",
            f"{title}: how {score} is spread, for items whose answer is yes and for the others, with the thresholds.",
            _histogram,
            task,
            score,
        ),
        draw(
            f"reliability-{what}-{name}",
            f"Reliability of {what}",
            f"{title}: how often the answer is yes, against the probability given. {told}",
            _reliability,
            task,
            what,
        ),
    ]
    promises = {point: promise for point, promise in task.promises.items() if promise.measured_far.value is not None}
    if promises:
        rates = "; ".join(
            f"at {point} {promise.far:.2%} promised, {promise.measured_far.value or 0:.2%} measured"
            for point, promise in promises.items()
        )
        alt = f"{title}: the false accept rate that the model promises, and the one here. {rates}."
        drawings.append(draw(f"promises-{what}-{name}", f"Promised and measured, {what}", alt, _promised, promises))
    return drawings


def heatmap(report: Report) -> Drawing:
    """The mean similarity of each two classes."""
    names = [found.name for found in report.classes]
    values = np.array(report.class_similarity)
    apart = np.where(np.eye(len(names), dtype=bool), -np.inf, values)
    row, column = np.unravel_index(int(apart.argmax()), apart.shape)
    alt = (
        f"Mean similarity of each two classes. Most alike: {names[row]} and {names[column]}, {values[row, column]:.2f}."
    )
    return draw("classes", "Mean similarity of classes", alt, _heatmap, values, names, size=(5.4, 4.6))


def embedding_map(laid_out: EmbeddingMap) -> Drawing:
    """Every image a dot."""
    alt = f"Every image a dot, coloured by class: {laid_out.method}."
    return draw("map", "Map of the embedding", alt, _map, laid_out, size=(5.4, 4.6))


def _lines(axes: Axes, lines: Sequence[_Line], place: Callable[[Curve], tuple[_Rates, _Rates]]) -> None:
    for number, line in enumerate(lines):
        colour = _OTHER if line.of_other else _LINES[number % len(_LINES)]
        style = "--" if line.of_other else "-"
        axes.plot(*place(line.curve), color=colour, linewidth=1.6, linestyle=style, label=line.title)
    if len(lines) > 1:
        axes.legend(loc="best")


def _points(task: TaskReport) -> dict[str, tuple[float, float]]:
    """Different operating points, by name: (FAR, TAR)."""
    found: dict[tuple[float, float], str] = {}
    for name, counted in task.confusion.items():
        far = counted.false_accepts / (counted.false_accepts + counted.true_rejects)
        tar = counted.true_accepts / (counted.true_accepts + counted.false_rejects)
        found[far, tar] = f"{found[far, tar]}, {name}" if (far, tar) in found else name
    return {name: place for place, name in found.items()}


def _roc(axes: Axes, lines: Sequence[_Line], tasks: Mapping[str, TaskReport], what: str) -> None:
    _lines(axes, lines, lambda curve: (np.maximum(curve.far, 1e-4), np.array(curve.tar)))
    for name, (far, tar) in _points(next(iter(tasks.values()))).items():
        axes.plot(max(far, 1e-4), tar, "o", color=INK, markersize=4)
        axes.annotate(name, (max(far, 1e-4), tar), xytext=(6, -10), textcoords="offset points", fontsize=8)
    lowest = min(float(np.interp(1e-4, curve.far, curve.tar)) for curve in (line.curve for line in lines))
    axes.set(xscale="log", xlim=(1e-4, 1), ylim=(max(0.0, min(lowest, 0.9) - 0.05), 1.005))
    axes.set(xlabel="false accept rate (FAR)", ylabel="true accept rate (TAR)", title=f"ROC of {what}")
    axes.xaxis.set_major_locator(FixedLocator([1e-4, 1e-3, 1e-2, 1e-1, 1]))
    axes.xaxis.set_major_formatter(FixedFormatter(["≤ 0.01 %", "0.1 %", "1 %", "10 %", "100 %"]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None, symbol=" %"))
    axes.grid(visible=True, alpha=0.25)


def _det(axes: Axes, lines: Sequence[_Line], tasks: Mapping[str, TaskReport], what: str) -> None:
    def deviate(rate: object) -> _Rates:
        return np.asarray(norm.ppf(np.clip(np.asarray(rate, np.float64), 2e-4, 1 - 2e-4)), np.float64)

    _lines(axes, lines, lambda curve: (deviate(curve.far), deviate(1 - np.asarray(curve.tar))))
    for far, tar in _points(next(iter(tasks.values()))).values():
        axes.plot(deviate(far), deviate(1 - tar), "o", color=INK, markersize=4)
    ends = (float(norm.ppf(3e-4)), float(norm.ppf(0.9)))
    axes.plot(ends, ends, color=INK, linewidth=0.8, linestyle=":", alpha=0.6)
    axes.set(
        xlim=ends,
        ylim=ends,
        xlabel="false accept rate (FAR)",
        ylabel="false reject rate (1 - TAR)",
        title=f"DET of {what}",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(norm.ppf(_DET_TICKS).tolist()))
        axis.set_major_formatter(FixedFormatter([f"{100 * tick:g} %" for tick in _DET_TICKS]))
        axis.set_minor_locator(NullLocator())
    axes.grid(visible=True, alpha=0.25)


def _histogram(axes: Axes, task: TaskReport, score: str) -> None:
    edges = np.array(task.histogram.edges)
    for values, colour, name in (
        (task.histogram.same, _SAME, "yes"),
        (task.histogram.different, _DIFFERENT, "no"),
    ):
        axes.stairs(values, edges, baseline=1e-5, fill=True, color=colour, alpha=0.4)
        axes.stairs(values, edges, baseline=1e-5, color=colour, linewidth=1.2, label=f"the answer is {name}")
    thresholds: dict[float, str] = {}
    for name, counted in task.confusion.items():
        thresholds[counted.threshold] = f"{thresholds.get(counted.threshold, '')} {name}".strip().replace(" ", ", ")
    for threshold, name in thresholds.items():
        axes.axvline(threshold, color=INK, linewidth=0.9, linestyle="--")
        axes.annotate(name, (threshold, 1.0), xycoords=("data", "axes fraction"), xytext=(-3, -3),
                      textcoords="offset points", fontsize=8, rotation=90, ha="right", va="top")  # fmt: skip
    # The errors are in the tails, which only a logarithmic axis shows.
    axes.set(xlabel=score, ylabel="share of items", title="Scores", yscale="log", ylim=(1e-5, 1.5))
    axes.yaxis.set_major_locator(FixedLocator([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]))
    axes.yaxis.set_major_formatter(FixedFormatter(["0.001 %", "0.01 %", "0.1 %", "1 %", "10 %", "100 %"]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)


def _reliability(axes: Axes, task: TaskReport, what: str) -> None:
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":", alpha=0.7)
    before = "(1 + cosine) / 2" if what == "pairs" else "pair calibration of the two most alike"
    for diagram, colour, name, marker in (
        (task.reliability_before, _DIFFERENT, before, "s"),
        (task.reliability, _SAME, "calibrated", "o"),
    ):
        rows = zip(diagram.probability, diagram.frequency, diagram.share, strict=True)
        filled = np.array([(p, f, s) for p, f, s in rows if p is not None and f is not None])
        axes.plot(filled[:, 0], filled[:, 1], color=colour, linewidth=1.0, alpha=0.6, label=name)
        size = 12 + 140 * np.sqrt(filled[:, 2])
        axes.scatter(filled[:, 0], filled[:, 1], s=size, color=colour, marker=marker, alpha=0.8, linewidths=0)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), title="Reliability")
    axes.set(xlabel="probability given (larger mark: more items)", ylabel="how often the answer is yes")
    axes.legend(loc="upper left")
    axes.grid(visible=True, alpha=0.25)


def _promised(axes: Axes, promises: Mapping[str, Promise]) -> None:
    ends = np.array([_LOWEST_RATE, 1.0])
    axes.fill_between(ends, ends / WITHIN_TIMES, ends * WITHIN_TIMES, color=_LINES[1], alpha=0.15, linewidth=0)
    axes.plot(ends, ends, color=INK, linewidth=0.8, linestyle=":", alpha=0.7)
    for name, promise in promises.items():
        found = promise.measured_far
        value, low, high = (max(rate or 0.0, _LOWEST_RATE) for rate in (found.value, found.low, found.high))
        place = max(promise.far, _LOWEST_RATE)
        colour = _DIFFERENT if promise.held in ("higher", "lower") else _SAME
        axes.vlines(place, low, high, color=colour, linewidth=1.4)
        axes.plot(place, value, "o", color=colour, markersize=5)
        axes.annotate(name, (place, value), xytext=(7, -3), textcoords="offset points", fontsize=8)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, title="Promised and measured")
    axes.set(xlabel="FAR promised (band: half to twice as much)", ylabel="FAR here, with its interval")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([1e-4, 1e-3, 1e-2, 1e-1, 1]))
        axis.set_major_formatter(FixedFormatter(["≤ 0.01 %", "0.1 %", "1 %", "10 %", "100 %"]))
    axes.grid(visible=True, alpha=0.25)


def _heatmap(axes: Axes, values: NDArray[np.float64], names: list[str]) -> None:
    mesh = axes.pcolormesh(values, cmap="viridis", vmin=min(0.0, float(values.min())), vmax=1.0, rasterized=True)
    axes.figure.colorbar(mesh, ax=axes, shrink=0.8).outline.set_visible(False)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.set_title("Mean similarity")
    if len(names) <= _MOST_NAMES:
        size = 8 if len(names) <= 20 else 4.5
        ticks = np.arange(len(names)) + 0.5
        axes.set_xticks(ticks, names, rotation=90, fontsize=size)
        axes.set_yticks(ticks, names, fontsize=size)
        axes.tick_params(length=0)
    else:
        axes.set_xticks([])
        axes.set_yticks([])


def _map(axes: Axes, laid_out: EmbeddingMap) -> None:
    names = sorted(set(laid_out.classes))
    x, y, classes = np.array(laid_out.x), np.array(laid_out.y), np.array(laid_out.classes)
    colours = mpl.colormaps["tab20" if len(names) > 10 else "tab10"]
    for number, name in enumerate(names):
        own = classes == name
        axes.plot(x[own], y[own], "o", markersize=2.6, markeredgewidth=0, alpha=0.75, color=colours(number % colours.N))
    if len(names) <= _MOST_NAMES:
        for name in names:
            own = classes == name
            place = (float(np.median(x[own])), float(np.median(y[own])))
            axes.annotate(name, place, fontsize=9 if len(names) <= 20 else 5.5, ha="center", va="center", weight="bold")
    axes.set(xticks=[], yticks=[], title="Map of the embedding")
    for spine in axes.spines.values():
        spine.set_visible(False)
