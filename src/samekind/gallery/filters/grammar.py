"""The grammar of filters: a text becomes a tree, or an error that points to the place.

filter     = all { "or" all }
all        = one { "and" one }
one        = "not" one | "(" filter ")" | condition
condition  = field operator value | field [ "not" ] "like" text | field [ "not" ] "in" "(" value { "," value } ")"
           | field "is" [ "not" ] "known"
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, NoReturn, cast

from samekind.errors import FilterError
from samekind.gallery.filters.periods import parse_period
from samekind.gallery.filters.tree import (
    FIELDS,
    Both,
    Compared,
    Either,
    Field,
    Filter,
    Known,
    Like,
    Not,
    Operator,
    Value,
    pattern_parts,
)

_MOST_CHARACTERS, _DEEPEST = 4000, 50
_LARGEST = 2**53  # of a number; no picture has so many pixels or bytes
_WORDS = frozenset({"and", "or", "not", "like", "in", "is", "known"})
_OPERATORS = ("=", "!=", "<>", "<=", ">=", "<", ">")
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?[0-9]+(?![\w.]))|(?P<word>[^\W\d]\w*)|(?P<sign><=|>=|<>|!=|[=<>(),]))"
)


class _Token(NamedTuple):
    kind: str
    text: str
    place: int


def parse_filter(text: str) -> Filter:
    """The tree of a filter.

    Raises:
        FilterError: It is none; the message points to the place and says what may stand there.

    Example:
        >>> parse_filter("width >= 1000 and not path like '%.png'")
        Both(parts=(Compared(field=Field(name='width'), operator='>=', value=1000),
                    Not(part=Like(field=Field(name='path'), pattern='%.png'))))
        >>> parse_filter("colour = 'red'")
        Traceback (most recent call last):
            ...
        samekind.errors.FilterError: where, at character 1 (colour = 'red'): no field "colour"; there are path, folder,
        width, height, size, taken and mtime
    """
    if not isinstance(text, str):
        raise FilterError(f'a filter is text, such as "width >= 1000"; got {text!r}')
    if len(text) > _MOST_CHARACTERS:
        raise FilterError(f"a filter has at most {_MOST_CHARACTERS:,} characters; this one has {len(text):,}")
    return _Parser(text).parse()


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def parse(self) -> Filter:
        found = self._alternatives()
        if self._now.kind != "end":
            self._refuse("here it should end, or go on with and, or")
        return found

    def _split(self) -> list[_Token]:
        tokens, place = [], 0
        while rest := self._text[place:].strip():
            place = len(self._text) - len(self._text[place:].lstrip())
            found = _TOKEN.match(self._text, place)
            if found is None:
                if rest.startswith("'"):
                    self._refuse("a text that begins with ' ends with '; one within it is written twice", place)
                if rest.startswith('"'):
                    self._refuse("a text stands between single quotes: 'shoes/%'", place)
                if re.match(r"-?\d", rest):
                    self._refuse("numbers are whole: 1000", place)
                self._refuse(
                    f"what is {rest[0]!r}? There are fields, texts in single quotes, numbers, "
                    f"{' '.join(_OPERATORS)}, and ( , )",
                    place,
                )
            kind = str(found.lastgroup)
            tokens.append(_Token(kind, found.group(kind), place))
            place = found.end()
        return [*tokens, _Token("end", "", len(self._text))]

    @property
    def _now(self) -> _Token:
        return self._tokens[self._next]

    def _refuse(self, why: str, place: int | None = None) -> NoReturn:
        at = self._now.place if place is None else place
        rest = self._text[at : at + 40]
        where = f"at character {at + 1} ({rest})" if rest else "at its end"
        raise FilterError(f"where, {where}: {why}", place=at)

    def _take(self) -> _Token:
        token = self._now
        self._next += 1
        return token

    def _is(self, *words: str) -> bool:
        """Whether these words or signs come now; if so they are taken."""
        coming = self._tokens[self._next : self._next + len(words)]
        found = [token.text.lower() if token.kind in {"word", "sign"} else None for token in coming]
        if found != list(words):
            return False
        self._next += len(words)
        return True

    def _need(self, word: str, why: str) -> None:
        if not self._is(word):
            self._refuse(why)

    def _alternatives(self) -> Filter:
        return self._several("or", self._all, Either)

    def _all(self) -> Filter:
        return self._several("and", self._one, Both)

    def _several(self, word: str, part: Callable[[], Filter], join: Callable[[tuple[Filter, ...]], Filter]) -> Filter:
        parts = [part()]
        while self._is(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else join(tuple(parts))

    def _one(self) -> Filter:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse(f"not and parentheses go at most {_DEEPEST} deep")
        found: Filter
        if self._is("not"):
            found = Not(self._one())
        elif self._is("("):
            found = self._alternatives()
            self._need(")", "a closing ) is missing here")
        else:
            found = self._condition()
        self._depth -= 1
        return found

    def _condition(self) -> Filter:
        field = self._field()
        if self._is("is"):
            wanted = not self._is("not")
            self._need("known", "say: is known, or is not known")
            return Known(field) if wanted else Not(Known(field))
        if self._is("not", "like"):
            return Not(self._like(field))
        if self._is("like"):
            return self._like(field)
        if self._is("not", "in"):
            return Not(self._in(field))
        if self._is("in"):
            return self._in(field)
        if self._now.text not in _OPERATORS:
            self._refuse(f"after {field.name} comes one of {' '.join(_OPERATORS)}, like, in, or is known")
        sign = self._take().text
        return Compared(field, cast("Operator", "!=" if sign == "<>" else sign), self._value(field, fields=True))

    def _field(self) -> Field:
        token = self._now
        name = token.text.lower()
        if token.kind != "word" or name in _WORDS:
            self._refuse(f"a field should stand here: {_listed(tuple(FIELDS))}")
        if name not in FIELDS:
            self._refuse(f'no field "{token.text}"; there are {_listed(tuple(FIELDS))}')
        self._next += 1
        return Field(name)

    def _like(self, field: Field) -> Filter:
        if field.kind != "text":
            self._refuse(f"like is for path and folder; {field.name} is compared by {' '.join(_OPERATORS)}")
        place, pattern = self._now.place, self._quoted(field, "a pattern in single quotes, such as 'shoes/%'")
        try:
            pattern_parts(pattern)
        except ValueError as error:
            self._refuse(str(error), place)
        return Like(field, pattern)

    def _in(self, field: Field) -> Filter:
        self._need("(", "in is followed by values in parentheses: in (1, 2)")
        values = [self._value(field)]
        while self._is(","):
            values.append(self._value(field))
        self._need(")", "the list of values goes on with , or ends with )")
        same: tuple[Filter, ...] = tuple(Compared(field, "=", value) for value in values)
        return same[0] if len(same) == 1 else Either(same)

    def _value(self, field: Field, *, fields: bool = False) -> Value:
        token = self._now
        if field.kind == "number":
            if token.kind == "number":
                return self._number()
            other = token.text.lower()
            if fields and token.kind == "word" and FIELDS.get(other) == "number":
                self._next += 1
                return Field(other)
            self._refuse(f"{field.name} is compared with a number, without quotes")
        if field.kind == "text":
            return self._quoted(field, "a text in single quotes")
        text = self._quoted(field, "a date in single quotes, such as '2024-03-31'")
        try:
            return parse_period(text)
        except ValueError as error:
            self._refuse(str(error), token.place)

    def _number(self) -> int:
        digits = self._now.text
        if len(digits) > 17 or abs(int(digits)) > _LARGEST:
            self._refuse("so large a number is none of a picture's")
        self._next += 1
        return int(digits)

    def _quoted(self, field: Field, what: str) -> str:
        if self._now.kind != "text":
            self._refuse(f"{field.name} is compared with {what}")
        text = self._take().text[1:-1].replace("''", "'")
        place = self._tokens[self._next - 1].place
        if "\0" in text:
            self._refuse("no text of a picture has the character of number 0", place)
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            self._refuse("no text of a picture has half a character", place)
        return text
