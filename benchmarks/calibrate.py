"""Calibrating for other pictures: thresholds from half of the classes of a folder, measured on the other half.

The classes are those at even and odd places of the alphabet, and both ways are tried: neither the network nor its new
thresholds have met the classes that they are measured on (what the network's pretraining had seen, its card says).

python benchmarks/calibrate.py ../shared/data/caltech101-a [--model imagenette]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.datasets.dataset import read_dataset
from samekind.datasets.folders import LabelledImages
from samekind.errors import ImageError
from samekind.evaluation.measure import RESAMPLES, TRIO_COUNT, measure
from samekind.evaluation.metrics.metric import AUC, ECE, Metric, accuracy_at, false_alarms_on, far_at, tar_at
from samekind.evaluation.results import Evaluation, estimates
from samekind.fitting.recalibrate import recalibrate
from samekind.model_file.file import ModelFile, SeenImages, read_model, write_model
from samekind.recognizer import Recognizer

Embedded = dict[Path, NDArray[np.float32] | ImageError]

PAIR_METRICS: tuple[Metric, ...] = (
    *(accuracy_at("balanced"), AUC, ECE),
    *(rate(point) for point in ("balanced", "strict") for rate in (far_at, tar_at)),
    far_at("very_strict"),
)
TRIO_METRICS = (accuracy_at("balanced"), ECE, false_alarms_on("ABC"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="class folders that the model was not trained on")
    parser.add_argument("--model", default="imagenette")
    parser.add_argument("--resamples", type=int, default=RESAMPLES)
    parser.add_argument("--trio-count", type=int, default=TRIO_COUNT)
    arguments = parser.parse_args()
    measured = partial(measure, resamples=arguments.resamples, trio_count=arguments.trio_count)
    images = read_dataset(arguments.folder).train
    parts = [images.only_classes(frozenset(images.classes[start::2])) for start in (0, 1)]
    source = read_model(arguments.model)
    embedded = dict(zip(images.paths, Recognizer(source).encoder.stream(images.paths), strict=True))
    for own, others in (parts, parts[::-1]):
        measure_one_way(source, own, others, embedded, measured)


class EmbeddedOnce(Recognizer):
    """A model whose images are embedded already: calibrating changes no embedding."""

    def __init__(self, model: ModelFile, embedded: Embedded) -> None:
        super().__init__(model)
        self.encoder.stream = lambda sources, **_: (embedded[path] for path in sources)  # type: ignore[method-assign]


def measure_one_way(
    source: ModelFile,
    own: LabelledImages,
    others: LabelledImages,
    embedded: Embedded,
    measured: Callable[[Recognizer, LabelledImages], Evaluation],
) -> None:
    old = measured(EmbeddedOnce(source, embedded), others)
    found = recalibrate(EmbeddedOnce(source, embedded), own, "mine", own.root.name, bare=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.onnx"
        write_model(path, source.data, found.card, source.seen_images | SeenImages(found.hashes))
        new = measured(EmbeddedOnce(read_model(path), embedded), others)
    print(f"calibrated on {len(own)} images of {len(own.classes)} classes ({own.classes[0]}, {own.classes[1]}, ...),")
    print(f"measured on {len(new.paths)} images of {len(new.classes)} others")
    if found.card.pair and (strict := found.card.pair.operating_points.get("strict")):  # not with a few dozen images
        print(f"  pairs: FAR at strict, as the new card says: {strict.far:.4f}")
    print_side_by_side(old, new)


def print_side_by_side(old: Evaluation, new: Evaluation) -> None:
    for kind, wanted in (("pair", PAIR_METRICS), ("trio", TRIO_METRICS)):
        tasks = [result.whole.pairs if kind == "pair" else result.whole.trios for result in (old, new)]
        before, after = (estimates(task.metrics) if task else {} for task in tasks)
        for metric in wanted:
            values = [
                f"{e.value:.4f} [{e.low:.4f}, {e.high:.4f}]" if (e := metrics.get(metric)) else "-"
                for metrics in (before, after)
            ]
            print(f"  {kind}s: {metric.label:<22} old {values[0]:<26} new {values[1]}")


if __name__ == "__main__":
    main()
