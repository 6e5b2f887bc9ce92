"""Which extras are installed, by what the package itself says of them."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires, version

_NAME = re.compile(r"[\w.-]+")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")
# Not for users.
_LEFT_OUT = frozenset({"dev"})


def missing_by_extra() -> dict[str, tuple[str, ...]]:
    """Of each extra the distributions that are not installed; none are missing of a complete one.

    Example:
        >>> "gallery" in missing_by_extra()
        True
    """
    needed: dict[str, list[str]] = {}
    for line in requires("samekind") or ():
        named, extra = _NAME.match(line), _EXTRA.search(line)
        if named and extra and extra[1] not in _LEFT_OUT:
            needed.setdefault(extra[1], []).append(named[0])
    return {extra: tuple(name for name in names if installed_version(name) is None) for extra, names in needed.items()}


def installed_version(distribution: str) -> str | None:
    """The version of a distribution; None where it is not installed.

    Example:
        >>> installed_version("no-such-thing") is None
        True
    """
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
