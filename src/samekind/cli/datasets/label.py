"""``samekind data label``: the pairs whose answers teach a model most, asked about in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samekind.cli.console.options import ModelOption, ProviderOption
from samekind.cli.console.outputs import PAGE, TABLE, file_like


def label(
    folder: Annotated[Path, typer.Argument(help="Pictures without labels, with subfolders.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            callback=file_like(TABLE),
            help="The CSV list of answers, written at each answer.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            callback=file_like(PAGE),
            help="Instead: a page that works by itself, and gives the list.",
        ),
    ] = None,
    model: ModelOption = None,
    pairs: Annotated[int, typer.Option("--pairs", min=1, help="How many pairs to ask about.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Decides the lot.")] = 0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0 takes any that is free.")] = 0,
    provider: ProviderOption = None,
) -> None:
    """Answer, with two keys, whether pictures show the same kind of thing: S for the same, D for different.

    The pairs are those whose answers teach the model's calibration most: uncertain ones and diverse ones, drawn by a
    lot whose odds stand in the list, so that you may stop at any time. The page is on this machine alone, and each
    answer is in the file before the next pair is shown; what the file held before is kept. Ctrl-C ends it.

    Examples:
      samekind data label photos -o pairs.csv; samekind calibrate general --pairs pairs.csv -o mine.onnx

      samekind data label photos --html label.html
    """
    from samekind import pairs_to_answer
    from samekind.auditing.answers.answer_list import AnswerList
    from samekind.auditing.answers.page import write_label_page
    from samekind.auditing.answers.server import LabelServer
    from samekind.cli.console.extras import require
    from samekind.cli.console.progress import stage_bars

    require("gallery", "jinja2")
    if (output is None) == (html is None):
        raise typer.BadParameter("give -o FILE for the answers, or --html FILE for a page by itself, one of them")
    if output is not None:
        AnswerList(output, [])  # refuse before the work
    with stage_bars() as progress:
        asked = pairs_to_answer(folder, model, count=pairs, seed=seed, providers=provider, on_progress=progress)
    if html is not None:
        write_label_page(html, asked)
        typer.echo(f"{html}: written; open it in a browser, answer {len(asked):,} pairs, and save the list")
        return
    assert output is not None
    with LabelServer(AnswerList(output, asked), port) as server:
        try:
            typer.echo(f"{len(asked):,} pairs; answer them at {server.url}")
            server.serve_forever()
        except KeyboardInterrupt:
            done = sum(answer is not None for answer in server.answers.answers())
            typer.echo(f"\n{output}: {done:,} of {len(asked):,} pairs answered")
