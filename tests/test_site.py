"""The site's own code: links that lead out of docs/, pages from the code, and what it does for screen readers."""

import re
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS))


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("../BENCHMARKS.md", "generated/project/benchmarks.md"),
        ("../BENCHMARKS.md#imagenettes-ten-classes", "generated/project/benchmarks.md#imagenettes-ten-classes"),
        ("../benchmarks/README.md", "generated/project/scripts.md"),
        ("training.md", "training.md"),
        ("../noxfile.py", "https://github.com/samekind/samekind/blob/main/noxfile.py"),
        ("../src/samekind", "https://github.com/samekind/samekind/tree/main/src/samekind"),
        ("https://example.org/a.md", "https://example.org/a.md"),
        ("#below", "#below"),
        ("is-not-there.md", "is-not-there.md"),  # which Sphinx then refuses
    ],
)
def test_links_lead_where_they_did_in_the_repository(link: str, leads_to: str) -> None:
    from extensions.repository_pages import rewritten

    page = DOCS / "page.md"
    assert rewritten(f"See [it]({link}).", page, page) == f"See [it]({leads_to})."


def test_links_of_a_page_of_the_root_lead_into_the_site() -> None:
    from extensions.repository_pages import rewritten

    source, page = DOCS.parent / "README.md", DOCS / "generated" / "project" / "readme.md"
    assert rewritten("[a](docs/training.md)", source, page) == "[a](../../training.md)"
    assert rewritten("[a](docs/adr)", source, page) == "[a](../../adr/README.md)"
    assert rewritten("```\n[a](docs/adr)\n```", source, page) == "```\n[a](docs/adr)\n```"


def test_each_command_has_a_page_with_all_its_options() -> None:
    import typer
    from extensions.command_pages import _commands, command_page

    from samekind.cli.main import app

    commands = dict(_commands(typer.main.get_command(app), "samekind"))
    assert {"samekind verify", "samekind data audit"} <= set(commands)
    for name, command in commands.items():
        page = command_page(name, command)
        assert page.startswith(f"# {name}\n")
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert all(f"`{option}`" in page for option in parameter.opts), (name, parameter.opts)
    assert "One of `exact`, `near`, `same-class`" in command_page("x", commands["samekind duplicates"])


def test_each_key_of_a_recipe_is_told() -> None:
    from extensions.recipe_page import recipe_page

    from samekind.training.recipe.schema import Recipe

    page = recipe_page()
    for section, field in Recipe.model_fields.items():
        keys = getattr(field.annotation, "model_fields", {section: field})
        assert all(f"`{key}`" in page for key in keys if key != "objectives"), section
    assert "| `epochs` | passes over the training images (at least 1) | `10` |" in page


def test_each_field_of_the_card_is_told_with_its_meaning() -> None:
    from extensions.card_page import card_page

    from samekind.model_file.calibration import BroadCollections, OperatingPoint
    from samekind.model_file.card import Card

    page = card_page(Card.model_json_schema())
    for part in (Card, OperatingPoint, BroadCollections):
        told = page.split(f"## {part.__name__}\n")[1].split("\n## ")[0]
        rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", told, flags=re.MULTILINE))
        assert set(rows) == set(part.model_fields)
        assert all(rows.values())


def test_what_screen_readers_and_keyboards_need_is_put_in() -> None:
    from extensions.accessible import mended

    page = (
        '<p class="caption" role="heading">A</p><pre>b</pre><th class="head"><p></p></th><th class="head"><p>c</p></th>'
    )
    assert mended(page) == (
        '<p class="caption" role="heading" aria-level="2">A</p><pre tabindex="0">b</pre><td></td>'
        '<th class="head"><p>c</p></th>'
    )
    assert mended(mended(page)) == mended(page)


def test_all_that_is_public_has_a_place_in_the_reference() -> None:
    from extensions.python_pages import _MODULES, python_page

    import samekind

    pages = {name: python_page(name, "") for name in _MODULES}
    for name in samekind.__all__:
        assert any(f":: samekind.{name}\n" in page + "\n" or f".{name}\n" in page for page in pages.values()), name
