"""What was found in a gallery, in words and on contact sheets: hits, clusters; of duplicates the words."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PIL import Image

from samekind.gallery.clustering import Cluster
from samekind.gallery.duplicates.duplicate_group import DuplicateGroup
from samekind.gallery.output.contact_sheet import Section, picture_of, write_contact_sheet
from samekind.gallery.search.hit import Hit

# Images of a cluster that are shown.
_OF_CLUSTER = 24


def write_hits_sheet(
    path: str | os.PathLike[str],
    query: str,
    hits: Sequence[Hit],
    *,
    why: Callable[[Path], Image.Image] | None = None,
) -> None:
    """Write the pictures that a search found, with their probabilities, as one HTML file.

    Args:
        path: The file to write.
        query: What the query is called.
        hits: What was found.
        why: Draws a hit's picture with a map of what makes it like the query; None shows the pictures themselves.

    Raises:
        OSError: The file cannot be written.
    """
    pictures = [picture_of(hit.row, hit.words) for hit in hits]
    if why is not None:
        pictures = [replace(picture, draw=partial(why, picture.path)) for picture in pictures]
    legend = "" if why is None else ". Warm places make a picture more like it, cool ones less"
    sections = [Section("The most alike first", pictures)]
    write_contact_sheet(path, f"Like {query}", f"{len(hits):,} found{legend}", sections)


def write_clusters_sheet(path: str | os.PathLike[str], title: str, clusters: Sequence[Cluster]) -> None:
    """Write clusters, the most typical images of each, as one HTML file.

    Raises:
        OSError: The file cannot be written.
    """
    sections = [
        Section(
            title_of_cluster(number, found),
            [picture_of(row) for row in found.rows[:_OF_CLUSTER]],
            more=max(0, len(found.rows) - _OF_CLUSTER),
        )
        for number, found in enumerate(clusters, 1)
    ]
    write_contact_sheet(path, title, summary_of_clusters(clusters), sections)


def summary_of_duplicates(groups: Sequence[DuplicateGroup]) -> str:
    """How much is there twice, in a sentence."""
    copies = [group for group in groups if group.relation == "copy"]
    spare = [row for group in copies for row in group.spare]
    look = sum(len(group.to_look_at) for group in copies)
    apart = len(groups) - len(copies)
    return (
        f"{counted(len(copies), 'group')}; {counted(len(spare), 'image')} could go, "
        f"{sum(row.size for row in spare) / 1e6:,.1f} MB, {look:,} to look at"
        f"{f'; {apart:,} more that are no copies' if apart else ''}. Nothing was deleted"
    )


def counted(number: int, thing: str) -> str:
    """A number of things in words.

    Example:
        >>> counted(1, "group"), counted(1200, "image")
        ('1 group', '1,200 images')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def title_of_group(number: int, group: DuplicateGroup) -> str:
    """The heading of a group of duplicates."""
    if group.relation == "copy":
        return f"group {number}: {len(group.rows):,} images"
    return f"group {number}: no copies, {'a variant' if group.relation == 'variant' else 'the same scene'}"


def summary_of_clusters(clusters: Sequence[Cluster]) -> str:
    """How many groups there are, in a sentence."""
    groups = [found for found in clusters if not found.unclustered]
    left = sum(len(found.rows) for found in clusters if found.unclustered)
    images = sum(len(found.rows) for found in groups)
    in_groups = f"{images:,} images in {len(groups):,} {'group' if len(groups) == 1 else 'groups'}"
    return in_groups + (f", {left:,} that belong to none" if left else "")


def title_of_cluster(number: int, found: Cluster) -> str:
    """The heading of a cluster."""
    if found.unclustered:
        return f"belonging to no group: {len(found.rows):,} images"
    return f"group {number}: {len(found.rows):,} images, similarity to their centre {found.similarity:.2f}"
