"""``samekind adapt``: a model for your own pictures, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import JsonOption, ProviderOption, ThreadsOption, echo_json, printable
from samekind.cli.console.outputs import ModelOutput
from samekind.system.paths import shell_word

if TYPE_CHECKING:
    from samekind.model_file.card import Card


def adapt(
    model: Annotated[
        str, typer.Argument(help="A model that comes with samekind, by name, or a path.", show_default=False)
    ],
    pictures: Annotated[
        str | None,
        typer.Argument(
            help="A folder of your own pictures, in subfolders too, or a gallery. No labels are needed. 20 pictures "
            "serve, 200 are better; of more than 500 pictures of a folder, 500 from all over it are used.",
            show_default=False,
        ),
    ] = None,
    *,
    output: ModelOutput,
    labelled: Annotated[
        list[Path] | None,
        typer.Option(
            "--labelled",
            metavar="FOLDER",
            help="For a model that was never measured on collections, such as one of `samekind wrap`: class folders of "
            "pictures of any kind, by which it learns what its similarities mean. Three or more, each of another kind; "
            "repeat the option.",
            show_default=False,
        ),
    ] = None,
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

      samekind adapt wrapped.onnx photos -o mine.onnx --labelled birds --labelled tools --labelled shoes
    """
    from samekind.adaptation.adaptation import refuse_unmeasured
    from samekind.cli.console.progress import stage_bars
    from samekind.cli.judging.context import adapt_to, names_gallery
    from samekind.recognizer import load

    if pictures is None and not labelled:
        raise typer.BadParameter("give a folder of your own pictures")
    if labelled:
        from samekind.adaptation.pictures import pictures_of
        from samekind.fitting.adaptable import make_adaptable

        if pictures is not None and not names_gallery(pictures):
            pictures_of(pictures)  # refuses what is no folder, before the work
        with stage_bars(log=False) as on_progress:
            recognizer = make_adaptable(model, labelled, providers=provider, threads=threads, on_progress=on_progress)
    else:
        recognizer = load(model, providers=provider, threads=threads)
        refuse_unmeasured(recognizer.card)  # before the pictures are read
    card = (recognizer if pictures is None else adapt_to(recognizer, pictures, output.stem)).save(output)
    if json:
        echo_json(card.model_dump(mode="json"))
    else:
        typer.echo(summary(card, output))


def summary(card: Card, output: Path) -> str:
    """What came of it, and what to do next."""
    about = card.adapted
    if about is None or card.pair is None:
        assert card.domains is not None
        balanced = card.domains.pair.balanced
        return (
            f"{output}: written; it can be adapted now\n"
            f"balanced: FAR {balanced.far:.1%}, TAR {balanced.tar:.1%}, measured on "
            f"{printable(', '.join(card.domains.domains))}, each left out of the fit in turn\n"
            f"next: samekind adapt {shell_word(output)} PICTURES -o NEW.onnx"
        )
    balanced = card.pair.balanced
    alike = "one broad kind" if about.length > 0.6 else "related kinds" if about.length > 0.4 else "many kinds"
    return (
        f"{output}: written, adapted to {about.pictures:,} pictures of {printable(about.source)}\n"
        f"they show {alike} (their mean has length {about.length:.2f}; {about.share:.0%} of it was taken away)\n"
        f"balanced: FAR {balanced.far:.1%}, TAR {balanced.tar:.1%}, measured on "
        f"{printable(card.pair.measured_on.kind_of_pictures)}\n"
        f"next: samekind verify A B --model {shell_word(output)}\n"
        f"with labels: samekind calibrate {shell_word(output)} CLASS-FOLDERS -o BETTER.onnx"
    )
