"""The embeddings in the file."""

from __future__ import annotations

from samekind.gallery import Gallery
from samekind.gallery.store.vectors import read_embeddings


def test_the_rows_that_an_index_lacks_are_found_without_reading_all(gallery: Gallery) -> None:
    with gallery._store.reading() as db:
        plans: list[str] = []
        for after in (-1, 5):
            asked: list[str] = []
            db.set_trace_callback(asked.append)
            assert list(read_embeddings(db, after=after)) == []
            db.set_trace_callback(None)
            plans.append(str(db.execute(f"EXPLAIN QUERY PLAN {asked[0]}").fetchall()))
    assert "SCAN images" in plans[0]
    assert "images_by_generation (generation>?)" in plans[1]
