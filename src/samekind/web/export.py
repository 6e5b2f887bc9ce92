"""Writing the page for the browser: the built page, a model file, and ``site.json``, which names them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from samekind.errors import WebPageError
from samekind.model_file.card import Card, pair_calibration_of
from samekind.model_file.file import find_model, parse_model
from samekind.system.atomic import replacing
from samekind.system.paths import given_path

# What the page reads first, and by which a folder is known as one that was written here.
_SITE = "site.json"
# Written last, so that nobody meets a page whose files are not there yet.
_LAST = ("index.html", "service-worker.js", _SITE)


@dataclass(frozen=True)
class ExportedPage:
    """A page that was written.

    Attributes:
        folder: Where it lies.
        card: That of its model.
        model: The model file's name in the folder.
        bytes: The size of all its files together.
    """

    folder: Path
    card: Card
    model: str
    bytes: int


def built_page() -> Path:
    """The folder of the built page, which released wheels bring along.

    Raises:
        WebPageError: It is not there.
    """
    folder = Path(str(resources.files("samekind"))) / "web" / "page"
    if not (folder / "index.html").is_file():
        raise WebPageError(
            "this samekind came without the page for the browser. In a clone, with Node.js 20 or newer, build it and "
            "run the command again: cd web && npm install && npm run build"
        )
    return folder


def export_web(folder: str | os.PathLike[str], model: str | os.PathLike[str] | None = None) -> ExportedPage:
    """Write the page for the browser with a model, ready for any host of static files.

    A folder that such a page was written to before gets the new one; what no longer belongs to it is removed.

    Args:
        folder: Where to write; made if it is missing.
        model: As ``read_model`` takes it.

    Raises:
        WebPageError: The page was never built, the folder has other files in it, or the model sees a part of each
            picture.
        ModelFileError: As ``read_model``.
        NotCalibratedError: Nobody has calibrated the model.
        OSError: A file cannot be written.
    """
    page, path = built_page(), find_model(model)
    data = path.read_bytes()
    card = parse_model(data, str(path)).card
    pair_calibration_of(card)  # the page shows verdicts
    if card.resize != "squash" or card.shown != 1:
        raise WebPageError(f"{card.name}: the page squashes pictures, and this encoder is shown a part of each")
    target = given_path(folder, WebPageError)
    before = _files_before(target)
    names = sorted(file.relative_to(page).as_posix() for file in page.rglob("*") if file.is_file())
    named = f"{re.sub(r'[^A-Za-z0-9_-]+', '-', path.stem)}-{hashlib.sha256(data).hexdigest()[:12]}.onnx"
    with replacing(target / named) as temporary:
        temporary.write_bytes(data)
    for name in sorted(names, key=_LAST.__contains__):
        with replacing(target / name) as temporary:
            shutil.copyfile(page / name, temporary)
    with replacing(target / _SITE) as temporary:
        temporary.write_text(json.dumps(_site(page, names, named, len(data)), indent=1) + "\n", encoding="utf-8")
    for name in before - {*names, named}:
        (target / name).unlink(missing_ok=True)
    size = sum((target / name).stat().st_size for name in (*names, named, _SITE))
    return ExportedPage(target, card, named, size)


def _site(page: Path, names: list[str], model: str, size: int) -> dict[str, object]:
    """What the page reads to find its files; its version changes with each of them."""
    digest = hashlib.sha256(model.encode())
    for name in names:
        digest.update(name.encode() + hashlib.sha256((page / name).read_bytes()).digest())
    files = [name for name in names if name != "service-worker.js"]  # browsers keep that one themselves
    return {"made_by": "samekind", "model": model, "bytes": size, "version": digest.hexdigest()[:12], "files": files}


def _files_before(target: Path) -> set[str]:
    """The files of a page that was written to a folder before; empty for a new one.

    Raises:
        WebPageError: Something else is in it.
    """
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return set()
    try:
        site = json.loads((target / _SITE).read_text(encoding="utf-8"))
        if site["made_by"] == "samekind":
            return {name for name in (site["model"], *site["files"]) if _within(target, name)}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise WebPageError(f"{target}: has other files in it, which are not overwritten; name a new folder")


def _within(target: Path, name: object) -> bool:
    """Whether a name leads to a file in the folder: ``site.json`` may be anybody's."""
    return isinstance(name, str) and (target / name).resolve().is_relative_to(target.resolve())
