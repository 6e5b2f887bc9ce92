"""Pairs and trios of real photographs with a known answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import data

from samekind.inference.verdict import TrioVerdict, Verdict
from samekind.recognizer import Recognizer

Photo = NDArray[np.uint8]
_data: Any = data  # its functions have no types


@dataclass(frozen=True)
class Case:
    """Two or three photographs, and whether (at least) two of them show the same kind of thing."""

    names: tuple[str, ...]
    photos: tuple[Photo, ...]
    same: bool


@dataclass(frozen=True)
class Outcome:
    """A case and the verdict on it."""

    case: Case
    verdict: Verdict | TrioVerdict

    @property
    def right(self) -> bool:
        """Whether the verdict is the known answer."""
        return self.verdict.same == self.case.same


def _left(photo: Photo) -> Photo:
    return photo[:, : photo.shape[1] // 2]


def _right(photo: Photo) -> Photo:
    return photo[:, photo.shape[1] // 2 :]


# Two halves of one photograph of a surface are two pictures of the same kind of thing, without a pixel in common.
_PHOTOS: dict[str, Callable[[], Photo]] = {
    "motorcycle, left eye": lambda: _data.stereo_motorcycle()[0],
    "motorcycle, right eye": lambda: _data.stereo_motorcycle()[1],
    "cat": _data.chelsea,
    "rocket": _data.rocket,
    "coffee": _data.coffee,
    "astronaut": _data.astronaut,
    "coins, left half": lambda: _left(_data.coins()),
    "coins, right half": lambda: _right(_data.coins()),
    "grass, left half": lambda: _left(_data.grass()),
    "grass, right half": lambda: _right(_data.grass()),
    "brick, left half": lambda: _left(_data.brick()),
    "brick, right half": lambda: _right(_data.brick()),
    "gravel, left half": lambda: _left(_data.gravel()),
    "gravel, right half": lambda: _right(_data.gravel()),
    "retina": _data.retina,
}

# (photographs, answer), chosen before any model had seen them and never changed to suit one.
_CASES: tuple[tuple[tuple[str, ...], bool], ...] = (
    (("motorcycle, left eye", "motorcycle, right eye"), True),
    (("brick, left half", "brick, right half"), True),
    (("coins, left half", "coins, right half"), True),
    (("grass, left half", "grass, right half"), True),
    (("cat", "rocket"), False),
    (("astronaut", "motorcycle, left eye"), False),
    (("coffee", "coins, left half"), False),
    (("brick, left half", "grass, left half"), False),
    (("retina", "rocket"), False),
    (("motorcycle, left eye", "cat", "motorcycle, right eye"), True),
    (("coffee", "gravel, left half", "gravel, right half"), True),
    (("cat", "rocket", "coffee"), False),
    (("astronaut", "brick, left half", "motorcycle, left eye"), False),
)


def demo_cases() -> list[Case]:
    """The cases, with their photographs loaded from scikit-image's wheel; nothing is downloaded."""
    names = {name for case, _ in _CASES for name in case}
    photos = {name: _PHOTOS[name]() for name in names}
    return [Case(case, tuple(photos[name] for name in case), same) for case, same in _CASES]


def judge(model: Recognizer, cases: list[Case]) -> list[Outcome]:
    """The verdict on each case, at the model's balanced operating point."""
    pairs = [case for case in cases if len(case.photos) == 2]
    trios = [case for case in cases if len(case.photos) == 3]
    outcomes = [Outcome(case, model.verify(*case.photos)) for case in pairs]
    return outcomes + [Outcome(case, model.verify_trio(*case.photos)) for case in trios]
