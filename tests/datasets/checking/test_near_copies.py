from pathlib import Path

import pytest
from copies.conftest import photo
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from threadpoolctl import threadpool_info, threadpool_limits

from samekind.datasets.checking.near_copies import (
    copied_among,
    grouped,
    identities_of,
    near_copies,
    read_small_pictures,
)
from samekind.system.hashing import content_hash


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twelve pictures; a smaller, a cut and a mirrored copy of the first three; and what is no image."""
    folder = tmp_path_factory.mktemp("pictures")
    made = [photo(seed) for seed in range(12)]
    images = [
        *made,
        made[0].resize((200, 150)),
        made[1].crop((30, 20, 290, 220)),
        made[2].transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    ]
    paths = [folder / f"{number:02}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        image.save(path)
    bad = folder / "bad.png"
    bad.write_bytes(b"no image")
    return [*paths, bad]


def test_resized_cut_and_mirrored_copies_are_found_and_nothing_else(pictures: list[Path]) -> None:
    small = [one for one in read_small_pictures(pictures) if one is not None]
    assert len(small) == 15
    assert {(copy.first, copy.second) for copy in near_copies(small)} == {(0, 12), (1, 13), (2, 14)}


def test_libraries_keep_to_one_thread_meanwhile(pictures: list[Path]) -> None:
    small = [one for one in read_small_pictures(pictures) if one is not None]
    meanwhile: set[int] = set()

    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info()}

    with threadpool_limits(2):
        before = threads()
        near_copies(small, lambda *_: meanwhile.update(threads()))
        assert (max(before), meanwhile, threads()) == (2, {1}, before)


def test_progress_counts_the_pairs(pictures: list[Path]) -> None:
    small = [one for one in read_small_pictures(pictures) if one is not None]
    done: list[tuple[int, int]] = []
    near_copies(small, lambda *how_far: done.append(how_far))
    assert [count for count, _ in done] == list(range(1, done[-1][1] + 1))


def test_copies_have_one_name_and_others_their_own(pictures: list[Path]) -> None:
    hashes = {path: content_hash(path) for path in pictures}
    names = identities_of(hashes)
    assert names.keys() == hashes.keys()
    for one, other in ((0, 12), (1, 13), (2, 14)):
        assert names[pictures[one]] == names[pictures[other]] in {hashes[pictures[one]], hashes[pictures[other]]}
    assert all(names[path] == hashes[path] for path in [*pictures[3:12], pictures[-1]])


def test_the_same_images_are_looked_at_once_and_others_anew(pictures: list[Path]) -> None:
    looked: list[int] = []
    hashes = {path: content_hash(path) for path in pictures}
    names = identities_of(hashes)
    assert identities_of(hashes, lambda done, _: looked.append(done)) == names
    assert looked == [len(pictures)]
    fewer = identities_of({path: hashes[path] for path in pictures[1:]}, lambda done, _: looked.append(done))
    assert looked[-1] == len(pictures) - 1
    assert fewer[pictures[12]] == hashes[pictures[12]]
    assert fewer[pictures[13]] == fewer[pictures[1]]


def test_which_images_have_copies_among_others(pictures: list[Path]) -> None:
    assert copied_among(pictures[10:], pictures[:10]) == pictures[12:15]
    assert copied_among(pictures[10:12], pictures[:10]) == []


def test_no_pictures_and_one_have_no_copies(pictures: list[Path]) -> None:
    assert near_copies([]) == []
    [small] = read_small_pictures(pictures[:1])
    assert small is not None
    assert near_copies([small]) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15))
def test_groups_are_the_connected_components(pairs: list[tuple[int, int]]) -> None:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    expected = connected_components(coo_array(([1] * len(pairs), (rows, columns)), shape=(10, 10)), directed=False)[1]
    found = grouped(10, pairs)
    for one in range(10):
        assert found[one] == min(other for other in range(10) if expected[other] == expected[one])
