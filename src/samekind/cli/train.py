"""``samekind train``: a folder of labelled images in, a model file out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Class folders, or train and val with class folders in each; val is only tested on.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The model file to write; its stem names the model.", show_default=False),
    ] = None,
    objective: Annotated[
        str,
        typer.Option(help="pairs: binary cross-entropy on pairs. triplets: triplet loss on mined triplets."),
    ] = "pairs",
    init: Annotated[
        str,
        typer.Option(
            help="Where the weights start: imagenet (timm's pretrained weights, downloaded), a .safetensors file with "
            "timm's names, a samekind model by name or path, or scratch."
        ),
    ] = "imagenet",
    backbone: Annotated[str, typer.Option(help="timm name of an EfficientNet.")] = "tf_efficientnet_b0",
    size: Annotated[int, typer.Option(help="Side of the square input, pixels.")] = 224,
    dimension: Annotated[int, typer.Option(help="Length of the embedding.")] = 128,
    frozen_stages: Annotated[
        int,
        typer.Option(
            help="First stages that stay as they are; their outputs are computed once and cached. 0 trains everything."
        ),
    ] = 5,
    views: Annotated[int, typer.Option(help="Augmented views of each image in the cache.")] = 4,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 10,
    classes_per_batch: Annotated[int, typer.Option("-p", help="Classes in a batch.")] = 10,
    images_per_class: Annotated[int, typer.Option("-k", help="Images of each class in a batch.")] = 12,
    learning_rate: Annotated[float, typer.Option(help="Peak, for layers that start from noise.")] = 2e-3,
    pretrained_learning_rate: Annotated[float, typer.Option(help="Peak, for pretrained layers.")] = 4e-4,
    holdout: Annotated[
        float, typer.Option(help="Share of the training images kept for calibration and thresholds.")
    ] = 0.12,
    seed: Annotated[int, typer.Option(help="Decides the split, the augmentation and the order.")] = 0,
    test: Annotated[
        list[Path] | None,
        typer.Option(help="Class folders to test on as well; repeat for more. The numbers go into the card."),
    ] = None,
    licence: Annotated[str, typer.Option(help="Of the weights, for the card.")] = "unspecified",
    run: Annotated[
        Path | None,
        typer.Option(help="Folder for checkpoints and logs.", show_default="runs/NAME"),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this folder; its own settings are used.")
    ] = None,
) -> None:
    """Train a Siamese network on your own classes and write a calibrated model file.

    The links from similarity to probability and the thresholds are fitted on images held out from training. A run
    that was stopped goes on from its last finished epoch with --resume.

    Examples:
      samekind train photos -o photos.onnx

      samekind train photos -o photos.onnx --init imagenette --epochs 5

      samekind train --resume runs/photos
    """
    from samekind.cli.extras import require

    require("train", "torch", "torchvision", "timm", "lightning", "pytorch_metric_learning", "safetensors", "scipy")
    require("train", "onnx", "onnxscript")
    from pydantic import ValidationError

    from samekind.cli.progress import stage_bars
    from samekind.training.pipeline import train as train_model
    from samekind.training.recipe import Recipe
    from samekind.training.run import RunSettings, is_run, read_run

    if resume is not None:
        if folder is not None or output is not None:
            raise typer.BadParameter("--resume takes folder and output from the run; give neither")
        run, settings = resume, read_run(resume)
    else:
        if folder is None or output is None:
            raise typer.BadParameter("give a folder of images and -o MODEL.onnx")
        try:
            recipe = Recipe.model_validate(
                {
                    "objective": objective,
                    "backbone": backbone,
                    "input_size": size,
                    "dimension": dimension,
                    "frozen_stages": frozen_stages,
                    "views": views,
                    "epochs": epochs,
                    "classes_per_batch": classes_per_batch,
                    "images_per_class": images_per_class,
                    "learning_rate": learning_rate,
                    "pretrained_learning_rate": pretrained_learning_rate,
                    "holdout": holdout,
                    "seed": seed,
                }
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise typer.BadParameter(f"{first['loc'][0]}: {first['msg']}") from None
        run = run or Path("runs") / output.stem
        settings = RunSettings(
            folder=folder, output=output, recipe=recipe, init=init, tests=tuple(test or ()), licence=licence
        )
    try:
        with stage_bars() as report:
            card = train_model(settings, run, resume=resume is not None, report=report)
    except KeyboardInterrupt:
        advice = f" Go on with: samekind train --resume {run}" if is_run(run) else ""
        typer.echo(f"samekind: interrupted.{advice}", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"{settings.output}: written. Its thresholds and error rates: samekind info {settings.output}")
    balanced = card.pair.operating_points["balanced"]
    typer.echo(f"held-out images: FAR {balanced.far:.2%}, TAR {balanced.tar:.2%} at balanced")
