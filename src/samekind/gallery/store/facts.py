"""What a gallery says of itself: the table ``about``, in which each fact has a name.

``card`` is that of the model, ``model`` where the model lies, ``generation`` rises with every embedding that changes,
``index`` describes the FAISS index, ``space`` names the adaptation of the gallery to its own images.
"""

from __future__ import annotations

import os
from functools import lru_cache

from samekind.gallery.store.connection import Connection
from samekind.model_file.card import Card

# The facts that a search depends on: the card's text, the generation, the text about the index, the name of the space.
About = tuple[str | None, str | None, str | None, str | None]
_FACTS = [f"(SELECT value FROM about WHERE key = '{key}')" for key in ("card", "generation", "index", "space")]


def read_about(db: Connection) -> About:
    """The facts that a search depends on."""
    return tuple(db.execute(f"SELECT {', '.join(_FACTS)}").fetchone())


def read_fact(db: Connection, key: str) -> str | None:
    """A fact by its name; None if it was never set."""
    row = db.execute("SELECT value FROM about WHERE key = CAST(? AS TEXT)", (os.fsencode(key),)).fetchone()
    return None if row is None else row[0]


def set_fact(db: Connection, key: str, value: str) -> None:
    """Set a fact, within a transaction. Its name and its value may hold a path, which need not be UTF-8."""
    db.execute(
        "INSERT INTO about VALUES (CAST(? AS TEXT), CAST(? AS TEXT))"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (os.fsencode(key), os.fsencode(value)),
    )


# A search and a verdict ask for it each time.
@lru_cache(maxsize=8)
def parse_card(text: str) -> Card:
    """The card of a gallery's model, from the fact ``card``."""
    return Card.model_validate_json(text)


def generation(db: Connection) -> int:
    """A number that rises whenever an embedding is added, changed or removed."""
    return int(read_fact(db, "generation") or 0)
