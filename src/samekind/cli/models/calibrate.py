"""``samekind calibrate``: thresholds and probabilities for your own pictures, without training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import ExcludeOption, JsonOption, ProviderOption, echo_json, printable
from samekind.cli.console.outputs import ModelOutput

if TYPE_CHECKING:
    from samekind.fitting.calibrate import Recalibrated
    from samekind.fitting.recalibrate import CalibrationQuality, OldAndNew, Start
    from samekind.model_file.calibration import PairCalibration, TrioCalibration


def calibrate(
    model: Annotated[
        str, typer.Argument(help="A model that comes with samekind, by name, or a path.", show_default=False)
    ],
    output: ModelOutput,
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Your labelled images: class folders (of train and val, train is used, so that val can be evaluated "
            "on), or a CSV with columns path, label and (if wanted) split, of which held-out is used before train.",
            show_default=False,
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--pairs",
            metavar="FILE",
            help="Instead of a folder: a CSV list of pairs that somebody answered (first, second, same), such as "
            "`samekind data label` writes.",
        ),
    ] = None,
    bare: Annotated[
        bool,
        typer.Option(
            "--bare",
            help="Keep the network as it is, and with it stored embeddings: do not adapt it to the images.",
        ),
    ] = False,
    exclude: ExcludeOption = None,
    json: JsonOption = False,
    provider: ProviderOption = None,
) -> None:
    """Fit a model's probabilities and thresholds to your own labelled images, without training and without torch.

    What changes is what a similarity means. The table shows the model's old error rates on your images beside the new
    ones, which come from thresholds that were fitted on one half of the images and measured on the other, both ways;
    the thresholds that are written come from all of them. This makes the error rates true for pictures like yours.

    The images also adapt the model, as `samekind adapt` does, where that lowers the log loss that is so measured. The
    embeddings are then others, and those that you stored no longer fit; with --bare the network stays as it is.

    A hundred images of a few classes are enough for a start; an operating point such as strict needs some thousands of
    pairs of different classes behind it, and is left out without. Images that the model was trained on are refused.

    With --pairs, two images are calibrated by pairs that somebody answered, where classes are not known; a few hundred
    have the operating point balanced only.

    Examples:
      samekind calibrate general photos -o mine.onnx && samekind verify a.jpg b.jpg --model mine.onnx

      samekind data label photos -o pairs.csv; samekind calibrate general --pairs pairs.csv -o mine.onnx
    """
    from samekind.cli.console.progress import stage_bars
    from samekind.fitting.calibrate import calibrate as fit

    if (folder is None) == (pairs is None):
        raise typer.BadParameter("give a folder of classes or --pairs FILE, one of them")
    with stage_bars(log=False) as progress:
        result = fit(
            model,
            folder,
            output,
            pairs=pairs,
            bare=bare,
            exclude=exclude or (),
            providers=provider,
            on_progress=progress,
        )
    for message in result.unreadable:
        typer.secho(f"samekind: {printable(message)}", err=True, fg="red")
    if json:
        _echo_json(result)
        return
    _print("two images", result.old.pair, result.pairs)
    if result.trios:
        _print("three images", result.old.trio, result.trios)
    elif pairs is None:
        typer.echo("\nfewer than three classes: the new model judges pairs only")
    elif result.card.trio is not None:
        typer.echo("\nthree images are judged by what was known before: answers of pairs say nothing of them")
    what = "images" if pairs is None else "answers"
    typer.echo(f"\nmeasured on your {what}; new: fitted on one half of them and measured on the other, both ways")
    if result.start:
        typer.echo(_start(result.start))
    typer.echo(f"{output}: written; {_network(result)}")


def _start(start: Start) -> str:
    """What the new model starts from, and what that gained."""
    chosen = "the model adapted to your images" if start.adapted else "the network as it is"
    return (
        f"start: {chosen}; adapting to your images takes the log loss of pairs from {start.bare_log_loss:.3f} to "
        f"{start.adapted_log_loss:.3f}, the EER from {start.bare_eer:.1%} to {start.adapted_eer:.1%} "
        "(adapted and fitted on one half, measured on the other)"
    )


def _network(result: Recalibrated) -> str:
    fingerprint, old = f"fingerprint {result.card.fingerprint[:12]}", printable(result.old.name)
    if result.card.fingerprint == result.old.fingerprint:
        return f"the network is that of {old} ({fingerprint}), so stored embeddings stay valid"
    return (
        f"the network is that of {old} adapted to your images ({fingerprint}), so embeddings stored with {old} do not "
        "fit it; --bare keeps the network as it is"
    )


def _echo_json(result: Recalibrated) -> None:
    compared = {"pairs": result.pairs, "trios": result.trios, "start": result.start}
    echo_json(
        {"card": result.card.model_dump(mode="json"), "unreadable": result.unreadable}
        | {name: found and dataclasses.asdict(found) for name, found in compared.items()}
    )


def _print(title: str, before: PairCalibration | TrioCalibration | None, compared: OldAndNew) -> None:
    from rich.console import Console
    from rich.table import Table

    typer.secho(
        f"\n{title}: {compared.positives:,} items whose answer is yes, {compared.negatives:,} whose answer is no",
        bold=True,
    )
    table = Table()
    for column in ("", "old card says", "old, measured", "new, measured"):
        table.add_column(column, justify="right")
    said = {name: (point.far, point.tar) for name, point in before.operating_points.items()} if before else {}
    old = compared.old
    for name in dict.fromkeys([*said, *compared.new.points]):
        columns = (said.get(name), _point(old, name), _point(compared.new, name))
        table.add_row(f"{printable(name)}, FAR", *(f"{rates[0]:.2%}" if rates else "" for rates in columns))
        table.add_row("TAR", *(f"{rates[1]:.1%}" if rates else "" for rates in columns))
        table.add_section()
    for label, attribute in (("accuracy at balanced", "accuracy"), ("calibration error", "calibration_error")):
        values = [f"{getattr(quality, attribute):.3f}" if quality else "" for quality in (old, compared.new)]
        table.add_row(label, "", *values)
    Console().print(table)


def _point(quality: CalibrationQuality | None, name: str) -> tuple[float, float] | None:
    point = quality.points.get(name) if quality else None
    return (point.far, point.tar) if point else None
