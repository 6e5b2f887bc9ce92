"""The model of a gallery: named at the first sync, the only one whose embeddings go in."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

from samekind.card import Card
from samekind.errors import GalleryError, ModelFileError
from samekind.gallery.describe import DescribingEncoder
from samekind.gallery.store import Store, set_about, transaction
from samekind.model_file import DEFAULT_MODEL, ModelFile, bundled_models, read_model
from samekind.recognizer import Recognizer


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
        self._encoder: DescribingEncoder | None = None
        self._guard = threading.Lock()
        if wanted is not None:
            self._read()
        if recognizer is not None:
            self._refuse_other(recognizer.card)

    def card(self) -> Card | None:
        """The card, as it was when it was last named; None before the first sync."""
        text = self._store.about("card")
        return None if text is None else parse_card(text)

    def remember(self, db: sqlite3.Connection) -> None:
        """Note the model of a new gallery, and the newer calibration of an old one's. ``db`` is the writer's."""
        if self._wanted is None and self.card() is not None:
            return
        name = DEFAULT_MODEL if self._wanted is None else os.fspath(self._wanted)
        card = self._read().card
        with transaction(db):
            set_about(db, "card", card.model_dump_json())
            set_about(db, "model", name if name in bundled_models() else str(Path(name).resolve()))

    def recognizer(self) -> Recognizer:
        """The model, ready for queries.

        Raises:
            GalleryError: It is gone, or is another one than it was.
        """
        with self._guard:
            if self._recognizer is None:
                self._recognizer = Recognizer(self._read())
            return self._recognizer

    def describing_encoder(self) -> DescribingEncoder:
        """The model, ready for indexing.

        Raises:
            GalleryError: It is gone, or is another one than it was.
        """
        with self._guard:
            if self._encoder is None:
                self._encoder = DescribingEncoder(self._read())
            return self._encoder

    def _read(self) -> ModelFile:
        try:
            model = read_model(self._store.about("model") if self._wanted is None else self._wanted)
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


def parse_card(text: str) -> Card:
    """The card from its text in the gallery."""
    return Card.model_validate_json(text)


def nothing_yet(store: Store) -> GalleryError:
    """What a gallery says before its first sync."""
    return GalleryError(f"{store.path}: holds no images yet; `samekind index FOLDER` fills it")
