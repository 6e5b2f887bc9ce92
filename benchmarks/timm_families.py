"""One small network of each of timm's families, with random weights: is it wrapped, and trained with a frozen part?

Each network gets a process of its own, with a bound on its time; what happened is written down at once, so a run that
is broken off goes on where it stood, and parts can be run apart.

  wrap   the network as ONNX, compared with torch on photographs
  train  about half of its stages frozen: their features exported to ONNX and compared with torch, a step of training
         behind them, and the whole network exported and compared

python benchmarks/timm_families.py [--work runs/families] [--part 0/1] [--seconds 300] [--only FAMILY ...] [--list]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import list_modules

# What the names of small networks have in them, the smallest first.
_SMALL = ("test_", "atto", "femto", "pico", "nano", "tiny", "_xxs", "_xs", "_s0", "mini", "_xt", "small", "_s", "_t",
          "18", "_b0", "_0")  # fmt: skip
_TRIED = 6
_LARGEST = 150e6  # parameters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("runs/families"))
    parser.add_argument("--part", default="0/1", help="K/N: each N-th family, from the K-th on")
    parser.add_argument("--seconds", type=int, default=300, help="for each question of each network")
    parser.add_argument("--cut", action="store_true", help="only whether it is cut and trained, without exporting it")
    parser.add_argument("--only", nargs="*", help="families, by timm's modules")
    parser.add_argument("--list", action="store_true", help="print what happened, as Markdown, and run nothing")
    parser.add_argument("--one", nargs=2, metavar=("QUESTION", "NETWORK"), help="what the processes run")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(ask(*arguments.one)))
        return
    arguments.work.mkdir(parents=True, exist_ok=True)
    if arguments.list:
        print_table(arguments.work)
        return
    start, step = (int(number) for number in arguments.part.split("/"))
    families = sorted(arguments.only or list_modules())[start::step]
    if arguments.cut:
        for family in families:
            print(json.dumps(cut_and_trained(family, arguments.work)), flush=True)
        return
    for family in families:
        path = arguments.work / f"{family}.json"
        if path.exists():
            continue
        network = smallest(family)
        found: dict[str, object] = {"family": family, "network": network}
        if network is not None:
            for question in ("wrap", "train"):
                found[question] = in_a_process(question, network, arguments.seconds)
        path.write_text(json.dumps(found))
        print(json.dumps(found), flush=True)


def smallest(family: str) -> str | None:
    """The smallest of some networks of a family that by their names are small."""
    names = timm.list_models(module=family)
    ranked = sorted(names, key=_how_small)
    sizes = {}
    for name in ranked[:_TRIED]:
        try:
            with torch.device("meta"):
                sizes[name] = sum(weight.numel() for weight in timm.create_model(name).parameters())
        except Exception:  # some cannot be made without numbers
            sizes[name] = int(_LARGEST)
    return min(sizes, key=lambda name: sizes[name]) if sizes else None


def _how_small(name: str) -> tuple[int, int]:
    return min([i for i, part in enumerate(_SMALL) if part in name] or [len(_SMALL)]), len(name)


def in_a_process(question: str, network: str, seconds: int) -> dict[str, object]:
    began = time.monotonic()
    command = [sys.executable, __file__, "--one", question, network]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return {"result": "no answer", "why": f"not done within {seconds} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or ["killed"])[-1]
        return {"result": "failed", "why": last[:300]}
    return {**json.loads(lines[-1]), "seconds": round(time.monotonic() - began)}


def ask(question: str, network: str) -> dict[str, object]:
    from samekind.errors import SamekindError

    torch.set_num_threads(1)
    try:
        return {"result": "works"} | (wrapped(network) if question == "wrap" else trained(network))
    except SamekindError as error:
        return {"result": "refused", "why": str(error)[:300]}


def wrapped(network: str) -> dict[str, object]:
    from samekind.wrapping.wrap import wrap

    found = wrap(f"timm:{network}", init="random")
    return {"cosine": found.parity.cosine, "one by one": found.one_by_one, "weights": found.weights}


def trained(network: str) -> dict[str, object]:
    import numpy as np

    from samekind.inference.session import open_session
    from samekind.training.network.backbone import create_backbone
    from samekind.training.network.export import export_onnx, parity
    from samekind.training.network.siamese import SiameseNetwork
    from samekind.training.network.stages import stage_names

    backbone = create_backbone(network)
    size = int(backbone.default_cfg["input_size"][1])
    stages = max(1, len(stage_names(backbone)) // 2)
    model = SiameseNetwork(network, 32, stages, input_size=size).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
    with torch.no_grad():
        features = model.features(torch.from_numpy(pixels))
    exported = export_onnx(model, size, part="features").SerializeToString()
    (cached,) = open_session(exported, network).run(None, {"images": pixels})
    difference = float(np.abs(cached - features.numpy()).max() / np.abs(features.numpy()).max())
    model.train()
    rows = model.embed_batch(torch.from_numpy(cached))
    (rows[0] @ rows[1]).backward()  # type: ignore[no-untyped-call] # torch's
    learned = sum(weight.grad is not None for weight in model.parameters())
    whole = parity(model.eval(), export_onnx(model, size).SerializeToString(), pixels)
    if difference > 1e-3 or whole > 1e-3 or not learned:
        return {"result": "wrong", "why": f"features differ by {difference:.2g}, embeddings by {whole:.2g}"}
    return {"stages frozen": stages, "features differ": difference, "embeddings differ": whole}


def cut_and_trained(family: str, work: Path) -> dict[str, object]:
    """A step of training behind about half of the stages, in this very process; kept, and read where it was kept."""
    from samekind.errors import TrainingError
    from samekind.training.network.siamese import SiameseNetwork
    from samekind.training.network.stages import stage_names

    path = work / f"{family}.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    names = sorted(timm.list_models(module=family), key=_how_small)
    found: dict[str, object] = {"family": family, "network": names[0] if names else None}
    try:
        backbone: Any = timm.create_model(names[0], num_classes=0)
        size = int(backbone.default_cfg["input_size"][1])
        stages = max(1, len(stage_names(backbone)) // 2)
        model = SiameseNetwork(names[0], 32, stages, input_size=size)
        with torch.no_grad():
            images = torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8)
            features = model.eval().features(images)
            difference = float((model(images) - model.embed_features(features)).abs().max())
        rows = model.train().embed_batch(features)
        (rows[0] @ rows[1]).backward()  # type: ignore[no-untyped-call] # torch's
        learned = sum(weight.grad is not None for weight in model.parameters())
        result = "works" if learned and difference < 1e-3 else "wrong"
        found["train"] = {"result": result, "why": f"differs by {difference:.2g}", "stages frozen": stages}
    except TrainingError as error:
        found["train"] = {"result": "refused", "why": str(error)[:300]}
    except Exception as error:  # what a network raises that nothing refused
        found["train"] = {"result": "failed", "why": f"{type(error).__name__}: {error}"[:300]}
    path.write_text(json.dumps(found))
    return found


def print_table(work: Path) -> None:
    rows = [json.loads(path.read_text()) for path in sorted(work.glob("*.json"))]
    print("| family | network | wrap | train with a frozen part |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row['family']} | {row['network']} | {said(row.get('wrap'))} | {said(row.get('train'))} |")
    for question in ("wrap", "train"):
        results = [row[question]["result"] for row in rows if question in row]
        counts = {result: results.count(result) for result in sorted(set(results))}
        print(f"\n{question}: {len(results)} asked, {counts}")


def said(found: dict[str, object] | None) -> str:
    if found is None:
        return ""
    if found["result"] == "works":
        return "works, image after image" if found.get("one by one") else "works"
    return f"{found['result']}: {str(found['why']).replace('|', '/')[:120]}"


if __name__ == "__main__":
    main()
