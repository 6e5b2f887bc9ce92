"""What ``verify`` and ``trio`` are asked and tell alike: either images or a list of them, and one verdict in a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from samekind.cli.console.options import describe_threshold, echo_json, verdict_word
from samekind.cli.judging.context import warn_of_doubt

if TYPE_CHECKING:
    from samekind.inference.verdict import TrioVerdict, Verdict
    from samekind.model_file.calibration import PairCalibration, TrioCalibration


def refuse_unclear(
    images: Sequence[Path | None],
    listed: Path | None,
    *,
    count: str,
    option: str,
    output: Path | None,
    for_images_only: bool,
) -> None:
    """Make sure that either all the images or a list was given, and no option of the other way.

    Args:
        images: The images, as they were given.
        listed: The list, as it was given.
        count: How many images make an item, in words.
        option: The option that names a list.
        output: Where a list is to be written.
        for_images_only: Whether an option was given that a list does not have.

    Raises:
        BadParameter: Something else was given.
    """
    if (listed is None) != all(image is not None for image in images) or (listed and images[0]):
        raise typer.BadParameter(f"give {count} images, or {option} FILE")
    if listed is None and output is not None:
        raise typer.BadParameter(f"--output is for a list; the verdict on {count} images goes to standard output")
    if listed is not None and for_images_only:
        raise typer.BadParameter(f"--json and --exit-code are for {count} images; a list is written as CSV")


def tell(
    verdict: Verdict | TrioVerdict,
    words: tuple[str, str],
    similarities: str,
    calibration: PairCalibration | TrioCalibration | None,
    *,
    json: bool,
    exit_code: bool,
) -> None:
    """Print a verdict in a line or as JSON, and end with its exit status, where that is wanted.

    Args:
        verdict: The verdict.
        words: What it is called if true, and if not.
        similarities: The similarities, in words.
        calibration: Where its operating point is from.
        json: Whether to print JSON.
        exit_code: Whether to end with 1 for a verdict that is not true.
    """
    if json:
        echo_json(verdict)
    else:
        point = calibration.operating_points.get(verdict.operating_point or "") if calibration else None
        typer.echo(
            f"{verdict_word(verdict.same, *words)}p={verdict.probability:.2f}  {similarities}  "
            + describe_threshold(verdict.threshold, verdict.operating_point, point, verdict.rates_from)
        )
        warn_of_doubt(verdict)
    if exit_code and not verdict.same:
        raise typer.Exit(1)
