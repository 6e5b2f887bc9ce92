"""``samekind data audit`` and ``samekind data apply``: what is wrong with labelled images, and acting on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samekind.cli.console.options import ExcludeOption, JsonOption, ModelOption, ProviderOption, echo_json, printable
from samekind.cli.console.outputs import PAGE, TABLE, file_like


def audit(
    images: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|MANIFEST",
            help="Class folders; or train, val and test with class folders in each; or a CSV with columns path, label "
            "and (if wanted) split; or a folder of pictures without classes.",
            show_default=False,
        ),
    ],
    model: ModelOption = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            callback=file_like(PAGE),
            help="Write a page with the pictures and boxes to tick.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE", callback=file_like(TABLE), help="Write the findings as a list to act on."
        ),
    ] = None,
    exclude: ExcludeOption = None,
    json: JsonOption = False,
    provider: ProviderOption = None,
) -> None:
    """Look for wrong labels, strangers, copies, leaks into the test part, and pictures that are hard to use.

    Each label is judged by all images but its own, in the embedding of the model less what the images have in common.
    The score of a label is the probability that it is wrong. No image is touched: remove the lines that you do not
    agree with from the list (or tick boxes on the page, which makes such a list), and let `samekind data apply` make a
    manifest.

    A model that was trained on these very images has learned their wrong labels too, and finds fewer of them; the
    report says if it was.

    Exit status: 0 if nothing was found, 1 if something was, 2 for trouble.

    Examples:
      samekind data audit photos --html audit.html

      samekind data audit photos --csv audit.csv; samekind data apply audit.csv -o manifest.csv
    """
    from samekind import audit as look
    from samekind.auditing.source import refuse_what_is_read
    from samekind.cli.console.extras import require
    from samekind.cli.console.progress import stage_bars

    require("gallery", "cv2", "scipy", "jinja2")
    for output in (html, csv):
        if output is not None:
            refuse_what_is_read(output, images)
    with stage_bars() as progress:
        found = look(images, model, exclude=exclude or (), providers=provider, on_progress=progress)
    for message in found.unreadable:
        typer.secho(f"samekind: {printable(message)}", err=True, fg="red")
    if csv is not None:
        found.save_csv(csv)
    if html is not None:
        found.save_html(html)
    if json:
        echo_json(found.as_json())
    else:
        typer.echo("\n".join(printable(line) for line in found.lines()))
        for output in (html, csv):
            if output is not None:
                typer.echo(f"{output}: written")
    if found.findings:
        raise typer.Exit(1)


def apply(
    findings: Annotated[
        Path,
        typer.Argument(
            metavar="AUDIT.CSV", help="The list, without the lines not to be acted upon.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", callback=file_like(TABLE), help="The CSV manifest to write.", show_default=False
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FOLDER|MANIFEST", help="What was audited.", show_default="what the list says"),
    ] = None,
    exclude: ExcludeOption = None,
    json: JsonOption = False,
) -> None:
    """Make a manifest of the audited images in which the findings of a list are acted upon. No image is touched.

    A finding `label` gives the image its proposed class; all others leave it out. An image that is not among those that
    were audited, or that has changed since, is refused, and then nothing is written.

    Example:
      samekind data apply audit.csv -o manifest.csv && samekind train manifest.csv -o mine.onnx
    """
    from samekind import apply_audit

    applied = apply_audit(findings, output, data, exclude=exclude or ())
    if json:
        echo_json(applied)
        return
    typer.echo(
        f"{output}: written; {applied.kept:,} images, {applied.relabelled:,} with another class, "
        f"{applied.removed:,} left out"
    )
