"""Galleries: index a folder once, then search it, find duplicates, group it. Extra ``gallery``.

Example:
    >>> import tempfile
    >>> import numpy as np
    >>> from PIL import Image
    >>> from samekind.gallery import Gallery
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.fromarray(np.full((40, 30, 3), 200, np.uint8)).save(f"{folder}/grey.png")
    ...     with Gallery.open(f"{folder}/photos.samekind") as gallery:
    ...         print(gallery.sync(folder).added, gallery.search(f"{folder}/grey.png")[0].path.name)
    1 grey.png
"""

from samekind.gallery.clustering import Cluster
from samekind.gallery.duplicates.duplicate_group import Duplicate, DuplicateGroup
from samekind.gallery.duplicates.matches import Match
from samekind.gallery.gallery import Gallery
from samekind.gallery.output.cluster_folders import write_cluster_folders
from samekind.gallery.output.duplicates_sheet import write_duplicates_sheet
from samekind.gallery.output.sheets import (
    summary_of_clusters,
    summary_of_duplicates,
    title_of_cluster,
    title_of_group,
    write_clusters_sheet,
    write_hits_sheet,
)
from samekind.gallery.places import copies_in, matches_between
from samekind.gallery.search.hit import Hit
from samekind.gallery.status import Status
from samekind.gallery.store.rows import Row
from samekind.gallery.sync.report import SyncReport

__all__ = [
    "Cluster",
    "Duplicate",
    "DuplicateGroup",
    "Gallery",
    "Hit",
    "Match",
    "Row",
    "Status",
    "SyncReport",
    "copies_in",
    "matches_between",
    "summary_of_clusters",
    "summary_of_duplicates",
    "title_of_cluster",
    "title_of_group",
    "write_cluster_folders",
    "write_clusters_sheet",
    "write_duplicates_sheet",
    "write_hits_sheet",
]
