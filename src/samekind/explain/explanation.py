"""Why two or three pictures are alike or not, as values."""

from __future__ import annotations

import base64
import io
import os
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samekind.errors import ArgumentError
from samekind.images import Pixels
from samekind.inference.verdict import TrioVerdict, Verdict
from samekind.system.atomic import replacing

Map = NDArray[np.float32]
Method = Literal["contributions", "occlusion"]
_HOW: dict[Method, str] = {
    "contributions": "Each map adds up to the similarity. Lines join the places that contribute the most together.",
    "occlusion": "By occlusion: what the similarity loses when a place is hidden.",
}


@dataclass(frozen=True)
class Correspondence:
    """Two places that correspond.

    Attributes:
        first: The place in the first picture: x from the left and y from the top, as shares of its width and height.
        second: The place in the second.
        contribution: What the pair of places contributes to the similarity.
    """

    first: tuple[float, float]
    second: tuple[float, float]
    contribution: float


@dataclass(frozen=True, eq=False)
class ExplainedPair:
    """Where the similarity of two pictures comes from.

    Attributes:
        pictures: Which two of the explanation's pictures these are, by position.
        similarity: Cosine of their embeddings, in [-1, 1].
        maps: For each of the two, float32 (H, W), at the resolution of the last feature map: what each place adds to
            the similarity, or takes from it where it is negative. By contributions each map's sum is the similarity; by
            occlusion it is what the similarity loses when the place is hidden.
        contributions: float32 (H, W, H, W), what each pair of places contributes; their sum is the similarity. None
            by occlusion.
        correspondences: The places that correspond, the strongest first; none by occlusion.
    """

    pictures: tuple[int, int]
    similarity: float
    maps: tuple[Map, Map]
    contributions: NDArray[np.float32] | None = None
    correspondences: tuple[Correspondence, ...] = ()

    def upsampled(self, height: int, width: int) -> tuple[Map, Map]:
        """The maps at another resolution, float32 (height, width), smoothly between the places.

        Example:
            >>> flat = np.ones((7, 7), np.float32)
            >>> [map.shape for map in ExplainedPair((0, 1), 0.5, (flat, flat)).upsampled(224, 224)]
            [(224, 224), (224, 224)]
        """
        first, second = (upsampled(found, height, width) for found in self.maps)
        return first, second


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why two or three pictures are alike or not. In a notebook it shows itself.

    Attributes:
        verdict: The verdict that is explained.
        pairs: The pair of two pictures, or the three of three: first and second, first and third, second and third.
        method: ``contributions``, which add up to the similarity, or ``occlusion``, for networks that do not pool and
            project as those of samekind do.
        names: What the pictures are called.
        pixels: The pictures as the network saw them, uint8 (S, S, 3) each.
        sizes: The pictures' own width and height, in pixels.
        among: The collection among which was judged; None for a model that is not adapted.
    """

    verdict: Verdict | TrioVerdict
    pairs: tuple[ExplainedPair, ...]
    method: Method
    names: tuple[str, ...]
    pixels: tuple[Pixels, ...]
    sizes: tuple[tuple[int, int], ...]
    among: str | None = None

    @property
    def how(self) -> str:
        """The method in a sentence."""
        return _HOW[self.method]

    def image(self, *, words: bool = True) -> Image.Image:
        """The pictures with their maps and with lines between the places that correspond, one row for each pair.

        Args:
            words: Whether the verdict, the names and the legend are written beside them.
        """
        from samekind.explain.drawing import drawn  # noqa: PLC0415 - it draws what is defined here

        return drawn(self, words=words)

    def overlay(self, picture: int, side: int = 240, *, pair: int = 0) -> Image.Image:
        """One picture with its map, in its own proportions.

        Args:
            picture: Which of the pair's two, 0 or 1.
            side: The longer side, in pixels.
            pair: Which pair.
        """
        from samekind.explain.drawing import overlay  # noqa: PLC0415 - it draws what is defined here

        return overlay(self, self.pairs[pair], picture, side)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``image()``, whole or not at all; the kind of file is that of the name's ending, PNG if it has none.

        Raises:
            OSError: The file cannot be written.
        """
        ending = Path(path).suffix.lower()
        kind = Image.registered_extensions().get(ending, "PNG" if not ending else "")
        if kind not in Image.SAVE:
            raise ArgumentError(f"{os.fspath(path)}: the name must end as that of a picture does, such as .png")
        with replacing(path) as temporary:
            self.image().save(temporary, kind)

    def as_json(self) -> dict[str, Any]:
        """What ``samekind explain --json`` prints: the verdict, and for each pair its maps and correspondences."""
        return {
            "verdict": asdict(self.verdict),
            "method": self.method,
            "pictures": list(self.names),
            "pairs": [
                {
                    "pictures": list(pair.pictures),
                    "similarity": pair.similarity,
                    "maps": [found.tolist() for found in pair.maps],
                    "correspondences": [asdict(line) for line in pair.correspondences],
                }
                for pair in self.pairs
            ],
        }

    def _repr_html_(self) -> str:
        """The picture, for a notebook; whoever does not see it reads the verdict."""
        encoded = io.BytesIO()
        self.image().save(encoded, "PNG")
        url = f"data:image/png;base64,{base64.b64encode(encoded.getvalue()).decode()}"
        words = escape(f"{self.verdict!r}, explained by {self.method}")
        return f'<figure style="margin:0"><img alt="{words}" src="{url}" style="max-width:100%"></figure>'

    def __repr__(self) -> str:
        return f"<Explanation of {self.verdict!r} by {self.method}>"


def upsampled(found: Map, height: int, width: int) -> Map:
    """A map at another resolution, float32 (height, width), bicubic between the centres of its places."""
    image = Image.fromarray(np.ascontiguousarray(found, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), np.float32)
