"""An image by its name alone: within a tar or Parquet file, or behind an address."""

from __future__ import annotations

import re
from functools import lru_cache
from threading import Lock

from samekind.errors import ImageError, SamekindError
from samekind.shards.addresses import state_of
from samekind.shards.inputs import Input, read_input
from samekind.shards.listing import list_inputs

_WITHIN = re.compile(r"(.+?\.(?:tar|parquet))#(.+)", re.IGNORECASE | re.DOTALL)
_HELD = 4  # tar files whose members are known
_ONE_AT_A_TIME = Lock()


def read_named(name: str) -> bytes:
    """The encoded bytes of an image.

    Args:
        name: As ``Input.name`` makes it, with the absolute path of what is of this machine.

    Raises:
        ImageError: They cannot be read; the message names it.
    """
    within = _WITHIN.fullmatch(name)
    try:
        return read_input(Input(name) if within is None else _member(*within.groups()))
    except SamekindError as error:
        raise ImageError(f"{name}: {error}") from error


def _member(address: str, member: str) -> Input:
    state = state_of(address)
    if address.lower().endswith(".parquet"):
        return Input(address, member, int(member) if member.isdecimal() else -1, mtime_ns=state[1])
    with _ONE_AT_A_TIME:  # or each thread would list the same file
        found = _members(address, state).get(member)
    if found is None:
        raise ImageError("is no longer there")
    return Input(address, member, *found, state[1])


@lru_cache(_HELD)
def _members(address: str, state: tuple[int, int]) -> dict[str, tuple[int, int]]:
    del state  # of a file that is another one by now nothing is remembered
    return {one.member: (one.place, one.size) for one in list_inputs(address)[1]}
