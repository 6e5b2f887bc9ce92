"""``samekind data imagenette``: the data set that the models that samekind brings were trained on."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Size(StrEnum):
    """Of the shorter side in pixels."""

    small = "160"
    medium = "320"
    full = "full"


def imagenette(
    to: Annotated[Path, typer.Option(help="The folder to put it in.", show_default=False)],
    size: Annotated[
        Size, typer.Option(help="Shorter side in pixels: 160 (about 0.1 GB), 320 (0.3 GB), or full (1.5 GB).")
    ] = Size.medium,
) -> None:
    """Download Imagenette: 9,469 training and 3,925 validation images of ten easy classes of ImageNet.

    The checksum is compared, and the folder appears only when it is whole. After Ctrl-C or a lost connection the same
    command goes on from what is there. A folder that is there already is left alone. The images are for research use,
    by the terms of ImageNet.

    Example:
      samekind data imagenette --to . --size 320 && samekind reproduce pairs --data imagenette2-320
    """
    from samekind.cli.console.extras import require

    require("train", "torchvision")
    from samekind.cli.console.progress import stage_bars
    from samekind.datasets.imagenette import fetch_imagenette, imagenette_archive

    archive = imagenette_archive(size)
    already = (to / archive.name).exists()
    try:
        with stage_bars() as on_progress:
            folder = fetch_imagenette(archive, to, on_progress=on_progress)
    except KeyboardInterrupt:
        typer.echo("samekind: interrupted. The same command goes on from what is there.", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"{folder}: {'there already' if already else 'written'}, {archive.images:,} images in train and val")
