"""Copies among many pictures: by threads of this process, and by workers of Ray on the same cores.

  python benchmarks/duplicates_engines.py --pictures 100000 [--planted 1000] [--engines local ray]
  python benchmarks/duplicates_engines.py --images FOLDER [--most 400]

The first proposes candidates only, for made pictures: 48 features each, which are like one another as those of
photographs are (a quarter of their bits differ from one of 20,000 kinds), and small pictures whose frequencies fall off
as those of photographs do. Planted copies have eight other bits of 128, half of the features, turned and smaller; their
small picture is mirrored. The second looks for the duplicates in a gallery of a folder, files and all, with copies
planted: each tenth picture at half its size.

Times are on the clock and of the processor, of this process and its children; memory is the most that this process
held. The engines' results are compared.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

from samekind.copies.candidates import alike_pairs, voted_pairs
from samekind.copies.features import Features
from samekind.gallery import Gallery
from samekind.gallery.duplicates.ray_workers import ray_workers
from samekind.images.folder_contents import walk
from samekind.system.each import Each

_EACH, _KINDS, _SIDE = 48, 20_000, 24
Bytes = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int)
    parser.add_argument("--planted", type=int, default=1000)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--most", type=int, default=400)
    parser.add_argument("--engines", nargs="*", default=["local", "ray"])
    options = parser.parse_args()
    if options.pictures:
        _candidates(options.pictures, options.planted, options.engines)
    if options.images:
        _duplicates(options.images, options.most, options.engines)


def _candidates(count: int, planted: int, engines: list[str]) -> None:
    of = np.random.default_rng(1).choice(count - planted, planted, replace=False)
    found = {}
    print(f"{count:,} pictures", flush=True)
    features, greys = made_features(count, of), _Greys(count, of)
    for engine in engines:
        with _each(engine) as each:
            with _timed(f"{engine}: votes of features"):
                voted = voted_pairs(features, each=each)
            with _timed(f"{engine}: whole pictures"):
                alike = alike_pairs(greys, each)
        found[engine] = [*voted, *alike]
        for name, pairs in (("votes", voted), ("whole pictures", alike)):
            right = np.isin(pairs[0] * count + pairs[1], np.arange(count - planted, count) * count + of)
            print(f"{engine}: {name} name {right.sum():,} of {planted:,} planted copies, among {len(right):,} pairs")
    _compare(found, lambda one, other: all(map(np.array_equal, one, other)))


def _duplicates(images: Path, most: int, engines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, Gallery.open(f"{folder}/g.samekind") as gallery:
        files = sorted(image.path for image in walk(images.resolve()))
        photos = Path(folder) / "photos"
        photos.mkdir()
        for number, file in enumerate(files[:: max(1, len(files) // most)][:most]):
            (photos / f"{number:05}{Path(file).suffix}").write_bytes(Path(file).read_bytes())
            if number % 10 == 0:
                with Image.open(file) as image:
                    half = image.convert("RGB").resize((max(1, image.width // 2), max(1, image.height // 2)))
                half.save(photos / f"{number:05}-half.jpg")
        gallery.sync(photos)
        print(f"{len(gallery):,} pictures")
        found = {}
        for engine in engines:
            with _timed(f"{engine}: duplicates, with the start of a cluster"):
                found[engine] = gallery.duplicates(related=True, engine=engine)  # type: ignore[arg-type]
            spare = sum(len(group.spare) for group in found[engine])
            print(f"{engine}: {len(found[engine])} groups, {spare} pictures may be removed")
        _compare(found, lambda one, other: one == other)


def _compare(found: dict[str, Any], same: Callable[[Any, Any], bool]) -> None:
    first, *others = found.values()
    if others:
        print("results are", "the same" if all(same(first, other) for other in others) else "DIFFERENT")


@contextmanager
def _each(engine: str) -> Iterator[Each]:
    if engine == "local":
        yield map
        return
    with ray_workers("local", None) as workers:
        yield workers.each


@contextmanager
def _timed(what: str) -> Iterator[None]:
    before, start = _processor(), time.perf_counter()
    yield
    span, used = time.perf_counter() - start, _processor() - before
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{what}: {span:,.0f} s on the clock, {used:,.0f} s of processor; at most {held:.1f} GB here", flush=True)


def _processor() -> float:
    """Seconds of this process and its children, those that have ended too."""
    total = 0.0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        times = process.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def made_features(count: int, of: NDArray[np.int64]) -> list[Features]:
    """Features of pictures, the last of which are copies of some."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 256, (_KINDS, 16), dtype=np.uint8)
    features = [_made(rng, kinds[rng.integers(0, _KINDS, _EACH)], 2) for _ in range(count - len(of))]
    for number in of:
        original, half = features[number], _EACH // 2
        copy = _made(rng, np.concatenate([original.bits[:half], kinds[rng.integers(0, _KINDS, half)]]), 4)
        copy.scales[:half], copy.angles[:half] = original.scales[:half] * 0.7, (original.angles[:half] + 90) % 360
        features.append(copy)
    return features


def _made(rng: np.random.Generator, bits: Bytes, rare: int) -> Features:
    """Features whose bits differ from some in one of ``2 ** rare``."""
    differ = np.bitwise_and.reduce(rng.integers(0, 256, (rare, *bits.shape), dtype=np.uint8))
    scales, angles = rng.uniform(4, 40, len(bits)), rng.uniform(0, 360, len(bits))
    return Features(np.zeros((len(bits), 2), np.float32), scales.astype("f4"), angles.astype("f4"), bits ^ differ)


class _Greys(list[Bytes]):
    """Small pictures, uint8 (24, 24), made when they are asked for; the last are others mirrored."""

    def __init__(self, count: int, of: NDArray[np.int64]) -> None:
        super().__init__()
        self._count, self._of = count, of
        u, v = np.meshgrid(np.arange(_SIDE), np.arange(_SIDE))
        self._falls = (1200 / (1 + u + v) ** 1.5).astype(np.float32)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Bytes]:
        return map(self._made, range(self._count))

    def _made(self, number: int) -> Bytes:
        copy = number - (self._count - len(self._of))
        rng = np.random.default_rng(int(self._of[copy]) if copy >= 0 else number)
        waves = (rng.normal(size=(_SIDE, _SIDE)) * self._falls).astype(np.float32)
        waves[0, 0] = 3000
        grey = np.asarray(cv2.idct(waves).clip(0, 255), np.uint8)
        return grey if copy < 0 else np.ascontiguousarray(grey[:, ::-1])


if __name__ == "__main__":
    main()
