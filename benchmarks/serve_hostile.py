"""A thousand hostile uploads against `samekind serve`; the 1,001st, an honest one, must be answered rightly.

Truncated and damaged files, decompression bombs, files that are two formats at once, wrong content types, broken
multipart bodies, bodies that lie about their length, cut connections, slow senders. To each the service must have
answered with a problem document of a 4xx status, or (where the sender cut the line) not at all; after all of them it
must live, hold no bytes, and have grown by little. Everything goes to 127.0.0.1, and every wait has an end.

python benchmarks/serve_hostile.py [--uploads 1000] [--seed 0]
"""

from __future__ import annotations

import argparse
import io
import json
import random
import socket
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image
from serving import BOUNDARY, Service, multipart

_PATIENCE = 60.0
_HEAD = f"POST /api/v1/verify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)  # noqa: S311 - repeatable, not secret
    honest = multipart("/api/v1/verify", {"first": _picture("JPEG"), "second": _picture("PNG")})
    outcomes: Counter[str] = Counter()
    with Service("--no-page") as service:
        right = _status_and_body(_talk(service.port, honest))
        before = service.memory()
        for number in range(arguments.uploads):
            attack = _ATTACKS[number % len(_ATTACKS)]
            answer = attack(rng, service.port)
            outcomes[f"{attack.__name__.strip('_'):<22} {_judge(attack, answer)}"] += 1
        after = service.memory()
        last = _status_and_body(_talk(service.port, honest))
        numbers = _talk(service.port, b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").decode()
    for outcome, times in sorted(outcomes.items()):
        print(f"{times:>4} × {outcome}")
    print(f"memory {before:.0f} MB before, {after:.0f} MB after")
    held = [line for line in numbers.splitlines() if line.startswith(("samekind_held_bytes", "samekind_waiting"))]
    print("; ".join(held))
    print(f"an honest upload after all of them: {last[0]}, the answer of before: {last == right}")
    if last != right or right[0] != 200 or any("WRONG" in outcome for outcome in outcomes):
        raise SystemExit(1)


@cache
def _picture(kind: str, size: tuple[int, int] = (320, 240)) -> bytes:
    noise = np.random.default_rng(7).integers(0, 256, (size[1] // 8, size[0] // 8, 3), np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).resize(size).save(data, kind)
    return data.getvalue()


def _talk(port: int, *pieces: bytes, pause: float = 0.0, cut: bool = False) -> bytes:
    """Send the pieces; then cut the line, or read one answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
        received = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            if cut:
                # With this setting closing resets the connection at once.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return b""
            while not _complete(received) and (data := connection.recv(65536)):
                received += data
        except ConnectionError:
            pass  # what was received before counts
        return received


def _complete(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
    return bool(end) and length.isdigit() and len(body) >= int(length)


def _status_and_body(answer: bytes) -> tuple[int, dict[str, object]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def _judge(attack: Callable[..., bytes], answer: bytes) -> str:
    if not answer:
        return "cut, no answer" if attack in _UNANSWERED else "WRONG: no answer"
    status, document = _status_and_body(answer)
    if status == 200 and attack in _HARMLESS:
        return "200, the picture was read"
    problem = b"application/problem+json" in answer and document["status"] == status
    return f"{status}" if 400 <= status < 500 and problem else f"WRONG: {status} {document}"


def _send(port: int, bad: bytes, kind: str = "image/jpeg") -> bytes:
    return _talk(port, multipart("/api/v1/verify", {"first": _picture("JPEG"), "second": bad}, kind=kind))


def _truncated(rng: random.Random, port: int) -> bytes:
    whole = _picture(rng.choice(["JPEG", "PNG", "WEBP", "GIF", "BMP"]))
    return _send(port, whole[: rng.randrange(1, len(whole) * 3 // 4)])


def _damaged(rng: random.Random, port: int) -> bytes:
    """A PNG whose checksums no longer fit."""
    whole = bytearray(_picture("PNG"))
    for _ in range(20):
        whole[rng.randrange(40, len(whole) - 20)] ^= rng.randrange(1, 256)
    return _send(port, bytes(whole))


def _noise(rng: random.Random, port: int) -> bytes:
    return _send(port, rng.randbytes(rng.randrange(1, 50_000)))


def _pixel_bomb(rng: random.Random, port: int) -> bytes:
    """A PNG of a few kilobytes that says it has billions of pixels."""
    side = rng.choice([8_000, 30_000, 60_000])
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1_000_000))), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    return _send(port, data)


@cache
def _unpacks_to_200_megabytes() -> bytes:
    return zlib.compress(bytes(200_000_000), 1)


def _text_bomb(_: random.Random, port: int) -> bytes:
    """A PNG with a compressed text that unpacks to 200 MB."""
    whole = _picture("PNG")
    text = b"Comment\x00\x00" + _unpacks_to_200_megabytes()
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    return _send(port, whole[:33] + chunk + whole[33:])


def _scan_bomb(_: random.Random, port: int) -> bytes:
    """A JPEG with thousands of scans of a large image."""
    whole = _picture("JPEG", (4000, 3000))
    scan = whole.index(b"\xff\xda")
    return _send(port, whole[:scan] + whole[scan : scan + 14] * 5000 + whole[-2:])


def _polyglot(rng: random.Random, port: int) -> bytes:
    """Starts as one format and goes on as another."""
    first = rng.choice([b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\x00\x00\x00\x00WEBP", b"\x89PNG\r\n\x1a\n", b"BM"])
    second = rng.choice([b"%PDF-1.7 ", b"PK\x03\x04", b"<svg onload=alert(1)>", b"<?php system($_GET[0]); ?>", b"MZ"])
    return _send(port, first + second + rng.randbytes(2000))


def _other_format(rng: random.Random, port: int) -> bytes:
    """An image, but of a format that is not taken."""
    return _send(port, _picture(rng.choice(["TIFF", "ICO", "TGA", "PPM", "PCX", "SGI"])))


def _wrong_type(rng: random.Random, port: int) -> bytes:
    return _send(
        port, _picture("JPEG"), rng.choice(["text/html", "application/json", "video/mp4", "x", "application/pdf"])
    )


def _wrong_body(rng: random.Random, port: int) -> bytes:
    kind = rng.choice(["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
    body = rng.randbytes(500)
    head = f"POST /api/v1/verify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: 500\r\n\r\n"
    return _talk(port, head.encode() + body)


def _broken_multipart(rng: random.Random, port: int) -> bytes:
    request = multipart("/api/v1/verify", {"first": _picture("JPEG"), "second": _picture("JPEG")})
    body = request.partition(b"\r\n\r\n")[2]
    spoilt = rng.choice([body.replace(BOUNDARY.encode(), b"other"), body.replace(b" name=", b" nome="), body[:-40]])
    return _talk(port, f"{_HEAD}Content-Length: {len(spoilt)}\r\n\r\n".encode() + spoilt)


def _many_parts(rng: random.Random, port: int) -> bytes:
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="first"{rng.choice(["", "; filename=x"])}\r\n\r\n\r\n'
    body = part.encode() * 20_000 + f"--{BOUNDARY}--\r\n".encode()
    return _talk(port, f"{_HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def _long_part_head(_: random.Random, port: int) -> bytes:
    body = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=".encode() + b"a" * 5_000_000
    return _talk(port, f"{_HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def _too_large(rng: random.Random, port: int) -> bytes:
    if rng.random() < 0.5:
        return _send(port, bytes(21_000_000))
    return _talk(port, f"{_HEAD}Content-Length: {10**12}\r\n\r\n".encode(), bytes(100_000))


def _no_http(rng: random.Random, port: int) -> bytes:
    return _talk(
        port, rng.choice([b"\x16\x03\x01\x02\x00", b"GET /\x00 HTTP/1.1\r\n", b"HELO x\r\n"]) + b"\r\n\r\n" * 4
    )


def _long_head(_: random.Random, port: int) -> bytes:
    return _talk(port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n")


def _cut(rng: random.Random, port: int) -> bytes:
    request = multipart("/api/v1/verify", {"first": _picture("JPEG"), "second": _picture("JPEG")})
    return _talk(port, request[: rng.randrange(1, len(request))], cut=True)


def _cut_before_the_answer(_: random.Random, port: int) -> bytes:
    return _talk(port, multipart("/api/v1/verify", {"first": _picture("JPEG"), "second": _picture("PNG")}), cut=True)


def _slow(rng: random.Random, port: int) -> bytes:
    """Begins, and leaves the line open a while; the service has long answered others when it is cut."""
    start = rng.choice([b"GET / HT", f"{_HEAD}Content-Length: 1000\r\n\r\n".encode()])
    return _talk(port, start, b"-", pause=0.05, cut=True)


_ATTACKS: list[Callable[[random.Random, int], bytes]] = [
    *(_truncated, _damaged, _noise, _pixel_bomb, _text_bomb, _scan_bomb, _polyglot, _other_format, _wrong_type),
    *(_wrong_body, _broken_multipart, _many_parts, _long_part_head, _too_large, _no_http, _long_head, _cut),
    *(_cut_before_the_answer, _slow),
]
_UNANSWERED = {_cut, _cut_before_the_answer, _slow}
# Pillow 12.3 leaves such a text packed and reads the picture; older versions refuse it.
_HARMLESS = {_text_bomb}


if __name__ == "__main__":
    main()
