from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import FilterError
from samekind.gallery.filters.grammar import parse_filter
from samekind.gallery.filters.tree import Both, Compared, Either, Field, Known, Like, Not


def test_and_binds_closer_than_or_and_not_closest() -> None:
    wide, high = Compared(Field("width"), ">", 1), Compared(Field("height"), "<=", 2)
    cats = Like(Field("path"), "cats/%")
    assert parse_filter("width > 1 or not height <= 2 and path like 'cats/%'") == Either(
        (wide, Both((Not(high), cats)))
    )
    assert parse_filter("(width > 1 or height<=2) AND PATH Like 'cats/%'") == Both((Either((wide, high)), cats))


def test_the_small_words() -> None:
    assert parse_filter("size in (1, 2)") == Either((Compared(Field("size"), "=", 1), Compared(Field("size"), "=", 2)))
    assert parse_filter("taken is not known") == Not(Known(Field("taken")))
    assert parse_filter("path = 'it''s'") == Compared(Field("path"), "=", "it's")
    assert parse_filter("width <> height") == Compared(Field("width"), "!=", Field("height"))


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("", 0, "a field should stand here: path, folder, width, height, size, taken and mtime"),
        ("  ", 2, "a field should stand here"),
        ("width", 5, "after width comes one of ="),
        ("width >", 7, "a number, without quotes"),
        ("width > '5'", 8, "a number, without quotes"),
        ("width > taken", 8, "a number, without quotes"),
        ("width > 5 path = 'a'", 10, "go on with and, or"),
        ("(width > 5", 10, "a closing ) is missing"),
        ("width > 5)", 9, "here it should end"),
        ("width > 5.5", 8, "numbers are whole"),
        ("width > 9007199254740993", 8, "so large a number"),
        ("width > " + "9" * 3000, 8, "so large a number"),
        ("width like '5'", 11, "like is for path and folder"),
        ("colour = 'red'", 0, 'no field "colour"'),
        ("sha256 = 'a'", 0, 'no field "sha256"'),
        ("path = a", 7, "a text in single quotes"),
        ('path = "a"', 7, "between single quotes"),
        ("path = 'a", 7, "ends with '"),
        ("path like 'a\\'", 10, "a backslash, which stands before nothing"),
        ("path = '\0'", 7, "number 0"),
        ("path = '\ud800'", 7, "half a character"),
        ("taken > '2024-02-30'", 8, "no such date"),
        ("taken > 'today'", 8, "a date is written"),
        ("taken > 2024", 8, "a date in single quotes"),
        ("taken > '２０２４'", 8, "a date is written"),
        ("path in 'a'", 8, "values in parentheses"),
        ("path in ()", 9, "a text in single quotes"),
        ("path is 'a'", 8, "say: is known"),
        ("path = 'a' -- and", 11, "what is '-'?"),
        ("path = 'a'; DROP TABLE images", 10, "what is ';'?"),
        ("path = 'a' union select 1", 11, "here it should end"),
        ("not " * 60 + "width = 1", 200, "at most 50 deep"),
    ],
)
def test_a_refusal_points_to_the_place(text: str, place: int, says: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse_filter(text)
    assert says in str(refused.value)
    assert refused.value.place == place
    assert str(refused.value).startswith(
        f"where, at character {place + 1} (" if place < len(text) else "where, at its end"
    )


def test_what_is_too_long_or_no_text() -> None:
    with pytest.raises(FilterError, match="at most 4,000 characters"):
        parse_filter("width = 1 or " * 400)
    with pytest.raises(FilterError, match="a filter is text"):
        parse_filter(5)  # type: ignore[arg-type]


@given(st.text(st.characters() | st.sampled_from("path width taken '()<>=!, and or not like in 2024"), max_size=60))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    with suppress(FilterError):  # and nothing else is raised
        parse_filter(text)
