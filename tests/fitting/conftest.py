"""What the tests of fitting share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samekind.fitting import calibrations


@pytest.fixture(scope="module")
def fewer_trios() -> Iterator[None]:
    """A tenth of the trios, for speed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrations, "_TRIOS", 2000)
        yield
