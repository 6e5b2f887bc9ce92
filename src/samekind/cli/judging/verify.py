"""``samekind verify``: two images, or a list of pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samekind.cli.console.options import (
    AmongOption,
    JsonOption,
    ModelOption,
    OperatingPointOption,
    OutputOption,
    ProviderOption,
    ThreadsOption,
)


def verify(
    first: Annotated[Path | None, typer.Argument(help="An image file.", show_default=False)] = None,
    second: Annotated[Path | None, typer.Argument(help="Another.", show_default=False)] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="Judge many pairs: a CSV file with the columns first and second. "
            "Relative paths are relative to the file's folder. Other columns are kept."
        ),
    ] = None,
    output: OutputOption = None,
    model: ModelOption = None,
    among: AmongOption = None,
    operating_point: OperatingPointOption = None,
    threshold: Annotated[
        float | None, typer.Option(help="A similarity from -1 to 1 instead of an operating point.")
    ] = None,
    json: JsonOption = False,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="Exit with 0 for same, 1 for different, 2 for trouble, as cmp does."),
    ] = False,
    provider: ProviderOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Do two images show the same kind of thing?

    Prints the verdict, its calibrated probability, the similarity (the cosine of the embeddings, higher is more
    alike) and the threshold with its measured error rates: FAR, how often two different kinds are taken for the same,
    and TAR, how often the same kind is recognised.

    Examples:
      samekind verify a.jpg b.jpg

      samekind verify a.jpg b.jpg --operating-point strict --exit-code && echo same

      samekind verify a.jpg b.jpg --among my-photos

      samekind verify --pairs pairs.csv -o verdicts.csv
    """
    from samekind.cli.judging.asked import refuse_unclear, tell
    from samekind.cli.judging.context import load_among

    for_images_only = json or exit_code
    refuse_unclear(
        (first, second), pairs, count="two", option="--pairs", output=output, for_images_only=for_images_only
    )
    if pairs is not None:
        from samekind.cli.judging.batch import judge_list
        from samekind.datasets.lists import PAIR_COLUMNS

        judge_list(
            pairs,
            PAIR_COLUMNS,
            lambda items, on_progress: load_among(model, among, providers=provider, threads=threads).verify_pairs(
                items, operating_point=operating_point, threshold=threshold, on_progress=on_progress
            ),
            output,
        )
        return
    assert first is not None
    assert second is not None
    recognizer = load_among(model, among, providers=provider, threads=threads)
    verdict = recognizer.verify(first, second, operating_point=operating_point, threshold=threshold)
    similarity = f"similarity {verdict.similarity:.2f}"
    tell(verdict, ("same", "different"), similarity, recognizer.card.pair, json=json, exit_code=exit_code)
