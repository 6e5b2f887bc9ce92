"""Hypothesis strategies and oracles that several test modules share."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from sklearn.metrics import roc_curve

from samekind.evaluation.metrics.curve import ErrorCurve


def unit_rows(count: int, dimension: int = 8) -> st.SearchStrategy[np.ndarray]:
    """float32 (count, dimension) arrays with rows of unit length."""
    values = st.floats(-1, 1, width=32, allow_subnormal=False)
    raw = arrays(np.float32, (count, dimension), elements=values)
    return raw.map(_normalised)


def _normalised(raw: np.ndarray) -> np.ndarray:
    raw = raw + np.where(np.abs(raw).sum(axis=1, keepdims=True) < 1e-3, 1.0, 0.0).astype(np.float32)
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


def pixels(side: int = 16) -> st.SearchStrategy[np.ndarray]:
    """uint8 (side, side, 3) images."""
    return arrays(np.uint8, (side, side, 3))


def scored_answers(lowest: int = 4, most: int = 60) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Scores (with many ties), answers of both kinds, and positive weights."""

    @st.composite
    def build(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        size = draw(st.integers(lowest, most))
        scores = draw(arrays(np.float64, size, elements=st.sampled_from(np.linspace(0, 1, 9))))
        same = draw(arrays(np.bool_, size))
        same[0], same[1] = True, False
        weights = draw(arrays(np.float64, size, elements=st.floats(0.1, 5)))
        return scores, same, weights

    return build()


def curve_by_scikit_learn(scores: np.ndarray, same: np.ndarray, weights: np.ndarray | None = None) -> ErrorCurve:
    """The ROC curve at every threshold."""
    far, tar, threshold = roc_curve(same, scores, sample_weight=weights, drop_intermediate=False)
    return ErrorCurve(threshold, far, tar)


def rates_by_counting(
    scores: np.ndarray, same: np.ndarray, threshold: float, weights: np.ndarray | None = None
) -> tuple[float, float]:
    """(FAR, TAR) of judging yes at or above a threshold."""
    mass = np.ones(len(scores)) if weights is None else weights
    accepted = scores >= threshold
    no, yes = mass * ~same, mass * same
    return float((accepted * no).sum() / no.sum()), float((accepted * yes).sum() / yes.sum())


# Files, folders and lists as no program should have made them

Image.init()
_KINDS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000", "TGA", *({"AVIF"} & Image.SAVE.keys()))
_SUFFIXES = (".jpg", ".JPG", ".jpeg", ".png", ".tif", ".heic", ".jxl", ".cr2", ".tga", ".txt", ".jpg_large", "", ".mp4")
_PLACES = (
    "cat",
    "dog",
    "Dog",
    "dog ",
    "@eaDir",
    ".hidden",
    "train/cat",
    "train/dog",
    "val/cat",
    "test/dog",
    "",
    "a/b/c",
)


def _written(kind: str, mode: str, seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 11, 3)).astype(np.uint8)
    file = io.BytesIO()
    image = Image.fromarray(pixels).convert(mode)
    (image if kind not in {"JPEG", "WEBP", "PPM", "AVIF"} else image.convert("RGB")).save(file, kind)
    return file.getvalue()


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    """The bytes of an image of some format and mode: whole, cut, with bytes changed or added, or none at all."""
    kind, mode = draw(st.sampled_from(_KINDS)), draw(st.sampled_from(["RGB", "L", "RGBA"]))
    content = bytearray(_written(kind, mode, draw(st.integers(0, 5))))
    for place, value in draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6)):
        content[place % len(content)] = value
    content += draw(st.binary(max_size=20))
    return bytes(content[: draw(st.sampled_from([len(content)] * 4 + [len(content) - 3, len(content) // 2, 12, 0]))])


@st.composite
def mutated_folders(draw: st.DrawFn) -> dict[str, bytes]:
    """The files of a folder, by their paths: classes, parts, hidden and system folders, odd suffixes, broken images."""
    files: dict[str, bytes] = {}
    for number in range(draw(st.integers(0, 12))):
        place, suffix = draw(st.sampled_from(_PLACES)), draw(st.sampled_from(_SUFFIXES))
        files[f"{place}/{number}{suffix}".lstrip("/")] = draw(mutated_files())
    if draw(st.booleans()):
        files[".samekindignore"] = draw(st.sampled_from([b"*.png\n", b"!", b"cat/\n", b"\xff\n", b"[", b""]))
    return files


@st.composite
def mutated_lists(draw: st.DrawFn) -> bytes:
    """A list of images as CSV with other names, separators, quoting, encodings, and lines too long or too short."""
    separator = draw(st.sampled_from([",", ";", "\t", "|", ", "]))
    header = draw(
        st.sampled_from(
            [("path", "label", "split"), ("image", "class"), ("File", "LABEL"), ("x", "y"), ("path", "label")]
        )
    )
    cells = st.sampled_from(
        ["cat/0.jpg", "dog/1.png", "cat", "dog", "train", "val", "test", "", " ", '"', "\r", "s3://b/x"]
    )
    rows = draw(st.lists(st.lists(cells, min_size=0, max_size=4), max_size=8))
    text = "\n".join(separator.join(row) for row in [header, *rows])
    content = text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])))
    return content[: len(content) - draw(st.integers(0, 3))]
