"""What the service accepts at most, so that no request can take the machine with it."""

from __future__ import annotations

from dataclasses import dataclass

from samekind.images.formats import readable_plugins

# What photographs come in. Each format is a decoder that a stranger can reach, so rarely met ones are not tried;
# a telephone's HEIC is, where the extra ``heif`` reads it.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF", *readable_plugins("HEIF"))


@dataclass(frozen=True)
class Limits:
    """Bounds on bytes, pixels, numbers and time.

    Attributes:
        image_bytes: Bytes of one uploaded file.
        request_bytes: Bytes of one request's body.
        held_bytes: Bytes of all bodies together that are being received or judged.
        pixels: Pixels of one image (width × height, as stored).
        scans: Scans of one progressive JPEG: each passes over all pixels, and takes but a few bytes to ask for.
        images: Files in one request.
        waiting_images: Images accepted and not yet embedded; beyond them the answer is 503.
        waiting_pixels: Pixels of all large images (of more than a quarter of ``pixels``) that wait to be decoded or
            are, and as many again of all small ones; beyond them the answer is 503. ``pixels`` are decoded at one time.
        wait_seconds: Seconds for the images of one request to be decoded and embedded; after them the answer is 503.
        header_seconds: Seconds for the head of a request to arrive.
        body_seconds: Seconds for the body of a request to arrive.
        write_seconds: Seconds for a client to take in a piece of the answer (of at most a megabyte or so).
        idle_seconds: Seconds for the next request on an open connection. Balancers keep theirs for 60 and send a
            request on one that they take for open, so the service must not be the first to close it.
        connections: Open at the same time.
    """

    image_bytes: int = 20_000_000
    request_bytes: int = 64_000_000
    held_bytes: int = 256_000_000
    pixels: int = 50_000_000
    scans: int = 100
    images: int = 32
    waiting_images: int = 256
    waiting_pixels: int = 400_000_000
    wait_seconds: float = 20.0
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    write_seconds: float = 30.0
    idle_seconds: int = 64
    connections: int = 512

    @classmethod
    def for_images(cls, *, image_bytes: int, pixels: int, waiting_images: int, idle_seconds: int = 64) -> Limits:
        """Limits for images of some size, those of a request grown with them: what one may send must fit in.

        Example:
            >>> Limits.for_images(image_bytes=100_000_000, pixels=50_000_000, waiting_images=256).held_bytes
            640000000
        """
        request_bytes = max(cls.request_bytes, 32 * image_bytes // 10)  # three images, and what a form adds to them
        return cls(
            image_bytes=image_bytes,
            request_bytes=request_bytes,
            held_bytes=max(cls.held_bytes, 2 * request_bytes),
            pixels=pixels,
            waiting_pixels=max(cls.waiting_pixels, 4 * pixels),
            waiting_images=waiting_images,
            idle_seconds=idle_seconds,
        )
