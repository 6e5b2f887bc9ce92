"""Which images a model errs on most, how much of its error is theirs, and what they look like.

python benchmarks/hardest.py imagenette ../shared/data/imagenette2-224/val -o hardest.png [--images 48]

Each image's part in the errors is counted at the threshold of the equal error rate, both answers weighing the same. The
picture shows the worst ones, and under each its class and the class whose mean embedding it is most like. It shows what
may be wrong with images or labels; rates without the worst images say how much that could explain, not how good the
model is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import samekind
from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.evaluation.metrics.curve import EqualErrorRate
from samekind.evaluation.metrics.scores import equal_error_rate
from samekind.images import load_image
from samekind.inference.similarity import Embeddings

_SIDE = 180
_LINE = 16
_COLUMNS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("hardest.png"))
    parser.add_argument("--images", type=int, default=48)
    arguments = parser.parse_args()
    images = read_class_folders(arguments.folder)
    embeddings = samekind.load(arguments.model).encoder.encode(images.paths)
    found = equal_error(embeddings, images.labels)
    print(f"{len(images):,} images: equal error rate {100 * found.rate:.2f} % at {found.threshold:.3f}")
    errors = part_in_errors(embeddings, images.labels, found.threshold)
    order = np.argsort(-errors)
    for count in (10, 20, 40, 60, 100, 200):
        if 2 * count > len(images):
            break
        rest = np.sort(order[count:])
        share = errors[order[:count]].sum() / errors.sum()
        without = equal_error(embeddings[rest], images.labels[rest]).rate
        print(f"the worst {count}: in {100 * share:.0f} % of the errors; without them {100 * without:.2f} %")
    contact_sheet(images, embeddings, order[: arguments.images]).save(arguments.output)


def equal_error(embeddings: Embeddings, labels: NDArray[np.int64]) -> EqualErrorRate:
    """The equal error rate over all pairs."""
    first, second = np.triu_indices(len(labels), 1)
    return equal_error_rate((embeddings @ embeddings.T)[first, second], labels[first] == labels[second])


def part_in_errors(embeddings: Embeddings, labels: NDArray[np.int64], threshold: float) -> NDArray[np.float64]:
    """For each image the share of pairs that it has wrong: float64 (N,), same and different weighing alike.

    An error counts for both of its images.
    """
    same = labels[:, None] == labels
    wrong = (embeddings @ embeddings.T >= threshold) != same
    np.fill_diagonal(wrong, val=False)
    return np.asarray((wrong & same).sum(axis=1) / same.sum() + (wrong & ~same).sum(axis=1) / (~same).sum())


def contact_sheet(images: LabelledImages, embeddings: Embeddings, chosen: NDArray[np.int64]) -> Image.Image:
    """The chosen images in rows, with their class and the one they are most like."""
    means = np.stack([embeddings[images.labels == label].mean(axis=0) for label in range(len(images.classes))])
    rows = -(-len(chosen) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _SIDE, rows * (_SIDE + _LINE)), "white")
    pen = ImageDraw.Draw(sheet)
    for place, index in enumerate(chosen.tolist()):
        row, column = divmod(place, _COLUMNS)
        corner = column * _SIDE, row * (_SIDE + _LINE)
        sheet.paste(Image.fromarray(load_image(images.paths[index], _SIDE)), corner)
        most_like = int((means @ embeddings[index]).argmax())
        words = f"{images.classes[images.labels[index]]} > {images.classes[most_like]}"
        pen.text((corner[0] + 2, corner[1] + _SIDE), words, fill="black")
    return sheet


if __name__ == "__main__":
    main()
