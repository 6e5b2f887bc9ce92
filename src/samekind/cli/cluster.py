"""``samekind cluster``: group a gallery by what its images show."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.options import GalleryArgument, HtmlOption, JsonOption, echo_json, printable, shown_path

if TYPE_CHECKING:
    from samekind.gallery import Cluster


class Method(StrEnum):
    """The methods of ``gallery.clusters``."""

    HDBSCAN = "hdbscan"
    AGGLOMERATIVE = "agglomerative"
    KMEANS = "kmeans"


# Images of each cluster that are printed, and that a contact sheet shows.
_PRINTED, _PICTURED = 3, 24


def cluster(
    gallery: GalleryArgument,
    method: Annotated[Method, typer.Option(help="How to group.")] = Method.HDBSCAN,
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="How many groups: for kmeans, and for agglomerative if wanted.")
    ] = None,
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
    from samekind.cli.extras import require

    require("gallery", "faiss", "imagehash", "filelock", "sklearn", "jinja2")
    from samekind.gallery import Gallery

    with Gallery.open(gallery, read_only=True) as opened:
        clusters = opened.clusters(method.value, k=k)
    if html is not None:
        from samekind.gallery.output.contact_sheet import Section, picture_of, write_contact_sheet

        sections = [
            Section(
                _title(number, found),
                [picture_of(row) for row in found.rows[:_PICTURED]],
                more=max(0, len(found.rows) - _PICTURED),
            )
            for number, found in enumerate(clusters, 1)
        ]
        write_contact_sheet(html, f"Groups in {gallery.name}", _summary(clusters), sections)
    if json:
        echo_json(
            [
                {"unclustered": c.unclustered, "similarity": c.similarity, "images": [row.name for row in c.rows]}
                for c in clusters
            ]
        )
        return
    typer.echo(_summary(clusters))
    for number, found in enumerate(clusters, 1):
        typer.secho(_title(number, found), bold=True)
        for row in found.rows[:_PRINTED]:
            typer.echo(f"  {shown_path(row.path)}")
        if len(found.rows) > _PRINTED:
            typer.echo(f"  and {len(found.rows) - _PRINTED:,} more")


def _summary(clusters: list[Cluster]) -> str:
    groups = [found for found in clusters if not found.unclustered]
    left = sum(len(found.rows) for found in clusters if found.unclustered)
    images = sum(len(found.rows) for found in groups)
    return f"{images:,} images in {len(groups):,} groups" + (f", {left:,} that belong to none" if left else "")


def _title(number: int, found: Cluster) -> str:
    if found.unclustered:
        return printable(f"belonging to no group: {len(found.rows):,} images")
    return printable(f"group {number}: {len(found.rows):,} images, similarity to their centre {found.similarity:.2f}")
