"""An extra is enough for what it is for: what only other extras bring may be absent."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
USES = {
    "samekind, samekind.cli.main": (),
    "samekind.gallery, samekind.plans": ("gallery",),
    "samekind.embedding, samekind.shards": ("gallery", "parquet"),
    "samekind.server": ("serve",),
    "samekind.server, samekind.gallery": ("serve", "gallery"),
}


def named(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


@pytest.mark.parametrize("modules", USES)
def test_other_extras_may_be_absent(modules: str) -> None:
    enough = named(PROJECT["dependencies"]).union(*(named(EXTRAS[extra]) for extra in USES[modules]))
    others = set().union(*(named(EXTRAS[extra]) for extra in EXTRAS if extra != "dev")) - enough
    absent = [
        module
        for module, owners in packages_distributions().items()
        if module != "samekind" and others & {canonicalize_name(owner) for owner in owners}
    ]
    assert "psycopg" in absent  # or this would say nothing
    blocked = f"import sys; sys.modules.update(dict.fromkeys({absent!r})); import {modules}"
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
