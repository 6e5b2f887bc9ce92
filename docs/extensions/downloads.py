"""The walks as .ipynb files, to be downloaded from their pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extensions.generated import DOCS, write_page

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx use it."""
    app.connect("config-inited", _write_notebooks)
    return {"parallel_read_safe": True}


def _write_notebooks(app: Sphinx, config: Config) -> None:
    import nbformat
    from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook

    for page in sorted((DOCS / "start").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if is_myst_markdown_notebook(text):
            notebook = read_myst_markdown_notebook(text)
            for number, cell in enumerate(notebook.cells):
                cell["id"] = f"cell-{number}"  # which would else be by lot
            write_page(f"notebooks/{page.stem}.ipynb", nbformat.writes(notebook))
