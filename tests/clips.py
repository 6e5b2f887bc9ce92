"""Short videos made of plain colours, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Red, green, blue: each scene lasts so many seconds.
SCENES = ((200, 30, 30), (30, 180, 30), (30, 30, 200))
SECONDS, RATE = 3, 10


def save_clip(
    path: Path,
    *,
    codec: str = "mpeg4",
    gop: int = 10,
    scenes: Sequence[tuple[int, int, int]] = SCENES,
    pictures: Sequence[NDArray[np.uint8]] = (),
) -> Path:
    """Write a video of one scene after another, 96 x 64 pixels, with a key frame each ``gop`` frames."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options={"g": str(gop), "sc_threshold": "1000000000"})
        stream.width, stream.height = 96, 64
        stream.pix_fmt = "yuv420p"
        for picture in pictures or [_noisy(colour) for colour in scenes]:
            for _ in range(SECONDS * RATE):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def _noisy(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    noise = np.random.default_rng(sum(colour)).integers(-12, 13, (64, 96, 3))
    return np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
