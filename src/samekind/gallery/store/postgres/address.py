"""The address of a gallery in PostgreSQL: ``postgresql://USER@HOST/DATABASE?schema=NAME&root=FOLDER``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlencode, urlsplit

from samekind.errors import GalleryError

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_NO_ADDRESS = (
    "this is no address of a database; it is written postgresql://USER@HOST/DATABASE, with %40 for an @ in a password, "
    "%2F for a /, %3F for a ? and %23 for a #"
)
_SECRET = frozenset({"password", "sslpassword", "sslkey", "passfile"})


@dataclass(frozen=True)
class Address:
    """Where a gallery is in which database.

    Attributes:
        text: The address as it was given.
        connection: What libpq connects by.
        shown: The address as it may be shown to anybody: without the password.
        schema: The schema that is the gallery.
        root: The folder that its names are relative to, on this machine; None is what the gallery says.
        secrets: Passwords, which no message may repeat.
    """

    text: str = field(repr=False)
    connection: str = field(repr=False)
    shown: str
    schema: str
    root: str | None
    secrets: tuple[str, ...] = field(repr=False)


def parse_address(text: str) -> Address:
    """The parts of an address.

    Raises:
        GalleryError: It is none.

    Example:
        >>> address = parse_address("postgresql://me:secret@host/shop?sslmode=require&schema=shoes")
        >>> address.shown, address.schema
        ('postgresql://me@host/shop?schema=shoes', 'shoes')
    """
    try:
        parts = urlsplit(text)
        pairs = [_pair(part) for part in parts.query.split("&")] if parts.query else []
        _ = parts.port
    except ValueError:  # which would repeat what was given, and a password may be in it
        raise GalleryError(_NO_ADDRESS) from None
    # A password that has a / or a # would be taken for the rest of the address, and be shown.
    if "@" in f"{parts.path}{parts.fragment}":
        raise GalleryError(_NO_ADDRESS)
    own = {name: value for name, value in pairs if name in {"schema", "root"}}
    rest = [(name, value) for name, value in pairs if name not in own]
    schema = own.get("schema", "samekind")
    if not _SCHEMA.fullmatch(schema):
        raise GalleryError(f"{schema!r} cannot be the name of a schema; use small letters, digits and underscores")
    query = urlencode(rest, quote_via=quote)
    connection = f"postgresql://{parts.netloc}{parts.path}{'?' + query if query else ''}"
    who, at, where = parts.netloc.rpartition("@")
    place = f"{who.partition(':')[0]}{at}{where}"
    told = [(name, value) for name, value in pairs if name in {"host", "port", "dbname", "schema"}]
    shown = f"postgresql://{place}{parts.path}{'?' + urlencode(told, safe='/', quote_via=quote) if told else ''}"
    secrets = [unquote(parts.password or ""), parts.password or "", *(v for n, v in rest if n in _SECRET)]
    root = os.path.abspath(own["root"]) if own.get("root") else None  # noqa: PTH100 - a folder may be a link
    return Address(text, connection, shown, schema, root, tuple(secret for secret in secrets if secret))


def _pair(text: str) -> tuple[str, str]:
    """A name and its value as libpq reads them, to which a + is a plus."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch("[a-z_]+", name):  # a password with a ? in it, for instance
        raise ValueError
    return unquote(name), unquote(value)
