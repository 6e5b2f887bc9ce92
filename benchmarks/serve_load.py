"""The service under load, against embedding the same files in one process.

serve      `samekind serve` in a process of its own; this process is 1, 4, 16 and 64 clients, each sending
           POST /api/v1/verify with two JPEGs over one connection, the next when the last is answered
embedding  Recognizer.embed on the same files, as benchmarks/embedding.py measures it

The two take turns, so that a noisy machine disturbs both alike. With --memory N the service then answers N more
requests, and the memory of its process is written down ten times on the way.

python benchmarks/serve_load.py FOLDER [--requests 400] [--rounds 3] [--memory 20000] [--model NAME]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from serving import Service, multipart

from samekind.images import load_image
from samekind.recognizer import Recognizer, load
from samekind.server.batcher import BATCH_SIZE

_CLIENTS = (1, 4, 16, 64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--model", default=None)
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    files = files[:: max(1, len(files) // 1000)]
    requests = [_request(a, b) for a, b in zip(files[::2], files[1::2], strict=False)]
    speeds: dict[int, list[float]] = {clients: [] for clients in _CLIENTS}
    ratios: dict[int, list[float]] = {clients: [] for clients in _CLIENTS}
    seconds: dict[int, list[float]] = {clients: [] for clients in _CLIENTS}
    model = load(arguments.model)
    with Service("--no-page", *(["--model", arguments.model] if arguments.model else [])) as service:
        asyncio.run(_ask(service.port, requests[:64], 16))  # warm up both: page cache, thread pools, allocators
        _embedding(model, files[:64])
        for _ in range(arguments.rounds):
            for clients in _CLIENTS:
                baseline = _embedding(model, list(islice(cycle(files), arguments.requests)))
                start = time.perf_counter()
                taken = asyncio.run(_ask(service.port, list(islice(cycle(requests), arguments.requests)), clients))
                speed = 2 * len(taken) / (time.perf_counter() - start)
                speeds[clients].append(speed)
                ratios[clients].append(speed / baseline)
                seconds[clients] += taken
        before = service.cpu_seconds()
        asyncio.run(_ask(service.port, requests, 16))
        served = 1000 * (service.cpu_seconds() - before) / (2 * len(requests))
        for clients in _CLIENTS:
            p50, p95, p99 = (1000 * statistics.quantiles(seconds[clients], n=100)[q - 1] for q in (50, 95, 99))
            print(
                f"{clients:>2} clients  {statistics.median(speeds[clients]):6.1f} images/s"
                f"  ratio to embedding: median {statistics.median(ratios[clients]):.2f}"
                f" ({min(ratios[clients]):.2f} to {max(ratios[clients]):.2f})"
                f"  p50 {p50:.0f} ms  p95 {p95:.0f} ms  p99 {p99:.0f} ms"
            )
        decoding, network = _costs(files[:200], arguments.model)
        begun = time.process_time()
        _embedding(model, files[:400])
        embedding = 1000 * (time.process_time() - begun) / len(files[:400])
        print(
            f"processor time for an image: {served:.1f} ms in the service; decoding alone takes {decoding:.1f} ms, "
            f"the network {network:.1f} ms, which leaves {served - decoding - network:.1f} ms for HTTP and the rest; "
            f"embedding takes {embedding:.1f} ms, {embedding / served:.2f} of the service's"
        )
        print("every answer was 200")
        if arguments.memory:
            part = arguments.memory // 10
            for done in range(0, arguments.memory + 1, part):
                print(f"after {done:>6,} requests: {service.memory():.0f} MB")
                if done < arguments.memory:
                    asyncio.run(_ask(service.port, list(islice(cycle(requests), part)), 16))


def _request(first: Path, second: Path) -> bytes:
    return multipart("/api/v1/verify", {"first": first.read_bytes(), "second": second.read_bytes()})


def _embedding(model: Recognizer, files: list[Path]) -> float:
    start = time.perf_counter()
    model.embed(files)
    return len(files) / (time.perf_counter() - start)


def _costs(files: list[Path], model: str | None) -> tuple[float, float]:
    """Milliseconds of processor time for an image: to decode it, and to run the network as the service does."""
    encoder = load(model, threads=1).encoder
    start = time.process_time()
    pixels = np.stack([load_image(path, encoder.input_size) for path in files])
    decoded = time.process_time()
    for first in range(0, len(pixels), BATCH_SIZE):
        encoder.encode_pixels(pixels[first : first + BATCH_SIZE])
    return 1000 * (decoded - start) / len(files), 1000 * (time.process_time() - decoded) / len(files)


async def _ask(port: int, requests: list[bytes], clients: int) -> list[float]:
    """Send all requests from so many clients; the seconds that each took."""
    waiting, seconds = iter(requests), list[float]()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            start = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            seconds.append(time.perf_counter() - start)
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"not answered with 200: {head!r}")
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return seconds


if __name__ == "__main__":
    main()
