from __future__ import annotations

import pytest

from samekind.errors import ServeError
from samekind.server.limits import Limits
from samekind.server.runner import run


def test_a_host_without_an_address_is_named() -> None:
    with pytest.raises(ServeError, match=r"^no\.such\.invalid: no address"):
        run(None, host="no.such.invalid", port=0, limits=Limits())
