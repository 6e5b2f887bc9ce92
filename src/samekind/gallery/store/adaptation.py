"""A gallery's adaptation to its own images, as its file keeps it: the facts ``adaptation`` and ``space``."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

import numpy as np
from pydantic import BaseModel

from samekind.adaptation.adaptation import Adaptation
from samekind.gallery.store.connection import Connection
from samekind.gallery.store.facts import read_fact, set_fact
from samekind.model_file.calibration import PairCalibration, TrioCalibration
from samekind.model_file.card import Adapted


class _Kept(BaseModel):
    offset: str
    pair: PairCalibration | None
    trio: TrioCalibration | None
    about: Adapted


def keep_adaptation(db: Connection, adaptation: Adaptation | None) -> None:
    """Note an adaptation, or that there is none. To be called within a transaction."""
    text = ""
    if adaptation is not None:
        offset = base64.b64encode(adaptation.offset.astype("<f4").tobytes()).decode()
        kept = _Kept(offset=offset, pair=adaptation.pair, trio=adaptation.trio, about=adaptation.about)
        text = kept.model_dump_json()
    set_fact(db, "adaptation", text)
    # A search compares the facts that it depends on each time, so it is given a short one.
    set_fact(db, "space", hashlib.sha256(text.encode()).hexdigest()[:16] if text else "")


def read_adaptation(db: Connection) -> Adaptation | None:
    """The adaptation of a gallery; None where there is none."""
    text = read_fact(db, "adaptation")
    return _parse(text) if text else None


# The service asks for it with each verdict.
@lru_cache(maxsize=8)
def _parse(text: str) -> Adaptation:
    kept = _Kept.model_validate_json(text)
    offset = np.frombuffer(base64.b64decode(kept.offset), "<f4").astype(np.float32)
    return Adaptation(offset, kept.pair, kept.trio, kept.about)
