"""Prototypes of narrow kinds for a card, from its network's embeddings, and how often they warn.

python benchmarks/domain_narrow.py ../shared/data INIT MODEL [--work runs/domains] [--ship]

Half of the classes of each data set give the prototypes, and pairs of the other half are measured. With --ship the
prototypes of all classes go into the model file.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from domain_networks import read_networks
from drawn_pictures import DRAWN, draw
from numpy.typing import NDArray
from onnx import numpy_helper
from sklearn.cluster import KMeans

from samekind.inference.narrow_kinds import doubts, pack
from samekind.inference.similarity import Embeddings
from samekind.model_file.card import Card, NarrowKinds
from samekind.model_file.file import read_model, write_model
from samekind.recognizer import Recognizer

Labelled = tuple[Embeddings, NDArray[np.int64]]
NAMES = {"birds": "birds", "grocery": "groceries"} | DRAWN
EVERYDAY = ("caltech", "tiny", "imagenette")
_OF_KIND, _OF_EVERYDAY = 6, 24
MARGIN = -0.02
_PAIRS = 1_500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("init")
    parser.add_argument("model")
    parser.add_argument("--work", type=Path, default=Path("runs/domains"))
    parser.add_argument("--ship", action="store_true")
    arguments = parser.parse_args()
    model = read_model(arguments.model)
    embedded = embed_all(arguments.data, arguments.init, arguments.work, Recognizer(model), model.data)
    rng = np.random.default_rng(0)
    first = {
        name: np.isin(labels, rng.permutation(labels.max() + 1)[: (labels.max() + 1) // 2])
        for name, (_, labels) in embedded.items()
    }
    half = kinds_of({name: (rows[first[name]], labels) for name, (rows, labels) in embedded.items()})
    for name, (rows, labels) in embedded.items():
        measured = warned(model.card.model_copy(update={"narrow": half}), rows[~first[name]], labels[~first[name]], rng)
        print(f"{name}: {measured:.0%} of the pairs of other classes are warned of", flush=True)
    for left in NAMES:
        others = kinds_of(
            {name: (rows[first[name]], labels) for name, (rows, labels) in embedded.items() if name != left}
        )
        rows, labels = embedded[left]
        measured = warned(
            model.card.model_copy(update={"narrow": others}), rows[~first[left]], labels[~first[left]], rng
        )
        print(f"{left}: {measured:.0%} where no prototype is of this kind", flush=True)
    if arguments.ship:
        card = model.card.model_copy(update={"narrow": kinds_of(embedded)})
        write_model(arguments.model, model.data, card, model.seen_images)


def embed_all(data: Path, init: str, work: Path, model: Recognizer, onnx_model: bytes) -> dict[str, Labelled]:
    """What a model of the recipe `general` makes of all pictures, from the features of its trunk, and of drawn ones."""
    weights = {tensor.name: tensor for tensor in onnx.load_from_string(onnx_model).graph.initializer}
    weight = next(
        numpy_helper.to_array(weights[name]).astype(np.float32) for name in weights if name.startswith("head.weight")
    )
    bias = numpy_helper.to_array(weights["head.bias"]).astype(np.float32)
    found = {}
    for name, pool in read_networks(data, init, work).measured.items():
        rows = pool.features[:, 0, :, 0, 0].astype(np.float32) @ weight.T + bias
        found[name] = (rows / np.linalg.norm(rows, axis=1, keepdims=True), pool.images.labels)
    for name in DRAWN:
        pictures, labels = draw(name)
        path = work / "embeddings" / f"{model.card.fingerprint[:12]}-drawn-{name}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, model.embed(pictures))
        found[name] = (np.load(path), labels)
    return found


def kinds_of(embedded: Mapping[str, Labelled]) -> NarrowKinds:
    """Prototypes of the kinds that there are."""
    names = [name for name in NAMES if name in embedded]
    everyday = np.concatenate([typical(embedded[name][0], _OF_EVERYDAY) for name in EVERYDAY])
    return pack(
        [*(NAMES[name] for name in names), "everyday pictures"],
        [*(typical(embedded[name][0], _OF_KIND) for name in names), everyday],
        MARGIN,
    )


def typical(rows: Embeddings, count: int) -> Embeddings:
    """The centres of so many groups."""
    some = rows[np.random.default_rng(0).permutation(len(rows))[:_PAIRS]]
    centres = KMeans(count, n_init=1, random_state=0).fit(some).cluster_centers_
    return np.asarray(centres / np.linalg.norm(centres, axis=1, keepdims=True), np.float32)


def warned(card: Card, rows: Embeddings, labels: NDArray[np.int64], rng: np.random.Generator) -> float:
    """The share of pairs that are warned of, both answers weighing the same."""
    first, second = np.triu_indices(len(rows := rows[(some := rng.permutation(len(rows))[:800])]), 1)
    same = labels[some][first] == labels[some][second]
    shares = []
    for answer in (True, False):
        chosen = rng.permutation(np.flatnonzero(same == answer))[:_PAIRS]
        told = doubts(card, rows[first[chosen]], rows[second[chosen]])
        shares.append(np.mean([doubt is not None for doubt in told]))
    return float(np.mean(shares))


if __name__ == "__main__":
    main()
