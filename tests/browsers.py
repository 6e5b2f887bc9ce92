"""A headless Chromium, and what tests do in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 120_000  # milliseconds: a browser on a busy machine is slow
AXE = Path(__file__).parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core (cd web && npm install)")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt-get install chromium)")


@contextmanager
def chromium(*arguments: str) -> Iterator:
    """A browser; without playwright the test is skipped."""
    playwright_api = pytest.importorskip("playwright.sync_api")
    with playwright_api.sync_playwright() as playwright:
        # The sandbox needs rights that a container does not have; the pages are our own.
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", *arguments], timeout=PATIENCE
        )
        yield started
        started.close()


def wait_until_alive(page, tab: str) -> None:
    """The script of a tab's inputs shows this button; before it ran, what a person does there goes unheard."""
    page.locator(f"#sk-{tab} [data-do=camera]:not([hidden])").first.wait_for()


def give(page, tab: str, *paths: Path) -> None:
    """Choose files in the places of a tab."""
    wait_until_alive(page, tab)
    for index, path in enumerate(paths):
        page.locator(f"#sk-{tab} input[type=file]").nth(index).set_input_files(path)


def violations(page) -> list[str]:
    """What axe finds wrong for people with a screen reader, a keyboard, or weak eyes: rule and element."""
    # Colours that are on their way from one scheme to another are neither's.
    page.wait_for_function(
        "document.getAnimations().every(a => a.playState !== 'running' || a.effect.getTiming().iterations === Infinity)"
    )
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]
