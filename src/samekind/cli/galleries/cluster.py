"""``samekind cluster``: group a gallery by what its images show."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from samekind.cli.console.options import (
    BareOption,
    GalleryArgument,
    HtmlOption,
    JsonOption,
    echo_json,
    printable,
    shown_path,
)


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
    bare: BareOption = False,
    html: HtmlOption = None,
    json: JsonOption = False,
) -> None:
    """Group the images of a gallery by what they show.

    hdbscan finds the number of groups itself and leaves out what belongs nowhere; agglomerative stops where groups are
    no longer of the same kind, at the model's balanced threshold, or at -k groups; kmeans makes -k groups. Of each
    group the most typical images come first.

    Examples:
      samekind cluster photos.samekind --html groups.html

      samekind cluster photos.samekind --method kmeans -k 10
    """
    from samekind.cli.console.extras import require_gallery

    require_gallery()
    from samekind.gallery import Gallery, summary_of_clusters, title_of_cluster, write_clusters_sheet

    with Gallery.open(gallery, read_only=True, bare=bare) as opened:
        clusters = opened.clusters(method.value, k=k)
    if html is not None:
        write_clusters_sheet(html, printable(f"Groups in {gallery.name}"), clusters)
    if json:
        echo_json(
            [
                {"unclustered": c.unclustered, "similarity": c.similarity, "images": [row.name for row in c.rows]}
                for c in clusters
            ]
        )
        return
    typer.echo(summary_of_clusters(clusters))
    for number, found in enumerate(clusters, 1):
        typer.secho(title_of_cluster(number, found), bold=True)
        for row in found.rows[:_PRINTED]:
            typer.echo(f"  {shown_path(row.path)}")
        if len(found.rows) > _PRINTED:
            typer.echo(f"  and {len(found.rows) - _PRINTED:,} more")
