"""Which of two copies is worth keeping, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from samekind.copies.evidence import Evidence, better_of

# Folders of programs that keep what was deleted, thumbnails of the same, or nothing for people.
_BINS = frozenset(
    {"$recycle.bin", "#recycle", "@recycle", "recycler", "lost+found", ".trash", ".trashes", "@recently-snapshot"}
)
_THUMBNAILS = frozenset({"@eadir", ".thumbnails", "thumbs.db", ".@__thumb", "#snapshot", "@__thumb"})


@dataclass(frozen=True)
class Facts:
    """What is known of a file beside its picture.

    Attributes:
        name: The path, with forward slashes, relative to the folder that was walked.
        width: In pixels, upright.
        height: In pixels, upright.
        size: In bytes.
        mtime_ns: When it was last written, in nanoseconds since 1970; -1 if that is not known.
        camera: Whether it has a camera's data: when it was taken, or with what.
        link: Whether it is a link to a file, not the file.
        lossless: Whether its format keeps every pixel.
    """

    name: str
    width: int
    height: int
    size: int
    mtime_ns: int = -1
    camera: bool = False
    link: bool = False
    lossless: bool = False

    @cached_property
    def last(self) -> int:
        """3 for a link, 2 for what is in a recycle bin, 1 for thumbnails and hidden files; 0 for what people keep."""
        if self.link:
            return 3
        parts = [part.lower() for part in PurePosixPath(self.name).parts]
        if any(part in _BINS or part.startswith(".trash-") for part in parts):
            return 2
        # What was indexed from beside the gallery is "../photos/a.jpg", and is not hidden.
        return int(any(part in _THUMBNAILS or (part.startswith(".") and part != "..") for part in parts))

    @property
    def density(self) -> float:
        """Bytes for each pixel."""
        return self.size / max(1, self.width * self.height)


_Rule = tuple[Callable[[Facts], float], str]

# Higher is better. What a picture shows comes before these, but for the first.
_PLACE: _Rule = (lambda facts: -facts.last, "the other is a link, deleted, a thumbnail or hidden")
_RULES: tuple[_Rule, ...] = (
    (lambda facts: facts.camera, "it has the camera's data"),
    (lambda facts: facts.width * facts.height, "more pixels"),
    (lambda facts: facts.lossless, "it was kept without loss"),
    (lambda facts: round(facts.density, 2), "less compressed"),
    (lambda facts: -facts.mtime_ns if facts.mtime_ns >= 0 else float("-inf"), "older"),
)


def better(first: Facts, second: Facts, evidence: Evidence | None = None) -> tuple[int, str]:
    """Which of two copies is worth more, 0 or 1, and why.

    The whole of a file whose end is missing wins wherever it lies. Else a link, a file in a recycle bin, a thumbnail
    or a hidden file never wins. Then the one that was not edited:
    colour before grey, upright before turned, whole before cut, clean before overlaid. Then the camera's data, more
    pixels, less compression, the older file; and the first by name.

    Args:
        first: Of one.
        second: Of the other.
        evidence: What the second is to the first; None where their pixels are the same.

    Example:
        >>> better(Facts("a.jpg", 40, 30, 900), Facts("#recycle/a.jpg", 80, 60, 900))
        (0, 'the other is a link, deleted, a thumbnail or hidden')
    """
    damaged = evidence is not None and "damaged" in evidence.kinds
    decided = None if damaged else _by_rules(first, second, (_PLACE,))
    if decided is None and evidence is not None:
        decided = better_of(evidence) or _made_of(first, second, evidence)
    decided = decided or _by_rules(first, second, _RULES)
    return decided or (int(second.name < first.name), "first by name; they are equal in size and age")


def _made_of(first: Facts, second: Facts, evidence: Evidence) -> tuple[int, str] | None:
    """What is kept without loss and has the very pixels of a JPEG was made of it: no JPEG would have them otherwise."""
    if "exact" not in evidence.kinds or first.lossless == second.lossless:
        return None
    return int(first.lossless), "the other was made of it"


def worth(facts: Facts) -> tuple[float | str, ...]:
    """A key by which files can be sorted, those worth most first, as long as nothing is known of their pictures."""
    return (*(-measure(facts) for measure, _ in (_PLACE, *_RULES)), facts.name)


def _by_rules(first: Facts, second: Facts, rules: tuple[_Rule, ...]) -> tuple[int, str] | None:
    for measure, why in rules:
        one, other = measure(first), measure(second)
        if one != other:
            return int(other > one), why
    return None
