"""One small network of each of timm's families, with random weights: is it wrapped, and trained with a frozen part?

Each network gets a process of its own, with a bound on its time; what happened is written down at once, so a run that
is broken off goes on where it stood, and parts can be run apart.

  cut    about half of its stages frozen, and a step of training behind them, all in torch: seconds
  wrap   the network as ONNX, compared with torch on photographs: minutes
  train  as cut, and the frozen features and the whole network exported to ONNX and compared with torch: minutes

python benchmarks/timm_families.py [--ask cut wrap train] [--work runs/families] [--part 0/1] [--seconds 300]
                                   [--only FAMILY ...] [--list]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save_file
from timm.models import list_modules

# What the names of small networks have in them, the smallest first.
_SMALL = ("test_", "atto", "femto", "pico", "nano", "tiny", "_xxs", "_xs", "_s0", "mini", "_xt", "small", "_s", "_t",
          "18", "_b0", "_0")  # fmt: skip
_TRIED = 6
_FORK = multiprocessing.get_context("fork")
_UNKNOWN, _LARGEST = 150e6, 450  # parameters; millions of them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ask", nargs="+", choices=list(QUESTIONS), default=list(QUESTIONS))
    parser.add_argument("--work", type=Path, default=Path("runs/families"))
    parser.add_argument("--part", default="0/1", help="K/N: each N-th family, from the K-th on")
    parser.add_argument("--seconds", type=int, default=300, help="for each question of each network")
    parser.add_argument("--only", nargs="*", help="families, by timm's modules")
    parser.add_argument("--list", action="store_true", help="print what happened, as Markdown, and run nothing")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    if arguments.list:
        print_table(arguments.work)
        return
    start, step = (int(number) for number in arguments.part.split("/"))
    for family in sorted(arguments.only or list_modules())[start::step]:
        path = arguments.work / f"{family}.json"
        found = json.loads(path.read_text()) if path.exists() else {"family": family}
        for question in arguments.ask:
            if question in found:
                continue
            if "network" not in found:
                found["network"], found["millions"] = smallest(family)
            if found["network"] is not None:
                large = f"the smallest that was looked at has {found['millions']:,.0f} million parameters"
                found[question] = (
                    in_a_process(question, found["network"], arguments.seconds)
                    if found["millions"] <= _LARGEST
                    else {"result": "not asked", "why": large}
                )
                path.write_text(json.dumps(found))
                print(
                    json.dumps({"family": family, "network": found["network"], question: found[question]}), flush=True
                )


def smallest(family: str) -> tuple[str | None, float]:
    """The smallest of some networks of a family that by their names are small, and its millions of parameters."""
    sizes: dict[str, float] = {}
    for name in sorted(timm.list_models(module=family), key=_how_small)[:_TRIED]:
        try:
            with torch.device("meta"):
                sizes[name] = sum(weight.numel() for weight in timm.create_model(name).parameters())
        except Exception:  # some cannot be made without numbers
            sizes[name] = _UNKNOWN
    if not sizes:
        return None, 0.0
    found = min(sizes, key=lambda name: sizes[name])
    return found, round(sizes[found] / 1e6, 1)


def _how_small(name: str) -> tuple[int, int]:
    return min([i for i, part in enumerate(_SMALL) if part in name] or [len(_SMALL)]), len(name)


def in_a_process(question: str, network: str, seconds: int) -> dict[str, object]:
    """What is answered in a fork of this process, which has imported what takes long."""
    began = time.monotonic()
    receiving, sending = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=ask, args=(question, network, sending))
    process.start()
    sending.close()
    try:
        if not receiving.poll(seconds):
            return {"result": "not asked", "why": f"not done within {seconds} s"}
        return {**receiving.recv(), "seconds": round(time.monotonic() - began)}
    except EOFError:
        return {"result": "failed", "why": "killed"}
    finally:
        process.kill()
        process.join()


def ask(question: str, network: str, sending: Connection) -> None:
    from samekind.errors import SamekindError

    torch.set_num_threads(1)
    found: dict[str, object]
    try:
        found = {"result": "works"} | QUESTIONS[question](network)
    except SamekindError as error:
        found = {"result": "refused", "why": str(error)[:300]}
    except Exception as error:  # what a network raises that nothing refused
        found = {"result": "failed", "why": f"{type(error).__name__}: {error}"[:300]}
    sending.send(found)


def wrapped(network: str) -> dict[str, object]:
    from samekind.wrapping.wrap import wrap

    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        save_file(telling_weights(network), weights)
        found = wrap(f"timm:{network}", init=weights)
    return {"cosine": found.parity.cosine, "one by one": found.one_by_one, "weights": found.weights}


def telling_weights(network: str) -> dict[str, torch.Tensor]:
    """Random weights that tell pictures apart: of some deep networks timm's give all pictures one embedding.

    Scales of layers that begin at almost nothing are 1, and batch norms know the photographs that come with samekind.
    """
    from samekind.images import Square
    from samekind.wrapping.parity import parity_pictures

    torch.manual_seed(0)
    module: Any = timm.create_model(network, num_classes=0)
    with torch.no_grad():
        for weight in module.parameters():
            if weight.numel() and 0 < weight.abs().max() < 0.01 and (weight == weight.flatten()[0]).all():
                weight.fill_(1)
        pixels = parity_pictures(None, Square(int(module.default_cfg["input_size"][1])))
        for part in module.eval().modules():
            if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
                part.train().momentum = None  # the mean of what it sees
        module((torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 128) / 64)
    return {name: tensor.contiguous().clone() for name, tensor in module.state_dict().items()}


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


def cut(network: str) -> dict[str, object]:
    from samekind.training.network.siamese import SiameseNetwork
    from samekind.training.network.stages import stage_names

    backbone: Any = timm.create_model(network, num_classes=0)
    size = int(backbone.default_cfg["input_size"][1])
    stages = max(1, len(stage_names(backbone)) // 2)
    del backbone
    model = SiameseNetwork(network, 32, stages, input_size=size).eval()
    with torch.no_grad():
        images = torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8)
        features = model.features(images)
        difference = float((model(images) - model.embed_features(features)).abs().max())
    rows = model.train().embed_batch(features)
    (rows[0] @ rows[1]).backward()  # type: ignore[no-untyped-call] # torch's
    learned = sum(weight.grad is not None for weight in model.parameters())
    if difference > 1e-3 or not learned:
        return {"result": "wrong", "why": f"differs by {difference:.2g}, {learned} weights learn"}
    return {"stages frozen": stages}


QUESTIONS: dict[str, Callable[[str], dict[str, object]]] = {"cut": cut, "wrap": wrapped, "train": trained}


def print_table(work: Path) -> None:
    rows = [json.loads(path.read_text()) for path in sorted(work.glob("*.json"))]
    asked = [question for question in QUESTIONS if any(question in row for row in rows)]
    print(f"| family | network | {' | '.join(asked)} |\n|{'---|' * (2 + len(asked))}")
    for row in rows:
        print(f"| {row['family']} | {row['network']} | {' | '.join(said(row.get(question)) for question in asked)} |")
    for question in asked:
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
