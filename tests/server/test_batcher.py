from __future__ import annotations

import asyncio
import io
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import samekind
from samekind.images import Square
from samekind.server.batcher import Batcher, BusyError, TooManyPixelsError, UnreadableError
from samekind.server.limits import Limits


def picture(colour: tuple[int, int, int] = (200, 40, 40), kind: str = "PNG", size: tuple[int, int] = (24, 20)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, kind)
    return data.getvalue()


class Held:
    """An encoder that computes nothing until it is let go, and remembers its batches."""

    input_size = 16
    square = Square(16)

    def __init__(self) -> None:
        self.started, self.go = threading.Event(), threading.Event()
        self.sizes: list[int] = []

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        self.started.set()
        self.go.wait(300)
        self.sizes.append(len(pixels))
        # The first pixel stands for the image, so that each answer can be told from the others.
        return pixels[:, 0, 0].astype(np.float32)


def test_each_request_gets_its_own_rows(tiny_model) -> None:
    encoder = samekind.load(tiny_model).encoder
    batcher = Batcher(encoder, Limits(), workers=3)
    colours = [(8 * i, 250 - 8 * i, 40) for i in range(30)]

    async def ask(i: int) -> None:
        images = {"first": picture(colours[i]), "second": picture(colours[-1 - i])}
        rows = await batcher.embed(images)
        np.testing.assert_array_equal([rows["first"], rows["second"]], encoder.encode(images.values()))

    async def ask_all() -> None:
        await asyncio.gather(*(ask(i) for i in range(30)))

    asyncio.run(ask_all())
    assert batcher.waiting == 0
    batcher.close()


def test_what_waits_is_gathered_into_full_batches() -> None:
    encoder = Held()
    counted: list[int] = []
    batcher = Batcher(encoder, Limits(), workers=1, batch_size=4, on_batch=counted.append)

    async def ask() -> None:
        first = asyncio.ensure_future(batcher.embed({"image": picture()}))
        await asyncio.to_thread(encoder.started.wait, 60)
        asked = [first, *(asyncio.ensure_future(batcher.embed({"image": picture()})) for _ in range(8))]
        while batcher._jobs.qsize() < 8:
            await asyncio.sleep(0.01)
        encoder.go.set()
        await asyncio.gather(*asked)

    asyncio.run(asyncio.wait_for(ask(), 60))
    assert encoder.sizes == counted == [1, 4, 4]
    batcher.close()


def test_beyond_the_limit_the_answer_is_busy_and_afterwards_not() -> None:
    encoder = Held()
    batcher = Batcher(encoder, Limits(waiting_images=3))

    async def ask() -> None:
        asked = asyncio.ensure_future(batcher.embed({"first": picture(), "second": picture()}))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await batcher.embed({"first": picture(), "second": picture()})
        assert batcher.waiting == 2
        encoder.go.set()
        assert len(await asked) == 2
        assert len(await batcher.embed({str(i): picture() for i in range(3)})) == 3

    asyncio.run(asyncio.wait_for(ask(), 60))
    batcher.close()


