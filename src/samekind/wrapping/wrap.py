"""The front door: an encoder from elsewhere in, a model file out."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from samekind.errors import WrapError
from samekind.images import Resize, Square
from samekind.model_file.file import CARD_KEY
from samekind.model_file.onnx_envelope import OnnxEnvelope
from samekind.system.paths import given_path, refuse_no_path
from samekind.wrapping.examine import LEAST_SIDE, MOST_SIDE, Reference, as_triple
from samekind.wrapping.folding import OLDEST_OPSET, fold_around
from samekind.wrapping.form import Layout, Pool
from samekind.wrapping.model import About, Wrapped, as_its_source, as_model
from samekind.wrapping.nodes import uses_batch_statistics
from samekind.wrapping.parity import Witness, parity_pictures
from samekind.wrapping.source import read_source

Source = str | os.PathLike[str]
_TIMM = "timm:"
_NOT_STATED = "not stated"


def wrap(
    source: Source,
    output: Source | None = None,
    *,
    mean: str | float | Sequence[float] | None = None,
    std: str | float | Sequence[float] | None = None,
    size: int | None = None,
    resize: Resize | None = None,
    shown: float | None = None,
    layout: Layout | None = None,
    output_name: str | None = None,
    pool: Pool | None = None,
    prefix_tokens: int | None = None,
    init: Source | None = None,
    pictures: Source | None = None,
    licence: str | None = None,
    training_data: str | None = None,
    half: bool = True,
) -> Wrapped:
    """Make a model file of an image encoder from elsewhere.

    Its preprocessing goes into the file, so that it takes what every model of samekind takes; what it gives is
    normalised. The file embeds, searches and clusters at once. It gives no verdicts before it is calibrated: ``adapt``
    with labelled folders, or ``calibrate``.

    Args:
        source: An ONNX file, which needs no library beside the core's; or ``timm:NAME``, with the extra ``wrap``.
        output: The model file to write; its stem names the model. None writes nothing.
        mean: What is taken from each channel, as shares of white: three numbers or one. timm's own by default.
        std: What it is then divided by.
        size: S, the side of the network's square input in pixels, where the encoder takes any.
        resize: ``squash`` shows it all of each image, ``crop`` the largest square in the middle. timm's own by default,
            else squash.
        shown: The share of each side that it is shown, in the middle; timm's ``crop_pct``.
        layout: ``nchw`` or ``nhwc``, where its input does not tell.
        output_name: The name of the output, or of an inner value, that becomes the embedding, where there are several.
        pool: How tokens or a feature map become one vector: ``cls``, ``mean``, ``patches`` or ``cls+patches``. Of
            timm's networks ``mean`` and ``patches`` are both timm's mean, which leaves out what comes before patches.
        prefix_tokens: How many tokens come before those of the patches.
        init: Of timm's: the weights as a .safetensors file, or ``random``; by default timm's pretrained ones.
        pictures: A folder of pictures to compare with the source; photographs that come with samekind by default.
        licence: The licence of the weights, for the card. timm's own statement by default.
        training_data: What the encoder was trained on, in words, for the card.
        half: Store large weights as float16 where the comparison allows it.

    Returns:
        The model, and how near it is to its source.

    Raises:
        WrapError: It is no encoder of images that can be wrapped, an option is missing or does not fit, or the file
            would not give what its source gives; nothing is written then.
        ModelFileError: The source is no ONNX file that ONNX Runtime can run.
        MissingExtraError: A library of the extra ``wrap`` is not installed.
        OSError: The file cannot be written.
    """
    refuse_no_path(source, WrapError)
    if output is not None:
        _refuse_folder(given_path(output, WrapError))
        _refuse_what_is_read(output, source, init)
    _refuse_misfits(size, layout)
    name = os.fspath(source)
    if name.startswith(_TIMM):
        from samekind.wrapping.timm_encoder import TimmEncoder  # noqa: PLC0415 - an extra

        refuse_of_onnx(
            {"layout": layout, "output_name": output_name, "prefix_tokens": prefix_tokens, "mean": mean, "std": std}
        )
        encoder = TimmEncoder.create(name.removeprefix(_TIMM), init, pool, size)
        square = as_square(encoder.size, resize or encoder.resize, encoder.shown if shown is None else shown)
        pixels = parity_pictures(pictures, square)
        witness = Witness(name, pixels, encoder.embed(pixels))
        made = as_its_source(
            lambda one_by_one: encoder.export(one_by_one=one_by_one),
            witness,
            "as ONNX it does not give what it gives in torch",
        )
        about = About(
            encoder.architecture,
            encoder.source,
            encoder.revision,
            licence or encoder.licence,
            training_data or encoder.past,
            {"wrapped": encoder.recipe},
            encoder.tag,
        )
        return as_model(made, about, square, witness, output, half=half)
    if init is not None:
        raise WrapError(f"{name}: an ONNX file has its weights in it; --init is for timm:NAME")
    path = given_path(source, WrapError)
    if path.suffix != ".onnx" and not path.exists():
        raise WrapError(f"{name}: no such file; a network of timm's is written {_TIMM}{name}")
    envelope, graph, digest = read_source(path)
    if CARD_KEY in envelope.metadata:
        raise WrapError(f"{name}: is a model of samekind already; `samekind info {name}` says which")
    _refuse_graph(name, envelope, graph)
    reference = Reference(envelope.with_graph(graph), name)
    takes = reference.takes(as_triple(mean, "mean"), as_triple(std, "std"), size, layout)
    gives, reference = reference.gives(takes, output_name, pool, prefix_tokens)
    square = as_square(takes.size, resize or "squash", 1.0 if shown is None else shown)
    pixels = parity_pictures(pictures, square)
    witness = Witness(name, pixels, gives.pooled(reference.run(takes, gives.name, pixels)))
    made = as_its_source(
        lambda one_by_one: fold_around(envelope, graph, takes, gives, witness.dimension, one_by_one=one_by_one),
        witness,
        "wrapped, it does not give what it gives alone",
    )
    recipe = asdict(takes) | {"output": asdict(gives), "opset": envelope.opset}
    about = About(
        path.stem, path.name, digest, licence or _NOT_STATED, training_data or _NOT_STATED, {"wrapped": recipe}
    )
    return as_model(made, about, square, witness, output, half=half)


def _refuse_folder(output: Path) -> None:
    if output.is_dir():  # known before the work
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(output))


def _refuse_what_is_read(output: Source, *read: Source | None) -> None:
    if Path(output).resolve() in {Path(source).resolve() for source in read if source is not None}:
        raise WrapError(f"{os.fspath(output)}: is one of the inputs; name another file to write")


def _refuse_graph(name: str, envelope: OnnxEnvelope, graph: Any) -> None:
    if envelope.opset < OLDEST_OPSET:
        raise WrapError(
            f"{name}: its operators are of opset {envelope.opset}; export it with opset {OLDEST_OPSET} or later"
        )
    if uses_batch_statistics(graph):
        raise WrapError(
            f"{name}: a batch norm in it is in training mode, so it gives a picture another embedding in company; "
            "export it in evaluation mode (in torch: after model.eval())"
        )


def _refuse_misfits(size: int | None, layout: str | None) -> None:
    if size is not None and not (isinstance(size, int) and LEAST_SIDE <= size <= MOST_SIDE):
        raise WrapError(f"the side of pictures is a number of pixels from {LEAST_SIDE} to {MOST_SIDE}; got {size!r}")
    if layout not in {None, *get_args(Layout)}:
        raise WrapError(f"there is no layout {layout!r}; there are {', '.join(get_args(Layout))}")


def as_square(size: int, resize: Resize, shown: float) -> Square:
    """How images become square, after making sure that it can be meant.

    Raises:
        WrapError: It cannot.
    """
    if resize not in {"squash", "crop"}:
        raise WrapError(f"images are squashed or cropped (squash, crop), not {resize!r}")
    if not (isinstance(shown, int | float) and 0.1 <= shown <= 1):
        raise WrapError(f"the share of each side that is shown is from 0.1 to 1; got {shown!r}")
    return Square(size, resize, float(shown))


def refuse_of_onnx(options: dict[str, object]) -> None:
    """Make sure that no option for ONNX files was given for timm's.

    Raises:
        WrapError: One was.
    """
    for name, given in options.items():
        if given is not None:
            raise WrapError(f"--{name.replace('_', '-')} is for ONNX files; timm says it of its networks itself")
