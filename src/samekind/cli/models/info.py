"""``samekind info``: what a model says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import JsonOption, printable

if TYPE_CHECKING:
    from samekind.model_file.card import Card, MeasuredOn, Measurement, OperatingPoint


def info(
    model: Annotated[
        str | None,
        typer.Argument(help="A model that comes with samekind, by name, or a path.", show_default="general"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print a model's card: how it was made, its thresholds and their error rates, its metrics, its licence."""
    from samekind.model_file.file import bundled_models, read_model

    card = read_model(model).card
    if json:
        typer.echo(card.model_dump_json(indent=2))
        return
    for line in _lines(card):
        typer.echo(line)
    typer.echo(f"\nmodels that come with samekind: {', '.join(bundled_models())}")


def _lines(card: Card) -> list[str]:
    training = card.training
    lines = [
        typer.style(printable(card.name), bold=True),
        f"  backbone      {printable(card.backbone)}",
        f"  input         {card.input_size} × {card.input_size} pixels, RGB, {card.resize}ed",
        f"  embedding     {card.dimension} dimensions",
        f"  trained on    {printable(training.data)}",
        f"  classes       {printable(_shortened(training.classes))}",
        f"  objective     {printable(training.objective)}",
        f"  started from  {printable(training.init)}",
        f"  which saw     {printable(training.pretraining)}",
        f"  licence       {printable(card.licence)}",
        f"  created       {card.created}, samekind {card.samekind_version}",
        f"  fingerprint   {card.fingerprint}",
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
    width = max(len(name) for name in points)
    return [
        *(
            f"  {printable(name):<{width}}  threshold {point.threshold:.3f}   "
            f"FAR {point.far:7.3%}   TAR {point.tar:7.2%}"
            for name, point in points.items()
        ),
        f"  chosen {'on' if measured_on.cross_fitted else 'and measured on'} {printable(measured_on.description)}",
        *([f"  kind of pictures: {printable(measured_on.domain)}"] if measured_on.domain else []),
        *(
            ["  rates: of thresholds fitted on a part of these images and measured on the rest, in turn"]
            * measured_on.cross_fitted
        ),
        f"  {measured_on.positives:,} items whose answer is yes, {measured_on.negatives:,} whose answer is no",
    ]


def _shortened(names: tuple[str, ...], most: int = 12) -> str:
    more = f", … ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + more
