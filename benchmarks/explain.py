"""Whether maps of where a similarity comes from are true, and what they cost.

python benchmarks/explain.py ../shared/data [--model general] [--pairs 40] [--composites 120] [--only birds] [--time]

For pairs of one class of each collection: the pixels of the first picture are hidden in the order of a map of it, or
shown in that order on a blurred picture (deletion and insertion: Petsiuk, Das and Saenko, "RISE: Randomized input
sampling for explanation of black-box models", 2018). The area under the curve of the similarity to the second picture
is compared with that of a centred blob, of random maps and of occlusion, each by the differences over the same pairs.

The pointing game (Zhang et al., "Top-down neural attention by excitation backprop", 2016) is played on pictures made of
two halves: a picture of the class of another picture, beside or above one of another class. The map hits if it is
highest in the right half; whether it adds up to more there is said, too. Groceries, birds and drawn pictures are
explained by the model as adapted to 200 of them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from drawn_pictures import draw
from numpy.typing import NDArray
from PIL import Image, ImageFilter

import samekind
from samekind.explain.explanation import Method, upsampled
from samekind.images import Pixels, load_image
from samekind.recognizer import Recognizer

Picture = Path | Pixels
Collection = dict[str, list[Picture]]
_FOLDERS = {
    "imagenette": "imagenette2-224/val",
    "caltech": "caltech101-a",
    "birds": "birds-524",
    "grocery": "grocery-81",
}
_NARROW = {"birds", "grocery", "coins", "leaves", "products", "textures"}
_DRAWN = ("coins", "leaves", "products", "textures")
_SIDE, _GRID, _STEPS = 224, 7, 8
_LAYOUTS = ("beside", "above", "cropped")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="general")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--composites", type=int, default=120)
    parser.add_argument("--occluded", type=int, default=30, help="composites on which occlusion points, too")
    parser.add_argument("--only", choices=(*_FOLDERS, *_DRAWN))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time", action="store_true", help="measure speed only")
    arguments = parser.parse_args()
    model = samekind.load(arguments.model)
    if arguments.time:
        speed(model, collection(arguments.data, "imagenette"))
        return
    for name in [arguments.only] if arguments.only else [*_FOLDERS, *_DRAWN]:
        rng = np.random.default_rng([arguments.seed, len(name), ord(name[0])])
        pictures = collection(arguments.data, name)
        used = model.adapt(some(pictures, 200, rng), source=name) if name in _NARROW else model
        print(f"\n{name}, {arguments.model}{', adapted' if used is not model else ''}", flush=True)
        if arguments.pairs:
            faithfulness(used, list(genuine(pictures, arguments.pairs, rng)), rng)
        pointing(used, pictures, arguments.composites, arguments.occluded, rng)


def collection(data: Path, name: str) -> Collection:
    """Classes with two pictures at least, by name."""
    if name in _FOLDERS:
        folders = sorted(folder for folder in (data / _FOLDERS[name]).iterdir() if folder.is_dir())
        return {folder.name: [*sorted(folder.iterdir())] for folder in folders}
    pictures, labels = draw(name)
    return {str(label): [pictures[i] for i in np.flatnonzero(labels == label)] for label in np.unique(labels)}


def some(pictures: Collection, number: int, rng: np.random.Generator) -> list[Picture]:
    everything = [picture for found in pictures.values() for picture in found]
    return [everything[i] for i in rng.choice(len(everything), min(number, len(everything)), replace=False)]


def genuine(pictures: Collection, number: int, rng: np.random.Generator) -> Iterator[tuple[Pixels, Pixels]]:
    """Pairs of two pictures of one class, the classes by lot."""
    names = list(pictures)
    for _ in range(number):
        found = pictures[names[rng.integers(len(names))]]
        first, second = rng.choice(len(found), 2, replace=False)
        yield load_image(found[first], _SIDE), load_image(found[second], _SIDE)


def faithfulness(model: Recognizer, pairs: list[tuple[Pixels, Pixels]], rng: np.random.Generator) -> None:
    areas: dict[str, list[tuple[float, float]]] = {}
    off = 0.0
    for first, second in pairs:
        explained = model.explain(first, second, method="contributions").pairs[0]
        assert explained.contributions is not None
        off = max(off, abs(float(explained.contributions.sum()) - model.similarity(first, second)))
        maps = {
            "contributions": explained.maps[0],
            "occlusion": model.explain(first, second, method="occlusion").pairs[0].maps[0],
            "centred": blob(),
            "random": rng.random((_GRID, _GRID)).astype(np.float32),
        }
        target = model.embed([second])[0]
        for name, found in maps.items():
            areas.setdefault(name, []).append(curves(model, first, target, found))
    print(f"  contributions miss the similarity by at most {off:.1e} ({len(pairs)} pairs)")
    print("  area under the curve (lower, higher is better)    deletion             insertion")
    measured = {name: np.array(values) for name, values in areas.items()}
    for name, values in measured.items():
        print(f"    {name:<44}" + "  ".join(f"{mean:.3f} ± {error:.3f}     " for mean, error in mean_and_error(values)))
    for other in ("centred", "random", "occlusion"):
        better = measured["contributions"] - measured[other]
        wins = f"{np.mean(better[:, 0] < 0):.0%}, {np.mean(better[:, 1] > 0):.0%}"
        shown = "  ".join(f"{mean:+.3f} ± {error:.3f}     " for mean, error in mean_and_error(better))
        print(f"    contributions less {other:<25}{shown}  better on {wins}", flush=True)


def mean_and_error(values: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Mean and 1.96 standard errors of each column."""
    errors = 1.96 * values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return list(zip(values.mean(axis=0).tolist(), errors.tolist(), strict=True))


