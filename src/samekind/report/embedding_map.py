"""The embeddings laid out in a plane, so that a person sees which classes lie apart."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from samekind.evaluation.results import Evaluation
from samekind.report.schema.contents import EmbeddingMap
from samekind.system.one_thread import one_thread

# More points are a smear on a page, and take minutes.
MOST_POINTS = 1_500
_FEWEST_FOR_TSNE = 30


def embedding_map(result: Evaluation, most: int = MOST_POINTS) -> EmbeddingMap:
    """t-SNE of the embeddings (van der Maaten and Hinton, 2008), started from their principal components.

    Of more images than ``most``, so many are drawn. Of very few, only the principal components are shown. The same
    evaluation gives the same map.
    """
    count = len(result.paths)
    rng = np.random.default_rng(result.seed)
    chosen = np.sort(rng.choice(count, most, replace=False)) if count > most else np.arange(count)
    embeddings = result.judged.embeddings[chosen].astype(np.float64)
    if len(chosen) < _FEWEST_FOR_TSNE:
        method = "principal components"
        points = PCA(2, random_state=result.seed).fit_transform(embeddings)
    else:
        method = f"t-SNE of {len(chosen):,} images: near is alike; distances between groups mean little"
        # Embeddings that are all alike would start from no extent at all.
        start = PCA(2, random_state=result.seed).fit_transform(embeddings)
        start = 1e-4 * start / max(float(start[:, 0].std()), 1e-12)
        start += 1e-6 * rng.normal(size=start.shape)
        tsne = TSNE(perplexity=min(30.0, (len(chosen) - 1) / 3), init=start, random_state=result.seed, max_iter=500)
        with one_thread():
            points = tsne.fit_transform(embeddings)
    points = points / max(float(np.abs(points).max()), 1e-12)
    return EmbeddingMap(
        method=method,
        images=tuple(chosen.tolist()),
        x=tuple(round(float(x), 4) for x in points[:, 0]),
        y=tuple(round(float(y), 4) for y in points[:, 1]),
        classes=tuple(result.classes[result.labels[i]] for i in chosen),
    )
