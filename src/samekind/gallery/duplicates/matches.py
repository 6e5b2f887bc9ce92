"""Which pictures of one place are in another: of two galleries, two folders, or a folder and a gallery."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from samekind.copies.candidates import alike_pairs, partners, partners_of, voted_pairs
from samekind.copies.evidence import Certainty, Evidence, Kind, Relation
from samekind.copies.keep import worth
from samekind.errors import GalleryError
from samekind.gallery.duplicates.duplicate_group import describe
from samekind.gallery.duplicates.duplicate_groups import SAME_CLASS_POINT, DuplicateKind, warn_of_threshold
from samekind.gallery.duplicates.pairs import similar_pairs
from samekind.gallery.duplicates.pictures.picture_files import (
    SAME_BYTES,
    Comparison,
    PictureFile,
    read_picture_files,
)
from samekind.gallery.embeddings.embedding_space import read_collection, refuse_no_similarity
from samekind.gallery.store.rows import Row, read_rows
from samekind.gallery.store.store import Store


@dataclass(frozen=True)
class Match:
    """An image of one place and its best counterpart in the other.

    Attributes:
        row: The image.
        other: Its counterpart.
        similarity: The cosine of two images of one class, 1 for the same bytes; None for copies.
        evidence: What the image is to its counterpart, for copies.
    """

    row: Row
    other: Row
    similarity: float | None
    evidence: Evidence | None = None

    @property
    def sure(self) -> bool:
        """Whether the two are copies without a doubt."""
        return self.evidence is not None and self.evidence.sure

    @property
    def relation(self) -> Relation | None:
        """``copy``; ``variant`` or ``same scene`` for what is none; None where nobody looked."""
        return None if self.evidence is None else self.evidence.relation

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of copy; empty for what is none."""
        return () if self.evidence is None else self.evidence.kinds

    @property
    def certainty(self) -> Certainty:
        """``sure``, or ``look`` at it first."""
        return "sure" if self.sure else "look"

    def words(self) -> str:
        """The evidence in a line; the similarity where there is no other."""
        if self.evidence is not None and self.evidence != SAME_BYTES:
            return describe(self.evidence, self.evidence.sure, self.evidence.why)
        if self.evidence == SAME_BYTES:
            return "exact, sure: the same bytes"
        return f"{self.similarity or 0:.2f}"


def find_matches(store: Store, other: Store, kind: DuplicateKind, threshold: float | None) -> list[Match]:
    """The matches, by name; ``Gallery.matches`` says the rest.

    Raises:
        GalleryError: No such kind, or a threshold for exact matches.
    """
    if kind == "exact":
        if threshold is not None:
            raise GalleryError("exact matches have no threshold: their bytes are the same")
        return _named(store, other, _same_bytes(store, other))
    if kind == "near":
        warn_of_threshold(threshold)
        return match_pictures(read_picture_files(store), read_picture_files(other))
    if kind == "same-class":
        return _named(store, other, _same_class(store, other, threshold))
    raise GalleryError(f"no kind {kind!r}; there are exact, near and same-class")


def match_pictures(
    mine: Sequence[PictureFile],
    theirs: Sequence[PictureFile],
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Match]:
    """The copies that files have among others, the best one of each: a sure one before one to look at.

    Args:
        mine: The files.
        theirs: The files to look in.
        on_progress: Called with the number of pictures compared and the number to compare.
    """
    contents = {file.row.sha256: file for file in sorted(theirs, key=lambda file: worth(file.facts), reverse=True)}
    matches = [
        Match(file.row, contents[file.row.sha256].row, 1.0, SAME_BYTES) for file in mine if file.row.sha256 in contents
    ]
    rest = [file for file in mine if file.row.sha256 not in contents and file.kept[0]]
    others = sorted((file for file in contents.values() if file.kept[0]), key=lambda file: worth(file.facts))
    compare = Comparison()
    for number, (place, candidates) in enumerate(listed := _between(others, rest), 1):
        best: Match | None = None
        for candidate in candidates:
            evidence = compare(others[candidate], rest[place])
            if evidence is not None and evidence.relation == "copy" and (best is None or evidence.sure):
                best = Match(rest[place].row, others[candidate].row, None, evidence)
            if best is not None and best.sure:
                break
        if best is not None:
            matches.append(best)
        if on_progress:
            on_progress(number, len(listed))
    return sorted(matches, key=lambda match: match.row.name)


