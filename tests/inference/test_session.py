"""One network in several processes: forked, spawned, pickled."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import SIZE

from samekind.errors import ArgumentError, ModelFileError
from samekind.inference import session as session_module
from samekind.inference.session import provider_names
from samekind.recognizer import Recognizer, load

IMAGES = list(np.random.default_rng(5).integers(0, 256, (9, SIZE, SIZE, 3)).astype(np.uint8))


@pytest.fixture
def model(tiny_model: Path) -> Recognizer:
    return load(tiny_model, threads=2)


def test_pickled_it_gives_the_same_to_the_bit(model: Recognizer) -> None:
    again = pickle.loads(pickle.dumps(model))
    assert again.card == model.card
    assert (again.embed(IMAGES) == model.embed(IMAGES)).all()
    assert again.verify(IMAGES[0], IMAGES[1]) == model.verify(IMAGES[0], IMAGES[1])


def test_tasks_share_the_session_of_their_process(model: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    session_module._shared_session.cache_clear()
    opened = []
    real = session_module.open_session
    monkeypatch.setattr(session_module, "open_session", lambda *a, **k: opened.append(a) or real(*a, **k))
    data = pickle.dumps(model)
    for _ in range(4):
        pickle.loads(data).embed(IMAGES[0])
    assert len(opened) == 1


def test_unpickling_opens_nothing_yet(model: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(model)
    monkeypatch.setattr(session_module, "open_session", lambda *_, **__: pytest.fail("opened"))
    assert pickle.loads(data).card.name == "tiny"


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_in_a_pool_of_each_kind(model: Recognizer, method: str) -> None:
    expected = model.embed(IMAGES)  # used before, so that a fork inherits a session at work
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        rows = list(pool.map(model.embed, IMAGES, timeout=300))
    assert (np.concatenate(rows) == expected).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("used", [True, False])
def test_a_fork_ends_whether_or_not_it_uses_the_network(tiny_model: Path, used: bool) -> None:
    """Closing an inherited session would wait for threads that the fork has not."""
    code = (
        "import os, signal, sys, numpy as np, samekind\n"
        "model = samekind.load(sys.argv[1], threads=2)\n"
        "image = np.zeros((20, 20, 3), np.uint8)\n"
        "row = model.embed(image)\n"
        "if os.fork() == 0:\n"
        "    signal.alarm(60)\n"
        f"    assert not {used} or (model.embed(image) == row).all()\n"
        "    del model\n"
        "    sys.exit(7)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", code, tiny_model], timeout=300).returncode == 7


def test_a_provider_may_be_one_name() -> None:
    assert provider_names("cpu") == provider_names(["CPUExecutionProvider"]) == ["CPUExecutionProvider"]


@pytest.mark.parametrize("wanted", ["cuda9", ["cpu", "cuda9"], [7]])
def test_a_provider_that_is_not_there(wanted: object) -> None:
    with pytest.raises(ModelFileError, match=r"no execution provider .*; it has .*cpu"):
        provider_names(wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [0, -1, "2"])
def test_threads_that_cannot_be(tiny_model: Path, threads: object) -> None:
    with pytest.raises(ArgumentError, match="threads is a whole number from 1"):
        load(tiny_model, threads=threads)  # type: ignore[arg-type]
