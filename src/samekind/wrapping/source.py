"""An ONNX file from elsewhere, read into memory whole: data that lies beside it is put into it."""

from __future__ import annotations

import hashlib
from pathlib import Path, PureWindowsPath
from typing import Any

from samekind.errors import WrapError
from samekind.model_file.onnx_envelope import OnnxEnvelope
from samekind.system.paths import given_path

# A protocol buffer ends here; the card needs some room.
_LARGEST = 2**31 - 2**24
_FURTHEST = 2**62  # no file reaches so far, and no more can be asked of the system


def read_source(path: Path) -> tuple[OnnxEnvelope, Any, str]:
    """Read an ONNX file; weights in files beside it are read as well, and from nowhere else.

    Args:
        path: The file.

    Returns:
        The file, its graph with all weights in it, and the SHA-256 of all that was read.

    Raises:
        WrapError: It cannot be read, is none, is over 2 GB with its weights, or refers to files that do not lie in its
            folder or below.
        ModelFileError: It is no ONNX file.
    """
    path = given_path(path, WrapError)
    data = _read(path, 0, None)
    envelope = OnnxEnvelope(data, str(path))
    graph = envelope.graph()
    digest = hashlib.sha256(data)
    tensors = list(envelope.external_tensors(graph))
    places = [_place(tensor, path) for tensor in tensors]
    total = len(data) + sum(length for _, _, length in places)
    if total > _LARGEST:
        raise WrapError(f"{path}: {total / 1e9:.1f} GB with its weights; an ONNX file holds at most 2 GB")
    for tensor, (file, offset, length) in zip(tensors, places, strict=True):
        tensor.raw = _read(file, offset, length)
        digest.update(tensor.raw)
        del tensor.external_data[:]
        tensor.data_location = 0
    # Of functions only copies were filled; ONNX Runtime would look for their data in the working directory.
    if any(envelope.external_tensors(graph)):
        raise WrapError(f"{path}: a function in it keeps its weights in another file; export it with these inlined")
    return envelope, graph, digest.hexdigest()


def _place(tensor: Any, path: Path) -> tuple[Path, int, int]:
    """File, offset and length of a tensor's data."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    file = _beside(path, entries.get("location", ""))
    try:
        offset = int(entries.get("offset", 0))
        length = int(entries["length"]) if "length" in entries else file.stat().st_size - offset
    except (ValueError, OSError) as error:
        raise WrapError(f"{path}: its weights {tensor.name} lie in {file}, which cannot be read ({error})") from error
    if not 0 <= offset <= _FURTHEST or length < 0:
        raise WrapError(f"{path}: its weights {tensor.name} begin or end nowhere in {file}")
    return file, offset, length


def _beside(path: Path, location: str) -> Path:
    """The file that a tensor names, which must lie in the folder of the ONNX file or below, links followed.

    A hub's cache has links to files of its own: what lies beside the file that the link leads to counts, too.
    """
    named = PureWindowsPath(location)  # knows both kinds of separators, and drives
    file = path.parent / location
    folders = (path.parent.resolve(), path.resolve().parent)
    if not location or named.drive or named.root or ".." in named.parts or not _is_below(file, folders):
        raise WrapError(
            f"{path}: refused, because its weights are to be read from {(location or 'nowhere')[:200]!r}; only files "
            "in its own folder are"
        )
    if not file.is_file():
        raise WrapError(f"{path}: its weights are to lie beside it in {location}, and there is no such file")
    return file


def _is_below(file: Path, folders: tuple[Path, ...]) -> bool:
    try:
        place = file.resolve()
        file.is_file()  # raises for a name that is too long
        return any(place.is_relative_to(folder) for folder in folders)
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, or links in a circle
        return False


def _read(path: Path, offset: int, length: int | None) -> bytes:
    try:
        size = path.stat().st_size - offset if length is None else length
        if size > _LARGEST:
            raise WrapError(f"{path}: {size / 1e9:.1f} GB; an ONNX file holds at most 2 GB")
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(size)
    except OSError as error:
        raise WrapError(f"{path}: cannot be read ({error.strerror or error})") from error
    if len(data) < size:
        raise WrapError(f"{path}: ends before the weights that are to lie in it")
    return data
