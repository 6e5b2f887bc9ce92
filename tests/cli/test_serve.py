"""``samekind serve`` as users start it; what it then does is in tests/server."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from commands import command, run
from services import start


def test_help_teaches() -> None:
    result = run("serve", "--help")
    assert result.returncode == 0
    for word in ("--gallery", "--api-key-file", "--insecure", "curl -F first=@a.jpg", "nothing is written to disk"):
        assert word in result.stdout, word


def test_a_missing_extra_is_named() -> None:
    script = """
import importlib.util as util
original = util.find_spec
util.find_spec = lambda name, package=None: None if name == "fastapi" else original(name, package)
from samekind.cli.main import run
run()
"""
    result = subprocess.run([sys.executable, "-c", script, "serve"], capture_output=True, text=True)
    assert (result.returncode, 'pip install "samekind[serve]"' in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (None, "no such file"),
        (b"short", "at least 16"),
        (b"two words of a key", "without spaces"),
        (b"\xff" * 20, "text"),
    ],
)
def test_a_key_that_cannot_be_used_is_named(tmp_path, key, says) -> None:
    if key is not None:
        (tmp_path / "key.txt").write_bytes(key)
    result = run("serve", "--api-key-file", tmp_path / "key.txt", "--no-page")
    assert (result.returncode, says in result.stderr, "key.txt" in result.stderr) == (2, True, True)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])  # noqa: S104 - is refused
def test_listening_beyond_this_machine_needs_a_key(host) -> None:
    result = run("serve", "--host", host, "--no-page")
    assert (result.returncode, "--api-key-file FILE, or --insecure" in result.stderr) == (2, True)


def test_a_gallery_that_is_missing_or_of_another_model_is_named(tmp_path, photo, tiny_model) -> None:
    from samekind.gallery import Gallery

    photo()
    result = run("serve", "--no-page", "--gallery", tmp_path / "none.samekind")
    assert (result.returncode, "none.samekind" in result.stderr) == (2, True)
    with Gallery.open(tmp_path / "own.samekind", model=tiny_model) as gallery:
        gallery.sync(tmp_path)
    result = run("serve", "--no-page", "--gallery", tmp_path / "own.samekind", "--model", "imagenette")
    assert (result.returncode, "was indexed with the model 'tiny'" in result.stderr) == (2, True)


def test_without_a_page_gradio_is_not_even_imported(tiny_model, tmp_path) -> None:
    script = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("gradio", "faiss", "torch"):
            raise ImportError(name + " must not be imported")
sys.meta_path.insert(0, Blocked())
from samekind.cli.main import run
run()
"""
    words = [sys.executable, "-c", script, *command("serve", "--port", "0", "--no-page", "-m", tiny_model)[3:]]
    running = start(words, tmp_path / "log.txt")
    with running.client() as client:
        assert client.get("/readyz").status_code == 200
        assert client.get("/").status_code == 404
    assert running.stop() == 0


def test_open_opens_the_page_in_the_browser(tiny_model, tmp_path, monkeypatch) -> None:
    (tmp_path / "browser.py").write_text(f"import sys; open({str(tmp_path / 'asked')!r}, 'w').write(sys.argv[1])")
    monkeypatch.setenv("BROWSER", f"{sys.executable} {tmp_path / 'browser.py'} %s")
    running = start(command("serve", "--port", "0", "--no-page", "-m", tiny_model, "--open"), tmp_path / "log.txt")
    patience = time.monotonic() + 300
    while not (tmp_path / "asked").exists() or not (tmp_path / "asked").read_text():
        assert time.monotonic() < patience, "no browser was asked to open anything"
        time.sleep(0.05)
    assert (tmp_path / "asked").read_text() == f"{running.url}/"
    assert running.stop() == 0
