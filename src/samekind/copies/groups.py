"""Groups of copies: each picture is laid on one or two of a group, never on all of it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

from samekind.copies.evidence import Evidence
from samekind.copies.keep import Facts, better, worth

Compare = Callable[[int, int], Evidence | None]

# Pictures by which the comparing is ahead of what is known; and fewer threads do nothing beside each other.
AHEAD, _LEAST_THREADS = 16, 2
# Pictures of a group that are compared with each other, each with each.
_MOST_KINGS = 6
# Pictures of a cluster of sure copies with which another is compared.
_MOST_OF_A_CLUSTER = 2
# Pictures of two clusters together of which the one to keep is sought among all; of more it is the better of two.
_MANY = 64
# The part of each of two clusters that must be like the picture kept of both for the two to be one group.
_ENOUGH_ALIKE = 2 / 3


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


class _Known:
    """Compares pictures by place, each two once; beforehand those that are expected, if there is a pool."""

    def __init__(self, compare: Compare, pool: Executor | None) -> None:
        self._compare = compare
        self._pool = pool
        self._found: dict[tuple[int, int], Evidence | None] = {}
        self._expected: dict[tuple[int, int], Future[Evidence | None]] = {}

    def expect(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Begin to compare what will be asked for, where that can be done beside the rest."""
        for one, other in pairs:
            pair = (one, other) if one < other else (other, one)
            if self._pool and pair not in self._found and pair not in self._expected:
                self._expected[pair] = self._pool.submit(self._compare, *pair)

    def __call__(self, one: int, other: int) -> Evidence | None:
        """What the second place is to the first."""
        first, second = sorted((one, other))
        if (first, second) not in self._found:
            expected = self._expected.pop((first, second), None)
            self._found[first, second] = expected.result() if expected else self._compare(first, second)
        found = self._found[first, second]
        return found if found is None or one == first else found.swapped()

    def __len__(self) -> int:
        return len(self._found)


class _Clusters:
    """Places that belong together; a cluster goes by the first of its places."""

    def __init__(self) -> None:
        self._members: dict[int, list[int]] = {}
        self._first: dict[int, int] = {}

    def first(self, place: int) -> int:
        return self._first.get(place, place)

    def members(self, place: int) -> list[int]:
        return self._members.get(self.first(place), [place])

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.first(one), self.first(other)))
        if first != second:
            self._members[first] = [*self.members(first), *self.members(second)]
            self._members.pop(second, None)
            for place in self._members[first]:
                self._first[place] = first

    def of_many(self) -> list[list[int]]:
        return list(self._members.values())


def find_groups(
    facts: Sequence[Facts],
    candidates: Iterable[tuple[int, list[int]]],
    compare: Compare,
    *,
    threads: int = 1,
    workers: Executor | None = None,
    ahead: int = AHEAD,
    on_progress: Callable[[int], None] | None = None,
) -> Found:
    """The groups of copies among pictures.

    A picture is compared with its candidates, and of those that are sure copies of each other with one or two; so a
    thousand copies take some thousand comparisons, not half a million. What must be looked at joins the group whose
    kept picture it is like, and never draws two groups together of which most members are not alike.

    Args:
        facts: Of each picture, the likeliest to be kept first (``keep.worth`` sorts them).
        candidates: Pictures, in rising order, each with earlier ones that it may be a copy of.
        compare: What the second of two places is to the first. Called from several threads, if there are.
        threads: In how many to compare. The groups do not depend on it.
        workers: What compares instead of threads; it is given ``compare`` and two places.
        ahead: Pictures by which the comparing is ahead of what is known.
        on_progress: Called with the number of pictures done.
    """
    if workers is None and threads < _LEAST_THREADS:
        return _groups(facts, candidates, _Known(compare, None), ahead, on_progress)
    with workers or ThreadPoolExecutor(threads, thread_name_prefix="samekind-copies") as pool:
        try:
            return _groups(facts, candidates, _Known(compare, pool), ahead, on_progress)
        finally:  # whoever presses Ctrl-C does not wait for what was only expected
            pool.shutdown(wait=False, cancel_futures=True)


def _groups(
    facts: Sequence[Facts],
    candidates: Iterable[tuple[int, list[int]]],
    known: _Known,
    ahead: int,
    on_progress: Callable[[int], None] | None,
) -> Found:
    clusters = _Clusters()
    looks: list[tuple[int, int, Evidence]] = []
    related: list[tuple[int, int, Evidence]] = []
    for done, (place, partners) in enumerate(_ahead(candidates, clusters, known, ahead)):
        for other, evidence in _met(place, partners, clusters, known):
            if evidence.sure:
                clusters.join(other, place)
            else:
                (looks if evidence.relation == "copy" else related).append((other, place, evidence))
        if on_progress:
            on_progress(done + 1)
    keeps = _join_what_is_to_be_looked_at(clusters, looks, facts, known)
    groups = [_described(members, keeps.get(members[0]), facts, known) for members in clusters.of_many()]
    apart = [pair for pair in related if clusters.first(pair[0]) != clusters.first(pair[1])]
    return Found(tuple(sorted(groups, key=lambda g: (-len(g.others), g.keep))), tuple(apart), len(known))


