import subprocess

import typer
from commands import ENVIRONMENT, command

from samekind.cli.main import app


def test_no_line_of_a_help_ends_where_the_source_code_ends_one() -> None:
    for name, shown in typer.main.get_command(app).commands.items():
        for part in (shown.help or "").split("\n\n"):
            assert "\n" not in part or "\n " in part, (name, part)


def test_a_paragraph_flows_to_the_width_of_the_terminal() -> None:
    # In a process of its own: the width is asked for once, when the first help is shown.
    wide = ENVIRONMENT | {"COLUMNS": "300", "TERMINAL_WIDTH": "300"}
    told = subprocess.run(command("verify", "--help"), capture_output=True, text=True, env=wide).stdout
    assert "higher is more alike) and the threshold with its measured error rates" in told
    assert "samekind verify a.jpg b.jpg --among my-photos" in told
