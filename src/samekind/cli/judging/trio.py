"""``samekind trio``: three images, or a list of trios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samekind.cli.console.options import (
    PAIR_NAMES,
    AmongOption,
    JsonOption,
    ModelOption,
    OperatingPointOption,
    OutputOption,
    ProviderOption,
    ThreadsOption,
)


def trio(
    first: Annotated[Path | None, typer.Argument(help="An image file.", show_default=False)] = None,
    second: Annotated[Path | None, typer.Argument(help="Another.", show_default=False)] = None,
    third: Annotated[Path | None, typer.Argument(help="And one more.", show_default=False)] = None,
    trios: Annotated[
        Path | None,
        typer.Option(
            help="Judge many trios: a CSV file with the columns first, second and third. "
            "Relative paths are relative to the file's folder. Other columns are kept."
        ),
    ] = None,
    output: OutputOption = None,
    model: ModelOption = None,
    among: AmongOption = None,
    operating_point: OperatingPointOption = None,
    threshold: Annotated[
        float | None, typer.Option(help="A probability from 0 to 1 instead of an operating point.")
    ] = None,
    json: JsonOption = False,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="Exit with 0 if two are alike, 1 if no two are, 2 for trouble."),
    ] = False,
    provider: ProviderOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Do at least two of three images show the same kind of thing?

    All three pairs are looked at together, whatever the order of the images. Prints the verdict, its calibrated
    probability and the similarity of each pair.

    Examples:
      samekind trio a.jpg b.jpg c.jpg

      samekind trio --trios trios.csv -o verdicts.csv
    """
    from samekind.cli.judging.asked import refuse_unclear, tell
    from samekind.cli.judging.context import load_among

    images, for_images_only = (first, second, third), json or exit_code
    refuse_unclear(images, trios, count="three", option="--trios", output=output, for_images_only=for_images_only)
    if trios is not None:
        from samekind.cli.judging.batch import judge_list
        from samekind.datasets.lists import TRIO_COLUMNS

        judge_list(
            trios,
            TRIO_COLUMNS,
            lambda items, on_progress: load_among(model, among, providers=provider, threads=threads).verify_trios(
                items, operating_point=operating_point, threshold=threshold, on_progress=on_progress
            ),
            output,
        )
        return
    recognizer = load_among(model, among, providers=provider, threads=threads)
    verdict = recognizer.verify_trio(
        *(image for image in images if image is not None), operating_point=operating_point, threshold=threshold
    )
    pairs = "  ".join(f"{name} {pair.similarity:.2f}" for name, pair in zip(PAIR_NAMES, verdict.pairs, strict=True))
    tell(verdict, ("two alike", "none alike"), pairs, recognizer.card.trio, json=json, exit_code=exit_code)
