"""What a module gives as one tensor, and back: some give several, in tuples and lists, beside numbers.

A cache of features and the graph that makes them have one tensor for each image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class Shape:
    """The shape of a tensor for one image.

    Attributes:
        sides: The shape of a row.
        rows: The rows of an image, where a tensor has several, one behind the other; 0 for one.
    """

    sides: tuple[int, ...]
    rows: int = 0

    @property
    def packed(self) -> tuple[int, ...]:
        """The shape for one image, rows and all."""
        return (self.rows, *self.sides) if self.rows else self.sides


# A shape for each tensor, in the tuples and lists in which they came; numbers and the like as they are.
Form: TypeAlias = Any
_Part = TypeVar("_Part")


def form_of(output: Any, count: int) -> Form | None:
    """The form of what a module gave for ``count`` images; None where it is more than tensors with a row an image.

    Example:
        >>> form_of((torch.zeros(2, 3, 4), [torch.zeros(4, 5)], 7), 2)
        (Shape(sides=(3, 4), rows=0), [Shape(sides=(5,), rows=2)], 7)
    """
    if isinstance(output, Tensor):
        if output.ndim < 2 or len(output) % count or not output.is_floating_point():
            return None
        rows = len(output) // count
        return Shape(tuple(output.shape[1:]), rows if rows > 1 else 0)
    if isinstance(output, list | tuple):
        forms = [form_of(part, count) for part in output]
        known = all(form is not None or part is None for form, part in zip(forms, output, strict=True))
        return (forms if isinstance(output, list) else tuple(forms)) if known else None
    return output if isinstance(output, int | float | str) else None


def shapes_of(form: Form) -> Iterator[Shape]:
    """The shapes of a form, in order."""
    return _parts_of(form, Shape)


def packed(output: Any, form: Form) -> Tensor:
    """One tensor with a row an image as it is; all else as float32 (N, K), one behind the other."""
    if isinstance(form, Shape) and not form.rows:
        return output  # type: ignore[no-any-return] # by its form it is a tensor
    tensors = zip(tensors_of(output), shapes_of(form), strict=True)
    return torch.cat([tensor.reshape(-1, prod(shape.packed)) for tensor, shape in tensors], dim=1)


def unpacked(features: Tensor, form: Form) -> Any:
    """What was packed, in its form."""
    if isinstance(form, Shape) and not form.rows:
        return features
    shapes = list(shapes_of(form))
    parts = torch.split(features, [prod(shape.packed) for shape in shapes], dim=1)
    return filled(form, [part.reshape(-1, *shape.sides) for part, shape in zip(parts, shapes, strict=True)])


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


def total_of(output: Any) -> Tensor:
    """The sum of all values of an output, from which gradients go to all that it depends on."""
    return torch.stack([tensor.sum() for tensor in tensors_of(output)]).sum()


def tensors_of(output: Any) -> Iterator[Tensor]:
    """The tensors of an output, in order."""
    return _parts_of(output, Tensor)


def _parts_of(nested: Any, kind: type[_Part]) -> Iterator[_Part]:
    """What is of one kind in tuples and lists, in order."""
    if isinstance(nested, kind):
        yield nested
    elif isinstance(nested, list | tuple):
        for part in nested:
            yield from _parts_of(part, kind)
