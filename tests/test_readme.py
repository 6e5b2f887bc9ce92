"""The README's examples, executed: the Python ones in one session, the console ones beside the files they name."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import run
from conftest import COLOURS, save_noise

README = Path(__file__).parents[1] / "README.md"
DOCUMENTS = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/adaptation.md",
    "docs/auditing.md",
    "docs/evaluation.md",
    "docs/explaining.md",
    "docs/formats.md",
    "docs/reference.md",
    "docs/galleries.md",
    "docs/removing-copies.md",
    *sorted(str(page.relative_to(README.parent)) for page in (README.parent / "docs" / "howto").glob("*.md")),
    "docs/serving.md",
    "docs/training.md",
    "benchmarks/README.md",
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def samekind_commands() -> list[list[str]]:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    return [line.split()[2:] for line in lines if line.startswith("$ samekind ")]


def needs_a_network(words: list[str]) -> bool:
    """Imagenette is downloaded; the protocol takes it, and pretrained weights besides, and twenty minutes."""
    return words[:2] == ["data", "imagenette"] or words[0] == "reproduce"


@pytest.fixture
def desk(tmp_path: Path, photo, colour_folders: Path) -> Path:
    """A folder with what the README takes for granted: three pictures, a list of pairs, and class folders."""
    for name, colour, seed in (("a.jpg", (200, 40, 40), 1), ("b.jpg", (200, 40, 40), 2), ("c.jpg", (40, 40, 200), 3)):
        photo(name, colour, seed)
    shutil.copytree(colour_folders, tmp_path / "photos")
    for number, folder in enumerate(sorted(colour_folders.iterdir())):
        other = tmp_path / "other-photos" / folder.name
        other.mkdir(parents=True)
        for seed in range(10):
            save_noise(other / f"{seed}.png", COLOURS[folder.name], 9000 + 10 * number + seed)
    (tmp_path / "pairs.csv").write_text("first,second\na.jpg,b.jpg\na.jpg,c.jpg\n")
    return tmp_path


def test_python_examples_run(desk: Path) -> None:
    (code,) = blocks("python")
    result = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "True" in result.stdout


def test_console_examples_run(desk: Path) -> None:
    commands = samekind_commands()
    assert {words[0] for words in commands} == {
        *("verify", "trio", "info", "adapt", "train", "evaluate", "data", "reproduce", "calibrate"),
        *("index", "search", "duplicates", "cluster", "status"),
    }
    for words in commands:
        if needs_a_network(words):
            continue  # the next test looks at these
        result = run(*words, cwd=desk)
        assert result.returncode == 0, (words, result.stderr)
    for written in (
        "verdicts.csv",
        "photos.onnx",
        "pairs.csv",
        "triplets.csv",
        "trios.csv",
        "mine.onnx",
        "adapted.onnx",
    ):
        assert (desk / written).stat().st_size > 0


def test_the_console_examples_that_need_a_network_are_spelt_right() -> None:
    commands = [words for words in samekind_commands() if needs_a_network(words)]
    assert {words[0] for words in commands} == {"data", "reproduce"}
    for words in commands:
        result = run(*words, "--help")  # an unknown option or command is refused all the same
        assert result.returncode == 0, (words, result.stderr)


def test_the_two_commands_of_the_readme_stand_there_as_promised() -> None:
    text = README.read_text(encoding="utf-8")
    assert 'pip install ".[demo]" && samekind demo' in text
    assert 'pip install -e ".[dev]" && pytest' in text


@pytest.mark.parametrize("document", DOCUMENTS)
def test_nothing_is_left_to_fill_in(document: str) -> None:
    assert "@@" not in (README.parent / document).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_within_the_repository_lead_somewhere(document: str) -> None:
    path = README.parent / document
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_the_files_that_the_how_to_pages_name_are_there() -> None:
    pages = list((README.parent / "docs" / "howto").glob("*.md"))
    assert len(pages) == 4
    for page in pages:
        named = re.findall(r"`((?:src|tests|docs|benchmarks)/[\w/.]+)`", page.read_text(encoding="utf-8"))
        missing = [name for name in named if "NAME" not in name and not (README.parent / name).exists()]
        assert named
        assert not missing, page.name
