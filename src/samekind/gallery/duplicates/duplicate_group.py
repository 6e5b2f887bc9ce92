"""A group of duplicates: what is kept of it, and what each other image is to that one."""

from __future__ import annotations

from dataclasses import dataclass

from samekind.copies.evidence import Evidence, Relation
from samekind.gallery.store.rows import Row


@dataclass(frozen=True)
class Duplicate:
    """An image of a group that is not the kept one.

    Attributes:
        row: The image.
        sure: Whether it may be removed for the kept one. Nothing else is ever proposed for removal.
        doubt: The reason to look at it first; empty if it is sure.
        evidence: What it is to the kept one; None where nothing is known of the two together.
        worse: The reason why the other is kept, in words.
    """

    row: Row
    sure: bool
    doubt: str
    evidence: Evidence | None
    worse: str

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of copy: ``resized``, ``turned`` and so on; ``variant`` or ``same scene`` for what is none."""
        if self.evidence is None:
            return ()
        return self.evidence.kinds if self.evidence.relation == "copy" else (self.evidence.relation,)

    def words(self) -> str:
        """What it is, how sure that is, and the evidence, in a line."""
        if self.evidence is None:
            return f"look: {self.doubt}"
        if self.kinds == ("exact",):
            return f"exact, {'sure' if self.sure else 'look'}: the same bytes or pixels" + (
                f"; {self.doubt}" if self.doubt else ""
            )
        return describe(self.evidence, self.sure, self.doubt)


@dataclass(frozen=True)
class DuplicateGroup:
    """Images that are duplicates of the one that is kept.

    Attributes:
        rows: The images, at least two, by name.
        keep: The one worth keeping.
        why: The reason to keep it, in words: what it has over the others.
        similarity: The similarity of the two that are least alike, in [-1, 1]: 1 for exact duplicates, the cosine for
            images of one class; None for copies, of which ``others`` has the evidence.
        others: The images that are not kept, by name, each with its evidence.
        relation: ``copy``; or ``variant`` or ``same scene``, which are shown and never removed.
    """

    rows: tuple[Row, ...]
    keep: Row
    why: str
    similarity: float | None
    others: tuple[Duplicate, ...] = ()
    relation: Relation = "copy"

    @property
    def spare(self) -> tuple[Row, ...]:
        """The images that may be removed: sure copies of the kept one itself."""
        return tuple(other.row for other in self.others if other.sure)

    @property
    def to_look_at(self) -> tuple[Row, ...]:
        """The images that a person must look at first."""
        return tuple(other.row for other in self.others if not other.sure)


def describe(evidence: Evidence, sure: bool, doubt: str) -> str:
    """Evidence in a line: ``resized, mirrored, sure: 57 features agree, nothing differs``."""
    done = [f"turned {edit.degrees:g}°" if edit.kind == "turned" else edit.kind for edit in evidence.edits]
    name = ", ".join(done) if evidence.relation == "copy" else evidence.relation
    differs = "nothing differs" if evidence.difference <= 1 else f"differs by {evidence.difference:.1f}"
    return (
        f"{name or 'copy'}, {'sure' if sure else 'look'}: {evidence.agreeing} features agree, {differs}"
        f"{f'; {doubt}' if doubt else ''}"
    )


def without_certainty(words: str) -> str:
    """Evidence in a line, for where how sure it is stands beside it.

    Example:
        >>> without_certainty("resized, sure: 57 features agree, nothing differs")
        'resized: 57 features agree, nothing differs'
    """
    for word in ("sure", "look"):
        words = words.removeprefix(f"{word}: ").replace(f", {word}: ", ": ", 1)
    return words
