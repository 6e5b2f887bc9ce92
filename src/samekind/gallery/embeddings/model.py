"""The model of a gallery: named at the first sync, the only one whose embeddings go in."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.errors import GalleryError, ModelFileError
from samekind.gallery.store.connection import Connection, transaction
from samekind.gallery.store.facts import parse_card, set_fact
from samekind.gallery.store.store import Store
from samekind.images import ImageSource
from samekind.inference.encoder import OnnxEncoder
from samekind.model_file.card import Card
from samekind.model_file.file import ModelFile, lasting_name, read_model
from samekind.recognizer import Recognizer
from samekind.system.paths import shell_word

_LOG = logging.getLogger(__name__)


class GalleryModel:
    """Finds a gallery's model, refuses another, and loads it when it is needed. Safe to use from several threads.

    Args:
        store: The gallery's file.
        wanted: A model by name or path; None is the gallery's own, and the default model for a new gallery.
        recognizer: A loaded model for queries, or None.

    Raises:
        GalleryError: The gallery was indexed with another model than the wanted one.
        ModelFileError: There is no such model.
    """

    def __init__(self, store: Store, wanted: str | os.PathLike[str] | None, recognizer: Recognizer | None) -> None:
        self._store = store
        self._wanted = wanted
        self._recognizer = recognizer
        # One session for queries and for indexing, and the fingerprint of its network.
        self._encoder: OnnxEncoder | None = None
        self._fingerprint = ""
        self._guard = threading.Lock()
        if wanted is not None:
            self._tell_other_calibration(wanted)
        if recognizer is not None:
            self._refuse_other(recognizer.card)

    def card(self) -> Card | None:
        """The card, as it was when it was last named; None before the first sync."""
        text = self._store.fact("card")
        return None if text is None else parse_card(text)

    def source(self) -> str | Path | None:
        """The name of the model that comes with samekind, or the path of its file; None before the first sync."""
        text = self._store.fact("model")
        return Path(text) if text is not None and Path(text).is_absolute() else text

    def coming_card(self) -> Card:
        """The card that a sync will leave: the gallery's, or that of the wanted model."""
        own = self.card() if self._wanted is None else None
        return own or self._read().card

    def remember(self, db: Connection) -> None:
        """Note the model of a new gallery, and the newer calibration of an old one's. ``db`` is the writer's."""
        if self._wanted is None and self.card() is not None:
            return
        card = self._read().card
        with transaction(db):
            set_fact(db, "card", card.model_dump_json())
            set_fact(db, "model", lasting_name(self._wanted))

    def remember_card(self, db: Connection, card: Card, source: str) -> None:
        """Note the model of embeddings that were made elsewhere; its file need not be here. ``db`` is the writer's.

        Raises:
            GalleryError: The gallery's, or the wanted one, is another.
        """
        self._refuse_other(card)
        if self._wanted is not None:
            refuse_other_shards(self._store.path, card, self._read().card)
            self.remember(db)
        elif self.card() is None:
            with transaction(db):
                set_fact(db, "card", card.model_dump_json())
                set_fact(db, "model", source)

    def embed_query(self, image: ImageSource) -> NDArray[np.float32]:
        """The embedding of a query, float32 (D,), unit length.

        Raises:
            ImageError: The image cannot be read.
            GalleryError: The model is gone, or is another one than it was.
        """
        if self._recognizer is not None:
            self._refuse_other(self._recognizer.card)  # the gallery's file may have been replaced
            (embedding,) = self._recognizer.embed([image])
        else:
            (embedding,) = self.encoder().encode([image])
        return np.asarray(embedding)

    def encoder(self) -> OnnxEncoder:
        """The network.

        Raises:
            GalleryError: The model is gone, or is another one than it was.
        """
        card = self.card()
        with self._guard:
            encoder = self._encoder
            if encoder is None or (card is not None and card.fingerprint != self._fingerprint):
                model = self._read()
                self._encoder = encoder = OnnxEncoder(model.data, model.card.name, card=model.card)
                self._fingerprint = model.card.fingerprint
            return encoder

    def _read(self) -> ModelFile:
        try:
            model = read_model(self._store.fact("model") if self._wanted is None else self._wanted)
        except ModelFileError as error:
            if self._wanted is not None:
                raise
            raise GalleryError(f"{self._store.path}: its model is gone ({error}); name it with --model") from error
        self._refuse_other(model.card)
        return model

    def _refuse_other(self, card: Card) -> None:
        own = self.card()
        if own is not None and own.fingerprint != card.fingerprint:
            raise GalleryError(
                f"{self._store.path}: was indexed with the model {own.name!r} (fingerprint {own.fingerprint[:12]}), "
                f"not with {card.name!r} ({card.fingerprint[:12]}). Use that model, or index the folder into a new "
                "gallery: samekind index FOLDER --gallery NEW.samekind --model MODEL"
            )

    def _tell_other_calibration(self, wanted: str | os.PathLike[str]) -> None:
        own, other = self.card(), self._read().card
        if own is None or not self._store.read_only:  # a sync takes it over
            return
        kept, offered = ((card.pair, card.trio, card.domains) for card in (own, other))
        if kept != offered and any(offered):
            place = self._store.path
            judges = (
                "judges by the calibration that it was indexed with, not by"
                if any(kept)
                else "gives no verdicts, for its calibration is not"
            )
            remedy = f"samekind index FOLDER --gallery {shell_word(place)} --model {shell_word(wanted)}"
            _LOG.warning(
                "%s: %s that of %s; %s takes it over, and embeds only what is new", place, judges, wanted, remedy
            )


def nothing_yet(store: Store) -> GalleryError:
    """What a gallery says before its first sync."""
    return GalleryError(f"{store.path}: holds no images yet; `samekind index FOLDER` fills it")


def refuse_other_shards(place: object, card: Card, wanted: Card) -> None:
    """Make sure that shards are of the model that is wanted for a gallery.

    Raises:
        GalleryError: They are not.
    """
    if card.fingerprint != wanted.fingerprint:
        raise GalleryError(
            f"{place}: the shards are of the model {card.name!r} (fingerprint {card.fingerprint[:12]}), not of "
            f"{wanted.name!r} ({wanted.fingerprint[:12]}), which --model names; leave that out"
        )
