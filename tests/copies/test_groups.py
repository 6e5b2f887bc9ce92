from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from copies.conftest import photo, side
from PIL import Image, ImageOps

from samekind.copies.candidates import alike_pairs, partners, partners_of, voted_pairs
from samekind.copies.compare import compare
from samekind.copies.evidence import Edit, Evidence
from samekind.copies.groups import find_groups
from samekind.copies.keep import Facts, better, worth

CUT = {"half": (0, 0, 160, 240), "cut": (40, 20, 300, 200)}


def test_copies_are_candidates_however_they_were_turned_or_cut() -> None:
    originals = [photo(seed) for seed in range(12)]
    copies = [
        originals[0].rotate(90, expand=True),
        ImageOps.mirror(originals[1]),
        originals[2].crop(CUT["half"]),
        originals[3].resize((160, 120)),
        originals[4].rotate(180),
    ]
    pictures = [side(image).picture for image in (*originals, *copies)]
    greys = [picture.grey for picture in pictures]
    found = dict(partners(voted_pairs([p.features for p in pictures]), alike_pairs(greys)))
    for number in range(5):
        assert number in found[12 + number]
        assert number in partners_of(pictures[12 + number], [p.features for p in pictures[:12]], greys[:12])[:2]


@pytest.mark.parametrize("count", [0, 1])
def test_one_picture_and_none_have_no_candidates(count: int) -> None:
    pictures = [side(photo(seed)).picture for seed in range(count)]
    assert not list(partners(voted_pairs([p.features for p in pictures]), alike_pairs([p.grey for p in pictures])))


def test_pictures_without_features_do_not_hide_the_votes_of_others() -> None:
    with_some, without = side(photo(0)).picture.features, side(Image.new("RGB", (99, 99))).picture.features
    assert not len(without)
    later, earlier, _ = voted_pairs([with_some, *[without] * 200, with_some])
    assert (later.tolist(), earlier.tolist()) == ([201], [0])


def sure(*edits: Edit) -> Evidence:
    return Evidence("copy", edits, "sure", "", 50, 0.2, (1.0, 1.0), 1.0)


LOOK = Evidence("copy", (), "look", "it is a test", 50, 0.2, (1.0, 1.0), 1.0)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("evidence", [sure(), LOOK])
def test_a_thousand_copies_take_some_thousand_comparisons(evidence: Evidence, threads: int) -> None:
    count, made = 1000, itertools.count()

    def compared(*_: int) -> Evidence:
        next(made)
        return sure() if evidence.sure else LOOK

    every = ((place, list(range(max(0, place - 10), place))) for place in range(1, count))
    facts = [Facts(f"{i:04}", 9, 9, 9) for i in range(count)]
    found = find_groups(facts, every, compared, threads=threads)
    # What is sure joins at once; what must be looked at is compared with all its candidates.
    assert next(made) <= (4 if evidence.sure else 13) * count
    assert len(found.groups) == 1
    assert all(member.spare == evidence.sure for member in found.groups[0].others)


def test_what_is_a_sure_copy_of_another_member_only_is_not_spare() -> None:
    """A chain: 1 is a copy of 0 and 2 of 1, but 2 is none of 0."""
    evidence = {(0, 1): sure(), (1, 2): sure(), (0, 2): None}

    def look(one: int, other: int) -> Evidence | None:
        return evidence[min(one, other), max(one, other)]

    found = find_groups([Facts(name, 9, 9, 9) for name in "abc"], [(1, [0]), (2, [1])], look)
    (group,) = found.groups
    assert group.keep == 0
    assert [(member.place, member.spare) for member in group.others] == [(1, True), (2, False)]


def test_what_must_be_looked_at_is_not_spare_and_variants_are_no_group() -> None:
    variant = Evidence("variant", (), "look", "they differ in part", 50, 3.0, (1.0, 1.0), 1.0)
    facts = [Facts(name, 9, 9, 9) for name in "abcd"]
    answers = {(0, 1): LOOK, (2, 3): variant}
    found = find_groups(facts, [(1, [0]), (3, [2])], lambda one, other: answers.get((one, other)))
    assert [(group.keep, [m.spare for m in group.others]) for group in found.groups] == [(0, [False])]
    assert [(one, other) for one, other, _ in found.related] == [(2, 3)]


def among(*pairs: tuple[int, int, Evidence]) -> Callable[[int, int], Evidence | None]:
    known = {(one, other): evidence for one, other, evidence in pairs}
    return lambda one, other: known.get((one, other))


def test_what_is_like_one_of_a_group_only_does_not_take_its_place() -> None:
    """Four sure copies of each other, and a stranger that would be kept before them all."""
    family = [(one, other, sure()) for other in range(2, 5) for one in range(1, other)]
    candidates = [(1, [0]), *((place, [*range(1, place)]) for place in range(2, 5))]
    found = find_groups([Facts(name, 9, 9, 9) for name in "abcde"], candidates, among((0, 1, LOOK), *family))
    assert [(group.keep, [m.place for m in group.others if m.spare]) for group in found.groups] == [(1, [2, 3, 4])]


