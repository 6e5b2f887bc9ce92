"""What an ONNX encoder takes and gives, found by looking and by running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from samekind.errors import ModelFileError, WrapError
from samekind.images import Pixels
from samekind.inference.session import open_session
from samekind.model_file.onnx_envelope import OnnxEnvelope
from samekind.wrapping.form import InputForm, Layout, OutputForm, choose_pool, find_places

# What a card may say, pixels.
LEAST_SIDE, MOST_SIDE = 16, 4096
Triple = tuple[float, float, float]
_ELEMENTS: dict[str, Literal["float32", "float16", "uint8"]] = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
}
# Outputs by the names that exporters give to what retrieval uses, best first.
_USUAL = ("image_embeds", "image_embeddings", "embeddings", "embedding", "pooler_output")


class Reference:
    """An encoder as it is, run by ONNX Runtime on what it takes.

    Args:
        onnx_model: The bytes of it, whole.
        name: What messages call it.
    """

    def __init__(self, onnx_model: bytes, name: str) -> None:
        self._data, self._name = onnx_model, name
        self._session = open_session(onnx_model, name, quiet=True)

    def takes(self, mean: Triple | None, std: Triple | None, size: int | None, layout: Layout | None) -> InputForm:
        """What it takes, where the options say what its input does not.

        Raises:
            WrapError: It is no encoder of square RGB pictures alone, or an option is missing or does not fit.
        """
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise WrapError(
                f"{self._name}: takes {len(inputs)} inputs ({', '.join(given.name for given in inputs)}); export its "
                "encoder of images alone"
            )
        (given,) = inputs
        if given.type not in _ELEMENTS or len(given.shape) != 4:
            raise WrapError(f"{self._name}: takes {given.type} {given.shape}, not pictures (N, 3, S, S)")
        element = _ELEMENTS[given.type]
        batch, *sides = (side if isinstance(side, int) and side > 0 else None for side in given.shape)
        if batch not in {None, 1}:
            raise WrapError(
                f"{self._name}: takes {batch} pictures at once, no more and no fewer; export it for one or for any"
            )
        found = self._layout(sides, layout)
        height, width = sides[1:] if found == "nchw" else sides[:2]
        if height != width and None not in {height, width}:
            raise WrapError(f"{self._name}: takes pictures of {width} × {height} pixels; only squares can be had")
        own = height or width
        if size is None and own is None:
            way = " and --layout nchw or nhwc" if layout is None and set(sides) == {None} else ""
            raise WrapError(f"{self._name}: takes pictures of any size; say at which it was trained: --size 224{way}")
        if size is not None and own is not None and size != own:
            raise WrapError(f"{self._name}: takes pictures of {own} × {own} pixels, not of {size} × {size}")
        if own is not None and not LEAST_SIDE <= own <= MOST_SIDE:
            raise WrapError(
                f"{self._name}: takes pictures of {own} × {own} pixels; export it for {LEAST_SIDE} to {MOST_SIDE}"
            )
        if element == "uint8" and (mean or std):
            raise WrapError(f"{self._name}: takes pixels as they are; leave --mean and --std out")
        if element != "uint8" and (mean is None or std is None):
            raise WrapError(
                f"{self._name}: say how its pixels are normalised, as shares of white: --mean 0.485,0.456,0.406 "
                "--std 0.229,0.224,0.225 (ImageNet's), or --mean 0,0,0 --std 1,1,1 for none"
            )
        return InputForm(given.name, size or own or 0, found, element, mean or (0.0, 0.0, 0.0), std or (1.0, 1.0, 1.0))

    def _layout(self, sides: Sequence[int | None], said: Layout | None) -> Layout:
        first, last = sides[0] in {None, 3}, sides[2] in {None, 3}
        if said == "nhwc" or (said is None and sides[0] != 3 and last and set(sides) != {None}):
            fits, found = last, "nhwc"
        else:
            fits, found = first, "nchw"
        if not fits:
            raise WrapError(f"{self._name}: takes {list(sides)} for an image, which is not RGB in layout {found}")
        return "nhwc" if found == "nhwc" else "nchw"

    def gives(
        self, takes: InputForm, output: str | None, pool: str | None, prefix: int | None
    ) -> tuple[OutputForm, Reference]:
        """What becomes an embedding, and the encoder that gives it: an inner value is made an output.

        Raises:
            WrapError: There is no such output, several and none was named, or it cannot be pooled so.
        """
        known = [value.name for value in self._session.get_outputs()]
        encoder, name = self, output
        if name is None:
            name = known[0] if len(known) == 1 else next((usual for usual in _USUAL if usual in known), None)
        if name is None:
            raise WrapError(f"{self._name}: has several outputs; name one: --output-name {' or '.join(known)}")
        if name not in known:
            try:
                encoder = Reference(OnnxEnvelope(self._data, self._name).with_outputs([name]), self._name)
            except (ModelFileError, TypeError):
                raise WrapError(f"{self._name}: has no value {name!r}; its outputs are {', '.join(known)}") from None
        pixels = np.zeros((1, takes.size, takes.size, 3), np.uint8)
        found = encoder.run(takes, name, pixels)
        if found.dtype not in {np.dtype(np.float32), np.dtype(np.float16)}:
            raise WrapError(
                f"{self._name}: its output {name} is {found.dtype}, no embedding; name another: --output-name"
            )
        called = f"{self._name}: its output {name}"
        chosen, first = choose_pool(pool, found.shape, prefix, called)
        form = OutputForm(name, found.ndim, chosen, first, found.dtype == np.float16)
        return replace(form, places=find_places(found.shape, called)) if found.ndim == 4 else form, encoder

    def run(self, takes: InputForm, name: str, pixels: Pixels) -> NDArray[np.generic]:
        """What it gives for uint8 (N, S, S, 3), one after the other.

        Raises:
            WrapError: It cannot run on pictures of this size, or gives something else than a row for each.
        """
        prepared = takes.prepared(pixels)
        try:
            parts = [self._session.run([name], {takes.name: np.ascontiguousarray(one[None])})[0] for one in prepared]
        except Exception as error:  # ONNX Runtime's exceptions share no base class of their own
            reason = str(error).splitlines()[0]
            raise WrapError(
                f"{self._name}: cannot run on pictures of {takes.size} pixels in layout {takes.layout} ({reason}); "
                "another may be meant: --size, --layout"
            ) from error
        if any(np.ndim(part) < 1 or len(part) != 1 for part in parts):
            raise WrapError(
                f"{self._name}: its value {name} has no row for each picture, so it is no embedding; name another: "
                "--output-name"
            )
        found: NDArray[np.generic] = np.concatenate(parts)
        return found


def as_triple(values: Any, name: str) -> Triple | None:
    """Three numbers of an option, one for each channel.

    Raises:
        WrapError: They are none.

    Example:
        >>> as_triple("0.5", "mean")
        (0.5, 0.5, 0.5)
    """
    if values is None:
        return None
    try:
        parts = values.split(",") if isinstance(values, str) else [values] if isinstance(values, Real) else values
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError):
        raise WrapError(f"{name} is one number or three, such as 0.485,0.456,0.406; got {values!r}") from None
    if len(numbers) == 1:
        numbers *= 3
    if len(numbers) != 3 or not all(0 <= number <= 1 for number in numbers):
        raise WrapError(
            f"{name} is one number or three, shares of white from 0 to 1 (divide by 255 what is given for pixels of 0 "
            f"to 255); got {values!r}"
        )
    if name == "std" and min(numbers) == 0:
        raise WrapError("std is what values are divided by, so not 0")
    return numbers[0], numbers[1], numbers[2]
