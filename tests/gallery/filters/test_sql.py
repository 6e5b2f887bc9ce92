"""Conditions find the rows that the filter means, by a reading of it in plain Python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import save_noise
from filters_in_python import FILTERS, NAMES, Worded
from hypothesis import HealthCheck, given, settings

from samekind.gallery import Gallery
from samekind.gallery.store.connection import transaction

_TAKEN = ("2020-02-29 12:30:15", "2020-02-29 12:30:16", "2020-01-31 23:59:59", "2019-06-01 00:00:00", None)
# Seconds since 1970, some of them about the dates that filters ask for.
_WRITTEN = (1_582_979_415, 1_582_934_400, 1_577_836_799, 1_640_995_199, 1_609_459_200)


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Gallery]:
    """A gallery of 35 images whose facts differ in all ways that a filter can ask for."""
    place = tmp_path_factory.mktemp("varied")
    rng = np.random.default_rng(5)
    with Gallery.open(place / "g.samekind", model=tiny_model) as gallery:
        for number in range(35):
            name = NAMES[number % len(NAMES)]
            path = place / (name if number < len(NAMES) else f"{number}/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            save_noise(path.with_suffix(".png"), (number * 7, 255 - number * 7, 100), seed=number)
            path.with_suffix(".png").rename(path)
            os.utime(path, (_WRITTEN[number % 5],) * 2)
        gallery.sync(place)
        with gallery._store.writing() as db, transaction(db):
            for (image,) in db.execute("SELECT id FROM images").fetchall():
                taken = _TAKEN[int(rng.integers(len(_TAKEN)))]
                sides = [int(side) for side in rng.integers(0, 6, 3)]
                written = -1 if rng.random() < 0.1 else int(rng.choice(_WRITTEN)) * 10**9
                db.execute(
                    "UPDATE images SET taken = ?, width = ?, height = ?, size = ?, mtime_ns = ? WHERE id = ?",
                    (taken, *sides, written, image),
                )
        yield gallery


# By hand: SAMEKIND_FILTERS=10000 pytest tests/gallery/filters/test_sql.py
@settings(
    max_examples=int(os.environ.get("SAMEKIND_FILTERS", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(worded=FILTERS)
def test_random_filters_find_what_they_mean(varied: Gallery, worded: Worded) -> None:
    text, test = worded
    rows = list(varied)
    wanted = [row.name for row in rows if test(row)]
    assert [row.name for row in varied.rows(text)] == wanted
    query = rows[len(text) % len(rows)].embedding
    assert query is not None
    hits = varied.search_embedding(query, 10, where=text)
    best = sorted(-float(row.embedding @ query) for row in rows if test(row) and row.embedding is not None)[:10]
    assert [-hit.similarity for hit in hits] == pytest.approx(best, abs=1e-6)
    assert {hit.row.name for hit in hits} <= set(wanted)


def test_the_gallery_survives_what_looks_like_sql(varied: Gallery) -> None:
    count = len(varied)
    for text in (
        "'; DROP TABLE images; --",
        "' OR ''='",
        "\\'; DELETE FROM images",
        "%' ESCAPE '",
        "?",
        "%s",
        ":a",
        "$1",
    ):
        quoted = text.replace("'", "''").replace("\\", "\\\\")
        assert list(varied.rows(f"path = '{quoted}'")) == []
        assert list(varied.rows(f"path like '{quoted}' and folder = '{quoted}'")) == []
    assert len(varied) == count


def test_long_lists_of_values_are_no_deeper_than_sqlite_allows(varied: Gallery) -> None:
    numbers = ",".join(["1"] * 1900)
    assert list(varied.rows(f"width in ({numbers})")) == list(varied.rows("width = 1"))
