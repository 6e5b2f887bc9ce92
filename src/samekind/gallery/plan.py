"""A list of what to keep and what to remove, for a person to read, edit and apply. samekind itself deletes nothing."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from samekind.atomic import replacing
from samekind.gallery.duplicates.duplicate_groups import DuplicateGroup
from samekind.paths import ENCODING_ERRORS


def write_plan(path: str | os.PathLike[str], groups: Sequence[DuplicateGroup], title: str, folder: Path) -> None:
    """Write the plan, whole or not at all.

    A line begins with ``keep``, ``remove`` or ``#``, and then has a path relative to the gallery's folder. The lines at
    its top say how to apply it.

    Args:
        path: The file to write.
        groups: From ``Gallery.duplicates``.
        title: What the groups are.
        folder: The gallery's.
    """
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors=ENCODING_ERRORS, newline="\n") as file,
    ):
        file.write(
            f"# {title}. Nothing was deleted.\n"
            "# Read it, and change remove to keep where you want to. To move what it removes to a folder of your own:\n"
            f"#   cd {shlex.quote(str(folder))} && mkdir -p removed\n"
            f"#   sed -n 's/^remove //p' {shlex.quote(str(Path(path).absolute()))} | tr '\\n' '\\0' |"
            " xargs -0 mv --backup=numbered -t removed --\n"
        )
        for number, group in enumerate(groups, 1):
            file.write(f"\n# group {number}, the least alike two {group.similarity:.2f}; kept for {group.why}\n")
            for row in group.rows:
                word = "keep  " if row == group.keep else "remove"
                if "\n" in row.name or "\r" in row.name:
                    # As a line it would name other files than it means.
                    file.write(f"# by hand, for the line break in its name: {word.strip()} {row.name!r}\n")
                else:
                    file.write(f"{word} {row.name}\n")
