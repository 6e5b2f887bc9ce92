"""Groups of copies: each picture is laid on the best of a group, never on all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from samekind.copies.evidence import Evidence
from samekind.copies.keep import Facts, better, worth

Compare = Callable[[int, int], Evidence | None]

@dataclass(frozen=True)
class Member:
    """A picture of a group that is not the kept one.

    Attributes:
        place: Which.
        evidence: What it is to the kept one; None if it is a copy of another member only.
        why: Why the other is kept rather than it.
    """

    place: int
    evidence: Evidence | None
    why: str

    @property
    def spare(self) -> bool:
        """Whether it may be removed: it is a sure copy of the kept one itself."""
        return self.evidence is not None and self.evidence.sure


@dataclass(frozen=True)
class CopyGroup:
    """Pictures that are copies of one.

    Attributes:
        keep: The one worth keeping.
        others: The others, by place.
    """

    keep: int
    others: tuple[Member, ...]


@dataclass(frozen=True)
class Found:
    """What was found among pictures.

    Attributes:
        groups: The groups of copies, the largest first.
        related: Pairs that are no copies: variants, and the same scene.
        compared: The number of pairs that were laid on each other.
    """

    groups: tuple[CopyGroup, ...]
    related: tuple[tuple[int, int, Evidence], ...]
    compared: int


@dataclass
class _Group:
    members: list[int]
    evidence: dict[int, tuple[int, Evidence]] = field(default_factory=dict)


def find_groups(
    facts: Sequence[Facts],
    candidates: Iterable[tuple[int, list[int]]],
    compare: Compare,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> Found:
    """The groups of copies among pictures.

    A picture is compared with the first of each group that one of its candidates is in, and with the candidate
    itself; so a thousand copies take about two thousand comparisons, not half a million.

    Args:
        facts: Of each picture, the likeliest to be kept first (``keep.worth`` sorts them).
        candidates: Pictures, in rising order, each with earlier ones that it may be a copy of.
        compare: What the second of two places is to the first.
        on_progress: Called with the number of pictures done.
    """
    group_of: dict[int, _Group] = {}
    related: list[tuple[int, int, Evidence]] = []
    compared = 0
    for done, (place, partners) in enumerate(candidates):
        tried: set[int] = set()
        for partner in partners:
            group = group_of.get(partner) or _Group([partner])
            if group is group_of.get(place):
                continue
            for other in dict.fromkeys((group.members[0], partner)):
                if other in tried:
                    continue
                tried.add(other)
                compared += 1
                evidence = compare(other, place)
                if evidence is None:
                    continue
                if evidence.relation == "copy":
                    _join(group_of, group, place, other, evidence)
                    break
                related.append((other, place, evidence))
        if on_progress:
            on_progress(done + 1)
    distinct = {id(group): group for group in group_of.values()}
    groups = []
    for group in distinct.values():
        found, more = _described(group, facts, compare)
        compared += more
        groups.append(found)
    together = {place: id(group) for place, group in group_of.items()}
    apart = [pair for pair in related if together.get(pair[0], -1) != together.get(pair[1], -2)]
    return Found(tuple(sorted(groups, key=lambda g: (-len(g.others), g.keep))), tuple(apart), compared)


def _join(group_of: dict[int, _Group], group: _Group, place: int, other: int, evidence: Evidence) -> None:
    mine = group_of.get(place)
    if mine is group:
        return
    if mine is None:
        group.members.append(place)
        group.evidence[place] = (other, evidence)
    else:  # it joins two groups
        group.members += mine.members
        group.evidence |= mine.evidence
    for member in group.members:
        group_of[member] = group


def _described(group: _Group, facts: Sequence[Facts], compare: Compare) -> tuple[CopyGroup, int]:
    """The group with its kept picture, and each other's evidence against that one, directly."""
    compared = 0
    known: dict[tuple[int, int], Evidence | None] = {}
    for place, (other, evidence) in group.evidence.items():
        known[other, place] = evidence
        known[place, other] = evidence.swapped()

    def against(one: int, other: int) -> Evidence | None:
        nonlocal compared
        if (one, other) not in known:
            compared += 1
            found = compare(one, other)
            known[one, other], known[other, one] = found, found.swapped() if found else None
        return known[one, other]

    keep = min(group.members, key=lambda place: worth(facts[place]))
    # The winner meets each other once; who beats it is met by all that follow, and by those before in the second round.
    for _ in range(2):
        for place in sorted(group.members):
            evidence = against(keep, place) if place != keep else None
            if evidence and evidence.relation == "copy" and better(facts[keep], facts[place], evidence)[0] == 1:
                keep = place
    others = []
    for place in sorted(group.members):
        if place == keep:
            continue
        evidence = against(keep, place)
        if evidence is not None and evidence.relation != "copy":
            evidence = None
        why = better(facts[keep], facts[place], evidence)[1] if evidence else "a copy of another of the group"
        others.append(Member(place, evidence, why))
    return CopyGroup(keep, tuple(others)), compared
