"""What labelled images must have before anything is trained, calibrated or measured on them, said in the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from samekind.datasets.folders import LabelledImages
from samekind.errors import DatasetError

# Two images of a class make a genuine pair.
FEWEST = 2
_MOST_NAMED = 3


@dataclass(frozen=True)
class Shortcoming:
    """Why labelled images cannot be used as they stand.

    Attributes:
        kind: ``classes`` or ``tiny class``.
        summary: What is wrong.
        advice: What to do.
        details: One line for each case.
    """

    kind: str
    summary: str
    advice: str
    details: tuple[str, ...] = ()


def one_class(images: LabelledImages, part: str = "") -> Shortcoming | None:
    """The shortcoming of images that are all of one class.

    Args:
        images: The images.
        part: Their split, where there are several.
    """
    if len(images.classes) > 1:
        return None
    where = f" in the part {part}" if part else ""
    if below := folders_below(images):
        folder = PurePath(images.root) / images.classes[0]
        advice = f"if the classes are the folders in it ({_listed(below)}), give {folder}"
    elif part:
        advice = "add images of another: nothing can be measured where all are the same"
    else:
        advice = "add another: two images can only differ if classes do"
    return Shortcoming("classes", f"there is one class only{where}", advice, images.classes)


def tiny_classes(counts: Mapping[str, int], fewest: int, part: str = "") -> Shortcoming | None:
    """The shortcoming of classes with too few images.

    Args:
        counts: How many (different, readable) images each class has.
        fewest: How many it must have.
        part: Their split, where there are several.
    """
    tiny = [f"{name}: {count:,}" + (f" ({part})" if part else "") for name, count in counts.items() if count < fewest]
    return too_few(tiny, fewest) if tiny else None


def too_few(tiny: Sequence[str], fewest: int) -> Shortcoming:
    """The shortcoming of classes that are named already, with their numbers."""
    least = f"{fewest} different ones to train on, " if fewest > FEWEST else ""
    return Shortcoming(
        "tiny class",
        f"{len(tiny):,} class{'es have' if len(tiny) > 1 else ' has'} too few images to be split or measured",
        f"add images ({least}{FEWEST} in {'another' if least else 'any'} part, at least) or remove the class",
        tuple(tiny),
    )


def refuse_unusable(images: LabelledImages, *, fewest: int = FEWEST, part: str = "") -> None:
    """Make sure, before any image is opened, that there are two classes, and so many files of each.

    Args:
        images: The images, some of which may turn out to be unreadable or copies.
        fewest: How many each class must have.
        part: Their split, where there are several.

    Raises:
        DatasetError: There are not.

    Example:
        >>> import numpy as np
        >>> from pathlib import Path
        >>> refuse_unusable(LabelledImages(Path("photos"), (Path("photos/jug/1.jpg"),), np.array([0]), ("jug",)))
        Traceback (most recent call last):
        ...
        samekind.errors.DatasetError: photos: there is one class only (jug); add another: two images can only differ if
        classes do
    """
    for found in (one_class(images, part), tiny_classes(images.counts, fewest, part)):
        if found is not None:
            raise DatasetError(f"{images.root}: {found.summary} ({_listed(found.details)}); {found.advice}")


def folders_below(images: LabelledImages) -> tuple[str, ...]:
    """The folders within the class folders, where all images lie in such: they may be the classes that are meant.

    None where images lie in a class folder itself, or in one folder of it only, or come from a list.
    """
    if not images.root.is_dir():
        return ()
    below: dict[str, None] = {}
    for path in images.paths:
        parts = path.relative_to(images.root).parts
        if len(parts) < 3:
            return ()
        below[parts[1]] = None
    return tuple(below) if len(below) > len(images.classes) else ()


def _listed(names: Sequence[str]) -> str:
    more = f", and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
