"""Embedding a folder of JPEGs end to end, against timm in torch eager and against ONNX Runtime on ready arrays.

samekind      the encoder as users call it: decode, resize, network, in order, streaming
torch eager   timm's EfficientNet-B0 on the same files: Pillow, the same resize, normalise, batches of 32,
              inference mode, decoding in the worker threads of a pool while the network computes
bare ONNX     the same model file on arrays that are decoded already: what the runtime alone can do

The three take turns on the same slices of the files, so that a noisy machine disturbs all alike.

python benchmarks/embedding.py FOLDER [--images 2000] [--slices 8] [--model NAME]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import timm
import torch

from samekind.images import load_image
from samekind.inference.encoder import DEFAULT_BATCH_SIZE
from samekind.recognizer import Recognizer, load

_TORCH_BATCH = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--slices", type=int, default=8)
    parser.add_argument("--model", default=None)
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    # Spread over all classes rather than the first of them.
    files = files[:: max(1, len(files) // arguments.images)][: arguments.images]
    model = load(arguments.model)
    network = timm.create_model("tf_efficientnet_b0", num_classes=0).eval()
    contenders: dict[str, Callable[[Sequence[Path]], float]] = {
        "samekind": lambda part: _samekind(model, part),
        "torch eager": lambda part: _torch(network, part, model.card.input_size),
        "bare ONNX": lambda part: _bare(model, part),
    }
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    slices = [files[i :: arguments.slices] for i in range(arguments.slices)]
    for contender in contenders.values():  # warm up: page cache, thread pools, allocators
        contender(slices[0][:64])
    for part in slices:
        for name, contender in contenders.items():
            speeds[name].append(len(part) / contender(part))
    for name, values in speeds.items():
        print(f"{name:<12} {statistics.median(values):6.1f} images/s  (slices: {min(values):.1f} to {max(values):.1f})")
    for baseline in ("torch eager", "bare ONNX"):
        ratios = [a / b for a, b in zip(speeds["samekind"], speeds[baseline], strict=True)]
        print(f"samekind / {baseline}: median {statistics.median(ratios):.2f}", end="")
        print(f"  (slices: {min(ratios):.2f} to {max(ratios):.2f})")
    print(f"{len(files)} images, {torch.get_num_threads()} threads")


def _samekind(model: Recognizer, files: Sequence[Path]) -> float:
    start = time.perf_counter()
    model.embed(files)
    return time.perf_counter() - start


def _torch(network: torch.nn.Module, files: Sequence[Path], size: int) -> float:
    mean = 255 * torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = 255 * torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    start = time.perf_counter()
    with torch.inference_mode(), ThreadPoolExecutor(1) as pool:
        decoded = pool.map(lambda path: load_image(path, size), files)
        for first in range(0, len(files), _TORCH_BATCH):
            batch = np.stack([next(decoded) for _ in files[first : first + _TORCH_BATCH]])
            images = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
            network((images - mean) / std)
    return time.perf_counter() - start


def _bare(model: Recognizer, files: Sequence[Path]) -> float:
    pixels = np.stack([load_image(path, model.card.input_size) for path in files])
    start = time.perf_counter()
    for first in range(0, len(pixels), DEFAULT_BATCH_SIZE):
        model.encoder.encode_pixels(pixels[first : first + DEFAULT_BATCH_SIZE])
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
