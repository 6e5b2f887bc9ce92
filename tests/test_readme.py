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
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/serving.md", "benchmarks/README.md"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def desk(tmp_path: Path, photo, colour_folders: Path) -> Path:
    """A folder with what the README takes for granted: three pictures, a list of pairs, and class folders."""
    for name, colour, seed in (("a.jpg", (200, 40, 40), 1), ("b.jpg", (200, 40, 40), 2), ("c.jpg", (40, 40, 200), 3)):
        photo(name, colour, seed)
    shutil.copytree(colour_folders, tmp_path / "photos")
    for number, folder in enumerate(sorted(colour_folders.iterdir())):
        other = tmp_path / "other-photos" / folder.name
        other.mkdir(parents=True)
        for seed in range(6):
            save_noise(other / f"{seed}.png", COLOURS[folder.name], 9000 + 10 * number + seed)
    (tmp_path / "pairs.csv").write_text("first,second\na.jpg,b.jpg\na.jpg,c.jpg\n")
    return tmp_path


def test_python_examples_run(desk: Path) -> None:
    (code,) = blocks("python")
    result = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "True" in result.stdout


def test_console_examples_run(desk: Path) -> None:
    commands = [line[2:].split() for block in blocks("console") for line in block.splitlines() if line[:2] == "$ "]
    samekind_commands = [words[1:] for words in commands if words[0] == "samekind"]
    assert {words[0] for words in samekind_commands} == {"verify", "trio", "info", "train", "evaluate", "data"}
    for words in samekind_commands:
        result = run(*words, cwd=desk)
        assert result.returncode == 0, (words, result.stderr)
    for written in ("verdicts.csv", "photos.onnx", "pairs.csv", "triplets.csv", "trios.csv"):
        assert (desk / written).stat().st_size > 0


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
