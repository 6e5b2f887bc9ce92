"""What a folder of shards says of itself, as JSON: its model and settings, what is planned, what is finished."""

from __future__ import annotations

from pydantic import BaseModel

from samekind.model_file.card import Card

FORMAT = 1


class Settings(BaseModel):
    """What decides the bits of a shard beside its inputs.

    Attributes:
        fingerprint: That of the model.
        providers: ONNX Runtime's execution providers, best first.
        rows: Images of a shard.
    """

    fingerprint: str
    providers: list[str]
    rows: int


class PlanEntry(BaseModel):
    """A plan, in the manifest.

    Attributes:
        source: What was listed, as it was given.
        folder: The folder that was listed, if it was one of this machine.
        inputs: How many inputs were new.
    """

    source: str
    folder: str | None
    inputs: int


class ShardEntry(BaseModel):
    """A finished shard, in the manifest.

    Attributes:
        rows: How many images it has.
        unreadable: How many of these cannot be read.
        unread: How many of these could not even be fetched.
        sha256: The hash of the file.
    """

    rows: int
    unreadable: int
    unread: int
    sha256: str


class Manifest(BaseModel):
    """The manifest of a folder of shards.

    Attributes:
        format: The version of the format.
        settings: What decides the bits of the shards.
        model: The name of the model that comes with samekind, or the path of its file.
        card: The card of the model.
        plans: The plans, in the order in which they were made.
        shards: The finished shards by their files' names.
    """

    format: int = FORMAT
    settings: Settings
    model: str
    card: Card
    plans: list[PlanEntry] = []
    shards: dict[str, ShardEntry] = {}
