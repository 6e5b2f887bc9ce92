"""The pages at the root of the repository as pages of the site, and links that lead out of docs/."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from extensions.generated import DOCS, ROOT, write_page

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# What the site shows of the repository; a link to anything else outside docs/ goes to the repository itself.
PAGES = {
    "BENCHMARKS.md": "project/benchmarks.md",
    "benchmarks/README.md": "project/scripts.md",
    "CHANGELOG.md": "project/changelog.md",
    "ARCHITECTURE.md": "project/architecture.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "CODE_OF_CONDUCT.md": "project/conduct.md",
}
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]+)(#[^)\s]*)?(?=\))")
_FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx use it."""
    app.connect("builder-inited", _write_pages)
    app.connect("source-read", _lead_out)
    return {"parallel_read_safe": True}


def _write_pages(app: Sphinx) -> None:
    for file, page in PAGES.items():
        path = ROOT / file
        write_page(page, rewritten(path.read_text(encoding="utf-8"), path, DOCS / "generated" / page))


def _lead_out(app: Sphinx, docname: str, content: list[str]) -> None:
    path = Path(app.env.doc2path(docname))
    if "generated" not in path.parts:
        content[0] = rewritten(content[0], path, path)


def rewritten(text: str, source: Path, page: Path) -> str:
    """Markdown whose links lead, from where the page will lie, to what they name from where its source lies."""

    def target(match: re.Match[str]) -> str:
        there = Path(os.path.normpath(source.parent / match[1]))
        return _address(there, page) + (match[2] or "") if there.exists() else match[0]

    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _LINK.sub(target, part) for part in parts)


def _address(there: Path, page: Path) -> str:
    file = there.relative_to(ROOT).as_posix()
    if file in PAGES:
        there = DOCS / "generated" / PAGES[file]
    elif there == DOCS / "adr":
        there = DOCS / "adr" / "README.md"
    elif not there.is_relative_to(DOCS):
        return f"{_repository()}/{'tree' if there.is_dir() else 'blob'}/main/{file}"
    return Path(os.path.relpath(there, page.parent)).as_posix()


def _repository() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address: str = project["urls"]["Changelog"]
    return address.partition("/blob/")[0]
