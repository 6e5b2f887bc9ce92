"""Are these pictures the same kind of thing?

Example:
    >>> import samekind
    >>> model = samekind.load()
    >>> model.card.dimension
    512
"""

from samekind.card import Card
from samekind.errors import (
    DatasetError,
    GalleryError,
    ImageError,
    MissingExtraError,
    ModelFileError,
    OperatingPointError,
    PlanError,
    SamekindError,
    ServeError,
    TrainingError,
)
from samekind.recognizer import Recognizer, load
from samekind.verdict import TrioVerdict, Verdict

__version__ = "0.1.0"

__all__ = [
    "Card",
    "DatasetError",
    "GalleryError",
    "ImageError",
    "MissingExtraError",
    "ModelFileError",
    "OperatingPointError",
    "PlanError",
    "Recognizer",
    "SamekindError",
    "ServeError",
    "TrainingError",
    "TrioVerdict",
    "Verdict",
    "load",
]