def blob() -> NDArray[np.float32]:
    """A map that is highest in the middle."""
    off = np.arange(_GRID) - (_GRID - 1) / 2
    return np.exp(-(off[:, None] ** 2 + off**2) / 8).astype(np.float32)


def curves(
    model: Recognizer, pixels: Pixels, target: NDArray[np.float32], found: NDArray[np.float32]
) -> tuple[float, float]:
    """The areas under the curves of deletion and insertion."""
    order = np.argsort(-upsampled(found, _SIDE, _SIDE), axis=None, kind="stable")
    rank = np.empty(order.size)
    rank[order] = np.arange(order.size) / order.size
    hidden_at = rank.reshape(_SIDE, _SIDE, 1)
    grey = np.broadcast_to(pixels.mean(axis=(0, 1)), pixels.shape)
    blurred = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(12)))
    shares = np.linspace(0, 1, _STEPS + 1)
    deleted = [np.where(hidden_at < share, grey, pixels) for share in shares]
    inserted = [np.where(hidden_at < share, pixels, blurred) for share in shares]
    rows = model.encoder.encode_pixels(np.array([*deleted, *inserted], np.uint8))
    similarity = (rows @ target).reshape(2, -1)
    deletion, insertion = np.trapezoid(similarity, shares, axis=1).tolist()
    return deletion, insertion


def pointing(model: Recognizer, pictures: Collection, number: int, occluded: int, rng: np.random.Generator) -> None:
    names = list(pictures)
    hits: dict[str, list[tuple[bool, bool]]] = {}
    for turn in range(number):
        right, wrong = rng.choice(len(names), 2, replace=False)
        ours, others = pictures[names[right]], pictures[names[wrong]]
        first, second = rng.choice(len(ours), 2, replace=False)
        layout, behind = _LAYOUTS[turn % len(_LAYOUTS)], bool(rng.integers(2))
        halves = load_image(ours[first], _SIDE), load_image(others[rng.integers(len(others))], _SIDE)
        made, plain = composite(*halves, layout, behind=behind), load_image(ours[second], _SIDE)
        methods: tuple[Method, ...] = ("contributions", "occlusion") if turn < occluded else ("contributions",)
        for method in methods:
            found = upsampled(model.explain(made, plain, method=method).pairs[0].maps[0], _SIDE, _SIDE)
            hits.setdefault(method, []).append(lies_behind(found, layout, behind=behind))
    for name, found_hits in hits.items():
        for kind, what in enumerate(("highest", "heavier")):
            found_right = [hit[kind] for hit in found_hits]
            low, high = wilson(sum(found_right), number := len(found_right))
            each = ", ".join(
                f"{name} {np.mean(found_right[i :: len(_LAYOUTS)]):.0%}" for i, name in enumerate(_LAYOUTS)
            )
            print(f"  {name:<13} {what} in the right half: {np.mean(found_right):.1%} [{low:.1%}, {high:.1%}] "
                  f"of {number}: {each}", flush=True)  # fmt: skip


def lies_behind(found: NDArray[np.float32], layout: str, *, behind: bool) -> tuple[bool, bool]:
    """Whether a map is highest, and adds up to more, in the right half: the second one, or the first."""
    across = found.T if layout == "above" else found
    highest = int(np.unravel_index(int(across.argmax()), across.shape)[1]) >= _SIDE // 2
    heavier = float(across[:, _SIDE // 2 :].sum()) > float(across[:, : _SIDE // 2].sum())
    return highest is behind, heavier is behind


def composite(ours: Pixels, other: Pixels, layout: str, *, behind: bool) -> Pixels:
    """Two pictures as one, squashed to a square as the model squashes all; or the middles of both, not squashed."""
    parts = (other, ours) if behind else (ours, other)
    if layout == "cropped":
        quarter = _SIDE // 4
        return np.concatenate([part[:, quarter : 3 * quarter] for part in parts], axis=1)
    whole = np.concatenate(parts, axis=0 if layout == "above" else 1)
    return load_image(whole, _SIDE)


def wilson(hits: int, number: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    share, z = hits / number, 1.96
    middle, half = share + z * z / (2 * number), z * np.sqrt(share * (1 - share) / number + z * z / (4 * number**2))
    return (middle - half) / (1 + z * z / number), (middle + half) / (1 + z * z / number)


def speed(model: Recognizer, pictures: Collection, rounds: int = 30) -> None:
    """What explaining costs beside a verdict on the same pictures, in turns; on a busy machine the CPU time counts."""
    files = some(pictures, 2 * rounds, np.random.default_rng(0))
    runs: dict[str, Callable[..., object]] = {
        "verify": model.verify,
        "contributions": model.explain,
        "occlusion": partial(model.explain, method="occlusion"),
    }
    model.explain(files[0], files[1])
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for turn, (first, second) in enumerate(zip(files[::2], files[1::2], strict=True)):
        for name, run in runs.items():
            if name == "occlusion" and turn >= 5:
                continue
            start = time.perf_counter(), time.process_time()
            run(first, second)
            seconds[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    verdict = np.median(seconds["verify"], axis=0)
    for name, measured in seconds.items():
        wall, cpu = np.median(measured, axis=0)
        ratios = f"{wall / verdict[0]:.2f} and {cpu / verdict[1]:.2f} of a verdict's"
        print(f"{name:<14} {wall:.3f} s, {cpu:.3f} s of CPU: {ratios}")


if __name__ == "__main__":
    main()
