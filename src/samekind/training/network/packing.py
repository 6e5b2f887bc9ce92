"""What a module gives as one tensor, and back: some give several, in tuples and lists, beside numbers.

A cache of features and the graph that makes them have one tensor for each image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import torch
from torch import Tensor


@dataclass(frozen=True)
class Shape:
    """The shape of a tensor for one image."""

    sides: tuple[int, ...]


# A shape for each tensor, in the tuples and lists in which they came; numbers and the like as they are.
Form: TypeAlias = Any


def form_of(output: Any, count: int) -> Form | None:
    """The form of what a module gave for ``count`` images; None where it is more than tensors with a row an image.

    Example:
        >>> form_of((torch.zeros(2, 3, 4), [torch.zeros(2, 5)], 7), 2)
        (Shape(sides=(3, 4)), [Shape(sides=(5,))], 7)
    """
    if isinstance(output, Tensor):
        fits = output.ndim > 1 and len(output) == count and output.is_floating_point()
        return Shape(tuple(output.shape[1:])) if fits else None
    if isinstance(output, list | tuple):
        forms = [form_of(part, count) for part in output]
        known = all(form is not None or part is None for form, part in zip(forms, output, strict=True))
        return (forms if isinstance(output, list) else tuple(forms)) if known else None
    return output if isinstance(output, int | float | str) else None


def shapes_of(form: Form) -> Iterator[Shape]:
    """The shapes of a form, in order."""
    if isinstance(form, Shape):
        yield form
    elif isinstance(form, list | tuple):
        for part in form:
            yield from shapes_of(part)


def packed(output: Any) -> Tensor:
    """One tensor as it is; several as float32 (N, K), one behind the other."""
    if isinstance(output, Tensor):
        return output
    return torch.cat([tensor.flatten(1) for tensor in _tensors_of(output)], dim=1)


def unpacked(features: Tensor, form: Form) -> Any:
    """What was packed, in its form."""
    if isinstance(form, Shape):
        return features
    shapes = [shape.sides for shape in shapes_of(form)]
    parts = features.split([prod(sides) for sides in shapes], dim=1)
    return filled(form, [part.unflatten(1, sides) for part, sides in zip(parts, shapes, strict=True)])


def filled(form: Form, tensors: Sequence[Tensor]) -> Any:
    """Tensors in a form.

    Example:
        >>> [type(part).__name__ for part in filled((Shape((3,)), 7), [torch.zeros(2, 3)])]
        ['Tensor', 'int']
    """
    rest = iter(tensors)

    def fill(part: Form) -> Any:
        if isinstance(part, Shape):
            return next(rest)
        if isinstance(part, list | tuple):
            return type(part)([fill(one) for one in part])
        return part

    return fill(form)


def _tensors_of(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, list | tuple):
        for part in output:
            yield from _tensors_of(part)
