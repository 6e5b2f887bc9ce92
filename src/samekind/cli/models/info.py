"""``samekind info``: what a model says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import JsonOption, printable

if TYPE_CHECKING:
    from samekind.model_file.calibration import MeasuredOn, OperatingPoint
    from samekind.model_file.card import Card, Measurement

NO_RATES = "none, for it is not calibrated: it embeds, searches and clusters; adapt and calibrate give it verdicts"
_GROUPS = {"seen": "classes trained on", "unseen": "classes not trained on"}


def info(
    model: Annotated[
        str | None,
        typer.Argument(help="A model that comes with samekind, by name, or a path.", show_default="general"),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also its classes, where its thresholds come from, and all its metrics.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Print a model's card: what it is for, its thresholds and their error rates, its licence.

    Examples:
      samekind info

      samekind info mine.onnx --all
    """
    from samekind.model_file.file import bundled_models, read_model

    card = read_model(model).card
    if json:
        typer.echo(card.model_dump_json(indent=2))
        return
    for line in _lines(card) if everything else _short(card):
        typer.echo(line)
    typer.echo(f"\nmodels that come with samekind: {', '.join(bundled_models())}")


def _short(card: Card) -> list[str]:
    """The card on one screen; what it leaves out is behind ``--all``."""
    training = card.training
    classes = len(training.classes)
    asks = f": are two{' (or, of three, any two)' if card.trio else ''} pictures the same kind of thing?"
    return [
        typer.style(printable(card.name), bold=True) + (asks if card.pair else ": embeddings, without verdicts yet"),
        f"  trained on    {classes:,} classes: {printable(', '.join(training.classes[:4]))}{', …' * (classes > 4)}"
        if classes
        else f"  trained on    {printable(training.data)}",
        *_rates(card),
        *_accuracy(card.metrics),
        f"  licence       {printable(card.licence)}",
        f"  fingerprint   {card.fingerprint[:12]}, {card.dimension} dimensions, samekind {card.samekind_version}",
        "more: --all",
    ]


def _rates(card: Card) -> list[str]:
    """Whose error rates the thresholds have, and the thresholds."""
    if card.pair is None:
        return [_no_rates(card)]
    measured_on = card.pair.measured_on
    return [
        f"  rates from    {printable(measured_on.domain or measured_on.description)}",
        *_thresholds(card.pair.operating_points),
    ]


def _no_rates(card: Card) -> str:
    """What stands for the rates of a model that is not calibrated."""
    if card.domains is None:
        return f"  rates         {NO_RATES}"
    balanced = card.domains.pair.balanced
    return (
        f"  rates         none until it is adapted: samekind adapt MODEL PICTURES; then FAR {balanced.far:.1%}, TAR "
        f"{balanced.tar:.1%} at balanced, on kinds left out ({printable(_shortened(card.domains.domains))})"
    )


def _accuracy(metrics: Sequence[Measurement]) -> list[str]:
    """The accuracy on pairs of each data set that the model was tested on."""
    from samekind.evaluation.metrics.metric import accuracy_at
    from samekind.model_file.calibration import DEFAULT_OPERATING_POINT

    lines = []
    for found in metrics:
        if found.task == "pairs" and found.metric == accuracy_at(DEFAULT_OPERATING_POINT).key:
            data = f"{found.data}/{found.split}" if found.split else found.data
            said = found.note or _GROUPS.get(found.group)
            lines.append(
                f"  accuracy      {found.value:.4f}  [{found.low:.4f}, {found.high:.4f}] on "
                + printable(f"{data} ({said})" if said else data)
            )
    return lines


def _lines(card: Card) -> list[str]:
    from samekind.model_file.card_words import encoder_words, square_words

    training = card.training
    lines = [
        typer.style(printable(card.name), bold=True),
        f"  backbone      {printable(card.backbone)}",
        f"  input         {card.input_size} × {card.input_size} pixels, RGB, {square_words(card)}",
        *(f"  {name:<12}  {printable(words)}" for name, words in encoder_words(card).items()),
        f"  dimensions    {card.dimension}",
        f"  trained on    {printable(training.data)}",
        *([f"  classes       {printable(_shortened(training.classes))}"] * bool(training.classes)),
        f"  objective     {printable(training.objective)}",
        f"  started from  {printable(training.init)}",
        f"  which saw     {printable(training.pretraining)}",
        *([f"  revision      {printable(training.revision)}"] * bool(training.revision)),
        f"  licence       {printable(card.licence)}",
        f"  created       {card.created}, samekind {card.samekind_version}",
        f"  fingerprint   {card.fingerprint}",
    ]
    if card.pair is None:
        return [*lines, _no_rates(card)]
    lines += [
        "",
        typer.style("Two images", bold=True) + "  (thresholds on the similarity)",
        *_points(card.pair.operating_points, card.pair.measured_on),
    ]
    if card.trio:
        lines += [
            "",
            typer.style("Three images", bold=True) + "  (thresholds on the probability)",
            *_points(card.trio.operating_points, card.trio.measured_on),
        ]
    lines += _measurements(card.metrics)
    if card.metrics:
        lines += ["", "  intervals: 95 %, bootstrap over images; zero errors seen is not zero errors"]
    return lines


def _measurements(metrics: Sequence[Measurement]) -> list[str]:
    lines = []
    for (data, split, note), records in groupby(metrics, lambda record: (record.data, record.split, record.note)):
        name = f"{data}/{split}" if split else data
        lines += ["", typer.style("Tested on ", bold=True) + printable(f"{name} ({note})" if note else name)]
        named = {f"{record.task}: {record.label or record.metric}": record for record in records}
        width = max(len(name) for name in named)
        lines += [
            f"  {printable(name):<{width}}  {value.value:.4f}  [{value.low:.4f}, {value.high:.4f}]"
            for name, value in named.items()
        ]
    return lines


def _points(points: dict[str, OperatingPoint], measured_on: MeasuredOn) -> list[str]:
    return [
        *_thresholds(points),
        f"  chosen {'on' if measured_on.cross_fitted else 'and measured on'} {printable(measured_on.description)}",
        *([f"  kind of pictures: {printable(measured_on.domain)}"] if measured_on.domain else []),
        *(
            ["  rates: of thresholds fitted on a part of these images and measured on the rest, in turn"]
            * measured_on.cross_fitted
        ),
        f"  {measured_on.positives:,} items whose answer is yes, {measured_on.negatives:,} whose answer is no",
    ]


def _thresholds(points: dict[str, OperatingPoint]) -> list[str]:
    width = max(12, *(len(name) for name in points))
    return [
        f"  {printable(name):<{width}}  threshold {point.threshold:.3f}   FAR {point.far:7.3%}   TAR {point.tar:7.2%}"
        for name, point in points.items()
    ]


def _shortened(names: tuple[str, ...], most: int = 12) -> str:
    more = f", … ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + more
