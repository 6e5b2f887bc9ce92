"""The words of a command line: empty ones, and a name with blanks that became several."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

from samekind.errors import ArgumentError
from samekind.system.paths import shell_word

# Options that take text, not the name of something; of these an empty one may be meant.
TEXTS = frozenset({"--where", "--exclude", "--message", "--licence", "--training-data", "--root-path", "--set"})
# Words of one name, at most; and words of a command line that are looked at.
_MOST_WORDS, _LOOKED_AT = 8, 64


def refuse_empty(words: Sequence[str]) -> None:
    """Refuse an empty word where a name belongs: a path of it is the current folder, which nobody meant.

    Raises:
        ArgumentError: There is one. A variable of a script that is not set makes such words.

    Example:
        >>> refuse_empty(["index", ""])
        Traceback (most recent call last):
        ...
        samekind.errors.ArgumentError: the name after 'index' is empty; give one (is a variable of a script not set?)
    """
    for before, word in pairwise(["samekind", *words]):
        option, equals, value = word.partition("=")
        if word.startswith("--") and equals and not value:
            before, word = option, value  # noqa: PLW2901 - --html= is --html and an empty word
        if not word and before not in TEXTS:
            raise ArgumentError(f"the name after {before!r} is empty; give one (is a variable of a script not set?)")


def hint_of_quotes(words: Sequence[str]) -> str | None:
    """What to say where words that follow each other are, with blanks between, the name of a file or folder.

    Example:
        >>> hint_of_quotes(["verify", "a.jpg", "b.jpg"])
    """
    for start, end in combinations(range(1, min(len(words), _LOOKED_AT) + 1), 2):
        parts = words[start:end]
        if 2 <= len(parts) <= _MOST_WORDS and not any(part.startswith("-") for part in parts):
            name = " ".join(parts)
            try:
                there = Path(name).exists()
            except (OSError, ValueError):  # too long, or with a zero
                continue
            if there:
                return f"{name} is there; a name with blanks needs quotation marks: {shell_word(name)}"
    return None
