"""A gallery in PostgreSQL: its promises to readers and writers, and what it says when something is wrong."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psycopg
import pytest
from commands import run
from postgres import Server, needs_postgres

from samekind import embed
from samekind.errors import GalleryError, GalleryUnreachableError
from samekind.gallery import Gallery
from samekind.gallery.index import hnsw
from samekind.gallery.index.hnsw import _make_room, look_as_far
from samekind.gallery.store.connection import Connection, one_moment, transaction
from samekind.gallery.store.facts import set_fact
from samekind.gallery.store.postgres.address import parse_address
from samekind.gallery.store.postgres.explained import explained

pytestmark = needs_postgres


@pytest.fixture
def gallery_place(postgres: Server) -> str:
    return postgres.new_schema()


@pytest.fixture
def indexed(gallery: Gallery, photos: Path) -> Gallery:
    gallery.sync(photos)
    return gallery


def test_a_gallery_in_a_file_and_one_in_a_database_find_the_same(
    indexed: Gallery, photos: Path, tmp_path: Path
) -> None:
    with Gallery.open(tmp_path / "file.samekind", model=indexed.model) as in_file:
        in_file.sync(photos)
        for row in in_file:
            for where in (None, "path like '%red%'"):
                one, other = (g.search_embedding(row.embedding, 7, where=where) for g in (in_file, indexed))
                assert [(hit.row.name, hit.similarity, hit.probability) for hit in one] == [
                    (hit.row.name, hit.similarity, hit.probability) for hit in other
                ]
        ours = [(row.name, row.sha256, row.size, row.mtime_ns, row.width) for row in indexed]
        assert ours == [(row.name, row.sha256, row.size, row.mtime_ns, row.width) for row in in_file]
        for row, other in zip(indexed, in_file, strict=True):
            np.testing.assert_array_equal(row.embedding, other.embedding)


def test_a_second_writer_is_told_who_and_readers_are_not_blocked(
    indexed: Gallery, photos: Path, gallery_place: str
) -> None:
    query = next(iter(indexed)).embedding
    with indexed._store.writing() as db, transaction(db):
        db.execute("DELETE FROM images")
        with Gallery.open(gallery_place) as second, pytest.raises(GalleryError, match=r"process \d+ on \S+ has been"):
            second.sync(photos)
        assert len(indexed.search_embedding(query, 20)) == 12  # what was committed
    assert len(indexed) == 0
    indexed.sync(photos)


def test_a_search_sees_one_moment(indexed: Gallery) -> None:
    with indexed._store.reading() as db, one_moment(db):
        before = db.execute("SELECT count(*) FROM images").fetchone()
        with indexed._store.writing() as writer, transaction(writer):
            writer.execute("DELETE FROM images")
        assert db.execute("SELECT count(*) FROM images").fetchone() == before
    assert indexed.search_embedding(np.eye(6, dtype=np.float32)[0]) == []


def test_a_batch_is_written_whole_or_not_at_all(indexed: Gallery) -> None:
    def half_written() -> None:
        with indexed._store.writing() as db, transaction(db):
            db.execute("DELETE FROM images")
            set_fact(db, "generation", "99")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_written()
    assert len(indexed) == 12
    assert indexed._store.fact("generation") != "99"


def _fail(db: Connection, begin: Callable[[Connection], AbstractContextManager[None]]) -> None:
    with begin(db):
        look_as_far(db, 700)
        db.execute("SELECT no_such_column FROM images")


def test_after_what_failed_the_writer_reads_and_looks_as_far_as_it_is_told(indexed: Gallery) -> None:
    with indexed._store.writing() as db:
        for begin in (transaction, one_moment):
            look_as_far(db, 100)
            with pytest.raises(psycopg.errors.UndefinedColumn):
                _fail(db, begin)
            with one_moment(db):
                look_as_far(db, 700)
                assert db.execute("SHOW hnsw.ef_search").fetchone() == ("700",)


def test_a_connection_is_used_again_in_a_process_with_many_files(
    indexed: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2048:
        pytest.skip("this process may not open so many files")
    with indexed._store.reading() as db:
        high = fcntl.fcntl(db.raw.fileno(), fcntl.F_DUPFD, 1500)  # type: ignore[attr-defined]
        try:
            monkeypatch.setattr(db.raw, "fileno", lambda: high)  # type: ignore[attr-defined]
            assert db.usable  # type: ignore[attr-defined]
        finally:
            os.close(high)
            monkeypatch.undo()


def test_many_threads_search_at_once(indexed: Gallery) -> None:
    rows = [row for row in indexed if row.embedding is not None]
    wrong = []

    def ask(seed: int) -> None:
        wrong.extend(
            row.name for row in rows[seed::3] if indexed.search_embedding(row.embedding, 1)[0].similarity < 0.999
        )

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_names_that_are_no_utf_8(gallery: Gallery, photos: Path) -> None:
    odd = photos / "caf\udce9.png"
    (photos / "red/00.png").rename(odd)
    gallery.sync(photos)
    [row] = gallery.rows("path like '%caf%'")
    assert row.path == odd
    assert gallery.sync(photos).unchanged == 12


def test_a_name_too_long_for_the_database_is_told_and_all_others_go_in(
    gallery: Gallery, photos: Path, tiny_model: Path, tmp_path: Path
) -> None:
    deep = photos
    for _ in range(13):
        deep /= secrets.token_hex(100)  # or the index would compress it
    deep.mkdir(parents=True)
    shutil.copy2(photos / "red/00.png", deep / "a.png")
    embed(photos, tmp_path / "shards", model=tiny_model)
    for report in (gallery.sync(photos), gallery.add_shards(tmp_path / "shards")):
        [(name, reason)] = report.unlisted
        assert name.endswith("/a.png")
        assert "and a database takes 2,600" in reason
    assert len(gallery) == 12


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield free.getsockname()[1]


def refused(address: str, *, read_only: bool = False) -> str:
    with pytest.raises(GalleryError) as error:
        Gallery.open(address, read_only=read_only)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_each_thing_that_can_be_wrong_has_its_line(postgres: Server, stopped: int) -> None:
    assert "cannot be reached" in refused(f"postgresql://me:secret@127.0.0.1:{stopped}/shop")
    assert "secret" not in refused(f"postgresql://me:secret@127.0.0.1:{stopped}/shop")
    assert "no such gallery" in refused(postgres.new_schema(), read_only=True)
    assert "no such database or user" in refused(postgres.address(database="nowhere"))
    assert "cannot be the name of a schema" in refused(postgres.address("No-Schema"))
    assert "no address of a database" in refused("postgresql://me:se:cret@host:port/shop")
    for password in ("9876/5", "9876#5", "9876@5/4"):
        said = refused(f"postgresql://me:{password}@host/shop")
        assert "no address of a database" in said
        assert "9876" not in said
    assert "PostgreSQL understands" in refused("postgresql://me@host/shop?nonsense=1")
    postgres.run("CREATE ROLE careful LOGIN PASSWORD 'right'")
    wrong = refused(f"postgresql://careful:wrong%40word@127.0.0.1:{postgres.port}/postgres")
    assert "refuses this user or password" in wrong
    assert "wrong" not in wrong
    assert "lacks a right" in refused(f"postgresql://careful:right@127.0.0.1:{postgres.port}/postgres?schema=hers")


def test_what_the_server_says_is_told_without_the_password() -> None:
    address = parse_address("postgresql://me:hunter2@host/shop")

    class Told(psycopg.errors.DiskFull):
        diag = SimpleNamespace(message_primary="no room for hunter2")  # type: ignore[assignment]

    said = str(explained(address, Told("no room for hunter2")))
    assert "the server has no room left (its log says more)" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("password", ["e", "password", "FATAL"])
def test_a_password_that_is_a_word_of_the_message_does_not_show_in_it(password: str) -> None:
    address = parse_address(f"postgresql://me:{password}@host/shop")
    wrong = psycopg.OperationalError('FATAL:  password authentication failed for user "me"')
    assert str(explained(address, wrong)).startswith("postgresql://me@host/shop: the server refuses this user or")
    away = psycopg.OperationalError('FATAL:  database "shop" does not exist (password e)')
    assert str(explained(address, away)).endswith("there is no such database or user (its log says more)")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("FATAL:  sorry, too many clients already", "max_connections"),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "max_connections"),
        ("FATAL:  the database system is shutting down", "what was committed is kept"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "me", database "shop", SSL off', "refuses this user"),
        ("SSL connection has been closed unexpectedly", "what was committed is kept"),
        ("server does not support SSL, but SSL was required", "sslmode"),
        ('root certificate file "/root/.postgresql/root.crt" does not exist', "sslrootcert"),
        (
            'invalid integer value "abc" for connection option "connect_timeout"',
            "no address that PostgreSQL understands",
        ),
    ],
)
def test_a_busy_and_an_ending_server_are_told_with_the_remedy(said: str, told: str) -> None:
    assert told in str(explained(parse_address("postgresql://me@host/shop"), psycopg.OperationalError(said)))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (psycopg.errors.UndefinedFile('could not access file "$libdir/vector": No such file'), "$libdir/vector"),
        (psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"), "lock timeout"),
        (psycopg.errors.CannotConnectNow("not yet accepting connections"), "was lost"),
        (psycopg.OperationalError('FATAL:  database "refused" does not exist'), "no such database"),
    ],
)
def test_what_a_server_answers_is_not_taken_for_one_that_is_away(error: psycopg.Error, told: str) -> None:
    found = explained(parse_address("postgresql://me@host/shop"), error)
    assert told in str(found)
    assert isinstance(found, GalleryUnreachableError) == (told == "was lost")


def test_a_password_with_a_question_mark_is_not_taken_for_a_port() -> None:
    with pytest.raises(GalleryError, match=r"^this is no address of a database") as refusal:
        parse_address("postgresql://me:12?34=5@host/shop")
    assert "12" not in str(refusal.value)


def test_an_address_is_read_as_libpq_reads_it() -> None:
    address = parse_address("postgresql://me@host/shop?password=a+b%20c&root=/x/a+b&host=/run/a%20b")
    assert "a+b c" in psycopg.conninfo.conninfo_to_dict(address.connection).values()
    assert Path(address.root or "").name == "a+b"
    assert address.shown == "postgresql://me@host/shop?host=/run/a%20b"
    assert "a+b c" in address.secrets


def test_a_root_that_is_no_folder_is_refused_before_anything_is_written(
    postgres: Server, photos: Path, tmp_path: Path
) -> None:
    place = postgres.new_schema()
    said = refused(f"{place}&root={tmp_path / 'gone'}")
    assert f"root={tmp_path / 'gone'}: no such folder" in said
    assert "no such gallery" in refused(place, read_only=True)
    with Gallery.open(f"{place}&root={tmp_path}") as gallery:
        gallery.sync(photos)
    with Gallery.open(f"{place}&root={tmp_path / 'gone'}", read_only=True) as reading:  # without the pictures
        assert len(reading) == 12


def test_a_schema_that_was_made_for_a_role_is_all_that_it_needs(postgres: Server, photos: Path) -> None:
    postgres.run("CREATE ROLE given LOGIN PASSWORD 'word'", "CREATE SCHEMA given AUTHORIZATION given")
    with Gallery.open(f"postgresql://given:word@127.0.0.1:{postgres.port}/postgres?schema=given") as gallery:
        assert gallery.sync(photos).added == 12


def test_a_role_that_may_not_use_the_schema_is_told_so(indexed: Gallery, gallery_place: str, postgres: Server) -> None:
    schema = gallery_place.rpartition("schema=")[2]
    postgres.run("CREATE ROLE stranger LOGIN PASSWORD 'word'")
    said = refused(f"postgresql://stranger:word@127.0.0.1:{postgres.port}/postgres?schema={schema}", read_only=True)
    assert f"GRANT USAGE ON SCHEMA {schema} TO stranger" in said


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_text_is_utf_8_on_both_sides(
    encoding: str, gallery: Gallery, gallery_place: str, photos: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    (photos / "red/00.png").rename(photos / "red/猫.png")
    assert gallery.sync(photos).added == 12
    with Gallery.open(gallery_place) as again:
        assert [row.path for row in again.rows("path like '%猫%'")] == [photos / "red/猫.png"]
    name = f"in_{encoding.lower()}"
    postgres.run(f"CREATE DATABASE {name} ENCODING {encoding} LOCALE 'C' TEMPLATE template0")
    assert f"is {encoding}, in which names would be lost" in refused(postgres.address(database=name))


def test_a_database_without_pgvector(postgres: Server) -> None:
    postgres.run(
        "CREATE DATABASE bare", "CREATE ROLE plain LOGIN PASSWORD 'word'", "GRANT ALL ON DATABASE bare TO plain"
    )
    # pgvector is a trusted extension nowhere: only an administrator may switch it on.
    assert "CREATE EXTENSION vector" in refused(f"postgresql://plain:word@127.0.0.1:{postgres.port}/bare")
    postgres.run("CREATE EXTENSION vector", database="bare")
    Gallery.open(f"postgresql://plain:word@127.0.0.1:{postgres.port}/bare").close()


def test_tables_of_somebody_else_are_left_alone(postgres: Server) -> None:
    postgres.run("CREATE SCHEMA theirs", "CREATE TABLE theirs.images (name TEXT)")
    for read_only in (True, False):
        assert "tables of something else; name another one: ?schema=NAME" in refused(
            postgres.address("theirs"), read_only=read_only
        )


def test_a_newer_and_a_lost_schema(indexed: Gallery, gallery_place: str, postgres: Server) -> None:
    schema = gallery_place.rpartition("schema=")[2]
    postgres.run(f"INSERT INTO {schema}.migrations (version) VALUES (99)")  # noqa: S608 - a name of the test's own
    assert "newer than" in refused(gallery_place)
    postgres.run(f"DROP SCHEMA {schema} CASCADE")
    with pytest.raises(GalleryError):
        indexed.search_embedding(np.eye(6, dtype=np.float32)[0])


def test_a_role_that_may_only_read_searches(indexed: Gallery, gallery_place: str, postgres: Server) -> None:
    schema = gallery_place.rpartition("schema=")[2]
    postgres.run(
        "CREATE ROLE reader LOGIN PASSWORD 'word'",
        f"GRANT USAGE ON SCHEMA {schema} TO reader",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader",
    )
    address = f"postgresql://reader:word@127.0.0.1:{postgres.port}/postgres?schema={schema}"
    with Gallery.open(address, read_only=True) as reading:
        assert len(reading.search_embedding(next(iter(indexed)).embedding, 20)) == 12
    with Gallery.open(address) as writing, pytest.raises(GalleryError, match="lacks a right"):
        writing.remove("photos")


def test_a_server_that_was_restarted_is_found_again(indexed: Gallery, postgres: Server) -> None:
    query = next(iter(indexed)).embedding
    before = indexed.search_embedding(query, 5)
    postgres.control("restart", "-m", "immediate")
    assert indexed.search_embedding(query, 5) == before


def test_the_index_is_made_for_many_and_finds_them(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, photos: Path
) -> None:
    monkeypatch.setattr("samekind.gallery.index.hnsw._ABOVE", 500)
    gallery.sync(photos)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(1500, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with gallery._store.writing() as db, transaction(db):
        db.executemany(
            "INSERT INTO images (path, size, mtime_ns, width, embedding, generation)"
            " VALUES (?, 1, 1, ?, CAST(? AS BLOB), 1)",
            ((f"../{n}.png", n, vector.astype(np.float16).tobytes()) for n, vector in enumerate(vectors)),
        )
    gallery.sync(photos)
    status = gallery.status()
    assert (status.index, status.index_behind) == ("HNSW16", 0)
    assert status.index_recall is not None
    assert status.index_recall >= 0.9
    monkeypatch.setattr("samekind.gallery.search.by_statement._FEW", 50)
    space = gallery.adaptation
    for query in vectors[:20]:
        placed = vectors if space is None else space.apply(vectors)
        right = np.argsort(-(placed @ (query if space is None else space.apply(query[None])[0])))[:10]
        found = {hit.row.name for hit in gallery.search_embedding(query, 10)}
        assert len(found & {f"../{n}.png" for n in right}) >= 8
        assert len(gallery.search_embedding(query, 10, where="width in (1, 2, 3)")) == 3
        assert len(gallery.search_embedding(query, 30, where="width < 200")) == 30
    gallery.sync(photos, index="Flat")
    assert gallery.status().index == "Flat"
    with pytest.raises(GalleryError, match="it can make Flat"):
        gallery.sync(photos, index="IVF16,Flat")


def test_the_commands_take_an_address_and_never_tell_the_password(
    postgres: Server, photos: Path, tmp_path: Path, tiny_model: Path
) -> None:
    postgres.run("CREATE ROLE shop LOGIN PASSWORD 'hush' SUPERUSER")
    address = f"postgresql://shop:hush@127.0.0.1:{postgres.port}/postgres?schema=shop"
    query = photos / "red/00.png"
    said = [
        run("index", "photos", "--gallery", address, "--model", tiny_model, cwd=tmp_path),
        run("search", address, query, "-k", "3", "--where", "folder = 'photos/red'", cwd=tmp_path),
        run("status", address, cwd=tmp_path),
        run("duplicates", address, "--kind", "exact", "--html", "d.html", cwd=tmp_path),
        run("cluster", address, "--method", "kmeans", "-k", "2", cwd=tmp_path),
        run("find", query, address, cwd=tmp_path),
        run("match", "photos", address, cwd=tmp_path),
        run("export", address, "-o", "rows.csv", cwd=tmp_path),
        run("remove", address, "photos", cwd=tmp_path),
    ]
    for result in said:
        assert result.returncode == 0, result.stderr
        assert "hush" not in result.stdout + result.stderr
    assert "12 images (12 new)" in said[0].stdout
    assert len(said[1].stdout.splitlines()) == 3
    assert "12 images dropped" in said[-1].stdout
    assert "hush" not in (tmp_path / "d.html").read_text()


def test_a_pair_is_judged_among_the_pictures_of_a_database(gallery_place: str, photos: Path, tmp_path: Path) -> None:
    with Gallery.open(gallery_place) as gallery:
        gallery.sync(photos)
    first, second = photos / "red/00.png", photos / "green/01.png"
    judged = run("verify", first, second, "--among", gallery_place, cwd=tmp_path)
    assert judged.returncode == 0, judged.stderr
    assert judged.stdout
    adapted = run("adapt", "general", gallery_place, "-o", "mine.onnx", cwd=tmp_path)
    schema = parse_address(gallery_place).schema
    assert f"adapted to 12 pictures of the gallery {schema} in PostgreSQL" in adapted.stdout


def test_psycopg_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert psycopg.__version__  # it is here, so its absence is imitated
    monkeypatch.setattr("samekind.gallery.store.store.find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r'pip install "samekind\[postgres\]"'):
        Gallery.open("postgresql://host/shop")


@pytest.mark.parametrize(("allowed", "size", "then"), [("1MB", 100 << 20, "100MB"), ("3GB", 100 << 20, "3GB"),
                                                       ("1MB", 100 << 30, "2GB")])  # fmt: skip
def test_the_memory_for_an_index_is_raised_to_what_it_needs_and_never_lowered(
    gallery: Gallery, photos: Path, allowed: str, size: int, then: str
) -> None:
    gallery.sync(photos)
    with gallery._store.writing() as db:
        db.execute("SELECT set_config('maintenance_work_mem', ?, false)", (allowed,))
        _make_room(db, size)
        assert db.execute("SELECT current_setting('maintenance_work_mem')").fetchone() == (then,)


def test_where_there_is_no_memory_to_share_one_process_makes_the_index(
    gallery: Gallery, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, workers = hnsw._build, []

    def fails_with_several(db: Connection, *rest: Any) -> None:
        workers.append(db.execute("SELECT current_setting('max_parallel_maintenance_workers')").fetchone()[0])
        if workers[-1] != "0":
            raise psycopg.errors.DiskFull("could not resize shared memory segment")
        build(db, *rest)

    monkeypatch.setattr(hnsw, "_build", fails_with_several)
    gallery.sync(photos, index="HNSW8")
    assert workers == ["2", "0"]
    assert gallery.status().index == "HNSW8"
