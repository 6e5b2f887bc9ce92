"""Output under any code page, and redirected."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import ENVIRONMENT, command
from hypothesis import given
from hypothesis import strategies as st

from samekind.cli.console.output import _plain

CODE_PAGES = ["cp1252", "cp437", "cp932", "ascii", "utf-8"]


def run(encoding: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    environment = ENVIRONMENT | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    return subprocess.run(command(*arguments), capture_output=True, env=environment)


@given(text=st.text(st.characters(exclude_categories=[])), encoding=st.sampled_from(CODE_PAGES))
def test_any_text_can_be_written(text: str, encoding: str) -> None:
    import codecs

    codecs.register_error("samekind.plain", _plain)
    assert text.encode(encoding, "samekind.plain").isascii() or encoding != "ascii" or "\udc80" <= max(text) <= "\udcff"


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        ("a → b × c", "ascii", b"a -> b x c"),
        ("× \N{GRINNING FACE}", "cp1252", b"\xd7 \\U0001f600"),
        ("caf\udce9.jpg", "utf-8", b"caf\xe9.jpg"),
        ("Łódź", "cp1252", b"\\u0141\xf3d\\u017a"),
    ],
)
def test_what_the_code_page_lacks_is_written_plainly(text: str, encoding: str, written: bytes) -> None:
    import codecs

    codecs.register_error("samekind.plain", _plain)
    assert text.encode(encoding, "samekind.plain") == written


@pytest.mark.parametrize("encoding", CODE_PAGES)
@pytest.mark.parametrize(
    "arguments",
    [("info",), ("verify", "a.jpg", "\N{GRINNING FACE}.jpg"), ("train", "--show-recipe", "default"), ("--help",)],
)
def test_no_command_ends_in_a_traceback(encoding: str, arguments: tuple[str, ...]) -> None:
    done = run(encoding, *arguments)
    assert b"Traceback" not in done.stderr
    assert done.returncode == (2 if arguments[0] == "verify" else 0)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_json_reads_back_whatever_the_code_page(
    encoding: str, tiny_model: Path, photo: Callable[..., Path], tmp_path: Path
) -> None:
    model = tmp_path / "Łódź \N{GRINNING FACE}.onnx"
    model.write_bytes(tiny_model.read_bytes())
    done = run(encoding, "verify", photo("é.png"), photo("b.png"), "--model", model, "--json")
    assert json.loads(done.stdout)["same"] in {True, False}


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_list_is_written_as_it_is_read(
    encoding: str, tiny_model: Path, photo: Callable[..., Path], tmp_path: Path
) -> None:
    names = [photo("a.png").name, photo("\N{GRINNING FACE}.png").name]
    (tmp_path / "pairs.csv").write_text(f"first,second\n{','.join(names)}\n", encoding="utf-8")
    done = run(encoding, "verify", "--pairs", tmp_path / "pairs.csv", "--model", tiny_model)
    assert done.stdout.decode("utf-8").splitlines()[1].split(",")[:2] == names
    assert os.linesep.encode() in done.stdout
