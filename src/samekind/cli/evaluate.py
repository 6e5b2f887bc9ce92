"""``samekind evaluate``: how often a model is right on your labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.options import JsonOption, ProviderOption, echo_json, printable

if TYPE_CHECKING:
    from samekind.evaluation.protocol import Evaluation


def evaluate(
    model: Annotated[str, typer.Argument(help="A model that comes with samekind, by name, or a path.")],
    folder: Annotated[Path, typer.Argument(help="Class folders; of a folder with train and val, val is used.")],
    pairs: Annotated[int, typer.Option(min=2, help="Balanced pairs to draw.")] = 20_000,
    trios: Annotated[int, typer.Option(min=2, help="Balanced trios to draw.")] = 2_000,
    resamples: Annotated[int, typer.Option(min=10, help="Bootstrap resamples behind each interval.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Decides the samples.")] = 0,
    json: JsonOption = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write the JSON here.")] = None,
    provider: ProviderOption = None,
) -> None:
    """Measure a model on labelled images: pairs, trios, calibration, each number with its 95 % interval.

    Thresholds and probabilities are used as the model's card gives them; nothing is fitted on these images. The
    intervals come from resampling images, not pairs, for pairs that share an image are not independent.
    """
    from samekind.cli.progress import progress_bar
    from samekind.datasets.dataset import read_test_images
    from samekind.evaluation.protocol import evaluate as measure
    from samekind.recognizer import load

    images = read_test_images(folder)
    recognizer = load(model, providers=provider)
    with progress_bar("images", len(images)) as on_progress:
        result = measure(
            recognizer,
            images,
            pairs=pairs,
            trios=trios,
            resamples=resamples,
            seed=seed,
            on_progress=on_progress,
        )
    if output is not None:
        _write(result, output)
    for message in result.unreadable:
        typer.secho(f"samekind: {printable(message)}", err=True, fg="red")
    if json:
        echo_json(result)
    else:
        for line in _lines(result):
            typer.echo(line)


def _write(result: Evaluation, path: Path) -> None:
    import dataclasses
    from json import dumps

    from samekind.atomic import replacing

    with replacing(path) as temporary:
        temporary.write_text(dumps(dataclasses.asdict(result), indent=2) + "\n", encoding="utf-8")


def _lines(result: Evaluation) -> list[str]:
    metrics = [result.pair_metrics, result.trio_metrics]
    width = max(len(name) for part in metrics for name in part)
    titles = [
        f"{result.pairs:,} pairs, half genuine",
        f"{result.trios:,} trios, half with no two alike",
    ]
    lines = [
        f"{printable(result.model)} on {printable(result.data)}: {result.images:,} images of {result.classes} classes",
        *_seen(result),
    ]
    for title, part in zip(titles, metrics, strict=True):
        if not part:
            continue
        lines += ["", typer.style(title, bold=True)]
        lines += [
            f"  {name:<{width}}  {value.value:.4f}  [{value.low:.4f}, {value.high:.4f}]" for name, value in part.items()
        ]
    lines += [
        "",
        "intervals: 95 %, bootstrap over images within their class; zero errors seen is not zero errors",
    ]
    if result.protocol:
        drawn = result.protocol
        what = "mean [smallest, largest draw]"
        lines += [
            "",
            typer.style("the protocol's test pairs", bold=True) + ", 32 a class, 10 draws, accuracy at balanced",
            f"  {what:<{width}}  {drawn.mean:.4f}  [{drawn.smallest:.4f}, {drawn.largest:.4f}]",
        ]
    return lines


def _seen(result: Evaluation) -> list[str]:
    seen, total = len(result.classes_seen), result.classes
    if seen == 0:
        trained = "none of these classes is among those the model was trained on"
    elif seen == total:
        trained = "the model was trained on other images of these very classes"
    else:
        names = ", ".join(result.classes_seen)
        trained = f"{seen} of these {total} classes are among those the model was trained on: {names}"
    return [printable(trained), f"before its training the network had seen: {printable(result.pretraining)}"]
