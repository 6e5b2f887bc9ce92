"""Why a model made its mistakes, as pictures of a page."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image

from samekind.errors import ArgumentError, ImageError
from samekind.images import data_uri
from samekind.report.schema.contents import Explain, MistakesReport

_WIDTH = 600


def reasons(mistakes: MistakesReport, explain: Explain | None) -> Mapping[tuple[str, ...], str]:
    """For the images of each mistake a picture with maps of where the similarity came from, as a data URI.

    Nothing for a network that would have to be explained by occlusion, which takes seconds for each mistake, and
    for images that can no longer be read.

    Args:
        mistakes: The mistakes of a report.
        explain: As ``Recognizer.explain``; None where the model is not at hand.
    """
    found: dict[tuple[str, ...], str] = {}
    if explain is None:
        return found
    for mistake in (mistake for _, listed in mistakes for mistake in listed):
        try:
            explanation = explain(*mistake.images, method="contributions")
        except ImageError:
            continue
        except ArgumentError:
            break
        found[mistake.images] = _small(explanation.image(words=False))
    return found


def _small(image: Image.Image) -> str:
    size = (_WIDTH, round(image.height * _WIDTH / image.width))
    return data_uri(image.resize(size, Image.Resampling.LANCZOS), quality=70)
