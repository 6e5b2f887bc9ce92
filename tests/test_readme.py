"""The README's examples, executed: the Python ones in one session, the console ones beside the files they name."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import run
from conftest import COLOURS, save_noise

from samekind.training.recipe import NAMED_RECIPES

README = Path(__file__).parents[1] / "README.md"
ROOT = README.parent
DOCUMENTS = [
    "README.md",
    "ARCHITECTURE.md",
    "BENCHMARKS.md",
    "CONTRIBUTING.md",
    "benchmarks/README.md",
    *(
        str(page.relative_to(ROOT))
        for page in sorted((ROOT / "docs").rglob("*.md"))
        if not {"generated", "_build"} & set(page.relative_to(ROOT).parts)
    ),
]


# Pages whose commands run as they stand, beside pictures and class folders; the others have tests of their own.
COMMAND_PAGES = ["README.md", "docs/verdicts.md", "docs/training.md", "docs/protocol.md"]


def blocks(language: str, document: str = "README.md") -> list[str]:
    text = (README.parent / document).read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return [block for name, block in fenced if name == language]


def console_lines(document: str) -> list[list[str]]:
    lines = [line for block in blocks("console", document) for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("$ ")]


def samekind_commands(document: str) -> list[list[str]]:
    return [words[1:] for words in console_lines(document) if words[0] == "samekind"]


def needs_a_network(words: list[str]) -> bool:
    """Imagenette is downloaded; the protocol takes it, and pretrained weights besides, and twenty minutes."""
    return words[:2] == ["data", "imagenette"] or words[0] == "reproduce"


@pytest.fixture
def desk(tmp_path: Path, photo, colour_folders: Path) -> Path:
    """A folder with what the pages take for granted: three pictures, a list of pairs, and class folders."""
    for name, colour, seed in (("a.jpg", (200, 40, 40), 1), ("b.jpg", (200, 40, 40), 2), ("c.jpg", (40, 40, 200), 3)):
        photo(name, colour, seed)
    shutil.copytree(colour_folders, tmp_path / "photos")
    shutil.copytree(colour_folders, tmp_path / "class-folders")
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
    assert (desk / "mine.onnx").stat().st_size > 0


def test_the_commands_to_try_run_one_after_the_other_on_pictures_of_the_demo(tmp_path: Path) -> None:
    folder = tmp_path
    for words in console_lines("README.md"):
        if words[0] == "pip":
            continue
        if words[0] == "cd":
            folder /= words[1]
            continue
        result = run(*words[1:], cwd=folder)
        assert result.returncode == 0, (words, result.stderr)
    for written in ("why.png", "photos.samekind", "duplicates.html", "plan.txt"):
        assert (folder / written).stat().st_size > 0
    assert "cat-small.jpg" in (folder / "plan.txt").read_text(encoding="utf-8")


def test_the_ways_to_a_model_of_your_own_run(desk: Path) -> None:
    lines = [line for block in blocks("") for line in block.splitlines() if line.startswith("samekind ")]
    assert [line.split()[1] for line in lines] == ["adapt", "calibrate", "train"]
    *shorter, train = (shlex.split(line, comments=True)[1:] for line in lines)
    for words in shorter:
        result = run(*words, cwd=desk)
        assert result.returncode == 0, (words, result.stderr)
    for written in ("adapted.onnx", "mine.onnx"):
        assert (desk / written).stat().st_size > 0
    # The same command, but for its names, runs with the page about training.
    names = {"class-folders": "photos", "trained.onnx": "photos.onnx"}
    assert [names.get(word, word) for word in train] in samekind_commands("docs/training.md")


@pytest.mark.parametrize(
    ("document", "written"),
    [
        ("docs/verdicts.md", ["verdicts.csv"]),
        ("docs/protocol.md", ["pairs.csv", "triplets.csv", "trios.csv"]),
    ],
)
def test_console_examples_run(desk: Path, document: str, written: list[str]) -> None:
    commands = samekind_commands(document)
    assert commands
    for words in commands:
        if needs_a_network(words):
            continue  # the next test looks at these
        result = run(*words, cwd=desk)
        assert result.returncode == 0, (words, result.stderr)
    for name in written:
        assert (desk / name).stat().st_size > 0


def test_the_training_page_runs(desk: Path, traced_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # The commands as they stand, of a recipe that takes seconds.
    small = {"epochs": 2, "network": {"input_size": 32}, "augmentation": {"views": 2}}
    monkeypatch.setitem(NAMED_RECIPES, "default", small)
    test_console_examples_run(desk, "docs/training.md", ["photos.onnx"])


def test_the_console_examples_that_need_a_network_are_spelt_right() -> None:
    commands = [words for page in COMMAND_PAGES for words in samekind_commands(page) if needs_a_network(words)]
    assert {words[0] for words in commands} == {"data", "reproduce"}
    for words in commands:
        result = run(*words, "--help")  # an unknown option or command is refused all the same
        assert result.returncode == 0, (words, result.stderr)


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").split()) <= 900


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
        if "generated/" not in target:  # which the build of the site writes, and looks at
            assert (path.parent / target).exists(), target


def test_the_files_that_the_how_to_pages_name_are_there() -> None:
    pages = list((ROOT / "docs" / "howto").glob("add-*.md"))
    assert len(pages) == 4
    for page in pages:
        named = re.findall(r"`((?:src|tests|docs|benchmarks)/[\w/.]+)`", page.read_text(encoding="utf-8"))
        missing = [name for name in named if "NAME" not in name and not (ROOT / name).exists()]
        assert named
        assert not missing, page.name


def all_commands(document: str) -> list[list[str]]:
    """The samekind commands of all blocks of a page, whether or not they can be pasted as they stand."""
    lines = [
        line for language in ("", "console") for block in blocks(language, document) for line in block.splitlines()
    ]
    commands = re.findall(r"^(?:\$ )?samekind (.*?)(?: && .*| > .*| {2,}.*)?$", "\n".join(lines), flags=re.MULTILINE)
    return [shlex.split(command, comments=True) for command in commands]


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "howto").glob("*.md")), ids=lambda page: page.stem)
def test_the_commands_of_the_how_to_pages_are_spelt_right(page: Path) -> None:
    for words in all_commands(str(page.relative_to(ROOT))):
        if words[0].startswith("--"):
            continue  # an option of samekind itself
        result = run(*words, "--help")  # an unknown option or command is refused all the same
        assert result.returncode == 0, (words, result.stderr)
