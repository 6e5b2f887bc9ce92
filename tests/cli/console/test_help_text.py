import pytest
import typer
from commands import run

from samekind.cli.main import app


def test_no_line_of_a_help_ends_where_the_source_code_ends_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, command in typer.main.get_command(app).commands.items():
        for part in (command.help or "").split("\n\n"):
            assert "\n" not in part or "\n " in part, (name, part)


def test_a_paragraph_flows_to_the_width_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("TERMINAL_WIDTH", "300")
    told = run("verify", "--help").stdout
    assert "higher is more alike) and the threshold with its measured error rates" in told
    assert "samekind verify a.jpg b.jpg --among my-photos" in told
