"""How long work tells how far it is: one shape of callback for the whole library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self, TypeAlias

# Called with the name of the stage, the number of things done so far, and how many there are; 0 where nobody knows.
Progress: TypeAlias = Callable[[str, int, int], None]


class NotedStage(str):
    """The name of a stage, with what there is to say of it at the moment: equal to the name alone.

    Attributes:
        note: In words, such as ``epoch 3 of 10, loss 0.412``.

    Example:
        >>> stage = NotedStage("training steps", "epoch 1 of 5")
        >>> stage == "training steps", stage.note
        (True, 'epoch 1 of 5')
    """

    note: str
    __slots__ = ("note",)

    def __new__(cls, name: str, note: str) -> Self:  # noqa: D102 - as the class
        stage = super().__new__(cls, name)
        stage.note = note
        return stage


def note_of(stage: str) -> str:
    """What there is to say of a stage at the moment; nothing of most."""
    return stage.note if isinstance(stage, NotedStage) else ""


def stage_counter(on_progress: Progress | None, stage: str, total: int = 0) -> Callable[[int], None]:
    """What to call with the number of things done in one stage; it does nothing where nobody listens.

    Args:
        on_progress: Who listens.
        stage: The name of the stage.
        total: How many things there are; 0 where that is not known.

    Example:
        >>> count = stage_counter(print, "images", 3)
        >>> count(2)
        images 2 3
    """
    if on_progress is None:
        return lambda _: None
    return lambda done: on_progress(stage, done, total)
