"""What a person should know of a picture that was read all the same: one line with its name, once."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import PIL
from PIL import Image

logger = logging.getLogger("samekind")

# What was said already. A folder may hold a million odd files: then the later ones are passed over.
_MOST_SAID = 10_000
_said: set[str] = set()
_here = threading.local()


def remark(name: str, text: str, *, once: str | None = None) -> None:
    """Log ``name: text`` as a warning of the logger ``samekind``, once in this process.

    Args:
        name: The picture, as ``describe`` calls it.
        text: What there is to know.
        once: What makes two remarks the same; by default name and text. A remark that holds for all pictures of a
            camera gives the same key for each, and is made for the first.
    """
    key = once or f"{name}: {text}"
    if key not in _said and len(_said) < _MOST_SAID:
        _said.add(key)
        logger.warning("%s: %s", name, text)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Within it this thread's warnings of Pillow are about the picture ``name``."""
    before = getattr(_here, "name", None)
    _here.name = name
    try:
        yield
    finally:
        _here.name = before


def take_warning(message: Warning | str, category: type[Warning], filename: str) -> bool:
    """Make a remark of a warning that Pillow gives of the picture that this thread reads; False if it is another."""
    name = getattr(_here, "name", None)
    home = str(Path(PIL.__file__).parent)
    if name is None or not (filename.startswith(home) or issubclass(category, Image.DecompressionBombWarning)):
        return False
    remark(name, " ".join(str(message).split()))
    return True


def name_warnings() -> None:
    """For a program's start: Pillow's warnings become remarks, with the name of the picture that they are about.

    It changes how this process shows warnings, which a library must not do by itself.
    """
    show = warnings.showwarning

    def named(  # noqa: PLR0917 - as warnings.showwarning
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not take_warning(message, category, filename):
            show(message, category, filename, lineno, file, line)

    warnings.filterwarnings("always", module=r"PIL\.")
    # Our own bound on the pixels is the one that counts.
    warnings.filterwarnings("ignore", message="Image size .* could be decompression bomb")
    warnings.showwarning = named
