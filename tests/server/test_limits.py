from __future__ import annotations

import pytest

from samekind.server.limits import Limits


@pytest.mark.parametrize("size", [10_000, 20_000_000, 80_000_001, 500_000_000])
def test_what_one_request_may_send_always_fits_in(size) -> None:
    limits = Limits.for_images(image_bytes=size, pixels=size, waiting_images=256)
    assert 3 * limits.image_bytes < limits.request_bytes < limits.held_bytes
    assert 3 * limits.pixels < limits.waiting_pixels


def test_the_defaults_are_those_for_images_of_the_default_size() -> None:
    usual = Limits()
    sizes = {"image_bytes": usual.image_bytes, "pixels": usual.pixels, "waiting_images": usual.waiting_images}
    assert Limits.for_images(**sizes) == usual
