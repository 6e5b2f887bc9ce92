"""Groups of copies among files, with the evidence for each, and what is alike but no copy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from samekind.copies.candidates import alike_pairs, partners, voted_pairs
from samekind.copies.groups import AHEAD, CopyGroup, find_groups
from samekind.copies.keep import better, worth
from samekind.gallery.duplicates.duplicate_group import Duplicate, DuplicateGroup
from samekind.gallery.duplicates.pictures.more_than_a_picture import more_than_a_picture
from samekind.gallery.duplicates.pictures.picture_files import SAME_BYTES, Comparison, PictureFile
from samekind.gallery.duplicates.ray_workers import RayWorkers
from samekind.system.cores import available_cores
from samekind.system.one_thread import one_thread


def near_groups(
    files: Sequence[PictureFile],
    *,
    related: bool = False,
    workers: RayWorkers | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[DuplicateGroup]:
    """The groups of copies, the largest first.

    Args:
        files: Each file once.
        related: Give variants and other moments of one scene, too, last.
        workers: Those of a cluster; None is threads of this process. The groups do not depend on it.
        on_progress: Called with the number of pictures compared and the number to compare.
    """
    same = _by_content(files)
    pictures = [file for file in same if file.kept[0]]
    compare = Comparison()
    each = map if workers is None else workers.each
    with one_thread():
        candidates = list(
            partners(
                voted_pairs([file.picture.features for file in pictures], each=each),
                alike_pairs([file.picture.blurred for file in pictures], each),
            )
        )
        found = find_groups(
            [file.facts for file in pictures],
            candidates,
            lambda one, other: compare(pictures[one], pictures[other]),
            threads=available_cores(),
            workers=None if workers is None else workers.comparing(pictures),
            ahead=AHEAD if workers is None else workers.ahead,
            on_progress=None if on_progress is None else lambda done: on_progress(done, len(candidates)),
        )
    groups = [_described(group, pictures, same) for group in found.groups]
    grouped = {pictures[place].row.id for group in found.groups for place in _places(group)}
    groups += [_same_bytes(file, twins) for file, twins in same.items() if twins and file.row.id not in grouped]
    groups.sort(key=lambda group: (-len(group.rows), group.rows[0].name))
    if related:
        for first, second, evidence in found.related:
            keep, other = pictures[first], pictures[second]
            judged = Duplicate(other.row, False, "no copy", evidence, "both are worth keeping")
            groups.append(_group(keep, [judged], evidence.relation))
    return groups


def exact_group(files: Sequence[PictureFile]) -> DuplicateGroup:
    """A group of files with the same bytes or pixels."""
    keep, *others = sorted(files, key=lambda file: worth(file.facts))
    return _same_bytes(keep, others)


def _by_content(files: Sequence[PictureFile]) -> dict[PictureFile, list[PictureFile]]:
    """Of each content the file worth most, and the others with the same bytes; what is worth most comes first."""
    contents: dict[object, list[PictureFile]] = defaultdict(list)
    for file in sorted(files, key=lambda file: worth(file.facts)):
        contents[file.row.sha256 or file.row.id].append(file)
    return {first: twins for first, *twins in contents.values()}


def _places(group: CopyGroup) -> Iterator[int]:
    yield group.keep
    yield from (member.place for member in group.others)


def _described(
    group: CopyGroup, pictures: Sequence[PictureFile], same: dict[PictureFile, list[PictureFile]]
) -> DuplicateGroup:
    keep = pictures[group.keep]
    raw = more_than_a_picture(keep.row.path, raw_only=True)
    others = [_exact(keep, twin) for twin in same[keep]]
    for member in group.others:
        file, evidence = pictures[member.place], member.evidence
        doubt = ""
        if evidence is None:
            doubt = "a copy of another of the group, not of the kept one"
        elif not member.spare:
            doubt = evidence.why or "something may differ"
        for one in (file, *same[file]):
            why_not = doubt or _needed(one, keep) or more_than_a_picture(one.row.path)
            why_not = why_not or (raw and "the kept one is a camera's raw file")
            others.append(Duplicate(one.row, not why_not, why_not, evidence, member.why))
    return _group(keep, others)


def _same_bytes(keep: PictureFile, twins: Sequence[PictureFile]) -> DuplicateGroup:
    return _group(keep, [_exact(keep, twin) for twin in twins])


def _exact(keep: PictureFile, twin: PictureFile) -> Duplicate:
    needed = _needed(twin, keep)
    why = better(keep.facts, twin.facts)[1]
    return Duplicate(twin.row, not needed, needed, SAME_BYTES, why)


def _needed(file: PictureFile, keep: PictureFile) -> str:
    """Why a file stays, though it is a copy of the kept one."""
    for one, name in ((file, "it"), (keep, "the kept one")):
        if not one.row.is_file:
            return f"{name} is within a tar or Parquet file, or behind an address"
    if file.facts.link:
        return "a link; what it leads to is elsewhere"
    return f"a link leads to it: {file.link}" if file.link else ""


def _group(keep: PictureFile, others: Sequence[Duplicate], relation: str = "copy") -> DuplicateGroup:
    rows = sorted((keep.row, *(other.row for other in others)), key=lambda row: row.name)
    reasons = dict.fromkeys(other.worse for other in others if other.evidence is not None)
    listed = tuple(sorted(others, key=lambda other: other.row.name))
    similarity = 1.0 if all(other.evidence == SAME_BYTES for other in others) else None
    return DuplicateGroup(tuple(rows), keep.row, "; ".join(reasons), similarity, listed, relation)  # type: ignore[arg-type]
