"""What users read, held to docs/style.md: short sentences, and none of the words that are to go."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *("README.md", "BENCHMARKS.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
    *(str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs").rglob("*.md"))
      if not {"generated", "_build", "adr", "research"} & set(page.parts)),
]  # fmt: skip
# Words a sentence, on the average of a page, and at most in one sentence.
MEAN, LONGEST = 18, 45
# Pages of too few sentences say nothing about a style.
FEWEST = 5


def sentences(markdown: str) -> list[list[str]]:
    """The words of each sentence of a page: of its paragraphs and lists, without code, tables and headings."""
    text = re.sub(r"^---\n.*?\n---\n", "", markdown, flags=re.DOTALL)
    text = re.sub(r"^(`{3,}|:{3,}).*?^\1$", "\n", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^(\||#|!\[|\().*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]+`", "code", text)
    blocks = re.split(r"\n\s*\n|\n\s*(?:[*-]|\d+\.) ", text)
    flat = [" ".join(block.replace("*", "").split()) for block in blocks]
    parts = [part for block in flat for part in re.split(r"(?<=[.!?])[\"')]* (?=[A-Z0-9(\"'`…c])", block)]
    found = [re.findall(r"[\w][\w'’.,%-]*", part) for part in parts]
    return [words for words in found if words]


def test_sentences_are_told_apart() -> None:
    page = (
        "# A heading that is long\n\nOne two. Three `code here` four?\n\n* five\n* [six seven](x.md)\n\n| a | table |\n"
    )
    assert [len(words) for words in sentences(page)] == [2, 3, 1, 2]
    assert sentences("```\ncode that goes. on\n```\nIt is 3.5 percent of 1,000.") == [
        ["It", "is", "3.5", "percent", "of", "1,000."]
    ]


@pytest.mark.parametrize("page", PAGES)
def test_sentences_are_short(page: str) -> None:
    found = sentences((ROOT / page).read_text(encoding="utf-8"))
    if len(found) < FEWEST:
        return
    mean = sum(map(len, found)) / len(found)
    assert mean <= MEAN, f"{mean:.1f} words a sentence"
    longest = max(found, key=len)
    assert len(longest) <= LONGEST, " ".join(longest)
