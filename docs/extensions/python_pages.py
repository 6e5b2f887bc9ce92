"""The Python reference: a page for each public module, with everything that its ``__all__`` names."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING

from extensions.generated import write_page

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_MODULES = {
    "samekind": "What most programs need. [What is public](../../reference.md) has it as a table.",
    "samekind.gallery": "Needs the extra `gallery`. [Galleries](../../galleries.md) tells what they are for.",
    "samekind.plans": "Needs the extra `gallery`. [Removing copies, and back](../../removing-copies.md) tells more.",
}
_DIRECTIVES = {"function": "autofunction", "class": "autoclass", "exception": "autoexception"}


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx use it."""
    app.connect("builder-inited", lambda _: _write())
    return {"parallel_read_safe": True}


def _write() -> None:
    for module, about in _MODULES.items():
        write_page(f"python/{module}.md", python_page(module, about))


def python_page(name: str, about: str) -> str:
    """The page of a module, in MyST."""
    module = import_module(name)
    kinds: dict[str, list[str]] = {kind: [] for kind in _DIRECTIVES}
    for public in module.__all__:
        kinds[_kind(getattr(module, public))].append(public)
    parts = [f"# `{name}`", about]
    for kind, title in zip(kinds, ("Functions", "Classes", "Errors"), strict=True):
        if kinds[kind]:
            parts.append(f"## {title}")
        parts += [_entry(f"{name}.{public}", kind) for public in kinds[kind] if public in _homes(name)]
    return "\n\n".join(parts) + "\n"


def _homes(name: str) -> set[str]:
    """The names that this page has in full; ``Gallery`` is on the page of its own module, too, and has one home."""
    module = import_module(name)
    elsewhere = {"Gallery"} if name == "samekind" else set()
    return set(module.__all__) - elsewhere


def _kind(value: object) -> str:
    if inspect.isclass(value):
        return "exception" if issubclass(value, Exception) else "class"
    return "function"


def _entry(name: str, kind: str) -> str:
    members = "\n   :members:\n   :inherited-members: BaseModel, Exception, tuple" if kind == "class" else ""
    return f"```{{eval-rst}}\n.. {_DIRECTIVES[kind]}:: {name}{members}\n```"
