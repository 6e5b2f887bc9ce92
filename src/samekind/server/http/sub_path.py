"""A service that a proxy shows below a path of its own host, such as https://host/samekind/."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import Scope

from samekind.errors import ServeError

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")


def checked_root_path(path: str) -> str:
    """A path below which a service is shown, without a slash at its end.

    Raises:
        ServeError: It is no such path.

    Example:
        >>> checked_root_path("/samekind/"), checked_root_path("/")
        ('/samekind', '')
    """
    bare = path.rstrip("/")
    if bare and not _PREFIX.fullmatch(bare):
        raise ServeError(f"{path}: the root path is one such as /samekind, of letters, digits and . _ ~ -")
    return bare


def enter_sub_path(scope: Scope, root_path: str) -> None:
    """Take the prefix from a request's path, and note it as the scope's ``samekind.prefix``.

    Proxies that leave the prefix on the path are understood as well as those that take it away. The header
    X-Forwarded-Prefix goes before ``root_path``: who sends a false one gets wrong links, and nobody else does, as pages
    with links are never cached.
    """
    said = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
    prefix = said if _PREFIX.fullmatch(said) else root_path
    scope["samekind.prefix"] = prefix
    if prefix and f"{scope['path']}/".startswith(f"{prefix}/"):
        scope["path"] = scope["path"][len(prefix) :] or "/"
        scope["raw_path"] = scope["path"].encode()


def prefix_of(scope: Scope) -> str:
    """The path below which the client sees the service; empty at the root of the host."""
    return str(scope.get("samekind.prefix", ""))
