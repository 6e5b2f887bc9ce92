"""Pairs and trios of pictures with a known answer: photographs, and two drawings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.cbook import get_sample_data
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from samekind.demo import drawn
from samekind.inference.verdict import TrioVerdict, Verdict
from samekind.recognizer import Recognizer

Photo = NDArray[np.uint8]
_data: Any = data  # its functions have no types


@dataclass(frozen=True)
class Case:
    """Two or three pictures, and whether (at least) two of them show the same kind of thing."""

    names: tuple[str, ...]
    photos: tuple[Photo, ...]
    same: bool

    def word(self, same: bool) -> str:
        """An answer in words."""
        yes, no = ("same", "different") if len(self.photos) == 2 else ("two alike", "none alike")
        return yes if same else no


@dataclass(frozen=True)
class Outcome:
    """A case and the verdict on it."""

    case: Case
    verdict: Verdict | TrioVerdict

    @property
    def words(self) -> str:
        """The verdict and how sure it is, such as ``99 % sure: different``."""
        verdict = self.verdict
        sure = verdict.probability if verdict.same else 1 - verdict.probability
        return f"{min(99, round(100 * sure))} % sure: {self.case.word(verdict.same)}"

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
    "cat": _data.chelsea,
    "cat, drawn": drawn.cat,
    "cup": _data.coffee,
    "cup, drawn": drawn.cup,
    "astronaut": _data.astronaut,
    "officer": lambda: np.asarray(Image.open(str(get_sample_data("grace_hopper.jpg", asfileobj=False)))),
    "motorcycle, left eye": lambda: _data.stereo_motorcycle()[0],
    "motorcycle, right eye": lambda: _data.stereo_motorcycle()[1],
    "rocket": _data.rocket,
    "coins": _data.coins,
    "grass": lambda: _left(_data.grass()),
    "gravel": lambda: _left(_data.gravel()),
    "brick, left half": lambda: _left(_data.brick()),
    "brick, right half": lambda: _right(_data.brick()),
    "retina": _data.retina,
}

# (pictures, answer). Textures are hard for the default model: of one pair it is sure, and wrong. That pair stays.
_CASES: tuple[tuple[tuple[str, ...], bool], ...] = (
    (("cup", "cup, drawn"), True),
    (("cat", "cat, drawn"), True),
    (("astronaut", "officer"), True),
    (("motorcycle, left eye", "motorcycle, right eye"), True),
    (("brick, left half", "brick, right half"), True),
    (("cat", "rocket"), False),
    (("cat, drawn", "cup, drawn"), False),
    (("astronaut", "motorcycle, left eye"), False),
    (("cup", "coins"), False),
    (("brick, left half", "grass"), False),
    (("retina", "rocket"), False),
    (("brick, left half", "gravel"), False),
    (("cup", "cat", "cup, drawn"), True),
    (("motorcycle, left eye", "cat", "motorcycle, right eye"), True),
    (("cat", "rocket", "cup"), False),
    (("astronaut", "brick, left half", "motorcycle, left eye"), False),
)


def demo_cases() -> list[Case]:
    """The cases, with their photographs from the wheels of scikit-image and matplotlib; nothing is downloaded."""
    names = {name for case, _ in _CASES for name in case}
    photos = {name: _PHOTOS[name]() for name in names}
    return [Case(case, tuple(photos[name] for name in case), same) for case, same in _CASES]


def judge(model: Recognizer, cases: list[Case]) -> list[Outcome]:
    """The verdict on each case, at the model's balanced operating point."""
    pairs = [case for case in cases if len(case.photos) == 2]
    trios = [case for case in cases if len(case.photos) == 3]
    outcomes = [Outcome(case, model.verify(*case.photos)) for case in pairs]
    return outcomes + [Outcome(case, model.verify_trio(*case.photos)) for case in trios]
