"""Confidence intervals by resampling images, or whole classes; never items as if they were independent.

One bad image spoils every pair it is in. So units are drawn, images of each class or classes as a whole, and an item
counts as often as the product of its units' counts (Owen, "The pigeonhole bootstrap", 2007). An item of one unit twice
cannot come up: no image is paired with its own copy.

Two corrections make the intervals as wide as they should be, which ``benchmarks/coverage.py`` checks by simulation:

* Of n classes n - 1 are drawn, and count n / (n - 1) each (Rao and Wu, "Resampling inference with complex survey data",
  1988): drawing n of n understates the variance by a factor (n - 1) / n. Of n images (n - 2)² / (n - 1) are drawn,
  about n - 3: an image's mean over the n - 1 others shows only (n - 2) / (n - 1) of what is peculiar to it, because the
  others are in the mean that it is compared with.
* A product of k counts of variance 1 has the variance 2ᵏ - 1, where a single item should have 1: noise of single items
  is inflated three times for pairs and seven times for trios. How much of the spread is such noise is measured apart,
  with weights 1 ± 1 whose sign is a product of random signs of the units, so that whatever belongs to one image
  cancels; the inflation is taken off. What is left is the variance of sums over items that share a unit
  (Aronow, Samii and Assenova, "Cluster-robust variance estimation for dyadic data", 2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Weights = NDArray[np.float32]

# Of a class of fewer images hardly two different ones would be drawn together; such classes are drawn as a whole.
SMALLEST_CLASS = 5
_ITEMS_AT_ONCE = 4_096


@dataclass(frozen=True)
class Resamples:
    """How often each image counts in each resample.

    Attributes:
        unit: int64 (M,), the unit that each image belongs to.
        stratum: int64 (M,), the stratum that its unit was drawn from.
        drawn: int64 (M,), how many units are drawn from that stratum.
        variance: float64 (M,), the variance of its weights.
        weights: float32 (M, B), the same for all images of a unit; 1 on average.
        signs: float32 (M, B), -1 or 1, the same for all images of a unit.
    """

    unit: Indices
    stratum: Indices
    drawn: Indices
    variance: NDArray[np.float64]
    weights: Weights
    signs: Weights

    def subset(self, images: Indices) -> Resamples:
        """The same resamples of some of the images."""
        return replace(self, **{field.name: getattr(self, field.name)[images] for field in fields(self)})

    @property
    def variance_inflation(self) -> float:
        """By how much the variance of a pair's weight exceeds that of a single item, over two images on average."""
        return float((1 + self.variance.mean()) ** 2 - 2)

    def inflation_of_items(self, items: Indices) -> NDArray[np.float64]:
        """float64 (N,): the same for each item, a row of image numbers; 0 for an item of one unit."""
        product = np.ones(len(items))
        for column in range(items.shape[1]):
            new = ~(self.unit[items[:, :column]] == self.unit[items[:, column : column + 1]]).any(axis=1)
            product *= np.where(new, 1 + self.variance[items[:, column]], 1.0)
        return np.maximum(product - 2, 0.0)

    def of_items(self, items: Indices) -> Iterator[tuple[slice, Weights, Weights]]:
        """How often each item counts, some thousand items at a time.

        Yields:
            Which items; their weights (n, B); and their weights (n, B) when only the noise of single items varies.
        """
        inflation = self.inflation_of_items(items)
        # The variance of an item of fewer units is inflated less; that of one unit is not.
        size = np.sqrt(inflation / max(inflation.max(initial=0), 1e-9)).astype(np.float32)
        for start in range(0, len(items), _ITEMS_AT_ONCE):
            part = slice(start, start + _ITEMS_AT_ONCE)
            weights, signs = self._product(items[part])
            yield part, weights, 1 + size[part, None] * signs

    def _product(self, items: Indices) -> tuple[Weights, Weights]:
        unit, stratum = self.unit[items], self.stratum[items]
        weights, signs = self.weights[items[:, 0]], self.signs[items[:, 0]]
        for column in range(1, items.shape[1]):
            own = slice(column, column + 1)
            new = ~(unit[:, :column] == unit[:, own]).any(axis=1)
            # Different units before this one that were drawn together with it.
            together = np.zeros(len(items), np.int64)
            for earlier in range(column):
                first = ~(unit[:, :earlier] == unit[:, earlier : earlier + 1]).any(axis=1)
                together += first & new & (stratum[:, earlier] == stratum[:, column])
            joint = joint_factor(self.drawn[items[:, column]], together)
            weights = weights * np.where(new[:, None], self.weights[items[:, column]] * joint[:, None], np.float32(1))
            signs = signs * np.where(new[:, None], self.signs[items[:, column]], np.float32(1))
        return weights, signs


def joint_factor(drawn: Indices, together: Indices | int) -> Weights:
    """What makes products of counts of one stratum 1 on average: drawing one unit leaves fewer draws for the others.

    Args:
        drawn: How many units are drawn.
        together: With how many others of them a unit is multiplied.
    """
    return np.asarray(drawn / np.maximum(drawn - together, 1), np.float32)


def draw(labels: Indices, resamples: int, seed: int, *, whole: NDArray[np.bool_] | None = None) -> Resamples:
    """Draw the images of each class, or classes as a whole.

    Args:
        labels: int64 (M,), the class of each image.
        resamples: How many.
        seed: Decides them.
        whole: bool (C,), the classes that are drawn as a whole, with all their images: for what is to hold for other
            classes. To draw images within the drawn classes too would count their noise twice (Davison and Hinkley,
            "Bootstrap methods and their application", 1997, section 3.8). Classes of fewer than ``SMALLEST_CLASS``
            images always are.

    Example:
        >>> draw(np.repeat([0, 1], 6), 100, seed=0).weights.shape
        (12, 100)
    """
    rng = np.random.default_rng(seed)
    sizes = np.bincount(labels)
    whole = sizes < SMALLEST_CLASS if whole is None else whole | (sizes < SMALLEST_CLASS)
    # Units by their number: the images, then the classes.
    unit = np.where(whole[labels], len(labels) + labels, np.arange(len(labels)))
    stratum = np.where(whole[labels], len(sizes), labels)
    number, place = np.unique(unit, return_inverse=True)
    stratum_of = np.empty(len(number), np.int64)
    stratum_of[place] = stratum
    weights = np.ones((len(number), resamples), np.float32)
    sign = np.ones((len(number), resamples), np.float32)
    drawn, variance = np.ones(len(number), np.int64), np.zeros(len(number))
    for which in np.unique(stratum_of):
        members = np.flatnonzero(stratum_of == which)
        if len(members) < 2:  # of one there is no telling how others would be
            continue
        n = len(members)
        drawn[members] = n - 1 if which == len(sizes) else round((n - 2) ** 2 / (n - 1))
        counts = rng.multinomial(drawn[members[0]], np.full(n, 1 / n), resamples).T
        weights[members] = counts * (n / drawn[members[0]])
        variance[members] = (n - 1) / drawn[members]
        sign[members] = _signs(n, sign.shape[1], rng)
    return Resamples(unit, stratum, drawn[place], variance[place], weights[place], sign[place])


def _signs(units: int, draws: int, rng: np.random.Generator) -> Weights:
    """Half of them each, so that they add up to nothing, as counts less their mean do."""
    alternating = np.where(np.arange(units) % 2, -1, 1)[:, None] * rng.choice([-1, 1], draws)
    return rng.permuted(alternating, axis=0).astype(np.float32)
