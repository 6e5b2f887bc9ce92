"""How Sphinx builds the site: `nox -s docs`. Nothing is fetched; each warning is an error."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import samekind

sys.path.insert(0, str(Path(__file__).parent))

# Notebooks and pages of the build say what they did, not how far they are.
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("NO_COLOR", "1")
os.environ["TERM"] = "dumb"  # no bars that move

project = "samekind"
author = "The samekind developers"
copyright = author  # noqa: A001 - Sphinx's name
version = release = samekind.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "extensions.repository_pages",
    "extensions.python_pages",
    "extensions.command_pages",
    "extensions.recipe_page",
    "extensions.http_page",
    "extensions.card_page",
    "extensions.downloads",
    "extensions.try_it",
    "extensions.accessible",
    "extensions.descriptions",
]
exclude_patterns = ["_build", "generated/notebooks"]
nitpicky = True
# Types of other libraries, and the internal ones that signatures show: they have no pages here.
nitpick_ignore_regex = [("py:.*", r"(?!samekind\.[A-Z]).*")]

myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 4

# The walks are run at each build, and an error in one is an error of the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 1800  # seconds a cell; the longest trains, on a busy machine too
nb_execution_in_temp = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_favicon = "favicon.svg"
html_title = "samekind"
html_copy_source = False
html_show_sourcelink = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

# `nox -s docs` asks no other host; `sphinx-build -b linkcheck docs out -D linkcheck_ignore=` asks them all.
linkcheck_ignore = [r"https?://"]
