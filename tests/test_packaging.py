"""What a release is made of: requirements that agree, notices, and workflows that can be read."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_conda_recipe_needs_what_the_wheel_needs() -> None:
    recipe = (ROOT / "packaging" / "conda" / "meta.yaml").read_text(encoding="utf-8")
    run = recipe.partition("  run:\n")[2].partition("\n\n")[0]
    named = {line.strip().removeprefix("- ").replace(" ", "") for line in run.splitlines()}
    assert named == {*PROJECT["dependencies"], f"python{PROJECT['requires-python']}"}


def test_notices_go_into_the_wheel_and_the_container() -> None:
    for name in PROJECT["license-files"]:
        assert (ROOT / name).is_file()
        assert name in (ROOT / "Containerfile").read_text(encoding="utf-8")
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for part in ("Imagenette", "Tiny-ImageNet", "Caltech-101", "Grocery Store Dataset", "EfficientNet-B0"):
        assert part in notice


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_name_sessions_that_are_there(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    sessions = set(re.findall(r"@nox\.session\ndef (\w+)", (ROOT / "noxfile.py").read_text(encoding="utf-8")))
    steps = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    for named in re.findall(r"nox --sessions ([\w ]+)", "\n".join(steps)):
        assert set(named.split()) <= sessions, named
    for job in workflow["jobs"].values():
        needed = job.get("needs", [])
        assert {needed} if isinstance(needed, str) else set(needed) <= set(workflow["jobs"])


def test_workflows_are_there_for_all_that_a_release_needs() -> None:
    assert {path.stem for path in WORKFLOWS} >= {"tests", "docs", "release", "container"}
