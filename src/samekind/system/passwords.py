"""Passwords in addresses, which people type in the wrong place and no message repeats."""

from __future__ import annotations

import re

# A path that was made of an address has one slash of two. What is no scheme of a database has no / in a password:
# there a colon, a port and an @ in the name of a picture are no password.
_USER = r"[^\s/@:'\"]{0,100}"
_WORD = r"(?<![a-z0-9+.-])"
_PASSWORDS = (
    (re.compile(rf"({_WORD}postgres(?:ql)?(?:\+[a-z0-9]+)?:/{{0,2}}{_USER}:)\S{{0,200}}@", re.IGNORECASE), r"\1***@"),
    (re.compile(rf"({_WORD}[a-z][a-z0-9+.-]+:/{{1,2}}{_USER}:)[^\s/?#]{{0,200}}@", re.IGNORECASE), r"\1***@"),
    (re.compile(r"([?&](?:ssl)?password=)[^\s&'\"]*", re.IGNORECASE), r"\1***"),
)


def without_passwords(text: str) -> str:
    """A text with three stars for each password of an address in it.

    Example:
        >>> without_passwords("postgresql://me:secret@host/shop: no such file")
        'postgresql://me:***@host/shop: no such file'
        >>> without_passwords("http://me:secret@host/a.jpg and http://host:80/cat@2x.jpg")
        'http://me:***@host/a.jpg and http://host:80/cat@2x.jpg'
    """
    if ":" in text or "=" in text:
        for pattern, shown in _PASSWORDS:
            text = pattern.sub(shown, text)
    return text
