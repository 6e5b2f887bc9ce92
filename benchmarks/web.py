"""The page for the browser: bytes and time to the first verdict, and how far its verdicts on JPEGs are from Python's.

python benchmarks/web.py [--pairs 200] [--mosaics 40] [--visits 5] [--images ../shared/data/caltech101-a]

Needs Chromium, playwright, and the built page (cd web && npm install && npm run build). Times are those of this
machine, and the median of several new visitors; the host is on the same machine, so they are without the network's.
"""

from __future__ import annotations

import argparse
import gzip
import http.server
import shutil
import statistics
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

import samekind
from samekind.web.export import export_web

# Pictures a side of a mosaic, by how much Pillow then has its JPEG made smaller while it is decoded.
MOSAICS = {2: 4, 4: 8, 8: 16}
TILE = 240


class Visitor:
    """The page of a new visitor, or of one who comes again."""

    def __init__(self, context: Any, address: str) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(300_000)
        self.page.goto(address)
        self.page.get_by_text("Ready.").wait_for()

    def judge(self, *pictures: Path) -> float:
        """The probability that the page shows of two pictures."""
        for place, picture in enumerate(pictures):
            self.page.locator(".slot input").nth(place).set_input_files(picture)
            self.page.locator(f".slot:nth-child({place + 1}) [alt='{picture.name}']").wait_for()
        self.page.locator("#ask-why:visible").wait_for()
        return float(self.page.locator("#verdict data").get_attribute("value"))

    def clear(self) -> None:
        """Take the two pictures away again."""
        for place in (1, 0):
            self.page.locator(".slot button").nth(place).click()
        self.page.get_by_text("Ready.").wait_for()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default=Path("../shared/data/caltech101-a"))
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--mosaics", type=int, default=40)
    parser.add_argument("--visits", type=int, default=5)
    parser.add_argument("--model", default="general")
    options = parser.parse_args()
    photos = sorted(options.images.rglob("*.jpg"))
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = export_web(Path(folder) / "site", options.model)
        sizes(site.folder)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        address = host(site.folder)
        times(browser, address, photos[:2], options.visits)
        pairs = [two_of(photos, rng) for _ in range(options.pairs)]
        differences(browser, address, options.model, "JPEGs as they are", pairs)
        for factor, side in MOSAICS.items():
            made = [mosaic(photos, side, rng, Path(folder) / f"{factor}-{n}.jpg") for n in range(options.mosaics)]
            judged = list(zip(made[::2], made[1::2], strict=False))
            differences(browser, address, options.model, f"mosaics that Pillow decodes at 1/{factor}", judged)
        browser.close()


def host(folder: Path) -> str:
    """A host of static files on this machine; its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def sizes(site: Path) -> None:
    """What a visitor loads, as it is and as a host that compresses sends it."""
    files = [path for path in site.rglob("*") if path.is_file()]
    kinds = {"model": ".onnx", "WebAssembly": ".wasm"}
    for kind, suffix in [*kinds.items(), ("all", "")]:
        data = [path.read_bytes() for path in files if path.suffix == suffix or not suffix]
        packed = sum(len(gzip.compress(one, 6)) for one in data)
        print(f"{kind:12} {sum(map(len, data)) / 1e6:6.2f} MB, compressed {packed / 1e6:6.2f} MB")


def times(browser: Any, address: str, pictures: list[Path], visits: int) -> None:
    """Seconds until the page is ready and until its first verdict, of new visitors and of those who come again."""
    seconds: dict[str, list[float]] = {}
    for _ in range(visits):
        context = browser.new_context()
        for visit in ("first visit", "second visit"):
            start = time.perf_counter()
            visitor = Visitor(context, address)
            ready = time.perf_counter()
            visitor.judge(*pictures)
            done = time.perf_counter()
            visitor.clear()
            again = time.perf_counter()
            visitor.judge(*pictures)
            more = time.perf_counter() - again
            visitor.page.get_by_text("Works without a network").wait_for()
            on = visitor.page.locator("#about").inner_text().split("computed by ")[1].split(".")[0]
            for what, took in (("ready", ready - start), ("first verdict", done - start), ("another verdict", more)):
                seconds.setdefault(f"{visit} ({on}): {what}", []).append(took)
            visitor.page.close()
        context.close()
    for what, all_of_them in seconds.items():
        low, high = min(all_of_them), max(all_of_them)
        print(f"{what:55} {statistics.median(all_of_them):5.2f} s  ({low:.2f} to {high:.2f}, {visits} visitors)")


def two_of(photos: list[Path], rng: np.random.Generator) -> tuple[Path, Path]:
    """Two photographs; every other time of one class."""
    first = photos[rng.integers(len(photos))]
    others = [path for path in photos if path.parent == first.parent and path != first] if rng.integers(2) else photos
    return first, (others or photos)[rng.integers(len(others or photos))]


def mosaic(photos: list[Path], side: int, rng: np.random.Generator, path: Path) -> Path:
    """A large JPEG with the detail of real ones: side × side photographs of one class beside each other."""
    first = photos[rng.integers(len(photos))]
    same = [photo for photo in photos if photo.parent == first.parent]
    whole = Image.new("RGB", (side * TILE, side * TILE))
    for place in range(side * side):
        with Image.open(same[rng.integers(len(same))]) as image:
            tile = image.convert("RGB").resize((TILE, TILE), Image.Resampling.LANCZOS)
        whole.paste(tile, (place % side * TILE, place // side * TILE))
    whole.save(path, quality=90)
    return path


def differences(browser: Any, address: str, model: str, what: str, pairs: list[tuple[Path, Path]]) -> None:
    """How far the page's probabilities are from Python's for the same files."""
    recognizer, context = samekind.load(model), browser.new_context()
    visitor = Visitor(context, address)
    off, turned = [], 0
    for first, second in pairs:
        page = visitor.judge(first, second)
        verdict = recognizer.verify(first, second)
        off.append(abs(page - verdict.probability))
        turned += (page >= 0.5) != verdict.same
        visitor.clear()
    context.close()
    print(
        f"{what}, {len(pairs)} pairs: probability off by {np.median(off):.1e} (median), "
        f"{np.quantile(off, 0.95):.1e} (95 %), {max(off):.1e} (most); {turned} other verdicts"
    )


if __name__ == "__main__":
    main()
