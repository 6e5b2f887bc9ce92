"""What one picture is to another, and how it is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal[
    "exact",
    "resized",
    "recompressed",
    "cropped",
    "turned",
    "mirrored",
    "grey",
    "toned",
    "bordered",
    "overlaid",
    "damaged",
]
Relation = Literal["copy", "variant", "same scene"]
Certainty = Literal["sure", "look"]

# Of two copies the one without the edit is worth more; the edits that cost most come first.
EDITS: tuple[Kind, ...] = (
    "damaged",
    "grey",
    "turned",
    "mirrored",
    "cropped",
    "bordered",
    "overlaid",
    "toned",
    "resized",
)

_WORSE: dict[Kind, str] = {
    "damaged": "the other is damaged: its end is missing",
    "grey": "the other has lost its colour",
    "turned": "the other is turned",
    "mirrored": "the other is mirrored",
    "cropped": "the other is cut",
    "bordered": "the other has a frame around it",
    "overlaid": "the other has something laid on it",
    "toned": "the other's brightness or contrast was changed",
    "resized": "the other is smaller",
}


@dataclass(frozen=True)
class Edit:
    """One thing that was done to one of two pictures.

    Attributes:
        kind: What.
        side: 0 if it was done to the first, 1 if to the second, None if that cannot be seen.
        degrees: The turn from the first to the second, clockwise; 0 for other kinds.
    """

    kind: Kind
    side: int | None = None
    degrees: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """What the second of two pictures is to the first.

    Attributes:
        relation: ``copy``: the same picture, changed; ``variant``: the same but for something in it that matters;
            ``same scene``: another moment or place of the same. Only copies may be spared.
        edits: What was done to one of them; the kinds of a copy.
        certainty: ``sure`` if one may be removed for the other; ``look`` if a person must look first. Variants and same
            scenes are always to be looked at.
        why: Why it is not sure, in words; empty if it is.
        agreeing: The number of local features that agree on how one lies on the other.
        difference: The largest that is not explained, 1 where it is just too much for compression.
        kept: The part of each picture that the other has, 0 to 1.
        zoom: Pixels of the second for one of the first, where both show the same.
    """

    relation: Relation
    edits: tuple[Edit, ...]
    certainty: Certainty
    why: str
    agreeing: int
    difference: float
    kept: tuple[float, float]
    zoom: float

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of copy; empty for what is no copy."""
        return tuple(edit.kind for edit in self.edits) if self.relation == "copy" else ()

    @property
    def sure(self) -> bool:
        """Whether one of the two may be removed for the other, without looking."""
        return self.relation == "copy" and self.certainty == "sure"

    def swapped(self) -> Evidence:
        """What the first is to the second."""
        sides = {0: 1, 1: 0, None: None}
        edits = tuple(replace(e, side=sides[e.side], degrees=_turned_back(e)) for e in self.edits)
        return replace(self, edits=edits, kept=self.kept[::-1], zoom=1 / self.zoom)

    def words(self) -> str:
        """The evidence in a line.

        Example:
            >>> edit = Edit("turned", None, 90.0)
            >>> Evidence("copy", (edit,), "sure", "", 40, 0.3, (1.0, 1.0), 1.0).words()
            'a copy (turned 90°), sure: 40 features agree, nothing differs'
        """
        name = {"copy": "a copy", "variant": "a variant", "same scene": "the same scene"}[self.relation]
        done = ", ".join(f"turned {e.degrees:.0f}°" if e.kind == "turned" else e.kind for e in self.edits)
        differs = "nothing differs" if self.difference <= 1 else f"differs by {self.difference:.1f}"
        return (
            f"{name}{f' ({done})' if done else ''}, {self.certainty}: {self.agreeing} features agree, {differs}"
            f"{f'; {self.why}' if self.why else ''}"
        )


def better_of(evidence: Evidence) -> tuple[int, str] | None:
    """Which of two copies was not edited, 0 or 1, and why it is worth more; None where only the files can tell."""
    for kind in EDITS:
        for edit in evidence.edits:
            if edit.kind == kind and edit.side is not None:
                return 1 - edit.side, _WORSE[kind]
    return None


def _turned_back(edit: Edit) -> float:
    if edit.kind != "turned":
        return edit.degrees
    return 180.0 if abs(edit.degrees) == 180 else -edit.degrees