class Decoding(Batcher):
    """Decodes nothing until it is let go, and remembers how many pixels it decoded together at most."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(Held(), limits, workers=1)
        self._encoder.go.set()
        self.open, self.now, self.most = threading.Event(), [], 0
        self._counting = threading.Lock()

    def _decode(self, data: bytes) -> np.ndarray:
        pixels = self._measure(data)
        with self._counting:
            self.now.append(pixels)
            self.most = max(self.most, sum(self.now))
        self.open.wait(300)
        with self._counting:
            self.now.remove(pixels)
        return np.full((16, 16, 3), pixels % 256, np.uint8)


def test_pixels_that_are_decoded_together_are_bounded_and_small_images_pass_large_ones(monkeypatch) -> None:
    # One decoder by itself would be kept from measuring the others.
    monkeypatch.setattr("samekind.server.batcher.available_cores", lambda: 4)
    batcher = Decoding(Limits(pixels=10_000, waiting_pixels=100_000))
    acquire, entered = batcher._budget.acquire, []

    async def acquire_noted(pixels: int) -> None:
        await acquire(pixels)
        entered.append(pixels)

    monkeypatch.setattr(batcher._budget, "acquire", acquire_noted)

    async def ask(side: int) -> None:
        await batcher.embed({"image": picture(size=(side, side))})

    async def ask_all() -> None:
        asked = [asyncio.ensure_future(ask(side)) for side in (100, 99, 98, 97, 96)]
        while not batcher.now:
            await asyncio.sleep(0.01)
        asked.append(asyncio.ensure_future(ask(10)))
        while 0 in batcher.waiting_pixels.values():
            await asyncio.sleep(0.01)
        batcher.open.set()
        await asyncio.gather(*asked)

    asyncio.run(asyncio.wait_for(ask_all(), 60))
    assert len(entered) == 6
    assert entered.index(10 * 10) <= 2  # in turn; which thread is done first is up to the system
    assert 9_000 < batcher.most <= 10_000
    assert batcher.waiting_pixels == {False: 0, True: 0}
    batcher.close()


def test_beyond_the_pixels_that_may_wait_the_answer_is_busy() -> None:
    batcher = Decoding(Limits(pixels=10_000, waiting_pixels=15_000))

    async def ask() -> None:
        large = picture(size=(100, 100))
        with pytest.raises(TooManyPixelsError):
            await batcher.embed({"first": large, "second": large})
        asked = asyncio.ensure_future(batcher.embed({"image": large}))
        while not batcher.now:
            await asyncio.sleep(0.01)
        with pytest.raises(BusyError):
            await batcher.embed({"image": large})
        small = asyncio.ensure_future(batcher.embed({"image": picture()}))  # large ones do not shut it out
        await asyncio.sleep(0.1)
        batcher.open.set()
        await asyncio.gather(asked, small)
        assert len(await batcher.embed({"image": large})) == 1

    asyncio.run(asyncio.wait_for(ask(), 60))
    batcher.close()


def test_what_has_waited_too_long_is_given_up_and_not_embedded() -> None:
    encoder = Held()
    batcher = Batcher(encoder, Limits(wait_seconds=0.5), workers=1, batch_size=1)

    async def ask() -> None:
        while not encoder.started.is_set():  # on a busy machine one may be given up before the network begins it
            with pytest.raises(BusyError):
                await batcher.embed({"image": picture()})
        answers = await asyncio.gather(*(batcher.embed({"image": picture()}) for _ in range(4)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [BusyError] * 4
        batcher._limits = Limits()  # the last has time
        encoder.go.set()
        await batcher.embed({"image": picture()})

    asyncio.run(asyncio.wait_for(ask(), 60))
    assert encoder.sizes == [1, 1]  # the one that the network had begun, and the last
    batcher.close()


def test_an_image_given_up_keeps_its_room_until_it_is_decoded() -> None:
    batcher = Decoding(Limits(pixels=10_000, wait_seconds=0.3))

    async def ask() -> None:
        while not batcher.now:  # on a busy machine one may be given up before it is decoded
            with pytest.raises(BusyError):
                await batcher.embed({"image": picture(size=(100, 100))})
        with pytest.raises(BusyError):
            await batcher.embed({"image": picture(size=(100, 100))})
        batcher._limits = replace(batcher._limits, wait_seconds=60)  # the last has time
        batcher.open.set()
        await batcher.embed({"image": picture(size=(100, 100))})

    asyncio.run(asyncio.wait_for(ask(), 60))
    assert batcher.most == 10_000
    batcher.close()


def test_unreadable_images_are_named_and_nothing_is_embedded() -> None:
    encoder = Held()
    batcher = Batcher(encoder, Limits(pixels=1000))
    images = {"a": picture(), "b": picture()[:50], "c": b"text", "d": picture(size=(50, 50))}
    with pytest.raises(UnreadableError) as caught:
        asyncio.run(batcher.embed(images))
    reasons = caught.value.reasons
    assert list(reasons) == ["b", "c", "d"]
    assert "truncated" in reasons["b"]
    assert reasons["c"].startswith("not a JPEG, PNG")
    assert "at most 1,000 pixels" in reasons["d"]
    assert (encoder.sizes, batcher.waiting) == ([], 0)
    batcher.close()


def test_a_jpeg_of_endless_scans_is_refused_before_decoding() -> None:
    # Each scan is a few bytes that make the decoder pass over the whole image once more.
    whole = picture(kind="JPEG", size=(64, 64))
    scan = whole.index(b"\xff\xda")
    bomb = whole[:scan] + whole[scan:-2] * 200 + whole[-2:]
    batcher = Batcher(Held(), Limits())
    with pytest.raises(UnreadableError, match="more than 100 scans"):
        asyncio.run(batcher.embed({"image": bomb}))
    batcher.close()


def test_heic_without_its_extra_is_named(monkeypatch) -> None:
    monkeypatch.setattr("samekind.server.batcher.FORMATS", ("JPEG", "PNG"))
    batcher = Batcher(Held(), Limits())
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40
    with pytest.raises(UnreadableError, match="a HEIC image, for which the extra heif is missing"):
        asyncio.run(batcher.embed({"image": heic}))
    batcher.close()


def test_a_failure_of_the_network_reaches_those_who_wait() -> None:
    class Broken(Held):
        def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
            raise RuntimeError("out of memory")

    batcher = Batcher(Broken(), Limits())
    with pytest.raises(RuntimeError, match="out of memory"):
        asyncio.run(batcher.embed({"image": picture()}))
    assert batcher.waiting == 0
    batcher.close()


def test_closing_finishes_what_was_accepted() -> None:
    class Counting(Batcher):
        submitted = 0

        def _submit(self, pixels: np.ndarray) -> asyncio.Future[np.ndarray]:
            self.submitted += 1
            return super()._submit(pixels)

    encoder = Held()
    batcher = Counting(encoder, Limits(), workers=2)

    async def ask() -> list[dict[str, np.ndarray]]:
        asked = [asyncio.ensure_future(batcher.embed({"image": picture((i, 0, 0))})) for i in range(12)]
        while batcher.submitted < 12:
            await asyncio.sleep(0.01)
        encoder.go.set()
        closing = asyncio.to_thread(batcher.close)
        return (await asyncio.gather(closing, *asked))[1:]

    rows = asyncio.run(asyncio.wait_for(ask(), 60))
    assert [row["image"][0] for row in rows] == list(range(12))
