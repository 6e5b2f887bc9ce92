"""How many pixels may be decoded at the same time."""

from __future__ import annotations

import asyncio


class PixelBudget:
    """A number of pixels that may be in memory at the same time, given out in turn.

    Large images enter one at a time, so that no more than one of them stands between small ones and their turn.

    Args:
        pixels: How many. An image of more than a quarter of them is large.
    """

    def __init__(self, pixels: int) -> None:
        self._free, self._large_from = pixels, pixels // 4
        self._large, self._turn, self._freed = asyncio.Lock(), asyncio.Lock(), asyncio.Event()

    def is_large(self, pixels: int) -> bool:
        """Whether an image of so many pixels is a large one."""
        return pixels > self._large_from

    async def acquire(self, pixels: int) -> None:
        """Take so many pixels, when it is their turn and there are as many."""
        if self.is_large(pixels):
            await self._large.acquire()
        try:
            async with self._turn:
                while self._free < pixels:
                    self._freed.clear()
                    await self._freed.wait()
                self._free -= pixels
        except BaseException:
            if self.is_large(pixels):
                self._large.release()
            raise

    def release(self, pixels: int) -> None:
        """Give back what was acquired."""
        self._free += pixels
        self._freed.set()
        if self.is_large(pixels):
            self._large.release()
