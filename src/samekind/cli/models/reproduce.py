"""``samekind reproduce``: a listed protocol, in one command."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import JsonOption, echo_json, warn
from samekind.cli.console.outputs import folder_like

if TYPE_CHECKING:
    from samekind.training.reproduce import Seed


class Task(StrEnum):
    """What is judged."""

    pairs = "pairs"
    trios = "trios"


def reproduce(
    task: Annotated[Task, typer.Argument(help="pairs: binary cross-entropy. trios: triplet loss.")],
    data: Annotated[
        Path,
        typer.Option(help="Imagenette, as `samekind data imagenette` leaves it: train and val.", show_default=False),
    ],
    init: Annotated[
        str, typer.Option(help="imagenet (timm's pretrained weights, downloaded) or a .safetensors file of them.")
    ] = "imagenet",
    seeds: Annotated[int, typer.Option(min=1, help="How many times, each with other items and another start.")] = 5,
    unseen: Annotated[
        Path | None,
        typer.Option(help="Class folders of other classes, to be tested on as well.", show_default=False),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            callback=folder_like,
            help="Folder for the runs; what is done there is not done again.",
            show_default="runs/reproduce-TASK",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Train on 1,280 listed items and test on 320, as the project that this one grew from did.

    Of Imagenette's training images 128 pairs a class are drawn, half genuine and half impostor (or 128 triplets of
    anchor, positive and negative), and nothing else is trained on. EfficientNet-B0 learns from these pairs by binary
    cross-entropy (or from these triplets by triplet loss); 12 % of them give the probability and the threshold. Of the
    validation images 32 pairs (or trios, half of them with no two alike) a class are judged.

    About 4 minutes a seed on two cores. A run that was stopped goes on when the command is given again.

    Example:
      samekind reproduce pairs --data imagenette2-320
    """
    from samekind.training.run.preflight import refuse_missing_extra

    refuse_missing_extra()
    from samekind.cli.console.progress import stage_bars
    from samekind.datasets.dataset import read_dataset, read_test_images

    read_dataset(data)  # what is missing is known before torch is imported, which takes seconds
    if unseen is not None:
        read_test_images(unseen)
    from samekind.training.reproduce import reproduce as run_protocol

    folder = run or Path("runs") / f"reproduce-{task}"
    with stage_bars() as report:
        results = run_protocol(task, data, init, folder, seeds=range(seeds), unseen=unseen, report=report, note=warn)
    if json:
        echo_json(_summary(task, results))
    else:
        _print_table(task, results)
        typer.echo(f"curves: {folder / 'curves.png'}")


def _summary(task: str, results: list[Seed]) -> dict[str, object]:
    import dataclasses

    mean, deviation = _mean_and_deviation([result.accuracy for result in results])
    return {
        "task": task,
        "mean": mean,
        "standard_deviation": deviation,
        "seeds": [dataclasses.asdict(result) for result in results],
    }


def _print_table(task: str, results: list[Seed]) -> None:
    from rich.console import Console
    from rich.table import Table

    from samekind.training.reproduce import ORIGIN

    measure = "accuracy" if task == "pairs" else "balanced accuracy"
    has_unseen = results[0].unseen is not None
    first = results[0]
    table = Table(title=f"{task}: {measure} at the model's own threshold")
    others = [f"{first.unseen_items:,} {task} of unseen classes"] if has_unseen else []
    for name in ("seed", "training images", f"{first.items:,} test {task}", *others):
        table.add_column(name, justify="right")
    for result in results:
        unseen = [] if result.unseen is None else [f"{result.unseen:.4f}"]
        table.add_row(str(result.seed), f"{result.images:,}", f"{result.accuracy:.4f}", *unseen)
    columns = [[result.accuracy for result in results]]
    if has_unseen:
        columns.append([result.unseen for result in results if result.unseen is not None])
    table.add_section()
    summaries = (_mean_and_deviation(column) for column in columns)
    table.add_row("mean ± sd", "", *(f"{mean:.4f} ± {deviation:.4f}" for mean, deviation in summaries))
    Console().print(table)
    typer.echo(f"the project that this one grew from: {ORIGIN[task]}")
    typer.echo(
        "pretrained on ImageNet, the backbone had seen these classes with labels before"
        + ("" if has_unseen else "; --unseen FOLDER shows how well it does on others")
    )


def _mean_and_deviation(values: list[float]) -> tuple[float, float]:
    from statistics import fmean, stdev

    return fmean(values), stdev(values) if len(values) > 1 else 0.0