def find_copies(query: PictureFile, files: Sequence[PictureFile]) -> list[Match]:
    """The files that one picture is a copy of: sure ones first, then those to look at, then what is no copy.

    Args:
        query: The picture. ``Match.row`` is the file that was found, ``Match.other`` the query.
        files: Where to look. Of the same bytes all are given, of others at most about twenty.
    """
    same = [file for file in files if file.row.sha256 is not None and file.row.sha256 == query.row.sha256]
    pictures = [file for file in files if file.kept[0] and file not in same]
    places = (
        partners_of(
            query.picture, [file.picture.features for file in pictures], [file.picture.blurred for file in pictures]
        )
        if pictures
        else ()
    )
    return judged_copies(query, [*same, *(pictures[place] for place in places)])


def judged_copies(query: PictureFile, candidates: Sequence[PictureFile]) -> list[Match]:
    """What some files are to one picture, as ``find_copies`` gives them; those that have nothing to do with it not."""
    compare = Comparison()
    judged = ((file, compare(query, file)) for file in candidates)
    found = [
        Match(file.row, query.row, 1.0 if evidence == SAME_BYTES else None, evidence)
        for file, evidence in judged
        if evidence is not None
    ]
    return sorted(found, key=lambda match: (not match.sure, match.relation != "copy", match.row.name))


def _between(others: Sequence[PictureFile], rest: Sequence[PictureFile]) -> list[tuple[int, list[int]]]:
    """Places in ``rest``, each with those in ``others`` that it may be a copy of, the likeliest first."""
    both = [*others, *rest]
    if not others or not rest:
        return []
    found: dict[int, list[int]] = defaultdict(list)
    for later, earlier in partners(
        voted_pairs([file.picture.features for file in both]), alike_pairs([file.picture.blurred for file in both])
    ):
        if later < len(others):
            continue
        direct = [place for place in earlier if place < len(others)]
        # Where its partners are other copies of the same picture, theirs are its own.
        beyond = [place for own in earlier if own >= len(others) for place in found.get(own, ())]
        found[later] = list(dict.fromkeys([*direct, *beyond]))
    return [(later - len(others), places) for later, places in found.items() if places]


# The id of an image, that of one in the other gallery, and how alike they are.
_Found = Iterable[tuple[int, int, float]]


def _same_bytes(store: Store, other: Store) -> _Found:
    contents = []
    for one in (store, other):
        with one.reading() as db:
            contents.append(db.execute("SELECT sha256, id FROM images WHERE embedding IS NOT NULL").fetchall())
    theirs = dict(contents[1])
    return [(image, theirs[sha256], 1.0) for sha256, image in contents[0] if sha256 in theirs]


def _same_class(store: Store, other: Store, threshold: float | None) -> _Found:
    mine = read_collection(store)
    theirs = read_collection(other, mine.space)
    refuse_no_similarity(threshold)
    limit = mine.space.threshold(SAME_CLASS_POINT) if threshold is None else threshold
    for pairs in similar_pairs(mine.embeddings, limit, theirs.embeddings):
        for first, second, similarity in zip(*(column.tolist() for column in pairs), strict=True):
            yield mine.ids[first], theirs.ids[second], similarity


def _named(store: Store, other: Store, found: _Found) -> list[Match]:
    best: dict[int, tuple[float, int]] = {}
    for image, counterpart, similarity in found:
        best[image] = max(best.get(image, (-2.0, 0)), (similarity, counterpart))
    rows = {row.id: row for row in read_rows(store, list(best))}
    others = {row.id: row for row in read_rows(other, [counterpart for _, counterpart in best.values()])}
    matches = [
        Match(rows[image], others[counterpart], similarity)
        for image, (similarity, counterpart) in best.items()
        if image in rows and counterpart in others  # one may have been removed just now
    ]
    return sorted(matches, key=lambda match: match.row.name)
