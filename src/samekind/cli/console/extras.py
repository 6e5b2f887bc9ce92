"""Asking for an optional dependency by the command that installs it."""

from __future__ import annotations

from importlib.util import find_spec

from samekind.errors import MissingExtraError


def require(extra: str, *modules: str) -> None:
    """Make sure that the modules of an extra are installed, without importing them.

    Raises:
        MissingExtraError: One is not; the message says what to install.
    """
    for module in modules:
        if find_spec(module) is None:
            raise MissingExtraError(extra, module)


def require_gallery() -> None:
    """Refuse to go on unless all that galleries need is installed."""
    require("gallery", "faiss", "imagehash", "cv2", "filelock", "sklearn", "jinja2")
