"""Work that falls into parts which know nothing of each other, and what does it: this process, or workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, Protocol, TypeVar

EngineName = Literal["local", "ray"]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Each(Protocol):
    """What does the parts of some work: ``map`` in this thread, or workers elsewhere."""

    def __call__(self, work: Callable[[_Item], _Result], items: Iterable[_Item], /) -> Iterator[_Result]:
        """Do the work for each item.

        Args:
            work: A function of a module, or a ``partial`` of one; what is bound to it, all parts have in common.
            items: What each part is told of its own.

        Yields:
            The results, in the order of the items.
        """
        ...
