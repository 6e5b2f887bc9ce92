"""A gallery adapts to its own images by itself: what it finds is what brute force finds in the adapted space."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import save_noise
from gallery.conftest import age

from samekind.adaptation.adaptation import Adaptation, adapt
from samekind.gallery import Gallery
from samekind.gallery import gallery as gallery_module
from samekind.gallery.embeddings import adapting
from samekind.gallery.embeddings.embedding_space import read_space
from samekind.gallery.index.upkeep import stale_rows
from samekind.gallery.store.adaptation import keep_adaptation
from samekind.gallery.store.connection import transaction
from samekind.model_file.calibration import DomainCalibration, pair_probability
from samekind.model_file.file import read_model, write_model


@pytest.fixture
def photos(many_colours: Path, tmp_path: Path) -> Path:
    shutil.copytree(many_colours, tmp_path / "photos")
    for path in (tmp_path / "photos").glob("*/*.png"):
        age(path)
    return tmp_path / "photos"


@pytest.fixture
def adapted(photos: Path, adaptable_model: Path, tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.open(tmp_path / "g.samekind", model=adaptable_model) as gallery:
        gallery.sync(photos)
        yield gallery


def add_blue(photos: Path) -> None:
    for number, (red, green) in enumerate(np.random.default_rng(2).integers(20, 200, (24, 2)).tolist()):
        save_noise(photos / f"blue{number:02}.png", (red, green, 240), seed=100 + number)
        age(photos / f"blue{number:02}.png")


def bare_rows(gallery: Gallery) -> tuple[list[int], np.ndarray]:
    rows = sorted(gallery, key=lambda row: row.id)  # of copies the first counts
    return [row.id for row in rows], np.stack([row.embedding for row in rows])


def oracle(gallery: Gallery) -> Adaptation:
    return adapt(bare_rows(gallery)[1], gallery.card, "the oracle")


def assert_searches_like(gallery: Gallery, expected: Adaptation) -> None:
    ids, bare = bare_rows(gallery)
    rows = expected.apply(bare)
    for place in (0, len(ids) // 2):
        hits = gallery.search_embedding(bare[place], len(ids))
        truth = dict(zip(ids, rows @ rows[place], strict=True))
        found = [hit.similarity for hit in hits]
        assert found == pytest.approx([truth[hit.row.id] for hit in hits], abs=1e-5)
        assert found == pytest.approx(sorted(truth.values(), reverse=True), abs=1e-5)
        assert [hit.probability for hit in hits] == pytest.approx(
            pair_probability(expected.pair, np.array(found)).tolist(), abs=1e-5
        )
        likely = gallery.search_embedding(bare[place], len(ids), min_probability=0.5)
        assert [hit.row.id for hit in likely] == [hit.row.id for hit in hits if hit.probability >= 0.5]
        assert 0 < len(likely) < len(ids)


@pytest.mark.parametrize("index", ["Flat", "SQ8"])
def test_search_is_brute_force_in_the_adapted_space(adapted: Gallery, photos: Path, index: str) -> None:
    adapted.sync(photos, index=index)
    expected = oracle(adapted)
    assert adapted.adaptation is not None
    assert np.allclose(adapted.adaptation.offset, expected.offset, atol=1e-6)
    assert adapted.adaptation.about.pictures == 24
    assert_searches_like(adapted, expected)


def test_the_bare_model_can_still_be_asked(adapted: Gallery) -> None:
    ids, bare = bare_rows(adapted)
    with Gallery.open(adapted.path, read_only=True, bare=True) as asked:
        assert asked.adaptation is None
        hits = asked.search_embedding(bare[0], len(ids))
        truth = dict(zip(ids, bare @ bare[0], strict=True))
        assert [hit.similarity for hit in hits] == pytest.approx([truth[hit.row.id] for hit in hits], abs=1e-5)
        expected = pair_probability(adapted.card.pair, np.array([hit.similarity for hit in hits]))
        assert [hit.probability for hit in hits] == pytest.approx(expected.tolist(), abs=1e-5)
    assert {hit.probability for hit in hits} != {hit.probability for hit in adapted.search_embedding(bare[0], 24)}


def test_clusters_and_duplicates_of_one_class_are_judged_there(adapted: Gallery) -> None:
    ids, bare = bare_rows(adapted)
    expected = oracle(adapted)
    rows = expected.apply(bare)
    cosine, limit = rows @ rows.T, expected.pair.operating_points["strict"].threshold
    groups = adapted.duplicates("same-class")
    assert groups
    for group in groups:
        places = [ids.index(row.id) for row in group.rows]
        assert group.similarity == pytest.approx(cosine[np.ix_(places, places)].min(), abs=1e-5)
        assert group.similarity >= limit - 1e-5
    for cluster in adapted.clusters("kmeans", k=3):
        own = rows[[ids.index(row.id) for row in cluster.rows]]
        centre = own.mean(axis=0) / np.linalg.norm(own.mean(axis=0))
        assert cluster.similarity == pytest.approx(float((own @ centre).mean()), abs=1e-5)


def test_it_follows_the_gallery_as_it_grows_and_nothing_is_embedded_again(adapted: Gallery, photos: Path) -> None:
    before = adapted.adaptation
    assert before is not None
    save_noise(photos / "one.png", (20, 40, 250), seed=99)
    age(photos / "one.png")
    assert adapted.sync(photos).embedded == 1  # one in 24 is no other collection
    assert adapted.adaptation is not None
    assert np.array_equal(adapted.adaptation.offset, before.offset)
    add_blue(photos)
    assert adapted.sync(photos).embedded == 24
    assert adapted.adaptation.about.pictures == 49
    assert np.abs(adapted.adaptation.offset - before.offset).max() > 0.01
    assert_searches_like(adapted, oracle(adapted))
    for path in photos.glob("*/*.png"):
        path.unlink()
    assert adapted.sync(photos).embedded == 0
    assert adapted.adaptation.about.pictures == 25
    assert_searches_like(adapted, oracle(adapted))


def recalibrated(model: Path, path: Path, domains: DomainCalibration | None) -> Path:
    """The same network, of which somebody knows better what its similarities mean in collections."""
    read = read_model(model)
    write_model(path, read.data, read.card.model_copy(update={"domains": domains}), read.seen_images)
    return path


def test_another_calibration_of_the_same_network_is_followed(
    adapted: Gallery, photos: Path, adaptable_model: Path, tmp_path: Path
) -> None:
    before, domains = adapted.adaptation, adapted.card.domains
    assert before is not None
    assert domains is not None
    steeper = domains.pair.model_copy(update={"scale": 2 * domains.pair.scale})
    for changed in (
        domains.model_copy(update={"pair": steeper}),
        domains.model_copy(update={"full_length": 1.0}),
        domains.model_copy(update={"trio": None}),
    ):
        model = recalibrated(adaptable_model, tmp_path / "better.onnx", changed)
        with Gallery.open(adapted.path, model=model) as gallery:
            assert gallery.sync(photos).embedded == 0
            now, expected = gallery.adaptation, oracle(gallery)
            assert now is not None
            assert (now.pair, now.trio) == (expected.pair, expected.trio)
            assert np.array_equal(now.offset, expected.offset)
            assert (now.pair, now.trio, now.about.share) != (before.pair, before.trio, before.about.share)
            assert_searches_like(gallery, expected)


def test_a_gallery_whose_model_was_calibrated_with_labels_is_judged_by_these(
    adapted: Gallery, photos: Path, adaptable_model: Path, tmp_path: Path
) -> None:
    assert adapted.adaptation is not None
    with Gallery.open(adapted.path, model=recalibrated(adaptable_model, tmp_path / "mine.onnx", None)) as gallery:
        gallery.sync(photos)
        assert gallery.adaptation is None
        ids, bare = bare_rows(gallery)
        hits = gallery.search_embedding(bare[0], len(ids))
        assert [hit.similarity for hit in hits] == pytest.approx(np.sort(bare @ bare[0])[::-1].tolist(), abs=1e-5)


def test_a_gallery_of_which_only_a_part_is_read_is_adapted_once(
    adapted: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapting, "_MOST_READ", 12)
    add_blue(photos)
    adapted.sync(photos)
    before = adapted.adaptation
    assert before is not None
    assert before.about.pictures == 48
    monkeypatch.setattr(adapting, "adapt", lambda *_: pytest.fail("nothing has changed"))
    adapted.sync(photos)


def test_with_fewer_than_ten_different_images_it_stays_bare_and_becomes_so_again(
    photos: Path, adaptable_model: Path, tmp_path: Path
) -> None:
    few = sorted(photos.glob("*/*.png"))[9:]
    for path in few:
        path.rename(path.with_suffix(".png.later"))
    with Gallery.open(tmp_path / "g.samekind", model=adaptable_model) as gallery:
        gallery.sync(photos)
        assert (len(gallery), gallery.adaptation) == (9, None)
        for path in few:
            path.with_suffix(".png.later").rename(path)
        gallery.sync(photos)
        assert gallery.adaptation is not None
        for path in few:
            path.unlink()
        gallery.sync(photos)
        assert (len(gallery), gallery.adaptation) == (9, None)
        _, bare = bare_rows(gallery)
        found = [hit.similarity for hit in gallery.search_embedding(bare[0], 9)]
        assert found == pytest.approx(np.sort(bare @ bare[0])[::-1].tolist(), abs=1e-5)


def test_a_model_that_cannot_be_adapted_leaves_its_gallery_bare(photos: Path, tiny_model: Path, tmp_path: Path) -> None:
    with Gallery.open(tmp_path / "g.samekind", model=tiny_model) as gallery:
        gallery.sync(photos)
        assert (len(gallery), gallery.adaptation) == (24, None)


class Killed(BaseException):
    """What a kill does to the code that runs."""


def test_killed_between_adapting_and_its_index_the_old_index_is_not_used(
    adapted: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_blue(photos)

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(gallery_module, "keep_up", kill)
        with pytest.raises(Killed):
            adapted.sync(photos)
    with adapted._store.reading() as db:
        assert stale_rows(db) == (48, 48)  # none of its vectors is of this space
    assert adapted.adaptation is not None
    assert adapted.adaptation.about.pictures == 48
    with Gallery.open(adapted.path, read_only=True) as opened:
        assert_searches_like(opened, oracle(adapted))
    assert_searches_like(adapted, oracle(adapted))
    adapted.sync(photos)
    with adapted._store.reading() as db:
        assert stale_rows(db)[0] == 0
    assert_searches_like(adapted, oracle(adapted))


def test_the_file_keeps_an_adaptation_as_it_is(adapted: Gallery) -> None:
    expected = oracle(adapted)
    with adapted._store.writing() as db:
        with transaction(db):
            keep_adaptation(db, expected)
        space = read_space(db)
    assert space.adaptation is not None
    assert np.array_equal(space.adaptation.offset, expected.offset)
    assert (space.adaptation.pair, space.adaptation.trio) == (expected.pair, expected.trio)
    assert space.adaptation.about == expected.about
    assert space.calibration == expected.pair
