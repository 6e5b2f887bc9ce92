"""What the service answers, as OpenAPI describes it. The fields are those of Python and of ``--json``."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from samekind.copies.evidence import Certainty, Kind, Relation

Probability = Annotated[float, Field(ge=0, le=1)]
Similarity = Annotated[float, Field(ge=-1, le=1, description="Cosine of the embeddings; higher is more alike.")]

RatesFrom = Annotated[
    str, Field(description="The pictures that the error rates at the threshold were measured on, in plain words.")
]
Doubt = Annotated[
    str | None,
    Field(description="Why the error rates may not hold for these pictures, and what to do; null where they should."),
]


_SAME: JsonDict = {
    "same": True,
    "probability": 0.98,
    "similarity": 0.45,
    "threshold": 0.28,
    "operating_point": "balanced",
    "model": "general",
    "rates_from": "everyday objects, animals and plants (Caltech-101)",
    "doubt": None,
}
_DIFFERENT: JsonDict = {**_SAME, "same": False, "probability": 0.02, "similarity": 0.02}


class _Reply(BaseModel):
    # Verdicts are dataclasses, and are read by their attributes.
    model_config = ConfigDict(from_attributes=True)


class VerdictReply(_Reply):
    """The answer for two images."""

    same: bool = Field(description="Whether the two are judged to show the same kind of thing.")
    probability: Probability = Field(description="Calibrated P(same), where yes and no are equally common.")
    similarity: Similarity
    threshold: float = Field(description="same is similarity >= threshold.")
    operating_point: str | None = Field(description="The name of the threshold; null if it was given as a number.")
    model: str = Field(description="The name of the model.")
    rates_from: RatesFrom
    doubt: Doubt

    model_config = ConfigDict(json_schema_extra={"examples": [_SAME]})


class TrioVerdictReply(_Reply):
    """The answer for three images: do at least two of them show the same kind of thing?"""

    same: bool = Field(description="Whether at least two are judged to share a class.")
    probability: Probability = Field(description="Calibrated P(at least two alike).")
    similarity: Similarity
    threshold: float = Field(description="same is probability >= threshold.")
    operating_point: str | None = Field(description="The name of the threshold; null if it was given as a number.")
    model: str = Field(description="The name of the model.")
    pairs: tuple[VerdictReply, VerdictReply, VerdictReply] = Field(
        description="The pairs (first, second), (first, third), (second, third), each judged alone."
    )
    most_alike: tuple[int, int] = Field(description="Which two are most alike, by position from 0.")
    rates_from: RatesFrom
    doubt: Doubt

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {**_SAME, "threshold": 0.5, "pairs": [_DIFFERENT, _SAME, _DIFFERENT], "most_alike": [0, 2]},
            ]
        }
    )


class EmbeddingReply(_Reply):
    """Embeddings, in the order of the images."""

    model: str = Field(description="The name of the model.")
    fingerprint: str = Field(description="Of the network: equal fingerprints mean equal embeddings.")
    dimension: int = Field(description="Numbers in each embedding.", ge=1)
    embeddings: list[list[float]] = Field(description="Unit rows; the cosine of two is their dot product.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model": "tiny", "fingerprint": "5f70bf18…", "dimension": 2, "embeddings": [[0.6, 0.8]]}]
        }
    )


def utf8_name(name: str) -> str:
    r"""A file's name as text that can be sent: bytes of it that are not UTF-8 are spelt out.

    Example:
        >>> utf8_name("caf\udce9.jpg")
        'caf\\xe9.jpg'
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


class HitReply(_Reply):
    """An image of the gallery that is like the query."""

    path: str = Field(description="The file, relative to the gallery's folder.", examples=["2024/cat.jpg"])
    similarity: Similarity
    probability: Probability | None = Field(
        description="Calibrated P(same kind); null where nobody has calibrated the model."
    )


class SearchReply(_Reply):
    """Hits, the most alike first."""

    model: str = Field(description="The name of the model.")
    hits: list[HitReply]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": "general", "hits": [{"path": "2024/cat.jpg", "similarity": 0.45, "probability": 0.98}]}
            ]
        }
    )


_COPY: JsonDict = {
    "path": "2024/cat.jpg",
    "relation": "copy",
    "kinds": ["cropped", "resized"],
    "certainty": "sure",
    "evidence": "cropped, resized, sure: 57 features agree, nothing differs",
    "doubt": "",
    "agreeing": 57,
    "difference": 0.4,
}


class CopyReply(_Reply):
    """An image of the gallery that is the query's picture, or nearly."""

    path: str = Field(description="The file, relative to the gallery's folder.", examples=["2024/cat.jpg"])
    relation: Relation = Field(
        description="copy: the same picture. variant: the same but for something in it that matters (other text, "
        "another colour). same scene: another moment or place of the same. Only the first is a copy."
    )
    kinds: list[Kind] = Field(description="What was done to one of the two; empty for what is no copy.")
    certainty: Certainty = Field(description="sure: the same picture in all its details. look: look at it first.")
    evidence: str = Field(description="All of this in a line.")
    doubt: str = Field(description="Why it is not sure, in words; empty where it is.")
    agreeing: int = Field(description="Local features that agree on how one lies on the other.", ge=0)
    difference: float = Field(description="The largest that is not explained; above 1 something differs.", ge=0)

    model_config = ConfigDict(json_schema_extra={"examples": [_COPY]})


class CopiesReply(_Reply):
    """Sure copies first, then those to look at, then what is no copy."""

    copies: list[CopyReply]

    model_config = ConfigDict(json_schema_extra={"examples": [{"copies": [_COPY]}]})


class Health(BaseModel):
    """Whether the service lives, or is ready."""

    status: str = Field(examples=["ok"])
