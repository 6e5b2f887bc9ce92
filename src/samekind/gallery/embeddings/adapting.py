"""When a gallery adapts to its images: at the end of a sync, if they have become other ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from samekind.adaptation.adaptation import Adaptation, adapt, pair_for, trio_for
from samekind.errors import AdaptationError
from samekind.gallery.store.adaptation import keep_adaptation, read_adaptation
from samekind.gallery.store.connection import Connection, transaction
from samekind.gallery.store.vectors import read_embeddings
from samekind.inference.similarity import Embeddings
from samekind.model_file.card import Card

# The mean of so many is known to a two-hundredth.
_MOST_READ = 50_000
# A gallery that has grown or shrunk by a tenth may be about something else.
_MOVED = 0.1


def keep_adapted(db: Connection, card: Card) -> None:
    """Adapt the gallery to its images anew, if there are a tenth more or fewer than when that was last done.

    It does so, too, where the card has got another calibration for collections. A gallery of fewer than ten different
    images, or of a model that cannot be adapted, is left bare.

    Args:
        db: The connection from ``store.writing``.
        card: The card of the gallery's model.
    """
    (count,) = db.execute("SELECT count(*) FROM images WHERE embedding IS NOT NULL").fetchone()
    known = read_adaptation(db)
    if known is not None and _as_the_card_says(known, card):
        before = known.about.pictures
        if abs(count - before) <= _MOVED * before:
            return
    fresh = None
    if card.domains is not None and card.adapted is None:
        try:
            found = adapt(embeddings_of(db), card, f"a gallery of {count:,} images")
            # All of them, though of very many only some were read: by their number the next sync sees a change.
            fresh = replace(found, about=found.about.model_copy(update={"pictures": count}))
        except AdaptationError:  # too few different ones
            fresh = None
    if fresh is not None or known is not None:
        with transaction(db):
            keep_adaptation(db, fresh)


def _as_the_card_says(known: Adaptation, card: Card) -> bool:
    """Whether this adaptation is of the card's network, and by the calibration that the card has now."""
    about, domains = known.about, card.domains
    if about.network != card.fingerprint or domains is None or card.adapted is not None:
        return False
    return (
        about.share == min(1.0, about.length / domains.full_length)
        and known.pair == pair_for(domains, about.spread, about.length)
        and known.trio == trio_for(domains, about.spread, about.length)
    )


def embeddings_of(db: Connection) -> Embeddings:
    """Bare embeddings from all over a gallery, float32 (N, D), at most about 50,000."""
    (count,) = db.execute("SELECT count(*) FROM images WHERE embedding IS NOT NULL").fetchone()
    step = max(1, -(-count // _MOST_READ))
    chunks = [rows[::step] for _, rows in read_embeddings(db)]
    return np.concatenate(chunks) if chunks else np.empty((0, 1), np.float32)
