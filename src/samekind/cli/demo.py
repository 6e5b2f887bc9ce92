"""``samekind demo``: verdicts on real photographs, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samekind.cli.console.options import ModelOption, shown_path
from samekind.cli.console.outputs import FIGURE, file_like, folder_like


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", callback=file_like(FIGURE), help="The picture to write.")
    ] = Path("samekind-demo.png"),
    save_images: Annotated[
        Path | None,
        typer.Option(
            "--save-images",
            metavar="FOLDER",
            callback=folder_like,
            help="Write the photographs into a new folder, as a.jpg, b.jpg, c.jpg, photos/… and pairs.csv, so that the "
            "commands of the README run there as they stand.",
        ),
    ] = None,
    model: ModelOption = None,
) -> None:
    """Judge photographs that come with scikit-image and matplotlib, and two drawings, and draw the verdicts.

    The cases have a known answer, which is shown beside each verdict. Mistakes are shown like the rest. The default
    model was trained on other pictures of cats, cups and motorcycles, and hardly on the other kinds. Nothing is
    downloaded.

    Examples:
      samekind demo

      samekind demo --save-images try

      cd try && samekind verify a.jpg b.jpg
    """
    from samekind.cli.console.extras import require

    require("demo", "skimage", "matplotlib")
    from samekind.demo.cases import demo_cases, judge
    from samekind.demo.picture import draw
    from samekind.demo.saving import ensure_new, save_photos
    from samekind.recognizer import load

    if save_images is not None:
        ensure_new(save_images)
    recognizer = load(model)
    cases = demo_cases()
    outcomes = judge(recognizer, cases)
    width = max(len(" | ".join(outcome.case.names)) for outcome in outcomes)
    typer.echo(f"{'pictures':<{width}}  answer      verdict")
    for outcome in outcomes:
        typer.echo(
            f"{' | '.join(outcome.case.names):<{width}}  {outcome.case.word(outcome.case.same):<10}  "
            + typer.style(outcome.words + ("" if outcome.right else "  wrong"), fg="green" if outcome.right else "red")
        )
    draw(outcomes, output)
    right = sum(outcome.right for outcome in outcomes)
    card = recognizer.card
    typer.echo(
        f"\n{right} of {len(outcomes)} right with the model {card.name!r}, "
        f"trained on {len(card.training.classes)} classes."
    )
    typer.echo(f"Picture: {shown_path(output)}")
    if save_images is not None:
        written = save_photos(cases, save_images)
        typer.echo(f"Photographs: {len(written)} files in {shown_path(save_images)}. Try there:")
        typer.echo("  samekind verify a.jpg b.jpg\n  samekind index photos\n  samekind duplicates photos.samekind")
