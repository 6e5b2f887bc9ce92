"""What `general` can and cannot tell on kinds of pictures that it does not know, and what adapting brings.

Each collection is divided into two halves by lot: pictures of one half adapt, the other half is measured. What judges a
collection has never seen its domain: neither the network nor what was fitted. Means are over collections, each weighing
the same; three draws.

python benchmarks/domains.py ../shared/data INIT [--work runs/domains] [--output DOMAINS.md] [--list FILE] [--ship FILE]

  INIT    the pretrained trunk, as samekind train --init takes it
  --model measure this model file, by its own card, on all collections, also on those that it was trained on
  --list  write all training images of `general` as a CSV for `samekind train`, and do no more
  --ship  write the calibrations into the model file that `samekind train` made of that list
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from accuracy_measure import NewClassScores, cross_fitted_calibrations, mean, new_classes
from domain_cuts import Cut, collections_of, drawn_by_lot
from domain_measure import Judge, Labels, halved, measure_collection
from domain_networks import TRAINED_ON, Networks, read_networks, write_list
from domain_table import write_table

from samekind.evaluation.card_records import measurements
from samekind.evaluation.measure import measure
from samekind.fitting.domains import JudgedCollection, fit_collections, fit_domains
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import DomainCalibration, PairCalibration, TrioCalibration
from samekind.model_file.card import Card, Measurement
from samekind.model_file.file import read_model, write_model
from samekind.recognizer import Recognizer

DESCRIPTION = (
    "pictures of imagenette2-224/val, tiny-imagenet-90, caltech101-a, birds-524 and grocery-81, and narrow collections "
    "cut from them; each judged by a network that knew nothing of its data set and was adapted with 20 to 200 others "
    "of its pictures or with half of them; fitted on collections of classes drawn by lot, too"
)
# The geometric mean of the spreads of these collections; no label has a part in it.
USUAL_SPREAD = 0.14
# So many images of a collection are enough to fit on: of one whose rates are told, and of another.
_MOST_JUDGED, _MOST_OF_MORE = 800, 300
_Calibration = TypeVar("_Calibration", PairCalibration, TrioCalibration)
EVERYDAY = "all 50 classes of caltech101-a, as they look to a network of this recipe that was trained without them"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("init")
    parser.add_argument("--work", type=Path, default=Path("runs/domains"))
    parser.add_argument("--output", type=Path, default=Path("runs/domains/DOMAINS.md"))
    parser.add_argument("--model")
    parser.add_argument("--list", type=Path)
    parser.add_argument("--ship", type=Path)
    arguments = parser.parse_args()
    if arguments.model and arguments.ship:
        parser.error("--ship writes what networks without a domain say, --model measures a file by its own card")
    networks = read_networks(arguments.data, arguments.init, arguments.work)
    if arguments.list:
        write_list(networks.train, arguments.list)
        return
    if arguments.model:
        model = Recognizer(read_model(arguments.model))
        embeddings = of_model(model, networks, arguments.work)
        judges = dict.fromkeys(TRAINED_ON, Judge(model.card, model.card.domains))
    else:
        embeddings = {domain: networks.without(domain) for domain in TRAINED_ON}
        everyday = everyday_card(networks)
        judged = judged_collections(networks, embeddings)
        more = more_collections(networks, embeddings)
        whole = fit_domains(judged, USUAL_SPREAD, DESCRIPTION, more)
        judges = {domain: Judge(everyday, without(whole, judged, more, domain)) for domain in TRAINED_ON}
    rows = [
        row
        for cut in collections_of(networks.measured)
        for row in measure_collection(
            cut, embeddings[cut.domain], networks.measured[cut.domain].images.labels, judges[cut.domain]
        )
    ]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.with_suffix(".json").write_text(json.dumps(rows, indent=1))
    write_table(rows, arguments.output)
    if arguments.ship:
        ship(arguments.ship, everyday, whole, networks)


def of_model(model: Recognizer, networks: Networks, work: Path) -> dict[str, Embeddings]:
    """What a model makes of all pictures that are measured."""
    found = {}
    for domain, pool in networks.measured.items():
        path = work / "embeddings" / f"{model.card.fingerprint[:12]}-{domain}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, model.encoder.encode(pool.images.paths))
        found[domain] = np.load(path)
    return found


def judged_collections(networks: Networks, embeddings: dict[str, Embeddings]) -> list[JudgedCollection]:
    """One draw of each collection, adapted with each number of pictures."""
    return [
        one
        for cut in collections_of(networks.measured)
        for one in _judged(cut, embeddings[cut.domain], networks.measured[cut.domain].images.labels, _MOST_JUDGED)
    ]


def more_collections(networks: Networks, embeddings: dict[str, Embeddings]) -> list[JudgedCollection]:
    """Collections to fit on that are not measured: classes of each domain, drawn by lot."""
    return [
        one
        for domain, pool in networks.measured.items()
        for cut in drawn_by_lot(domain, pool.images.labels, embeddings[domain])
        for one in _judged(cut, embeddings[domain], pool.images.labels, _MOST_OF_MORE, few=True)
    ]


def _judged(
    cut: Cut, embeddings: Embeddings, labels: Labels, most: int, *, few: bool = False
) -> list[JudgedCollection]:
    halves = halved(cut, embeddings, labels, draw=0, most=most, few=few)
    return [half.judged(USUAL_SPREAD) for half in halves if _has_both_answers(half.labels)]


def _has_both_answers(labels: Labels) -> bool:
    count = np.bincount(labels)
    return bool((count > 0).sum() >= 3 and count.max() > 1)


def without(
    whole: DomainCalibration, judged: list[JudgedCollection], more: list[JudgedCollection], domain: str
) -> DomainCalibration:
    """What the other domains say, with the rates that the card promises."""
    left = [[one for one in some if one.domain != domain] for some in (judged, more)]
    fit = fit_collections(left[0], more=left[1])
    assert whole.trio is not None
    found = {"pair": _promising(fit.pair, whole.pair), "trio": _promising(fit.trio, whole.trio)}
    if whole.broad is not None:
        assert whole.broad.trio is not None
        broad = {"pair": _promising(fit.pair, whole.broad.pair), "trio": _promising(fit.trio, whole.broad.trio)}
        found["broad"] = whole.broad.model_copy(update={**broad, "shift": fit.shift})
    return whole.model_copy(update=found)


def _promising(fitted: _Calibration, card: _Calibration) -> _Calibration:
    points = {
        name: point.model_copy(update={"threshold": fitted.operating_points[name].threshold})
        for name, point in card.operating_points.items()
        if name in fitted.operating_points
    }
    return fitted.model_copy(update={"operating_points": points})


def everyday_card(networks: Networks) -> Card:
    """A card with the calibration for everyday objects, from networks that had not met the classes."""
    scores = [NewClassScores.of(rows, labels) for rows, labels in networks.everyday_classes()]
    pair, trio = cross_fitted_calibrations(scores, EVERYDAY)
    assert trio is not None
    domain = TRAINED_ON["caltech"][1]
    named: Callable[[object], dict[str, object]] = lambda measured_on: {"measured_on": measured_on}  # noqa: E731
    pair = pair.model_copy(update=named(pair.measured_on.model_copy(update={"domain": domain})))
    trio = trio.model_copy(update=named(trio.measured_on.model_copy(update={"domain": domain})))
    return read_model("general").card.model_copy(update={"pair": pair, "trio": trio})


def ship(path: Path, everyday: Card, domains: DomainCalibration, networks: Networks) -> None:
    """Give a model file its calibrations, in place, and measure it on Imagenette."""
    model = read_model(path)
    names = tuple(TRAINED_ON[name][1] for name in domains.domains)
    known = domains.model_copy(update={"domains": names})
    update = {"pair": everyday.pair, "trio": everyday.trio, "domains": known, "metrics": ()}
    card = write_model(path, model.data, model.card.model_copy(update=update), model.seen_images)
    found = measure(Recognizer(read_model(path)), networks.measured["imagenette"].images)
    metrics = new_everyday_classes(networks) + measurements("imagenette2-224", found, split="val")
    card = card.model_copy(update={"metrics": metrics})
    write_model(path, model.data, card, model.seen_images)
    print(f"{path}: calibrated for everyday objects and for collections of {len(names)} domains")


def new_everyday_classes(networks: Networks) -> tuple[Measurement, ...]:
    """What the network without Caltech-101 does on five times ten of its classes, calibrated on the other forty."""
    scores = [NewClassScores.of(rows, labels) for rows, labels in networks.everyday_classes()]
    found = []
    for number, fold in enumerate(networks.everyday_folds()):
        others = NewClassScores.together([one for other, one in enumerate(scores) if other != number])
        measured = new_classes(networks.without("caltech"), networks.measured["caltech"], fold, others.calibrations(""))
        found.append(measured)
    return tuple(
        Measurement(
            data="caltech101-a", group="unseen", task=task, metric=metric.key, label=metric.label,
            note="the mean of five times ten classes, by a network without any of them, calibrated on the others",
            value=e.value, low=e.low, high=e.high,
        )
        for (task, metric), drawn in sorted(mean(found).items(), key=lambda item: (item[0][0], item[0][1].key))
        if (e := drawn.estimate())
    )  # fmt: skip


if __name__ == "__main__":
    main()
