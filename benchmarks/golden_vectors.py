"""Write docs/reference/golden-vectors.json: what `general` says of pictures that a formula draws.

    python benchmarks/golden_vectors.py

Run it when the shipped model or its calibration changes. tests/test_golden_vectors.py compares.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import samekind
from samekind.inference.verdict import TrioVerdict, Verdict

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
# Processors and versions of ONNX Runtime differ by less.
_TOLERANCE = {"embedding": 1e-4, "probability": 1e-3}


def golden_vectors(model: samekind.Recognizer) -> dict[str, Any]:
    """The pictures' embeddings, and the verdicts on all pairs and trios of them at each operating point."""
    reader = read_reader()
    pixels = {name: reader.picture(name, model.card.input_size) for name in reader.FORMULAS}
    rows = {name: model.embed([image]) for name, image in pixels.items()}
    return {
        "model": model.card.name,
        "fingerprint": model.card.fingerprint,
        "tolerance": _TOLERANCE,
        "pictures": {
            name: {
                "sha256": hashlib.sha256(pixels[name].tobytes()).hexdigest(),
                "embedding": [round(float(value), 7) for value in rows[name][0]],
            }
            for name in pixels
        },
        "pairs": [
            {"of": pair, "verdicts": {point: _said(_pair(model, rows, pair, point)) for point in _points(model, 2)}}
            for pair in combinations(pixels, 2)
        ],
        "trios": [
            {"of": trio, "verdicts": {point: _said(_trio(model, rows, trio, point)) for point in _points(model, 3)}}
            for trio in combinations(pixels, 3)
        ],
    }


def read_reader() -> Any:
    """The module docs/reference/reader.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("reader", REFERENCE / "reader.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _points(model: samekind.Recognizer, images: int) -> list[str]:
    calibration = model.card.pair if images == 2 else model.card.trio
    assert calibration is not None
    return list(calibration.operating_points)


def _pair(model: samekind.Recognizer, rows: dict[str, Any], names: tuple[str, ...], point: str) -> Verdict:
    return model.judge_pairs(*(rows[name] for name in names), operating_point=point)[0]


def _trio(model: samekind.Recognizer, rows: dict[str, Any], names: tuple[str, ...], point: str) -> TrioVerdict:
    return model.judge_trios(*(rows[name] for name in names), operating_point=point)[0]


def _said(verdict: Verdict | TrioVerdict) -> dict[str, Any]:
    pairs = [verdict] if isinstance(verdict, Verdict) else list(verdict.pairs)
    return {
        "same": verdict.same,
        "probability": round(verdict.probability, 7),
        "threshold": verdict.threshold,
        "similarities": [round(pair.similarity, 7) for pair in pairs],
    }


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=REFERENCE / "golden-vectors.json")
    options = parser.parse_args()
    text = json.dumps(golden_vectors(samekind.load(threads=1)), indent=1)
    options.output.write_text(text + "\n", encoding="utf-8")
    print(f"{options.output}: {len(text) // 1000} kB")


if __name__ == "__main__":
    main()
