"""The model file of an encoder from elsewhere: near enough to its source, in 16 bits where it can be, and its card."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from samekind.errors import ModelFileError, TrainingError, WrapError
from samekind.images import Square
from samekind.model_file.card import FORMAT_VERSION, Card, Training
from samekind.model_file.file import ModelFile, make_model, write_model
from samekind.model_file.onnx_envelope import OnnxEnvelope
from samekind.recognizer import Recognizer
from samekind.wrapping.folding import in_16_bits
from samekind.wrapping.parity import Parity, Witness


@dataclass(frozen=True, repr=False)
class Wrapped:
    """An encoder from elsewhere as a model file.

    Attributes:
        model: The model, which is not calibrated.
        parity: How near its embeddings are to the source's.
        weights: ``float16`` or ``float32``: how the large ones are stored.
        one_by_one: Whether the encoder runs image after image, because it takes no more at once, or
            gives a picture another embedding in company.
    """

    model: ModelFile
    parity: Parity
    weights: str
    one_by_one: bool

    @property
    def card(self) -> Card:
        """The card of the model."""
        return self.model.card

    def recognizer(self, *, providers: str | Sequence[str] | None = None, threads: int | None = None) -> Recognizer:
        """The model, loaded. Arguments and errors as ``samekind.load``."""
        return Recognizer(self.model, providers=providers, threads=threads)

    def __repr__(self) -> str:
        return f"<Wrapped: {self.card.name}, cosine with its source at least {self.parity.cosine:.6f}>"


@dataclass(frozen=True)
class About:
    """What the card says of an encoder that its graph does not tell."""

    backbone: str
    source: str
    revision: str
    licence: str
    training_data: str
    recipe: dict[str, Any]
    tag: str = ""


class Made(NamedTuple):
    """A model of float32 weights, and how near it is to its source."""

    model: bytes
    parity: Parity
    one_by_one: bool


def as_its_source(make: Callable[[bool], bytes], witness: Witness, why_not: str) -> Made:
    """A model that gives what its source gives; run image after image only where it needs that."""
    why = ""
    for one_by_one in (False, True):
        try:
            model = make(one_by_one)
            found = witness.parity(model)
        except (TrainingError, ModelFileError) as error:
            why = str(error)
            continue
        if found.within("float32"):
            return Made(model, found, one_by_one)
        why = f"the least cosine is {found.cosine:.6f}, the largest difference {found.difference:.2g}"
    raise WrapError(f"{witness.name}: {why_not} ({why}); nothing was written")


def as_model(
    made: Made, about: About, square: Square, witness: Witness, output: str | os.PathLike[str] | None, *, half: bool
) -> Wrapped:
    """The model file: with weights of 16 bits where that is near enough, and a card."""
    weights, model, found = "float32", made.model, made.parity
    if half:
        halved = in_16_bits(OnnxEnvelope(model, about.source), ".float16")
        # One that ONNX Runtime cannot load is not near enough either: names that clash, weights that must be constants.
        with suppress(ModelFileError):
            if halved != model and (near := witness.parity(halved)).within("float16"):
                model, weights, found = halved, "float16", near
    name = about.backbone if output is None else Path(output).stem
    file = make_model(model, _card(name, about, square, witness.dimension), name=about.source)
    Recognizer(file)  # what cannot be loaded is not written
    if output is not None:
        file = ModelFile(write_model(output, file.data, file.card), file.data, file.seen_images)
    return Wrapped(file, found, weights, made.one_by_one)


def _card(name: str, about: About, square: Square, dimension: int) -> Card:
    try:
        return Card(
            format_version=FORMAT_VERSION,
            name=name,
            backbone=about.backbone,
            input_size=square.side,
            resize=square.resize,
            shown=square.shown,
            dimension=dimension,
            pair=None,
            trio=None,
            training=Training(
                data=f"not by samekind: the encoder {about.source} as it is",
                classes=(),
                images=0,
                digest="",
                objective="not by samekind",
                init=about.source,
                pretraining=about.training_data,
                recipe=to_jsonable_python(about.recipe),
                init_tag=about.tag,
                init_licence=about.licence,
                revision=about.revision,
            ),
            licence=about.licence,
            created=dt.datetime.now(dt.UTC).date().isoformat(),
            samekind_version=version("samekind"),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise WrapError(f"{about.source}: {first['loc'][0]}: {first['msg']}") from None
