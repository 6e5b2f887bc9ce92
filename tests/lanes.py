"""``pytest --fast``: the tests that need no torch, no browser, no service and no process of their own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest

ROOT = Path(__file__).parents[1]
# Files and folders all of whose tests train, serve, import torch, or run a guide from its first line to its last.
SLOW_PLACES = [
    *(
        ROOT / "tests" / name
        for name in ("training", "server", "benchmarks", "hub", "test_readme.py", "adaptation/test_guide.py")
    ),
    *(
        ROOT / "tests/cli" / name
        for name in ("test_training.py", "models/test_reproduce.py", "datasets/test_imagenette.py")
    ),
    *(ROOT / "tests" / name for name in ("images/test_tensors.py", "evaluation/metrics/test_retrieval.py")),
    *(ROOT / "tests" / name for name in ("exports.py", "wrapping/test_timm_encoder.py")),
    ROOT / "tests/explain/test_trained_networks.py",
    *(ROOT / "src/samekind" / name for name in ("training", "server/page")),
]
SLOW_MODULES = {"subprocess", "multiprocessing", "torch", "playwright"}
# What starts a process, in modules that tests share.
SLOW_HELPERS = {"command", "holding", "run_process", "start", "worker"}
HELPERS = {"commands", "services", "plans.kills"}


def is_slow_place(path: Path) -> bool:
    """Whether a file or folder is one of the slow places, or lies in one."""
    return any(path.is_relative_to(place) for place in SLOW_PLACES)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Such files are not even imported."""
    return True if is_slow_place(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the other files, tests that start a process are left out."""
    slow = [item for item in items if is_slow(item)]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in set(slow)]


def is_slow(item: pytest.Item) -> bool:
    """Whether a test is marked as slow, or it, one of its fixtures or a helper of its module starts a process."""
    if item.get_closest_marker("slow"):
        return True
    if not isinstance(item, pytest.Function):
        return False
    found = item._fixtureinfo.name2fixturedefs
    fixtures = [fixture.func for name in item.fixturenames for fixture in found.get(name, ())]
    return any(_starts_something(function, set()) for function in (item.function, *fixtures))


def _starts_something(function: object, seen: set[object]) -> bool:
    function = getattr(function, "__wrapped__", function)
    if not isinstance(function, FunctionType) or function in seen:
        return False
    seen.add(function)
    for name in set(_names(function.__code__)):
        value = function.__globals__.get(name)
        home = getattr(value, "__module__", None)
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] in SLOW_MODULES:
            return True
        if home in HELPERS and name in SLOW_HELPERS:
            return True
        # Helpers of the same module, one after the other.
        if home == function.__module__ and _starts_something(value, seen):
            return True
    return False


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


class NoTorch(MetaPathFinder):
    """Makes an import of torch in the fast lane an error: then the test is none of it."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in {"torch", "gradio"}:
            raise ImportError(f"{name} in the fast lane: see tests/lanes.py")
