"""What there is to know of pictures that were read all the same, one line each on standard error."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from samekind.cli.console.options import warn

_LIBRARY = Path(__file__).parents[2]


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        warn(record.getMessage())


def show_remarks() -> None:
    """Show what the library logs and warns of, and name the picture that each of Pillow's warnings is about.

    Nothing is imported for it before there is a picture: commands start fast.
    """
    logging.getLogger("samekind").addHandler(_Handler())
    show = warnings.showwarning

    def named(*arguments: object) -> None:
        if Path(str(arguments[2])).is_relative_to(_LIBRARY):
            warn(str(arguments[0]))
            return
        if "PIL" in sys.modules:
            from samekind.images.remarks import take_warning

            if take_warning(*arguments[:3]):  # type: ignore[arg-type]  # as warnings.showwarning
                return
        show(*arguments)  # type: ignore[arg-type]

    warnings.filterwarnings("always", module=r"PIL\.")
    # Images of over 90 million pixels are judged by our own bound; Pillow's warning would say it twice.
    warnings.filterwarnings("ignore", message="Image size .* could be decompression bomb")
    warnings.showwarning = named  # type: ignore[assignment]


def name_unreadable(folder: Path, files: Sequence[tuple[str, str]]) -> None:
    """Name the files of a folder that cannot be read, each with the reason."""
    for name, reason in files:
        warn(f"{folder / name}: {reason}")
