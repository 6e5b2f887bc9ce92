"""The address of a model on a hub: ``hf://owner/name@revision/file``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from samekind.errors import HubError

SCHEME = "hf://"
# What ``push`` calls the file.
USUAL_FILE = "model.onnx"
_NAME = r"[A-Za-z0-9][\w.-]{0,95}"
_FORM = re.compile(rf"hf://(?P<owner>{_NAME})/(?P<name>{_NAME})(?:@(?P<revision>[^/@]+))?(?:/(?P<file>.+))?")
# Parts with slashes between, none of which begins with a dot: the hub's client makes a path of the cache of them.
_REVISION = re.compile(r"[\w+=-][\w.+=-]*(/[\w+=-][\w.+=-]*)*")


@dataclass(frozen=True)
class HubAddress:
    """Where a model lies on a hub.

    Attributes:
        repository: ``owner/name``.
        revision: A branch, a tag or a commit; None is the main branch.
        file: The path of the file in the repository; None where there is one model only.
    """

    repository: str
    revision: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        revision = "" if self.revision is None else f"@{quote(self.revision, safe='')}"
        return f"{SCHEME}{self.repository}{revision}{'' if self.file is None else f'/{self.file}'}"


def is_hub_address(name: str) -> bool:
    """Whether a name is an address of the hub, perhaps a wrong one."""
    return name.lower().startswith("hf:")


def parse_address(name: str) -> HubAddress:
    """Take an address apart.

    Raises:
        HubError: It is none.

    Example:
        >>> parse_address("hf://me/shoes@v1/small.onnx")
        HubAddress(repository='me/shoes', revision='v1', file='small.onnx')
    """
    found = _FORM.fullmatch(name) if isinstance(name, str) else None
    file = found and found["file"]
    if found is None or (file and (".." in file.split("/") or file.endswith("/") or not file.endswith(".onnx"))):
        raise HubError(
            f"{name or repr(name)}: no address of a model; write hf://OWNER/NAME, hf://OWNER/NAME@REVISION/FILE.onnx"
        )
    revision = None if found["revision"] is None else unquote(found["revision"])
    if revision is not None and not _REVISION.fullmatch(revision):
        raise HubError(f"{name}: {revision!r} is no revision; it is a branch, a tag or a commit")
    return HubAddress(f"{found['owner']}/{found['name']}", revision, file)
