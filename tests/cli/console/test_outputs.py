"""Names of outputs that do not fit, and files that lie there already: refused before the work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from commands import run, told

from samekind.cli.console import outputs
from samekind.cli.main import app

# Each output of a command, with what it needs besides; the inputs are not there, so nothing can be done.
FILES = [
    ("explain a b -o", ".png"),
    ("demo -o", ".png"),
    ("adapt general photos -o", ".onnx"),
    ("calibrate general photos -o", ".onnx"),
    ("train photos -o", ".onnx"),
    ("wrap encoder.onnx -o", ".onnx"),
    ("verify --pairs pairs.csv -o", ".csv"),
    ("trio --trios trios.csv -o", ".csv"),
    ("data pairs photos -o", ".csv"),
    ("data triplets photos -o", ".csv"),
    ("data trios photos -o", ".csv"),
    ("data apply audit.csv -o", ".csv"),
    ("data label photos -o", ".csv"),
    ("data audit photos --csv", ".csv"),
    ("data audit photos --html", ".html"),
    ("data label photos --html", ".html"),
    ("search g.samekind a --html", ".html"),
    ("cluster g.samekind --html", ".html"),
    ("duplicates g.samekind --html", ".html"),
    ("duplicates g.samekind --plan", ".txt"),
    ("evaluate general photos -o", ".json"),
    ("export g.samekind -o", ".csv"),
    ("index photos --gallery", ".samekind"),
]
FOLDERS = [
    "evaluate general photos --report",
    "cluster g.samekind --into",
    "duplicates --apply plan.txt --into",
    "embed photos -o",
    "train photos -o mine.onnx --run",
    "reproduce pairs --data photos --run",
    "demo --save-images",
    "export-web",
]


@pytest.mark.parametrize(("words", "ending"), FILES)
def test_a_name_that_does_not_fit_is_refused_with_one_that_does(words: str, ending: str, in_folder: Path) -> None:
    result = run(*words.split(), "thesis.docx")
    assert result.returncode == 2
    assert "thesis.docx: the name must end in" in told(result)
    assert f"thesis{ending}" in told(result)
    assert list(in_folder.iterdir()) == []


@pytest.mark.parametrize("endings", [outputs.PAGE, outputs.MODEL, outputs.TABLE, outputs.PLAN, outputs.ROWS])
def test_a_name_without_an_ending_and_one_in_capitals_come_through(endings: tuple[str, ...], in_folder: Path) -> None:
    for name in ("result", *(f"RESULT{ending.upper()}" for ending in endings)):
        assert outputs.file_like(endings)(in_folder / name) == in_folder / name
    assert outputs.file_like(endings)(None) is None


@pytest.mark.parametrize("words", FOLDERS)
def test_a_folder_that_is_named_as_a_file_is_refused(words: str, in_folder: Path) -> None:
    result = run(*words.split(), "report.html")
    assert result.returncode == 2
    assert "report.html: names a file, but a folder is written; give a name such as report" in told(result)
    assert list(in_folder.iterdir()) == []
    (in_folder / "notes").write_text("mine")
    assert "notes is a file; name a folder" in told(run(*words.split(), "notes"))
    assert (in_folder / "notes").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "name"), [(words, f"mine{ending}") for words, ending in FILES if ending not in {".samekind", ".png"}]
)
def test_a_file_of_another_kind_stays_and_nothing_is_done(words: str, name: str, in_folder: Path) -> None:
    for content in (b"Dear diary\n\ntoday I wrote", b"PK\x03\x04\x14\x00\x06\x00", b"\xd0\xcf\x11\xe0\x00\x00"):
        (in_folder / name).write_bytes(content)
        result = run(*words.split(), name)
        if words.startswith("export"):  # whose kinds are several: told when it is written
            continue
        assert result.returncode == 2
        assert f"{name}: a file of another kind lies there and stays" in told(result)
        assert (in_folder / name).read_bytes() == content


@pytest.mark.parametrize(
    ("words", "name", "content"),
    [
        ("search g.samekind a --html", "found.html", "\n<!DOCTYPE html><p>before"),
        ("data audit photos --csv", "audit.csv", "path;label\n"),
        ("duplicates g.samekind --plan", "plan.txt", "samekind plan 1\n"),
        ("evaluate general photos -o", "measured.json", '{"before": 1}'),
        pytest.param("train photos -o", "mine.onnx", "\x08\x0a\x12\x07pytorch", marks=pytest.mark.slow),
        ("adapt general photos -o", "mine.onnx", ""),
        ("search g.samekind a --html", "found.html", "\0\0\0\0"),
    ],
)
def test_a_file_of_the_same_kind_and_an_empty_one_may_be_replaced(
    words: str, name: str, content: str, in_folder: Path
) -> None:
    (in_folder / name).write_text(content)
    assert "lies there and stays" not in told(run(*words.split(), name))


def test_a_gallery_that_is_there_is_opened_by_whatever_name_and_a_database_is_no_file(in_folder: Path) -> None:
    (in_folder / "photos.db").write_text("no gallery")
    assert outputs.gallery_like("photos.db") == "photos.db"
    assert outputs.gallery_like("postgresql://host/shop.v2") == "postgresql://host/shop.v2"
    assert outputs.gallery_like(None) is None


def test_a_picture_is_drawn_over_nothing_that_is_none(photo: Callable[..., Path], in_folder: Path) -> None:
    pictures = [photo(f"{name}.png", seed=seed) for seed, name in enumerate("ab")]
    (in_folder / "notes.png").write_text("no picture at all")
    result = run("explain", *pictures, "-o", "notes.png")
    assert result.returncode == 2
    assert "a file of another kind lies there and stays" in result.stderr
    assert (in_folder / "notes.png").read_text() == "no picture at all"


def test_every_option_that_names_an_output_asks_these_rules() -> None:
    written = {"--output", "--html", "--csv", "--plan", "--report", "--into", "--run", "--gallery", "--save-images"}
    others = {("serve", "--gallery")}  # which reads one

    def without(group: object, *words: str) -> list[tuple[str, ...]]:
        if hasattr(group, "commands"):
            return [bad for name, found in group.commands.items() for bad in without(found, *words, name)]
        return [
            (*words, option)
            for parameter in group.params  # type: ignore[attr-defined]
            for option in written & set(parameter.opts)
            if getattr(parameter.callback, "__module__", "") != outputs.__name__
        ]

    assert set(without(typer.main.get_command(app))) == others


@pytest.mark.parametrize("name", ["verdicts.2026-11-29", "model.v2", "Mr. Smith", "photos.2024"])
def test_a_dot_in_a_name_is_just_a_dot(name: str, in_folder: Path) -> None:
    for endings in (outputs.TABLE, outputs.MODEL, outputs.PAGE, outputs.PLAN):
        assert outputs.file_like(endings)(Path(name)) == Path(name)
    assert outputs.gallery_like(name) == name


def test_a_plan_of_an_editor_and_a_list_of_one_column_may_be_replaced(in_folder: Path) -> None:
    Path("plan.txt").write_text("samekind plan 1\n", encoding="utf-8-sig")
    Path("paths.csv").write_text("path\na.jpg\n")
    assert outputs.file_like(outputs.PLAN)(Path("plan.txt"))
    assert outputs.file_like(outputs.TABLE)(Path("paths.csv"))
