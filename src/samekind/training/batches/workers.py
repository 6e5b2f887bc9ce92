"""Worker processes that load images: they leave Ctrl-C to their parent, and need shared memory."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samekind.errors import TrainingError

# Where Linux keeps what processes share; Docker gives it 64 MB.
_SHARED = Path("/dev/shm")  # noqa: S108 - asked for its free space only
# Batches that a worker makes ahead, which is torch's own number.
AHEAD = 2
# Images that the worker which fills the cache decodes ahead.
IMAGES_AHEAD = 16
# Seconds without a batch after which something is broken: no image takes so long.
TIMEOUT = 1200.0


def ignore_interrupts(_: int) -> None:
    """For worker processes: Ctrl-C reaches the whole group, and ending the workers is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def refuse_small_shared_memory(needed: int) -> None:
    """Make sure that what workers hand over fits, for a worker that finds no room hands over nothing and says nothing.

    Args:
        needed: Bytes of all that is on its way at one time.

    Raises:
        TrainingError: It does not fit.
    """
    if not _SHARED.is_dir():
        return
    free = shutil.disk_usage(_SHARED).free
    if free < needed:
        raise TrainingError(_advice(f"{needed / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free"))


def refuse_small_for_cache(views: int, input_size: int) -> None:
    """``refuse_small_shared_memory`` for filling the cache.

    Args:
        views: Views of each image.
        input_size: S, pixels.
    """
    refuse_small_shared_memory((IMAGES_AHEAD + 1) * views * 3 * input_size**2)


@contextmanager
def worker_errors_named() -> Iterator[None]:
    """A worker that was killed or went silent, as an error of ours.

    Raises:
        TrainingError: One was or did.
    """
    try:
        yield
    except RuntimeError as error:
        if "DataLoader" not in str(error) and "shared memory" not in str(error):
            raise
        raise TrainingError(
            _advice(f"a process that loads images ended or hung ({str(error).splitlines()[0]})")
        ) from error


def _advice(what: str) -> str:
    return (
        f"the shared memory {_SHARED} is too small: {what}. A container gets more by --shm-size=2g (or --ipc=host); "
        "or take fewer views (--set augmentation.views=1) or smaller batches (--set sampler.images=...)"
    )
