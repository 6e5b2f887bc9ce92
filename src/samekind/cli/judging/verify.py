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
    describe_threshold,
    echo_json,
    verdict_word,
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
    from samekind.cli.judging.context import load_among, warn_of_doubt

    if (pairs is None) != (first is not None and second is not None) or (pairs and first):
        raise typer.BadParameter("give two images, or --pairs FILE")
    if pairs is None and output is not None:
        raise typer.BadParameter("--output is for a list; the verdict on two images goes to standard output")
    if pairs is not None:
        if json or exit_code:
            raise typer.BadParameter("--json and --exit-code are for two images; a list is written as CSV")
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
    if json:
        echo_json(verdict)
    else:
        calibration = recognizer.card.pair
        point = calibration.operating_points.get(verdict.operating_point or "") if calibration else None
        typer.echo(
            f"{verdict_word(verdict.same, 'same', 'different')}p={verdict.probability:.2f}  "
            f"similarity {verdict.similarity:.2f}  "
            + describe_threshold(verdict.threshold, verdict.operating_point, point, verdict.rates_from)
        )
        warn_of_doubt(verdict)
    if exit_code and not verdict.same:
        raise typer.Exit(1)
