"""Grouping a whole gallery by what its images show, with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from samekind.errors import GalleryError
from samekind.gallery.embeddings.embedding_space import read_collection, read_space, refuse_no_similarity
from samekind.gallery.filters.sql import EVERYTHING, Condition
from samekind.gallery.store.rows import Row, read_rows
from samekind.gallery.store.store import Store
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import DEFAULT_OPERATING_POINT

ClusterMethod = Literal["hdbscan", "agglomerative", "kmeans"]

# Fewer are rarely a kind; HDBSCAN leaves them unclustered.
_SMALLEST = 5
# A gallery is of one kind where so large a share of its pairs is judged the same, by a sample of so many images.
_ONE_KIND, _SAMPLED = 0.8, 1000
# Agglomeration holds the distances of all pairs, 8 bytes each: at this many 3 GB.
_MOST_FOR_AGGLOMERATION = 20_000


@dataclass(frozen=True)
class Cluster:
    """Images that belong together.

    Attributes:
        rows: The images, the most typical first.
        similarity: The mean cosine of an image with the cluster's centre, in [-1, 1]: how tight it is.
        unclustered: True for the images that HDBSCAN found to belong nowhere.
    """

    rows: tuple[Row, ...]
    similarity: float
    unclustered: bool = False


def find_clusters(
    store: Store, method: ClusterMethod, k: int | None, threshold: float | None, where: Condition = EVERYTHING
) -> list[Cluster]:
    """The clusters of a gallery, the largest first, what belongs nowhere last.

    Args:
        store: The gallery's file.
        method: As ``cluster_labels`` takes it.
        k: As ``cluster_labels`` takes it.
        threshold: A cosine, as ``cluster_labels`` takes it; None is the model's ``balanced`` threshold.
        where: The condition that the images must meet.

    Raises:
        GalleryError: As ``cluster_labels``.
    """
    images = read_collection(store, where=where)
    if not images.ids:
        return []
    if threshold is None and method == "agglomerative" and k is None:  # the others need no threshold
        threshold = images.space.threshold(DEFAULT_OPERATING_POINT)
    labels = cluster_labels(images.embeddings, method, k, 0.0 if threshold is None else threshold)
    if method == "hdbscan" and (labels == -1).all():
        # What they have in common is what makes them one kind, so it must not be taken away.
        with store.reading() as db:
            bare = read_space(db, bare=True)
        if bare.calibration is not None:
            images = read_collection(store, bare, where)
            labels = one_kind_labels(images.embeddings, bare.threshold(DEFAULT_OPERATING_POINT))
    rows = {row.id: row for row in read_rows(store, images.ids)}
    kept = np.array([i in rows for i in images.ids])  # one may have been removed just now
    listed = [rows[i] for i in images.ids if i in rows]
    return _gathered(listed, images.embeddings[kept], labels[kept])


def cluster_labels(embeddings: Embeddings, method: ClusterMethod, k: int | None, threshold: float) -> NDArray[np.int64]:
    """A cluster's number for each row; -1 for none.

    HDBSCAN: Campello, Moulavi and Sander, "Density-based clustering based on hierarchical density estimates", 2013. It
    decides the number of clusters itself. Distances are Euclidean, which on unit rows order pairs as cosines do.

    Args:
        embeddings: float32 (N, D), unit rows.
        method: ``hdbscan``; ``agglomerative``, by average linkage; or ``kmeans``.
        k: How many clusters; needed by k-means, refused by HDBSCAN.
        threshold: Without ``k`` agglomeration stops where clusters are less alike than this cosine.

    Raises:
        GalleryError: ``k`` is missing, not wanted or too large, the method is unknown, or there are too many images
            for it.
    """
    # Takes a second, which a search need not wait.
    from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans  # noqa: PLC0415

    count = len(embeddings)
    if k is not None and not isinstance(k, int | np.integer):
        raise GalleryError(f"how many clusters to make is a whole number; got k = {k!r}")
    refuse_no_similarity(threshold)
    if k is not None and not 1 <= k <= count:
        raise GalleryError(f"{k} clusters cannot be made of {count:,} images")
    if method == "hdbscan":
        if k is not None:
            raise GalleryError(
                "HDBSCAN finds the number of clusters itself; leave k out, or use kmeans or agglomerative"
            )
        if count < _SMALLEST:
            return np.full(count, -1)
        model = HDBSCAN(min_cluster_size=_SMALLEST, copy=True)
    elif method == "agglomerative":
        if count > _MOST_FOR_AGGLOMERATION:
            raise GalleryError(
                f"agglomerative is for at most {_MOST_FOR_AGGLOMERATION:,} images; use hdbscan or kmeans"
            )
        if count < 2:
            return np.zeros(count, np.int64)
        limit = 1 - threshold if k is None else None
        model = AgglomerativeClustering(n_clusters=k, distance_threshold=limit, metric="cosine", linkage="average")
    elif method == "kmeans":
        if k is None:
            raise GalleryError("k-means needs to know how many clusters to make: give k")
        model = KMeans(k, n_init=3, random_state=0)
    else:
        raise GalleryError(f"no method {method!r}; there are hdbscan, agglomerative and kmeans")
    labels: NDArray[np.int64] = model.fit_predict(embeddings).astype(np.int64)
    return labels


def one_kind_labels(embeddings: Embeddings, threshold: float) -> NDArray[np.int64]:
    """One cluster where nearly all pairs of images are of the same kind; none otherwise.

    A density has no peaks within a gallery of one kind, so HDBSCAN says that all its images belong nowhere.

    Args:
        embeddings: float32 (N, D), unit rows, bare.
        threshold: The cosine from which a pair is judged the same.

    Returns:
        int64 (N,): 0, but -1 for an image that is of another kind than most; or all -1.

    Example:
        >>> one_kind_labels(np.array([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1]], np.float32), 0.5).tolist()
        [-1, -1, -1, -1, -1]
        >>> one_kind_labels(np.array([[1, 0]] * 12 + [[0, 1]], np.float32), 0.5).tolist()
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1]
    """
    some = embeddings[np.linspace(0, len(embeddings) - 1, min(len(embeddings), _SAMPLED)).astype(int)]
    same = embeddings @ some.T >= threshold  # each of the sample is the same as itself
    others = np.maximum(same.shape[1] - 1, 1)
    if len(embeddings) < 2 or (same.sum() - len(some)) / (len(embeddings) * others) < _ONE_KIND:
        return np.full(len(embeddings), -1)
    return np.where(same.mean(axis=1) >= 0.5, 0, -1)


def _gathered(rows: list[Row], embeddings: Embeddings, labels: NDArray[np.int64]) -> list[Cluster]:
    clusters = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        centre = embeddings[members].mean(axis=0)
        centre /= max(float(np.linalg.norm(centre)), 1e-12)
        typical = embeddings[members] @ centre
        order = members[np.argsort(-typical, kind="stable")]
        clusters.append(Cluster(tuple(rows[i] for i in order), float(typical.mean()), bool(label == -1)))
    return sorted(clusters, key=lambda cluster: (cluster.unclustered, -len(cluster.rows), cluster.rows[0].name))
