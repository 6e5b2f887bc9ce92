"""What kind of file lies at a path, told by its first bytes, so that nothing is written over a file of another kind."""

from __future__ import annotations

from pathlib import Path

_BYTES = 4096
# How files begin that are told apart by their first four bytes: PNG, JPEG, GIF, zip (also docx, npz), Parquet, SQLite
# and PDF.
_KNOWN = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"PAR1", b"SQLi", b"%PDF")
# What is one kind in two ways of writing numbers, or has its length where others have their name.
_TIFF, _BITMAP = (b"II*\0", b"MM\0*"), b"BM"
# ONNX begins with the number of its version.
_ONNX, _MOST_VERSIONS = 8, 32

PAGE, JSON, TEXT, MODEL = "page", "JSON", "text", "model"


def kind_of_file(path: Path) -> str | None:
    """The kind of a file's content; None where there is nothing to lose: no file, an empty one, one of zeros.

    Returns:
        ``PAGE`` (HTML), ``JSON``, ``TEXT`` (also CSV), ``MODEL`` (ONNX), the first four bytes of what is known by
        them, or what others have in the place of a name.

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
        if not head.strip(b"\0"):  # a disk's image may begin so
            return None if all(not chunk.strip(b"\0") for chunk in iter(lambda: file.read(1 << 20), b"")) else "zeros"
    if head.startswith(_KNOWN):
        return repr(head[:4])
    if head[0] == _ONNX and head[1:2] < bytes([_MOST_VERSIONS]):
        return MODEL
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 has zeros, and is text
        return _binary(head)
    return {b"<": PAGE, b"{": JSON, b"[": JSON}.get(head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1], TEXT)


def _binary(head: bytes) -> str:
    if head.startswith(_TIFF):
        return "TIFF"
    if head.startswith(_BITMAP):
        return "bitmap"
    # WebP and others say RIFF and a length first; HEIF, AVIF and MP4 a length and ftyp.
    return repr(head[8:12] if head.startswith(b"RIFF") or head[4:8] == b"ftyp" else head[:4])
