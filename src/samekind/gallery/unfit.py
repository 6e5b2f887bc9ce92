"""What a new gallery cannot be made with: refused before it is made, so that nothing is left of it."""

from __future__ import annotations

import os
from pathlib import Path

from samekind.gallery.embeddings.model import refuse_other_shards
from samekind.gallery.index.upkeep import refuse_index
from samekind.gallery.store.postgres.address import parse_address
from samekind.gallery.sync.videos import checked_frames
from samekind.model_file.file import read_model
from samekind.shards.folder import ShardFolder
from samekind.shards.parquet_images import require_pyarrow
from samekind.system.paths import is_database


def refuse_unfit(
    place: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    shards: ShardFolder | None = None,
    index: str | None = None,
    frames: str | float | None = None,
) -> None:
    """Make sure of what a sync would refuse; a file that is there already loses nothing by being opened first.

    Args:
        place: Of the gallery, as ``Gallery.open`` takes it.
        model: As ``Gallery.open`` takes it.
        shards: What is to be taken in, where it is no folder of images.
        index: As ``Gallery.sync`` takes it.
        frames: As ``Gallery.sync`` takes it.

    Raises:
        GalleryError: The shards are another model's, nobody knows such an index, or ``frames`` is none.
        ShardError: The first shard is missing or broken.
        ModelFileError: There is no such model.
        MissingExtraError: Shards need pyarrow.
    """
    in_database = is_database(place)
    if not in_database and Path(place).exists():
        return
    if frames is not None:
        checked_frames(frames)
    if shards is not None:
        require_pyarrow()
        shards.refuse_broken_start()
    card = None if shards is None else shards.manifest.card
    if model is not None or card is None:
        wanted = read_model(model).card
        if card is not None:
            refuse_other_shards(parse_address(str(place)).shown if in_database else place, card, wanted)
        card = wanted
    if index is not None:
        refuse_index(index, card.dimension, in_database=in_database)
