"""``samekind adapt``: a model for your own pictures, without labels."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import JsonOption, ProviderOption, ThreadsOption, echo_json, printable

if TYPE_CHECKING:
    from samekind.model_file.card import Card


def adapt(
    model: Annotated[
        str, typer.Argument(help="A model that comes with samekind, by name, or a path.", show_default=False)
    ],
    pictures: Annotated[
        Path,
        typer.Argument(
            help="A folder of your own pictures, in subfolders too, or a gallery. No labels are needed. 20 pictures "
            "serve, 200 are better; of more than 500 pictures of a folder, 500 from all over it are used.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The model file to write; its stem names the model.", show_default=False),
    ],
    json: JsonOption = False,
    provider: ProviderOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Adapt a model to a collection of pictures, without labels, without training and without torch.

    What all of your pictures have in common no longer counts: among shirts, that they are clothes. The verdicts, the
    probabilities and the thresholds are then about what sets your pictures apart from each other. The error rates on
    the card are those of collections of other kinds that were adapted to in the same way.

    The file holds the mean of the pictures and how widely they spread, and none of the pictures.

    Examples:
      samekind adapt general photos -o mine.onnx && samekind verify a.jpg b.jpg --model mine.onnx

      samekind adapt general photos.samekind -o mine.onnx
    """
    from samekind.cli.judging.context import adapt_to
    from samekind.recognizer import load

    if output.is_dir():  # known before the work
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(output))
    card = adapt_to(load(model, providers=provider, threads=threads), pictures, output.stem).save(output)
    if json:
        echo_json(card.model_dump(mode="json"))
    else:
        typer.echo(summary(card, output))


def summary(card: Card, output: Path) -> str:
    """What came of it, and what to do next."""
    about, balanced = card.adapted, card.pair.balanced
    assert about is not None
    alike = "one broad kind" if about.length > 0.6 else "related kinds" if about.length > 0.4 else "many kinds"
    return (
        f"{output}: written, adapted to {about.pictures:,} pictures of {printable(about.source)}\n"
        f"they show {alike} (their mean has length {about.length:.2f}; {about.share:.0%} of it was taken away)\n"
        f"balanced: FAR {balanced.far:.1%}, TAR {balanced.tar:.1%}, measured on "
        f"{printable(card.pair.measured_on.kind_of_pictures)}\n"
        f"next: samekind verify A B --model {output}\n"
        f"with labels: samekind calibrate {output} CLASS-FOLDERS -o BETTER.onnx"
    )
