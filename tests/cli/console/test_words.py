"""Words of a command line that cannot be meant as they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from commands import run

from samekind.cli.console.words import TEXTS, hint_of_quotes, refuse_empty
from samekind.cli.main import app
from samekind.errors import ArgumentError


def commands(group: object, *words: str) -> Iterator[tuple[tuple[str, ...], list[object]]]:
    for name, found in getattr(group, "commands", {}).items():
        yield from commands(found, *words, name)
    if not hasattr(group, "commands"):
        yield words, group.params  # type: ignore[attr-defined]


ALL = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_an_empty_name_is_refused_by_every_command_and_nothing_is_done(words: tuple[str, ...], tmp_path: Path) -> None:
    result = run(*words, "", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == (
        f"samekind: the name after '{words[-1]}' is empty; give one (is a variable of a script not set?)\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--html", ""], ["--html="], ["-o", ""], ["--model="], ["a.jpg", "", "b.jpg"]])
def test_an_empty_name_is_refused_wherever_it_stands(words: list[str]) -> None:
    with pytest.raises(ArgumentError, match="is empty"):
        refuse_empty(["search", "g.samekind", "a.jpg", *words])


def test_a_text_may_be_empty() -> None:
    options = {option for parameters in ALL.values() for parameter in parameters for option in parameter.opts}  # type: ignore[attr-defined]
    assert options >= TEXTS
    refuse_empty(["search", "g.samekind", "a.jpg", "--where", "", "--where=", "--exclude", ""])


def test_a_name_with_blanks_that_lost_its_quotation_marks(photo: Callable[..., Path], tmp_path: Path) -> None:
    photo("my cat.jpg", (200, 40, 40))
    photo("my dogs/and cats/a.jpg")
    for words, name in (
        (["index", "my", "dogs"], "my dogs"),
        (["index", "my", "dogs/and", "cats"], "my dogs/and cats"),
        (["verify", "my", "cat.jpg", "b.jpg"], "my cat.jpg"),
        (["explain", "my", "cat.jpg", "-o", "why.png"], "my cat.jpg"),
    ):
        result = run(*words, cwd=tmp_path)
        assert result.returncode == 2, words
        last = result.stderr.splitlines()[-1]
        assert last == f"samekind: {name} is there; a name with blanks needs quotation marks: '{name}'"
    assert "quotation" not in run("index", "nowhere", "at", "all", cwd=tmp_path).stderr


def test_words_that_no_file_can_be_named_by_are_passed_over() -> None:
    assert hint_of_quotes(["index", "a\0b", "c"]) is None
    assert hint_of_quotes(["index", "a" * 5000, "b" * 5000]) is None
    assert hint_of_quotes(["index", *map(str, range(5000))]) is None
