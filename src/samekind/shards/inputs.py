"""One image that is to be embedded: where its bytes are, and by what it is known again."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from samekind.errors import ImageError, SamekindError
from samekind.shards.addresses import is_address, name_of, open_file, read_file, state_of
from samekind.shards.parquet_images import image_of_row


class Input(NamedTuple):
    """An image that is to be embedded. One that is equal in all of this is not embedded again.

    Attributes:
        address: The absolute path, or the address, of the file that has its bytes.
        member: Its name in a tar file, or the number of its row in a Parquet file; empty for a file of its own.
        place: Where it begins in the tar file, or the number of its row; -1 for a file of its own.
        size: The number of its bytes; -1 where that is not known before it is read.
        mtime_ns: When the file was last written, in nanoseconds since 1970; 0 where that is not known.
    """

    address: str
    member: str = ""
    place: int = -1
    size: int = -1
    mtime_ns: int = 0

    @property
    def name(self) -> str:
        """What it is called: the path or the address, and ``#`` with the name in it."""
        return f"{self.address}#{self.member}" if self.member else self.address


def read_input(one: Input) -> bytes:
    """The encoded bytes of an image.

    Raises:
        ImageError: They cannot be read, or are others than were listed; the message is the reason alone.
    """
    try:
        content, newer = _content(one), _is_newer(one)
    except ImageError:
        raise
    except SamekindError as error:
        raise ImageError(str(error).removeprefix(f"{one.address}: ")) from error
    except FileNotFoundError as error:  # of an address it says that alone
        raise ImageError(f"cannot be read ({os.strerror(errno.ENOENT)})") from error
    except OSError as error:
        raise ImageError(f"cannot be read ({error.strerror or error})") from error
    except Exception as error:  # the many packages behind fsspec raise what they like
        raise ImageError(f"cannot be read ({type(error).__name__}: {error})") from error
    if newer or one.size not in (-1, len(content)):
        raise ImageError("has changed since it was listed; run the command again")
    return content


def can_be_read(one: Input) -> bool:
    """Whether an image that could not be read before is there by now."""
    try:
        if one.place >= 0:
            return bool(_content(one))
        with open_file(one.address) as file:
            file.read(1)
    except Exception:  # as above
        return False
    return True


def _content(one: Input) -> bytes:
    if one.place < 0:
        return read_file(one.address)
    if name_of(one.address).lower().endswith(".tar"):
        with open_file(one.address) as file:
            file.seek(one.place)
            return file.read(one.size)
    return image_of_row(one.address, one.mtime_ns, one.place)


def _is_newer(one: Input) -> bool:
    """Whether a file of this machine has been written since it was listed. Others are asked for their size alone."""
    return not is_address(one.address) and one.mtime_ns not in (0, state_of(one.address)[1])
