"""``samekind wrap``: an image encoder from elsewhere as a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from samekind.cli.console.options import JsonOption, echo_json, printable
from samekind.cli.console.outputs import ModelOutput
from samekind.system.paths import shell_word

if TYPE_CHECKING:
    from samekind.wrapping.model import Wrapped


def wrap(
    source: Annotated[
        str,
        typer.Argument(
            help="An image encoder: an ONNX file, or timm:NAME for one of timm's, with its tag if wanted.",
            show_default=False,
        ),
    ],
    output: ModelOutput,
    mean: Annotated[
        str | None,
        typer.Option(
            help="What is taken from each channel, as shares of white: three numbers with commas between, or one. "
            "Needed for an ONNX file that does not take uint8.",
            show_default=False,
        ),
    ] = None,
    std: Annotated[
        str | None, typer.Option(help="What each channel is then divided by, likewise.", show_default=False)
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=16,
            max=4096,
            help="The side of the square of pixels that it takes, where it takes any.",
            show_default="what it takes",
        ),
    ] = None,
    resize: Annotated[
        Literal["squash", "crop"] | None,
        typer.Option(
            help="How pictures become square: squash shows all of each, crop the largest square in the middle.",
            show_default="squash; timm's own choice",
        ),
    ] = None,
    shown: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=1.0,
            help="The share of each side that the encoder is shown, in the middle, such as 0.875.",
            show_default="1; timm's own choice",
        ),
    ] = None,
    layout: Annotated[
        Literal["nchw", "nhwc"] | None,
        typer.Option(help="The order of its input, where that does not tell.", show_default="what fits"),
    ] = None,
    output_name: Annotated[
        str | None,
        typer.Option(
            "--output-name",
            metavar="NAME",
            help="The output that becomes the embedding, or an inner value; needed where there are several.",
            show_default=False,
        ),
    ] = None,
    pool: Annotated[
        Literal["cls", "mean", "patches", "cls+patches"] | None,
        typer.Option(
            help="How tokens become one vector: cls takes the first, mean the mean of all, patches that of those "
            "behind the class token and registers; of timm's networks both are timm's mean. A feature map is averaged.",
            show_default="timm's own choice",
        ),
    ] = None,
    prefix_tokens: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="How many tokens come before those of the patches.",
            show_default="those beside the largest square",
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="For timm:NAME, without a network: its weights as a .safetensors file; or random.",
            show_default="timm's pretrained weights",
        ),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Pictures on which the file is compared with its source.",
            show_default="photographs that come with samekind",
        ),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="The licence of the weights, for the card.", show_default="not stated")
    ] = None,
    training_data: Annotated[
        str | None,
        typer.Option(help="What it was trained on, in words, for the card.", show_default="not stated"),
    ] = None,
    full: Annotated[
        bool, typer.Option("--float32", help="Keep all weights in 32 bits, also where 16 would do.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make a model file of an image encoder from elsewhere: one of timm's, or any as ONNX, which needs no torch.

    What the encoder does to pixels goes into the file, and its output is normalised. On real pictures the file is
    compared with its source; where they differ, nothing is written. The model embeds, searches and clusters at once. It
    gives verdicts once it is calibrated: `adapt` with labelled folders, or `calibrate`.

    Examples:
      samekind wrap encoder.onnx -o mine.onnx --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225

      samekind wrap timm:vit_small_patch14_reg4_dinov2.lvd142m -o dino.onnx

      samekind wrap timm:resnet18 --init weights.safetensors -o mine.onnx
    """
    from samekind.wrapping.wrap import wrap as make

    found = make(
        source,
        output,
        mean=mean,
        std=std,
        size=size,
        resize=resize,
        shown=shown,
        layout=layout,
        output_name=output_name,
        pool=pool,
        prefix_tokens=prefix_tokens,
        init=init,
        pictures=pictures,
        licence=licence,
        training_data=training_data,
        half=not full,
    )
    if json:
        echo_json(found.card.model_dump(mode="json"))
    else:
        typer.echo(summary(found, output))


def summary(found: Wrapped, output: Path) -> str:
    """What came of it, and what to do next."""
    from samekind.model_file.card_words import encoder_words, square_words

    card, parity = found.card, found.parity
    bits = found.weights.removeprefix("float")
    lines = [
        f"{output}: written, {card.dimension} dimensions",
        f"pictures: {card.input_size} × {card.input_size} pixels, {square_words(card)}",
        *(f"{name}: {printable(words)}" for name, words in encoder_words(card).items()),
        f"like its source on {parity.pictures} pictures: cosine at least {parity.cosine:.6f}, weights in {bits} bits",
        f"licence: {printable(card.licence)}",
    ]
    if found.one_by_one:
        lines.append(
            "it runs picture after picture, for its graph takes one only, or gives others in company; exported for any "
            "number, each by itself, it is faster"
        )
    return "\n".join(
        [
            *lines,
            f"next: samekind index FOLDER --model {shell_word(output)}",
            f"for verdicts: samekind calibrate {shell_word(output)} CLASS-FOLDERS -o NEW.onnx",
            f"or: samekind adapt {shell_word(output)} PICTURES --labelled FOLDER (three or more) -o NEW.onnx",
        ]
    )
