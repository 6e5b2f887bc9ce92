"""``samekind train``: a folder of labelled images in, a model file out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samekind.cli.console.options import ExcludeOption, warn
from samekind.cli.console.outputs import OptionalModelOutput, folder_like

# What a run that is resumed may be told; all else it was started with.
_WITH_RESUME = frozenset({"resume", "devices", "num_nodes"})


def train(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Class folders; or train and val with class folders in each, of which val is only tested on; or a CSV "
            "with columns path, label and (if wanted) split; or, for --recipe answers, a CSV of pairs that somebody "
            "answered (first, second, same), such as `samekind data label` writes.",
            show_default=False,
        ),
    ] = None,
    output: OptionalModelOutput = None,
    recipe: Annotated[
        str,
        typer.Option(
            help="default, general (for kinds that are not trained on), pairs, triplets, answers (for "
            "answered pairs), or a TOML file such as --show-recipe prints."
        ),
    ] = "default",
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change the recipe, such as --set epochs=5 or --set optimizer.lr=1e-3."
        ),
    ] = None,
    init: Annotated[
        str,
        typer.Option(
            help="Where the weights start: imagenet (timm's pretrained weights, downloaded), bundled (pretrained "
            "weights that come with samekind, all but the last layers; with --recipe general its head, too), scratch, "
            "a .safetensors file with timm's names, or a samekind model file."
        ),
    ] = "imagenet",
    holdout_classes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Fit the probabilities and thresholds on N classes that are not trained on, so that they hold for "
            "new classes (holdout.classes of the recipe).",
            show_default=False,
        ),
    ] = None,
    test: Annotated[
        list[Path] | None,
        typer.Option(help="Class folders to test on as well; repeat for more. The numbers go into the card."),
    ] = None,
    exclude: ExcludeOption = None,
    licence: Annotated[str, typer.Option(help="Of the weights, for the card.")] = "unspecified",
    run: Annotated[
        Path | None,
        typer.Option(
            callback=folder_like, help="Folder for checkpoints, logs and the cache.", show_default="runs/NAME"
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with the run in this folder; its own settings are used.", show_default=False),
    ] = None,
    devices: Annotated[
        int, typer.Option(min=0, help="GPUs (or processes on the CPU) on each machine; 0 for all GPUs, else one.")
    ] = 0,
    num_nodes: Annotated[int, typer.Option(min=1, help="Machines, which must share the run folder.")] = 1,
    log: Annotated[
        list[str] | None,
        typer.Option(
            help="tensorboard, wandb; repeat for both. logs/metrics.csv is always written.", show_default="tensorboard"
        ),
    ] = None,
    show_recipe: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPE",
            help="Print a recipe with the meaning of every key, as TOML, and do nothing else.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train a Siamese network on your own classes and write a calibrated model file.

    Every image is looked at first: unreadable ones are named and left out. A part of the images is held out; the
    probabilities and thresholds are fitted there, never on training images. Ctrl-C finishes the step and saves; a run
    that was stopped, even by a power cut, goes on with --resume.

    Examples:
      samekind train photos -o photos.onnx --init bundled

      samekind train photos -o photos.onnx --set epochs=5 --set augmentation.views=2

      samekind train --show-recipe default > mine.toml; samekind train photos -o photos.onnx --recipe mine.toml

      samekind train --resume runs/photos
    """
    from samekind.training import api

    if show_recipe is not None:
        typer.echo(api.show_recipe(api.read_recipe(show_recipe, changes or ())), nl=False)
        return
    from samekind.cli.console.progress import stage_bars

    try:
        with stage_bars() as on_progress:
            if resume is not None:
                _refuse_changes(context)
                api.resume(resume, devices=devices, num_nodes=num_nodes, on_progress=on_progress, note=warn)
            elif folder is None or output is None:
                raise typer.BadParameter("give a folder of images and -o MODEL.onnx")
            else:
                api.train(
                    folder,
                    output,
                    recipe=recipe,
                    changes=changes or (),
                    init=init,
                    tests=test or (),
                    holdout_classes=holdout_classes,
                    exclude=exclude or (),
                    licence=licence,
                    run=run,
                    devices=devices,
                    num_nodes=num_nodes,
                    loggers=log or ("tensorboard",),
                    on_progress=on_progress,
                    note=warn,
                )
    except KeyboardInterrupt as interruption:
        typer.echo(f"samekind: interrupted. {interruption}".rstrip(), err=True)
        raise typer.Exit(130) from None
    typer.echo(api.read_summary(resume or run, output), nl=False)


def _refuse_changes(context: typer.Context) -> None:
    """A run goes on as it began; a setting that is given all the same would do nothing."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name not in _WITH_RESUME and source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"--resume goes on with what the run began with; {parameter.opts[0]} cannot be given. "
                "For other settings start another run (--run)"
            )
