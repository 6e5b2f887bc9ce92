"""Loading a model for a command, adapted to the pictures among which it is to judge."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from samekind.cli.console.options import warn
from samekind.cli.console.progress import stage_bars
from samekind.system.paths import is_database

if TYPE_CHECKING:
    from samekind.inference.verdict import TrioVerdict, Verdict
    from samekind.recognizer import Recognizer


def load_among(
    model: str | os.PathLike[str] | None,
    among: str | None,
    *,
    providers: Sequence[str] | None = None,
    threads: int | None = None,
) -> Recognizer:
    """A model as ``--model`` and ``--among`` say; pictures that cannot be read are named and left out.

    Args:
        model: As ``samekind.load`` takes it.
        among: A folder or a gallery; None leaves the model as it is.
        providers: As ``samekind.load`` takes them.
        threads: As ``samekind.load`` takes them.
    """
    from samekind.recognizer import load

    recognizer = load(model, providers=providers, threads=threads)
    return recognizer if among is None else adapt_to(recognizer, among)


def warn_of_doubt(verdict: Verdict | TrioVerdict) -> None:
    """Say why the error rates may not hold for these pictures, and which option mends it."""
    if verdict.doubt:
        warn(f"{verdict.doubt}: --among FOLDER")


def adapt_to(recognizer: Recognizer, among: str, name: str | None = None) -> Recognizer:
    """A model adapted to the pictures of a folder or of a gallery."""
    if names_gallery(among):
        from samekind.cli.console.extras import require_gallery

        require_gallery()
        from samekind.gallery import Gallery

        with Gallery.open(among, read_only=True) as gallery:
            return recognizer.adapt(gallery, name=name, source=_source_of(among))
    with stage_bars(log=False) as on_progress:
        return recognizer.adapt(among, name=name, on_progress=on_progress, on_unreadable=lambda error: warn(str(error)))


def _source_of(gallery: str) -> str:
    """What a card says of a gallery: it may be passed on, and whose server that was is nobody's business."""
    if not is_database(gallery):
        return Path(gallery).stem
    from samekind.gallery.store.postgres.address import parse_address

    return f"the gallery {parse_address(gallery).schema} in PostgreSQL"


def names_gallery(place: str) -> bool:
    """Whether the pictures to adapt to are in a gallery, and not in a folder."""
    return is_database(place) or (Path(place).is_file() and place.endswith(".samekind"))
