"""Who may ask: by the key, and by the host name."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import Scope

from samekind.errors import ServeError
from samekind.server.http.problems import Problem

# Probes carry no key: an orchestrator must be able to ask whether the service lives.
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/api/v1/healthz", "/api/v1/readyz"})
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SHORTEST_KEY = 16


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        key: What a client must know; None lets everybody in.
        hosts: The names by which clients may call the service; None allows any. On loopback this keeps a web page
            elsewhere from reaching it under a name of its own (DNS rebinding).
        frame_ancestors: Origins that may show the page in a frame.
    """

    key: str | None = None
    hosts: Collection[str] | None = None
    frame_ancestors: Collection[str] = ()

    def check(self, scope: Scope) -> None:
        """Refuse a request that may not pass.

        Raises:
            Problem: 421 for a foreign host name, 403 for what a web page elsewhere makes a browser send, 401 for a
                missing or wrong key.
        """
        headers = Headers(scope=scope)
        host = _host_name(headers.get("host", ""))
        if self.hosts is not None and host not in self.hosts:
            raise Problem(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"this service does not answer to the host name {host!r}; start it with --allow-host to change that",
            )
        if scope["method"] not in {"GET", "HEAD"} and _is_cross_site(headers):
            raise Problem(HTTPStatus.FORBIDDEN, "this service takes nothing that web pages of other sites send")
        if self.key is not None and scope["path"] not in OPEN_PATHS and not _knows(headers, self.key):
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "send the key as 'Authorization: Bearer KEY', as 'X-API-Key: KEY', or as the password in a browser",
                headers={"WWW-Authenticate": 'Basic realm="samekind", charset="UTF-8", Bearer realm="samekind"'},
            )


def open_access(
    host: str,
    *,
    key_file: Path | None = None,
    insecure: bool = False,
    hosts: Collection[str] = (),
    frame_ancestors: Collection[str] = (),
) -> Access:
    """Who may ask a service that listens on an address.

    Args:
        host: The address.
        key_file: A file that holds the key and nothing else.
        insecure: Whether to listen beyond this machine without a key.
        hosts: Further names by which clients may call the service.
        frame_ancestors: Origins that may show the page in a frame.

    Raises:
        ServeError: The address is not loopback and there is no key, or the key cannot be used.
    """
    key = None if key_file is None else _read_key(key_file)
    local = is_loopback(host)
    if not local and key is None and not insecure:
        raise ServeError(
            f"{host} can be reached from other machines, and there is no key; give --api-key-file FILE, or --insecure "
            "if anybody there may ask"
        )
    names = {_host_name(name) for name in (host, *hosts)}
    return Access(key, _LOOPBACK_NAMES | names if local or hosts else None, tuple(frame_ancestors))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    Example:
        >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_key(path: Path) -> str:
    try:
        key = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise ServeError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise ServeError(f"{path}: a key is text, and this is not") from None
    except OSError as error:
        raise ServeError(f"{path}: cannot be read ({error.strerror})") from error
    if len(key) < _SHORTEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise ServeError(
            f"{path}: a key is one line of at least {_SHORTEST_KEY} ASCII characters without spaces; make one with "
            "python -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    return key


def _host_name(host: str) -> str:
    """The name without its port: ``localhost:8000`` is localhost, ``[::1]:8000`` and ``::1`` are ::1."""
    if host.count(":") > 1 and not host.startswith("["):  # an address of IPv6, bare as in --allow-host
        return host.lower()
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_cross_site(headers: Headers) -> bool:
    """Whether a page of another origin sent it; only browsers say who did, and pages cannot change what they say."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site == "same-origin":  # also right behind a proxy that changes the host name
        return False
    return site == "cross-site" or (
        origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()
    )


def _knows(headers: Headers, key: str) -> bool:
    kind, _, credentials = headers.get("authorization", "").partition(" ")
    given = credentials.strip() if kind.lower() == "bearer" else headers.get("x-api-key", "")
    if kind.lower() == "basic":  # what a browser asks a person for; the user name does not matter
        try:
            given = base64.b64decode(credentials, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            given = ""
    # Hashed first, so that not even the length shows in the time that comparing takes.
    return hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(key.encode()).digest())
