"""ICC profiles for tests, made from their numbers."""

from __future__ import annotations

import struct

SRGB = ((0.436, 0.222, 0.014), (0.385, 0.717, 0.097), (0.143, 0.061, 0.714))
ADOBE = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
P3 = ((0.5151, 0.2412, -0.001), (0.2920, 0.6923, 0.0419), (0.1571, 0.0666, 0.7841))
WHITE = (0.9642, 1.0, 0.8249)


def matrix_profile(columns: tuple[tuple[float, ...], ...], gamma: float, space: bytes = b"RGB ") -> bytes:
    """An ICC profile (version 2) of three primaries and one gamma."""

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = [(b"desc", b"desc\0\0\0\0\0\0\0\x02x\0" + bytes(78)), (b"wtpt", xyz(WHITE))]
    if space == b"GRAY":
        tags.append((b"kTRC", curve))
    else:
        tags += [(name, xyz(column)) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)]
        tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, content in tags:
        padded = content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", start + len(body), len(padded))
        body += padded
    body = struct.pack(">I", len(tags)) + table + body
    head = struct.pack(">I4sI", 128 + len(body), b"", 0x02100000) + b"mntr" + space + b"XYZ "
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + xyz(WHITE)[8:]
    return head + bytes(128 - len(head)) + body
