"""What `samekind data audit` finds of what is known to be wrong, and what `samekind data label` gains.

python benchmarks/audit.py ../shared/data [INIT] [--work runs/audit]
                           [--only swapped leaks strangers hardest answers]

  INIT    the pretrained trunk, as samekind train --init takes it

The model `general` was trained on these very pictures with their labels, so all is measured on embeddings of sister
networks that were trained without the data set in question (domain_networks.py). What may be tuned was tuned on
Tiny-ImageNet.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from domain_networks import Networks, read_networks
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import cross_val_predict

import samekind
from samekind.adaptation.adaptation import adapt, centre
from samekind.auditing.answers.choose import choose_pairs
from samekind.auditing.labels.doubt import doubt_labels, other_class
from samekind.auditing.looked_at import LookedAt, look_at
from samekind.auditing.pictures.copies import compared, find_copied
from samekind.auditing.pictures.outliers import FAR, how_far, unlike_every_class
from samekind.evaluation.metrics.scores import Scores
from samekind.evaluation.metrics.verification import as_it_is
from samekind.fitting.calibrations import pair_calibration
from samekind.fitting.domains import FULL_LENGTH
from samekind.images import thumbnail
from samekind.inference.similarity import Embeddings
from samekind.model_file.calibration import MeasuredOn, PairCalibration, pair_probability
from samekind.model_file.card import pair_calibration_of
from samekind.model_file.file import read_model

INIT = "../shared/weights/tf_efficientnet_b0-imagenet-trunk.safetensors"
PARTS = ("swapped", "leaks", "strangers", "hardest", "answers")
SEEDS = 5
# In all draws together, about.
STRANGERS = 1_000
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """Images with right labels, as a network sees them that never saw their data set.

    Attributes:
        paths: The images.
        bare: float32 (N, D), unit rows.
        labels: int64 (N,), 0 to C - 1.
    """

    paths: tuple[Path, ...]
    bare: Embeddings
    labels: Labels

    @property
    def classes(self) -> int:
        """C."""
        return int(self.labels.max()) + 1

    @property
    def embeddings(self) -> Embeddings:
        """Less what they have in common, as the audit makes them."""
        return centre(self.bare, CARD, "a benchmark", FULL_LENGTH).apply(self.bare)

    def some(self, count: int, seed: int) -> Known:
        """So many of them, by lot."""
        chosen = np.sort(
            np.random.default_rng(seed).choice(len(self.paths), min(count, len(self.paths)), replace=False)
        )
        return Known(tuple(self.paths[i] for i in chosen), self.bare[chosen], self.labels[chosen])


CARD = read_model("general").card


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("init", nargs="?", default=INIT)
    parser.add_argument("--work", type=Path, default=Path("runs/audit"))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    arguments = parser.parse_args()
    # All images of Imagenette that `general` is trained on, not its validation images.
    networks = read_networks(arguments.data, arguments.init, arguments.work, measured_on={})
    sets = {name: known(networks, name) for name in ("imagenette", "caltech", "grocery")}
    for part in arguments.only:
        started = time.perf_counter()
        print(f"\n== {part}")
        if part == "swapped":
            swapped(sets)
        elif part == "leaks":
            leaks(sets["imagenette"])
        elif part == "strangers":
            strangers(networks, sets["imagenette"])
        elif part == "hardest":
            hardest(sets["imagenette"], arguments.work / "hardest.png")
        else:
            answers(networks)
        print(f"({time.perf_counter() - started:.0f} s)", flush=True)


def known(networks: Networks, domain: str) -> Known:
    pool = networks.measured[domain]
    return Known(pool.images.paths, networks.without(domain), pool.images.labels)


def swap(labels: Labels, classes: int, share: float, rng: np.random.Generator) -> tuple[Labels, NDArray[np.bool_]]:
    """Labels of which a share is another one by lot, and which."""
    wrong = np.zeros(len(labels), np.bool_)
    wrong[rng.choice(len(labels), round(share * len(labels)), replace=False)] = True
    moved = (labels + rng.integers(1, classes, len(labels))) % classes
    return np.where(wrong, moved, labels), wrong


def swapped(sets: dict[str, Known]) -> None:
    print("5 % of the labels swapped by lot; mean of five draws [smallest, largest]")
    for name, images in sets.items():
        found: dict[str, list[tuple[float, float]]] = {}
        shares, listed, right = [], [], []
        for seed in range(SEEDS):
            chosen = images.some(2_000, seed) if name == "imagenette" else images
            rows, classes = chosen.embeddings, chosen.classes
            labels, wrong = swap(chosen.labels, classes, 0.05, np.random.default_rng(seed))
            doubt = doubt_labels(rows, labels, classes)
            regression = cross_val_predict(
                LogisticRegression(C=10, max_iter=300), rows, labels, cv=5, method="predict_proba"
            )
            for who, score in (
                ("samekind", doubt.wrong),
                *others("on its probabilities", doubt.probability.astype(np.float64), labels),
                *others("on logistic regression, 5 folds", regression, labels),
            ):
                order = np.argsort(-score, kind="stable")
                figures = float(average_precision_score(wrong, score)), float(wrong[order[:100]].mean())
                found.setdefault(who, []).append(figures)
            flagged = doubt.wrong >= 0.5
            shares.append(doubt.share)
            listed.append((int(flagged.sum()), int(wrong[flagged].sum()), int(wrong.sum())))
            right.append(float((other_class(doubt.probability, labels) == chosen.labels)[wrong].mean()))
        print(f"{name}: {len(labels):,} images of {classes} classes, {int(wrong.sum())} wrong")
        for who, drawn in found.items():
            precisions, firsts = zip(*drawn, strict=True)
            print(f"  {who:<52} AP {spread(precisions)}  precision in the first 100 {spread(firsts)}")
        print(f"  share of wrong labels as estimated {spread(shares)}; proposed class is right {spread(right)}")
        print(f"  more likely wrong than not (listed, wrong among them, wrong in all): {listed}")


def others(how: str, probability: NDArray[np.float64], labels: Labels) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """How cleanlab and FiftyOne rank labels by out-of-sample probabilities of the classes."""
    from cleanlab.rank import get_label_quality_scores

    for method in ("self_confidence", "normalized_margin"):
        yield f"cleanlab, {method}, {how}", -get_label_quality_scores(labels, probability, method=method)
    # FiftyOne's mistakenness: the certainty of the prediction, against the label where they differ.
    certainty = np.exp((probability * np.log(probability.clip(1e-12))).sum(axis=1))
    yield f"FiftyOne, mistakenness, {how}", np.where(probability.argmax(axis=1) == labels, -1, 1) * certainty


def leaks(images: Known) -> None:
    """A hundred copies of training images among test images."""
    print("100 planted leaks across a split of 4,000; three draws")
    for seed in range(3):
        rng = np.random.default_rng(seed)
        paths = [images.paths[i] for i in rng.permutation(len(images.paths))[:4_000]]
        with tempfile.TemporaryDirectory() as folder:
            made = {Path(folder, f"{i}.jpg"): paths[i] for i in range(100)}
            for number, (copy, source) in enumerate(made.items()):
                with Image.open(source) as image:
                    plant(image.convert("RGB"), number % 3, rng).save(copy, quality=85)
            test = [*paths[2_000:3_900], *made]
            listed = [*paths[:2_000], *test]
            splits = ["train"] * 2_000 + ["test"] * len(test)
            looked = [one for one in look_at(listed) if isinstance(one, LookedAt)]
            zeros = np.zeros(len(listed))
            evidence = compared(looked)
            copied = [
                copy for copy in find_copied(looked, evidence, splits, zeros.astype(np.int64), zeros) if copy.leak
            ]
        planted = {(source, copy) for copy, source in made.items()}
        found = {(listed[copy.place], listed[copy.kept]) for copy in copied}
        print(f"  found {len(found & planted)} of 100; others called leaks: {len(found - planted)}")
        for source, other in sorted(found - planted):
            print(f"    {source} {other}")


def plant(image: Image.Image, kind: int, rng: np.random.Generator) -> Image.Image:
    """Resized to 40 to 80 % of each side, or cropped to 70 to 90 % of each, or mirrored."""
    width, height = image.size
    if kind == 0:
        part = float(rng.uniform(0.4, 0.8))
        return image.resize((round(part * width), round(part * height)), Image.Resampling.LANCZOS)
    if kind == 1:
        part = float(rng.uniform(0.7, 0.9))
        wide, high = round(part * width), round(part * height)
        left, top = int(rng.integers(0, width - wide + 1)), int(rng.integers(0, height - high + 1))
        return image.crop((left, top, left + wide, top + high))
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def strangers(networks: Networks, images: Known) -> None:
    """Pictures of another domain among Imagenette's, and of classes that a collection has not among those it has."""
    print("under labels by lot: share found among the first 1.2 times as many; listed; other images listed")
    for domain in ("birds", "grocery", "caltech"):
        rows, found = networks.without("imagenette", domain), []
        for seed in range(STRANGERS // 50):
            chosen, rng = images.some(2_000, seed), np.random.default_rng(seed)
            odd = rng.choice(len(rows), 50, replace=False)
            found.append(told_apart(chosen.bare, chosen.labels, rows[odd], rng))
        show_told_apart(f"2,000 of Imagenette, 50 of {domain}", found)
    for domain in ("imagenette", "caltech", "grocery", "tiny"):
        whole, found = known(networks, domain), []
        for seed in range(STRANGERS // min(50, len(whole.paths) // 80)):
            rng = np.random.default_rng(seed)
            kept = np.isin(whole.labels, rng.permutation(whole.classes)[: whole.classes // 2])
            inside, outside = (rng.permutation(np.flatnonzero(some)) for some in (kept, ~kept))
            inside = inside[:2_000]
            labels = np.unique(whole.labels[inside], return_inverse=True)[1].astype(np.int64)
            found.append(told_apart(whole.bare[inside], labels, whole.bare[outside[: len(inside) // 40]], rng))
        show_told_apart(f"half the classes of {domain}, {len(inside):,}, and a fortieth of the others", found)


def told_apart(
    bare: Embeddings, labels: Labels, odd: Embeddings, rng: np.random.Generator
) -> list[tuple[float, float, float]]:
    """The shares of the strangers that are found among the first, that are listed, and of other images listed.

    By the audit's score, and by the cosine to the best class in the place of the energy of all.
    """
    classes, count = int(labels.max()) + 1, len(labels)
    labels = np.concatenate([labels, rng.integers(0, classes, len(odd))])
    cosine = doubt_labels(Known((), np.concatenate([bare, odd]), labels).embeddings, labels, classes).cosine
    own = cosine[np.arange(len(labels)), labels]
    shares = []
    for unlike in (unlike_every_class(cosine, labels), 1 - (own + cosine.max(axis=1)) / 2.0):
        far = how_far(unlike.astype(np.float64))
        found, listed = np.argsort(-far, kind="stable")[: round(1.2 * len(odd))] >= count, far >= FAR
        shares.append((float(found.sum() / len(odd)), float(listed[count:].mean()), float(listed[:count].mean())))
    return shares


def show_told_apart(name: str, draws: list[list[tuple[float, float, float]]]) -> None:
    for score, shares in zip(("energy", "cosine"), np.array(draws).transpose(1, 2, 0), strict=True):
        print(f"  {name}, by {score}: {'  '.join(map(spread, shares))}", flush=True)


def hardest(images: Known, sheet: Path) -> None:
    """The labels of Imagenette's own that are most in doubt, as pictures."""
    doubt = doubt_labels(images.embeddings, images.labels, images.classes)
    order = np.argsort(-doubt.wrong, kind="stable")[:48]
    other = other_class(doubt.probability, images.labels)
    names = sorted({path.parent.name for path in images.paths})
    page = Image.new("RGB", (8 * 170, 6 * 190), "white")
    pen = ImageDraw.Draw(page)
    for place, image in enumerate(order.tolist()):
        left, top = place % 8 * 170, place // 8 * 190
        page.paste(thumbnail(images.paths[image], 165), (left, top))
        pen.text(
            (left, top + 168),
            f"{names[images.labels[image]]} > {names[other[image]]} {doubt.wrong[image]:.2f}",
            "black",
        )
    page.save(sheet)
    print(f"{len(images.paths):,} images as they are: {int((doubt.wrong >= 0.2).sum())} listed; the first 48: {sheet}")


def answers(networks: Networks) -> None:
    """A calibration from 200 pairs that were chosen against one from 200 by lot, on collections left out."""
    print("calibration error on all pairs of a collection, mean of six draws: 200 pairs by lot, 200 chosen")
    better = []
    for domain in ("imagenette", "caltech", "grocery", "birds", "tiny"):
        images, lot = known(networks, domain), np.random.default_rng(0)
        for classes in (10, 25, 50):
            kinds = lot.choice(images.classes, min(classes, images.classes), replace=False)
            inside = np.flatnonzero(np.isin(images.labels, kinds))
            if len(inside) < 60 or classes > images.classes:
                continue
            inside = lot.choice(inside, min(1_200, len(inside)), replace=False)
            labels, adaptation = images.labels[inside], adapt(images.bare[inside], CARD, domain)
            rows, pair = adaptation.apply(images.bare[inside]), pair_calibration_of(adaptation.card_of(CARD))
            first, second = np.triu_indices(len(rows), 1)
            similarity, same = (rows @ rows.T)[first, second], labels[first] == labels[second]
            errors: list[tuple[float, float]] = []
            for seed in range(6):
                by_lot = np.random.default_rng(seed).choice(len(first), 200, replace=False)
                chosen = choose_pairs(rows, pair.scale, pair.bias, 200, seed)
                one, other = chosen.pairs.T
                answered = np.einsum("nd,nd->n", rows[one], rows[other]), labels[one] == labels[other], chosen.weight
                fitted = [
                    fit(similarity[by_lot], same[by_lot], None, pair),
                    fit(*answered, pair),
                ]
                scores = [Scores.of(pair_probability(one_pair, similarity), same) for one_pair in fitted]
                errors.append(tuple(score.reliability(as_it_is).ece for score in scores))  # type: ignore[arg-type]
            means = np.mean(errors, axis=0)
            better.append(bool(means[1] < means[0]))
            print(f"  {domain}, {classes} classes, {len(rows):,} images: {means[0]:.3f}, {means[1]:.3f}")
    print(f"  better on {sum(better)} of {len(better)}")


def fit(
    similarity: NDArray[np.floating],
    same: NDArray[np.bool_],
    weight: NDArray[np.float64] | None,
    usual: PairCalibration,
) -> PairCalibration:
    """A calibration of answered pairs; where all answers are one, what was known before."""
    if same.all() or not same.any():
        return usual
    about = MeasuredOn(
        description="", images=len(same), classes=0, positives=int(same.sum()), negatives=int((~same).sum())
    )
    try:
        return pair_calibration(similarity, same, about, weight=weight)
    except samekind.DatasetError:  # genuine pairs that are not more alike than others
        return usual


def spread(values: object) -> str:
    found = np.array(values, np.float64)
    return f"{found.mean():.3f} [{found.min():.3f}, {found.max():.3f}]"


if __name__ == "__main__":
    main()
