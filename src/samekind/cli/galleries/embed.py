"""``samekind embed``: embed any number of images into Parquet shards, in this process or with Ray."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import (
    AddressOption,
    EngineOption,
    ExcludeOption,
    JsonOption,
    ModelOption,
    ProviderOption,
    ThreadsOption,
    WorkersOption,
    echo_json,
    on_one_line,
    printable,
    shown_path,
    warn,
)
from samekind.cli.console.outputs import folder_like

if TYPE_CHECKING:
    from samekind.shards.embed import EmbedReport


def embed(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder of images; a list (.txt) or a table (.csv, .parquet) of paths or addresses; a .parquet with "
            "encoded images; a .tar of WebDataset, or a folder of such; or an address of one of these (s3://, gs://, "
            'https://, extra "remote").',
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", callback=folder_like, help="The folder of shards.", show_default=False
        ),
    ],
    model: ModelOption = None,
    engine: EngineOption = "local",
    address: AddressOption = "local",
    workers: WorkersOption = None,
    gpus: Annotated[float, typer.Option(min=0, help="With ray: GPUs for each worker; give --provider cuda, too.")] = 0,
    rows: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="Images of a shard.", show_default="1024, or as it is"),
    ] = None,
    provider: ProviderOption = None,
    threads: ThreadsOption = None,
    exclude: ExcludeOption = None,
    json: JsonOption = False,
) -> None:
    """Embed images into Parquet shards, for samekind index and other programs.

    It may be stopped at any moment; the same command goes on and embeds only what is new. The shards are the same to
    the bit whatever the engine and however often it was stopped. A file that cannot be read is a row with the reason.

    Examples:
      samekind embed photos -o shards

      samekind embed s3://shop/photos/ -o shards --engine ray --address auto

      samekind index shards --gallery photos.samekind
    """
    from samekind.cli.console.extras import require, require_gallery

    require_gallery()
    require("parquet", "pyarrow")
    if engine == "ray":
        require("ray", "ray")
    from samekind.cli.console.progress import stage_bars
    from samekind.shards.embed import embed as embed_images

    with stage_bars() as report:
        try:
            found = embed_images(
                source,
                output,
                model=model,
                engine=engine,
                address=address,
                workers=workers,
                gpus=gpus,
                providers=provider,
                threads=threads,
                rows=rows,
                exclude=exclude or (),
                on_progress=report,
            )
        except KeyboardInterrupt:
            typer.echo("\nsamekind: stopped; whole shards are kept, and the same command goes on from here", err=True)
            raise
    _tell(found, output, json)


def _tell(found: EmbedReport, output: Path, json: bool) -> None:
    for name, reason in found.unlisted + found.unreadable:
        typer.secho(f"samekind: {on_one_line(name)}: {printable(reason)}", err=True, fg="red")
    for name, reason in found.damaged:
        warn(f"{on_one_line(name)}: {reason}")
    typer.echo(f"passed over: {printable(', '.join(found.passed_over)) or 'nothing'}", err=True)
    if json:
        echo_json(found)
        return
    bad = f", {len(found.unreadable):,} of them unreadable" * bool(found.unreadable)
    new = f"{found.embedded:,} new{bad}" if found.embedded else "nothing new"
    new += f"; {found.unreadable_before:,} unreadable as before" * bool(found.unreadable_before)
    images, shards = (f"{n:,} {word}{'s' * (n != 1)}" for n, word in ((found.images, "image"), (found.shards, "shard")))
    typer.echo(f"{shown_path(output)}: {images} in {shards} ({new})")
