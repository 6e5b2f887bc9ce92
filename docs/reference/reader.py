"""A reader of samekind's model files that does without samekind: ONNX Runtime, NumPy and the specification.

    python reader.py MODEL.onnx golden-vectors.json

compares what it computes with the golden vectors. It is made to be read, and to be written again in other languages.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

# The pictures of the golden vectors: the value of channel c (0 red, 1 green, 2 blue) at column x, row y.
# Integers all through; // rounds down.
FORMULAS = {
    "ramp": lambda x, y, c: (x * (c + 1) + y * (3 - c)) // 4,
    "checks": lambda x, y, c: 40 + 60 * c + 90 * ((x // 28 + y // 28) % 2),
    "rings": lambda x, y, c: ((x - 112) * (x - 112) + (y - 112) * (y - 112)) // (64 + 16 * c),
    "stripes": lambda x, y, c: 255 * ((x + y) // 16 % 2) // (c + 1),
    "rings of another colour": lambda x, y, c: ((x - 100) * (x - 100) + (y - 120) * (y - 120)) // (96 - 16 * c) + 50,
}


def picture(name: str, size: int) -> NDArray[np.uint8]:
    """One of the pictures, uint8 (S, S, 3): the formula's value modulo 256."""
    y, x, c = np.mgrid[0:size, 0:size, 0:3]
    return np.asarray(FORMULAS[name](x, y, c) % 256, np.uint8)


def logistic(score: float) -> float:
    """1 / (1 + exp(-score))."""
    return 1 / (1 + math.exp(-score)) if score >= 0 else math.exp(score) / (1 + math.exp(score))


class Reader:
    """A model file: its network and its card."""

    def __init__(self, path: str) -> None:
        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.card: dict[str, Any] = json.loads(self._session.get_modelmeta().custom_metadata_map["samekind.card"])
        self._input = self._session.get_inputs()[0].name

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The embedding, float32 (D,), of one picture, uint8 (S, S, 3)."""
        (rows,) = self._session.run(None, {self._input: pixels[None]})
        return np.asarray(rows[0], np.float32)

    def pair(self, first: NDArray[np.float32], second: NDArray[np.float32], point: str = "balanced") -> dict[str, Any]:
        """The verdict on two embeddings."""
        calibration = self.card["pair"]
        similarity = similarity_of(first, second)
        return {
            "similarity": similarity,
            "probability": logistic(calibration["scale"] * similarity + calibration["bias"]),
            "same": similarity >= calibration["operating_points"][point]["threshold"],
        }

    def trio(self, *rows: NDArray[np.float32], point: str = "balanced") -> dict[str, Any]:
        """The verdict on three embeddings."""
        calibration = self.card["trio"]
        first, second, third = rows
        pairs = [similarity_of(first, second), similarity_of(first, third), similarity_of(second, third)]
        products = (w * s for w, s in zip(calibration["weights"], sorted(pairs, reverse=True), strict=True))
        probability = logistic(sum(products) + calibration["bias"])
        return {
            "similarities": pairs,
            "probability": probability,
            "same": probability >= calibration["operating_points"][point]["threshold"],
        }


def similarity_of(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """The cosine of two unit rows: summed in double precision, kept within [-1, 1], rounded to float32."""
    return float(np.float32(min(1.0, max(-1.0, float(first.astype(np.float64) @ second.astype(np.float64))))))


def compare(model: str, vectors: str) -> None:
    """Print how far the model file is from the golden vectors, and fail where that is too far."""
    golden = json.loads(Path(vectors).read_text(encoding="utf-8"))
    reader = Reader(model)
    if reader.card["fingerprint"] != golden["fingerprint"]:
        raise SystemExit(f"{model}: another network than that of the golden vectors")
    rows = {}
    worst = 0.0
    for name, expected in golden["pictures"].items():
        pixels = picture(name, reader.card["input_size"])
        if hashlib.sha256(pixels.tobytes()).hexdigest() != expected["sha256"]:
            raise SystemExit(f"{name}: the picture is drawn wrong")
        rows[name] = reader.embed(pixels)
        worst = max(worst, float(abs(rows[name] - np.array(expected["embedding"])).max()))
    print(f"embeddings: at most {worst:.1e} from the golden ones")
    off = 0.0
    for item in golden["pairs"] + golden["trios"]:
        judge = reader.pair if len(item["of"]) == 2 else reader.trio
        for point, expected in item["verdicts"].items():
            found = judge(*(rows[name] for name in item["of"]), point=point)
            off = max(off, abs(found["probability"] - expected["probability"]))
            if found["same"] != expected["same"]:
                raise SystemExit(f"{item['of']} at {point}: another verdict")
    print(f"verdicts: all the same; probabilities at most {off:.1e} from the golden ones")
    if worst > golden["tolerance"]["embedding"] or off > golden["tolerance"]["probability"]:
        raise SystemExit("too far")


if __name__ == "__main__":
    compare(*sys.argv[1:3])
