"""What went wrong with a database, in a line with the remedy: never a trace, never a password."""

from __future__ import annotations

import psycopg
from psycopg import errors

from samekind.errors import GalleryError, GalleryUnreachableError
from samekind.gallery.store.postgres.address import Address

_REFUSED = "the server refuses this user or password; give it in ~/.pgpass or PGPASSWORD rather than in the address"
_LOST = "the connection to the server was lost; what was committed is kept, and the same command goes on from there"
_AWAY = "the server cannot be reached; is it running, and is this its host and port?"
_FULL = "the server has no connection left; close some, or let it have more (max_connections, or the role's limit)"
_NOT_SECURED = (
    "the connection cannot be secured as sslmode asks; see to ssl on the server, or to sslmode and sslrootcert"
)
_NO_DATABASE = "there is no such database or user ({})"
_NO_ADDRESS = "this is no address that PostgreSQL understands"
# By words of the message where the connection failed, for then there is no code; the first that are in it count.
_BY_WORDS = (
    (("password authentication failed", "no password supplied", "pg_hba.conf"), _REFUSED),
    (("too many clients", "too many connections", "connection slots", "connection limit"), _FULL),
    (("closed the connection", "closed unexpectedly", "connection is lost", "connection is closed"), _LOST),
    (("terminating connection", "consuming input failed", "connection already closed"), _LOST),
    (("in recovery mode", "starting up", "shutting down", "not yet accepting"), _LOST),
    (("invalid integer value", "invalid port number", "invalid sslmode"), _NO_ADDRESS),
    (("ssl was required", "ssl error", "certificate", "does not support ssl"), _NOT_SECURED),
    (('database "', 'role "'), _NO_DATABASE),
    (("refused", "no such file", "timeout", "timed out", "translate host"), _AWAY),
    (("resolve", "unreachable", "not known"), _AWAY),
)
# By the beginning of the code, where a server answered.
_BY_CLASS = {"08": _LOST, "57P": _LOST, "53300": _FULL, "28": _REFUSED, "3D": _NO_DATABASE}
_BY_CODE: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.InsufficientPrivilege, "this role lacks a right ({}); docs/operators.md has what it needs"),
    (errors.InvalidCatalogName, "there is no such database; createdb makes one"),
    (errors.ReadOnlySqlTransaction, "this server only reads (a standby, perhaps); write to the first one"),
    (errors.DiskFull, "the server has no room left ({}); what was committed is kept"),
    (errors.OutOfMemory, "the server has no memory left ({}); what was committed is kept"),
    (errors.QueryCanceled, "the server gave up ({}); try again"),
)
_NO_EXTENSION = "pgvector is not installed on this server; Debian's package is postgresql-NN-pgvector, 0.8 or later"
_NOT_ALLOWED = (
    "pgvector is not switched on in this database, and this role may not do so; an administrator does it once: "
    "CREATE EXTENSION vector"
)


def explained(address: Address, error: psycopg.Error) -> GalleryError:
    """The error that a user sees."""
    said = error.diag.message_primary or str(error)
    # To take the password out would tell what it is, if it is a short one or a word that is there anyway.
    shown = "its log says more" if any(secret in said for secret in address.secrets) else " ".join(said.split())
    words = _words(error, str(error).lower(), shown)
    kind = GalleryUnreachableError if words in {_LOST, _AWAY, _FULL} else GalleryError
    return kind(f"{address.shown}: {words}")


def _words(error: psycopg.Error, low: str, shown: str) -> str:
    if "extension" in low:
        return _NOT_ALLOWED if isinstance(error, errors.InsufficientPrivilege) else _NO_EXTENSION
    for kind, words in _BY_CODE:
        if isinstance(error, kind):
            return words.format(shown)
    if error.sqlstate is None:
        found = (words for signs, words in _BY_WORDS if any(sign in low for sign in signs))
    else:
        found = (words for start, words in _BY_CLASS.items() if error.sqlstate.startswith(start))
    words = next(found, f"the server refuses this ({shown})")
    return words.format(shown.rpartition("FATAL: ")[2].strip()) if words is _NO_DATABASE else words