def _ahead(
    candidates: Iterable[tuple[int, list[int]]], clusters: _Clusters, known: _Known, ahead: int
) -> Iterator[tuple[int, list[int]]]:
    """The candidates, while those of some pictures further on are compared: of each cluster one, which will be asked.

    A thousand copies have each other for candidates, and of those that still wait nobody knows which are one cluster.
    """
    waiting: deque[tuple[int, list[int]]] = deque()
    for place, partners in candidates:
        settled = waiting[0][0] if waiting else place
        known.expect((clusters.first(other), place) for other in partners if other < settled or other == partners[0])
        waiting.append((place, partners))
        if len(waiting) > ahead:
            yield waiting.popleft()
    yield from waiting


def _met(place: int, partners: Sequence[int], clusters: _Clusters, known: _Known) -> Iterator[tuple[int, Evidence]]:
    """Earlier pictures with which one has to do; of each cluster two at most, for it is all one picture.

    What the caller joins meanwhile is one cluster for the rest.
    """
    tried = Counter[int]()
    for partner in partners:
        for other in dict.fromkeys((clusters.first(partner), partner)):
            cluster = clusters.first(other)
            if cluster == clusters.first(place) or tried[cluster] >= _MOST_OF_A_CLUSTER:
                continue
            tried[cluster] += 1
            evidence = known(other, place)
            if evidence is not None:
                yield other, evidence


def _join_what_is_to_be_looked_at(
    clusters: _Clusters, looks: list[tuple[int, int, Evidence]], facts: Sequence[Facts], known: _Known
) -> dict[int, int]:
    """Join clusters if the picture that would be kept of both is alike with most of each.

    Not with one of them alone: of coins of one value, one that is hardly worn would be kept in place of the very coin
    whose copies make the group, and none of those could be removed.

    Returns:
        The picture kept of each cluster that was looked at, by the cluster's first place.
    """
    best: dict[int, int] = {}
    joined: set[tuple[int, int]] = set()  # clusters, by the first place, most of which are known to be like one picture

    def kept(place: int) -> int:
        first = clusters.first(place)
        if first not in best:
            best[first] = _kept(clusters.members(first), facts, known)
        return best[first]

    for one, other, _ in sorted(looks, key=lambda look: (look[2].difference, -look[2].agreeing)):
        first, second = sorted((clusters.first(one), clusters.first(other)))
        if first == second or not _is_copy(known(kept(first), kept(second))):
            continue
        both = [clusters.members(first), clusters.members(second)]
        if len(both[0]) + len(both[1]) <= _MANY:
            keep = _kept([*both[0], *both[1]], facts, known)
        else:
            keep = kept(second) if _loses(kept(first), kept(second), facts, known) else kept(first)
        unknown = [members for members in both if (members[0], keep) not in joined]
        if all(_most_are_like(keep, members, known) for members in sorted(unknown, key=len)):
            clusters.join(first, second)
            best[first] = keep
            joined.add((first, keep))
    return best


def _most_are_like(keep: int, members: Sequence[int], known: _Known) -> bool:
    known.expect((keep, member) for member in members if member != keep)
    alike = sum(member == keep or _is_copy(known(keep, member)) for member in members)
    return alike >= _ENOUGH_ALIKE * len(members)


def _is_copy(evidence: Evidence | None) -> bool:
    return evidence is not None and evidence.relation == "copy"


def _kept(members: Sequence[int], facts: Sequence[Facts], known: _Known) -> int:
    """The member worth keeping."""
    # Who beats the best so far is the best so far; of all that were, the one that loses to the fewest others of them.
    kings = [min(members, key=lambda place: worth(facts[place]))]
    for place in [*sorted(members), *sorted(members)]:  # twice: whom the first of them beat may beat the last
        if place not in kings and _loses(kings[-1], place, facts, known):
            kings.append(place)
    kings = kings[-_MOST_KINGS:]
    return min(kings, key=lambda king: sum(_loses(king, other, facts, known) for other in kings if other != king))


def _loses(one: int, other: int, facts: Sequence[Facts], known: _Known) -> bool:
    """Whether a picture is a copy of another that is worth more."""
    met = known(one, other)
    return met is not None and met.relation == "copy" and better(facts[one], facts[other], met)[0] == 1


def _described(members: Sequence[int], known_keep: int | None, facts: Sequence[Facts], known: _Known) -> CopyGroup:
    """The group with its kept picture, and each other's evidence against that one, directly.

    Args:
        members: The places.
        known_keep: The picture for which the group was put together, which most are like; None if nothing was.
        facts: Of all pictures.
        known: Compares two places.
    """
    keep = _kept(members, facts, known)
    if known_keep is not None and not _most_are_like(keep, members, known):
        keep = known_keep
    known.expect((keep, place) for place in members if place != keep)
    others = []
    for place in sorted(members):
        if place == keep:
            continue
        met = known(keep, place)
        direct = met if _is_copy(met) else None
        why = better(facts[keep], facts[place], direct)[1] if direct else "a copy of another of the group"
        others.append(Member(place, direct, why))
    return CopyGroup(keep, tuple(others))
