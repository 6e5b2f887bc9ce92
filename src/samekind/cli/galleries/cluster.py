"""``samekind cluster``: group a gallery by what its images show."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import (
    BareOption,
    GalleryArgument,
    JsonOption,
    WhereOption,
    echo_json,
    gallery_title,
    printable,
    shown_path,
    warn,
)
from samekind.cli.console.outputs import HtmlOption, folder_like

if TYPE_CHECKING:
    from samekind.gallery import Cluster


class Method(StrEnum):
    """The methods of ``gallery.clusters``."""

    HDBSCAN = "hdbscan"
    AGGLOMERATIVE = "agglomerative"
    KMEANS = "kmeans"


# Images of each cluster that are printed.
_PRINTED = 3


def cluster(
    gallery: GalleryArgument,
    method: Annotated[Method, typer.Option(help="How to group.")] = Method.HDBSCAN,
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="How many groups: for kmeans, and for agglomerative if wanted.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            metavar="FOLDER",
            callback=folder_like,
            help="Make this folder, with one of links to the images for each group, and a manifest.",
            show_default=False,
        ),
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="With --into: copies rather than links.")] = False,
    where: WhereOption = None,
    bare: BareOption = False,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Group the images of a gallery by what they show.

    hdbscan finds the number of groups itself and leaves out what belongs nowhere; agglomerative stops where groups are
    no longer of the same kind, at the model's balanced threshold, or at -k groups; kmeans makes -k groups. Of each
    group the most typical images come first. With --into they are sorted into folders, each named by its most typical
    image; the images themselves stay where they are.

    Examples:
      samekind cluster photos.samekind --html groups.html

      samekind cluster photos.samekind --into sorted

      samekind cluster photos.samekind --method kmeans -k 10
    """
    from samekind.cli.console.extras import require_gallery

    require_gallery()
    from samekind.gallery import (
        Gallery,
        summary_of_clusters,
        title_of_cluster,
        write_cluster_folders,
        write_clusters_sheet,
    )

    if copy and into is None:
        raise typer.BadParameter("--copy says how --into FOLDER is filled; name the folder")
    with Gallery.open(gallery, read_only=True, bare=bare) as opened:
        clusters = opened.clusters(method.value, k=k, where=where)
        indexed = [opened.folder / name for name in opened.status().folders]
    if into is not None:
        for name, reason in write_cluster_folders(into, clusters, indexed, copy=copy):
            warn(f"{name}: left out ({reason})")
    if html is not None:
        write_clusters_sheet(html, f"Groups in {gallery_title(gallery)}", clusters)
    if json:
        echo_json(
            [
                {"unclustered": c.unclustered, "similarity": c.similarity, "images": [row.name for row in c.rows]}
                for c in clusters
            ]
        )
        return
    typer.echo(summary_of_clusters(clusters))
    if into is not None:
        typer.echo(f"{printable(str(into))}: written, with manifest.csv; the images themselves stay where they are")
    for number, found in enumerate(clusters, 1):
        typer.secho(title_of_cluster(number, found), bold=True)
        for row in found.rows[:_PRINTED]:
            typer.echo(f"  {shown_path(row.place)}")
        if len(found.rows) > _PRINTED:
            typer.echo(f"  and {len(found.rows) - _PRINTED:,} more")
    if method is Method.HDBSCAN:
        _advise(clusters)


def _advise(clusters: Sequence[Cluster]) -> None:
    """What else can be asked where there was little to group."""
    groups = sum(not found.unclustered for found in clusters)
    if groups == 1:
        typer.echo("all of one kind; to divide it further: --method kmeans -k 5", err=True)
    elif clusters and not groups:
        typer.echo(
            "no five images are more alike than the others, and they are not all of one kind; "
            "--method agglomerative groups what is, also two by two",
            err=True,
        )