def test_clusters_are_not_joined_for_a_picture_that_then_is_not_kept() -> None:
    """Four cuts of 0, a cut of one of them, and 6, which is like them all and has a frame around the last."""
    look = replace(LOOK, edits=(Edit("cropped", 0),))
    pairs = among(
        *((0, place, sure(Edit("cropped", 1))) for place in (1, 2, 3, 4)),
        (4, 5, sure(Edit("cropped", 1))),
        *((place, 6, look) for place in range(5)),
        (5, 6, replace(LOOK, edits=(Edit("bordered", 1),))),
    )
    candidates = [*((place, [0]) for place in range(1, 5)), (5, [4]), (6, [*range(6)])]
    [group] = find_groups([Facts(str(place), 9, 9, 9) for place in range(7)], candidates, pairs).groups
    assert (group.keep, [member.place for member in group.others if member.spare]) == (0, [1, 2, 3, 4])


def test_the_one_that_beats_the_best_is_kept_wherever_it_stands() -> None:
    """The third is better than the first, and the second, which does not look like the first, is better than it."""
    pairs = among((0, 2, sure(Edit("overlaid", 0))), (1, 2, sure(Edit("grey", 1))))
    found = find_groups([Facts(name, 9, 9, 9) for name in "abc"], [(2, [0, 1])], pairs)
    assert [group.keep for group in found.groups] == [1]


def test_the_groups_do_not_depend_on_the_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    facts = [Facts(f"{i:03}", 9, 9, int(rng.integers(1, 99))) for i in range(90)]
    candidates = [(i, rng.choice(i, min(i, 6), replace=False).tolist()) for i in range(1, 90)]

    def compared(one: int, other: int) -> Evidence | None:
        time.sleep((one * other) % 3 / 2000)  # they do not end in the order in which they began
        if one % 9 != other % 9:
            return None
        return sure() if (one + other) % 4 else LOOK

    alone, *together = (find_groups(facts, candidates, compared, threads=threads) for threads in (1, 2, 5))
    assert len(alone.groups) > 3
    assert together == [alone, alone]


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_or_ctrl_c_in_a_comparison_ends_the_others(threads: int) -> None:
    begun = []

    def compared(one: int, other: int) -> None:
        begun.append((one, other))
        if other == 5:
            raise KeyboardInterrupt
        time.sleep(0.001)

    pairs = [(place, [place - 1]) for place in range(1, 500)]
    with pytest.raises(KeyboardInterrupt):
        find_groups([Facts(f"{i}", 9, 9, 9) for i in range(500)], pairs, compared, threads=threads)
    assert len(begun) < 100


def test_the_colour_picture_is_kept_though_the_grey_one_is_larger() -> None:
    facts = [Facts("grey.png", 900, 900, 9_000_000), Facts("colour.jpg", 300, 300, 9_000)]
    found = find_groups(facts, [(1, [0])], lambda one, _: sure(Edit("grey", int(one == 1))))
    assert found.groups[0].keep == 1
    assert "colour" in found.groups[0].others[0].why


def test_real_pictures_are_grouped_and_the_originals_kept() -> None:
    images, names = [], []
    for seed in range(2):
        original = photo(seed)
        images += [
            original,
            original.crop(CUT["cut"]),
            ImageOps.expand(original, 12, "black"),
            ImageOps.grayscale(original),
        ]
        names += [f"{seed}-original.png", f"{seed}-cut.png", f"{seed}-framed.png", f"{seed}-grey.png"]
    listed = sorted(zip(names, images, strict=True), key=lambda item: worth(facts_of(*item)))
    facts = [facts_of(name, image) for name, image in listed]
    sides = [side(image) for _, image in listed]
    candidates: Iterator[tuple[int, list[int]]] = partners(
        voted_pairs([s.picture.features for s in sides]), alike_pairs([s.picture.grey for s in sides])
    )
    found = find_groups(facts, candidates, lambda one, other: compare(sides[one], sides[other]))
    assert sorted(facts[group.keep].name for group in found.groups) == [f"{seed}-original.png" for seed in range(2)]
    assert all(member.spare for group in found.groups for member in group.others)


def facts_of(name: str, image: object) -> Facts:
    width, height = image.size  # type: ignore[attr-defined]
    return Facts(name, width, height, width * height)


@pytest.mark.parametrize(
    "worse",
    [
        Facts("#recycle/a.jpg", 80, 60, 900), Facts("x/@eaDir/a.jpg", 80, 60, 900), Facts(".hidden/a.jpg", 80, 60, 900),
        Facts("$RECYCLE.BIN/S-1/a.jpg", 80, 60, 900), Facts("lost+found/a", 80, 60, 900),
        Facts("a.jpg", 80, 60, 900, link=True),
    ],
)  # fmt: skip
def test_links_bins_and_thumbnails_never_win(worse: Facts) -> None:
    kept = Facts("z/a.jpg", 40, 30, 100)
    assert better(kept, worse)[0] == 0
    assert better(worse, kept, sure(Edit("grey", 1)))[0] == 1
    assert sorted([worse, kept], key=worth)[0] == kept


def test_a_png_that_was_made_of_a_jpeg_is_not_better_than_it() -> None:
    jpeg, png = Facts("a.jpg", 40, 30, 100), Facts("a.png", 40, 30, 900, lossless=True)
    assert better(jpeg, png, sure(Edit("exact")))[0] == 0
    assert better(jpeg, png, sure(Edit("recompressed")))[0] == 1


def test_the_rules_come_in_their_order() -> None:
    base = {"width": 40, "height": 30, "size": 1000, "mtime_ns": 5}
    plain = Facts("b.jpg", **base)
    for change in (
        {"camera": True},
        {"width": 41},
        {"lossless": True},
        {"size": 2000},
        {"mtime_ns": 4},
        {"name": "a.jpg"},
    ):
        assert better(plain, Facts(**{"name": "b.jpg", **base, **change}))[0] == 1  # type: ignore[arg-type]
