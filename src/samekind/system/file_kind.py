"""What kind of file lies at a path, told by its first bytes, so that nothing is written over a file of another kind."""

from __future__ import annotations

from pathlib import Path

_BYTES = 4096
# How files begin that are told apart by their first four bytes: PNG, JPEG, GIF, zip (also docx, npz), Parquet, SQLite.
_KNOWN = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"PAR1", b"SQLi")
# ONNX begins with the number of its version.
_ONNX, _MOST_VERSIONS = 8, 32

PAGE, JSON, TEXT, MODEL = "page", "JSON", "text", "model"


def kind_of_file(path: Path) -> str | None:
    """The kind of a file's content; None where there is nothing to lose: no file, an empty one, one of zeros.

    Returns:
        ``PAGE`` (HTML), ``JSON``, ``TEXT`` (also CSV), ``MODEL`` (ONNX), the first four bytes of what is known by
        them, or ``"other"``.

    Raises:
        OSError: The file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = Path(folder, "page.html")
        ...     _ = page.write_text("<!DOCTYPE html>")
        ...     kind_of_file(page), kind_of_file(Path(folder, "nowhere"))
        ('page', None)
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(_BYTES)
    if not head.strip(b"\0"):
        return None
    if head.startswith(_KNOWN):
        return repr(head[:4])
    if head[0] == _ONNX and head[1:2] < bytes([_MOST_VERSIONS]):
        return MODEL
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 has zeros, and is text
        return "other"
    return {b"<": PAGE, b"{": JSON, b"[": JSON}.get(head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1], TEXT)
