"""What Python's samekind says of made pictures, for the tests of the browser's: writes golden.json beside this file.

python web/test/golden.py

Pictures are made by a formula that `pictures.ts` has as well, so that no picture is kept.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.adaptation.adaptation import adapt
from samekind.explain.explainer import Explainer
from samekind.explain.explanation import upsampled
from samekind.images import DecodedImage
from samekind.inference.encoder import OnnxEncoder
from samekind.inference.judging import pair_verdicts, trio_verdicts
from samekind.model_file.file import read_model

PATH = Path(__file__).with_name("golden.json")
PICTURES = 14
# Width, height and the side of the square: larger, smaller, equal, with and without a box filter, one very tall.
SIZES = (
    (37, 23, 8), (23, 37, 16), (8, 8, 8), (5, 7, 12), (16, 40, 16), (100, 70, 8), (131, 200, 12), (301, 299, 24),
    (3, 400, 9),
)  # fmt: skip


def picture(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """Waves and noise: uint8 (H, W, 3). Integers alone, so that TypeScript makes the same."""
    y, x, channel = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    wave = (x * (seed % 7 + 1) + y * (seed % 5 + 2) * (channel + 1)) // 2 % 256
    noise = (x * 7919 + y * 104729 + channel * 1299709 + seed * 15485863) % 65521 * 31 % 65521 % 256
    block = ((x // 16 + y // 16 + seed) % 3) * 40
    return ((wave * 2 + noise + block * (seed % 4)) // 3 % 256).astype(np.uint8)


def golden() -> dict[str, Any]:
    """Everything that the file holds."""
    map_of_nine = np.arange(9, dtype=np.float32).reshape(3, 3) ** 2
    return {
        "resized": [_resized(*size) for size in SIZES],
        "upsampled": upsampled(map_of_nine, 5, 8).ravel().tolist(),
        **_judged(),
    }


def _resized(width: int, height: int, side: int) -> dict[str, Any]:
    image = Image.fromarray(picture(width, height, side))
    square = image.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return {"width": width, "height": height, "side": side, "pixels": base64.b64encode(square.tobytes()).decode()}


def _judged() -> dict[str, Any]:
    model = read_model("general")
    card, encoder = model.card, OnnxEncoder(model.data, "general")
    pixels = np.stack([picture(card.input_size, card.input_size, seed) for seed in range(PICTURES)])
    rows = encoder.encode_pixels(pixels)
    adaptation = adapt(rows, card, "made pictures")
    adapted, adapted_card = adaptation.apply(rows), adaptation.card_of(card)
    ones, others = np.triu_indices(PICTURES, 1)
    images = [DecodedImage(square, 1, 1) for square in pixels[:2]]
    explained = Explainer(model, encoder).explain_decoded(
        images, "ab", lambda two: pair_verdicts(adapted_card, two[:1], two[1:], None, None)[0], adaptation=adaptation
    )
    return {
        "embeddings": [base64.b64encode(row.tobytes()).decode() for row in rows],
        "pairs": [[v.probability, v.doubt is None] for v in pair_verdicts(card, rows[ones], rows[others], None, None)],
        "trio": trio_verdicts(card, (rows[:1], rows[1:2], rows[2:3]), None, None)[0].probability,
        "adapted": {
            "about": adaptation.about.model_dump(include={"pictures", "distinct", "length", "share", "spread"}),
            "offset": base64.b64encode(adaptation.offset.tobytes()).decode(),
            "scale": adaptation.pair.scale,
            "threshold": adaptation.pair.balanced.threshold,
            "pairs": [v.probability for v in pair_verdicts(adapted_card, adapted[ones], adapted[others], None, None)],
            "trio": trio_verdicts(adapted_card, (adapted[:1], adapted[1:2], adapted[2:3]), None, None)[0].probability,
        },
        "explained": {
            "maps": [found.ravel().tolist() for found in explained.pairs[0].maps],
            "lines": [[*line.first, *line.second] for line in explained.pairs[0].correspondences],
        },
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(golden(), separators=(",", ":")) + "\n", encoding="utf-8")
