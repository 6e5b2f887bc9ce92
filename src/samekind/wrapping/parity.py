"""Whether a wrapped encoder gives what its source gives, on real pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from samekind.adaptation.pictures import pictures_of
from samekind.errors import ImageError, ModelFileError, WrapError
from samekind.images import Pixels, Square, load_image
from samekind.inference.session import open_session
from samekind.wrapping.form import Floats

# Pictures of a folder, from all over it.
_MOST = 16
# The most that a value of an embedding, which has unit length, may differ; and the least cosine of the two.
_FAR = {"float32": (5e-4, 0.99999), "float16": (5e-3, 0.9999)}
# The cosine of the embeddings of two pictures of different things, from which on an encoder tells nothing apart.
_ALL_ALIKE = 0.99999


@dataclass(frozen=True)
class Parity:
    """How near a wrapped encoder's embeddings are to its source's.

    Attributes:
        pictures: The number of pictures that were compared.
        cosine: The least cosine of the two embeddings of a picture.
        difference: The largest difference of a value.
    """

    pictures: int
    cosine: float
    difference: float

    def within(self, weights: str) -> bool:
        """Whether it is near enough for weights of ``float32`` or ``float16``."""
        far, least = _FAR[weights]
        return self.difference <= far and self.cosine >= least


def parity_pictures(folder: str | os.PathLike[str] | None, square: Square) -> Pixels:
    """Pictures to compare with: those of a folder, or some photographs that come with samekind.

    Returns:
        uint8 (N, S, S, 3), N at least 2.

    Raises:
        WrapError: There are fewer than two that can be read.
        AdaptationError: There is no such folder.
    """
    if folder is None:
        own = Path(str(resources.files("samekind"))) / "server" / "page" / "examples"
        paths = sorted(own.glob("*.jpg"))
    else:
        paths = pictures_of(folder, _MOST)
    found = []
    for path in paths:
        try:
            found.append(load_image(path, square))
        except ImageError:
            continue
    if len(found) < 2:
        raise WrapError(f"{folder}: two pictures that can be read are needed to compare with")
    return np.stack(found)


@dataclass(frozen=True, eq=False)
class Witness:
    """What an encoder says of some pictures, as it is.

    Attributes:
        name: The encoder's, for messages.
        pixels: uint8 (N, S, S, 3).
        expected: float32 (N, D), unit rows.
    """

    name: str
    pixels: Pixels
    expected: Floats

    def __post_init__(self) -> None:
        """Make sure that it tells pictures apart at all.

        Raises:
            WrapError: Its embeddings are no numbers, zeros, or all the same.
        """
        if not np.isfinite(self.expected).all():
            raise WrapError(
                f"{self.name}: gives values that are no finite numbers for real pictures; check mean and std"
            )
        if not self.expected.any(axis=1).all():
            raise WrapError(
                f"{self.name}: gives nothing but zeros for a picture; another output may be meant (--output-name), or "
                "another --mean and --std"
            )
        if float((self.expected @ self.expected.T).min()) > _ALL_ALIKE:
            raise WrapError(
                f"{self.name}: gives all pictures one embedding; another output may be meant (--output-name), or "
                "another --mean and --std"
            )

    @property
    def dimension(self) -> int:
        """D."""
        return int(self.expected.shape[1])

    def parity(self, model: bytes) -> Parity:
        """Compare a wrapped encoder with it: all pictures at once, and one after the other.

        Raises:
            ModelFileError: It cannot run, or not on several pictures at once.
        """
        session = open_session(model, "the wrapped encoder", quiet=True)
        (given,) = session.get_inputs()
        try:
            at_once, *single = (
                session.run(None, {given.name: part})[0]
                for part in (self.pixels, *(picture[None] for picture in self.pixels))
            )
        except Exception as error:  # ONNX Runtime's exceptions share no base class of their own
            raise ModelFileError(f"it cannot run on {len(self.pixels)} pictures at once") from error
        both = np.stack([at_once, np.concatenate(single)])
        if both.shape[1:] != self.expected.shape or not np.isfinite(both).all():
            return Parity(len(self.pixels), -1.0, np.inf)
        cosine = float((both * self.expected).sum(axis=2).min())
        return Parity(len(self.pixels), cosine, float(np.abs(both - self.expected).max()))
