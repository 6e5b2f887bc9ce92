"""The page that runs in the visitor's browser, where it has been built (``web/``): linked, and framed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import Directive

from extensions.generated import GENERATED, ROOT

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

# What `npm run build` in web/ writes, and `samekind export-web` puts beside a model.
_BUILT = ROOT / "src" / "samekind" / "web" / "page" / "index.html"
_SITE = GENERATED / "extra"
_FRAME = """<p><a href="../try/index.html">Open it on a page of its own.</a></p>
<iframe src="../try/index.html" title="samekind in your browser" style="width:100%;height:48rem;border:0"
 loading="lazy"></iframe>"""
_MISSING = (
    "The page is not part of this build of the site: web/ has not been built. "
    "Meanwhile, `samekind serve --open` shows a page of the same kind."
)


class TryIt(Directive):
    """The frame, or a sentence where there is nothing to show."""

    def run(self) -> list[nodes.Node]:
        """The nodes that it stands for."""
        if _BUILT.is_file():
            return [
                nodes.paragraph(text="It judges your pictures in your browser. No picture leaves your machine."),
                nodes.raw("", _FRAME, format="html"),
            ]
        return [nodes.paragraph(text=_MISSING)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx use it."""
    app.add_directive("try-it", TryIt)
    app.connect("config-inited", _export)
    return {"parallel_read_safe": True}


def _export(app: Sphinx, config: Config) -> None:
    if not _BUILT.is_file():
        return
    shutil.rmtree(_SITE, ignore_errors=True)
    _SITE.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "samekind", "export-web", str(_SITE / "try")], check=True)
    config.html_extra_path.append(str(_SITE))
