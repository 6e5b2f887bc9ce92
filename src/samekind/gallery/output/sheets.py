"""Contact sheets of what was found in a gallery: hits, groups of duplicates, clusters."""

from __future__ import annotations

import os
from collections.abc import Sequence

from samekind.gallery.clustering import Cluster
from samekind.gallery.duplicates.duplicate_group import DuplicateGroup
from samekind.gallery.output.contact_sheet import Section, picture_of, write_contact_sheet
from samekind.gallery.search.hit import Hit

# Images of a group, and of a cluster, that are shown.
_OF_GROUP, _OF_CLUSTER = 48, 24


def write_hits_sheet(path: str | os.PathLike[str], query: str, hits: Sequence[Hit]) -> None:
    """Write the pictures that a search found, with their probabilities, as one HTML file.

    Raises:
        OSError: The file cannot be written.
    """
    pictures = [picture_of(hit.row, f"p={hit.probability:.2f}, similarity {hit.similarity:.2f}") for hit in hits]
    sections = [Section("The most alike first", pictures)]
    write_contact_sheet(path, f"Like {query}", f"{len(hits):,} found", sections)


def write_duplicates_sheet(path: str | os.PathLike[str], title: str, groups: Sequence[DuplicateGroup]) -> None:
    """Write groups of duplicates as one HTML file: the image worth keeping set off, each other with its evidence.

    Raises:
        OSError: The file cannot be written.
    """
    sections = [_group_section(number, group) for number, group in enumerate(groups, 1)]
    write_contact_sheet(path, title, summary_of_duplicates(groups), sections)


def _group_section(number: int, group: DuplicateGroup) -> Section:
    others = [
        picture_of(
            other.row, f"{'sure' if other.sure else 'look'} · {other.row.width}×{other.row.height} · {other.words()}"
        )
        for other in group.others[: _OF_GROUP - 1]
    ]
    return Section(
        title_of_group(number, group),
        [picture_of(group.keep, f"keep: {group.why}", marked=True), *others],
        note="" if group.similarity is None else f"The least alike two: {group.similarity:.2f}",
        more=max(0, len(group.rows) - _OF_GROUP),
    )


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
        f"{len(copies):,} groups; {len(spare):,} images could go, {sum(row.size for row in spare) / 1e6:,.1f} MB, "
        f"{look:,} to look at{f'; {apart:,} pairs that are no copies' if apart else ''}. Nothing was deleted"
    )


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
