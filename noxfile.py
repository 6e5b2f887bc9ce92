"""The developer's chores, in the environment that is active: `nox` runs them all, `nox -s lint` one."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

import nox
from packaging.requirements import Requirement

# Tests of what the core dependencies are enough for, beside tests/test_*.py; and the libraries that check them.
CORE_TESTS = ["tests/datasets", "tests/images", "tests/cli/test_judging.py", "tests/cli/test_check.py"]
ORACLES = ["pytest>=8", "pytest-xdist>=3.7", "hypothesis>=6.100", "onnx>=1.17", "scikit-learn>=1.4", "scipy>=1.11"]
# These train, search galleries, or import what an extra brings.
NOT_CORE = ["tests/test_readme.py", "tests/test_public.py", "tests/datasets/test_imagenette.py"]

nox.options.sessions = ["tests", "lint", "types", "imports", "wheel"]
nox.options.default_venv_backend = "none"  # the dev extra has everything; a second torch would cost 5 GB


@nox.session
def tests(session: nox.Session) -> None:
    session.run("pytest", *session.posargs)


@nox.session
def fast(session: nox.Session) -> None:
    """What needs no torch, no browser, no service and no process, on all cores: for daily work."""
    session.run("pytest", "--fast", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """The fast lane, which must reach as much of the code as pyproject.toml says."""
    session.run("pytest", "--fast", "--cov", "--cov-report=term", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into docs/_build/html: notebooks are run, warnings are errors, nothing is fetched."""
    sphinx = ("python", "-m", "sphinx", "-W", "--keep-going", "--fresh-env")
    session.run(*sphinx, "-b", "html", "docs", "docs/_build/html", *session.posargs)
    # The links need no notebook to be run, but then nobody says in which language its cells are.
    unrun = ("-D", "nb_execution_mode=off", "-D", "suppress_warnings=myst-nb.lexer")
    session.run(*sphinx, "-b", "linkcheck", *unrun, "docs", "docs/_build/links")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it where nothing else is, and run what a user would."""
    with tempfile.TemporaryDirectory() as folder:
        session.run("python", "-m", "build", "--wheel", "--outdir", folder)
        built = next(Path(folder).glob("*.whl"))
        environment = Path(folder) / "venv"
        session.run("python", "benchmarks/install_size.py", "--into", str(environment), str(built))
        tools = environment / ("Scripts" if os.name == "nt" else "bin")
        session.run(str(tools / "python"), "-m", "pip", "install", "--quiet", f"{built}[demo]")
        session.run(str(tools / "samekind"), "demo", "--output", f"{folder}/demo.png")


@nox.session
def release(session: nox.Session) -> None:
    """Build wheel and source archive twice, make sure that both are the same to the byte, and keep them in dist."""
    moment = session.run("git", "log", "-1", "--format=%ct", silent=True, external=True)
    with tempfile.TemporaryDirectory() as folder:
        built = [Path(folder) / name for name in ("first", "second")]
        for output in built:
            session.run(
                *("python", "-m", "build", "--outdir", str(output)), env={"SOURCE_DATE_EPOCH": str(moment).strip()}
            )
        first, second = ({path.name: _digest(path) for path in output.iterdir()} for output in built)
        if first != second:
            session.error(f"two builds differ: {first} and {second}")
        Path("dist").mkdir(exist_ok=True)
        for path in built[0].iterdir():
            shutil.copy(path, "dist")
    session.log("\n".join(f"{digest}  dist/{name}" for name, digest in sorted(first.items())))


@nox.session
def lowest(session: nox.Session) -> None:
    """Install the core with the lowest versions that pyproject.toml allows, where nothing else is, and test it.

    The versions that the tests' own libraries need are pip's to find; those of the core are pinned.
    """
    floors = [_floor(Requirement(line)) for line in _project()["dependencies"]]
    session.log(f"the lowest versions: {', '.join(floors)}")
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "lowest.txt"
        constraints.write_text("\n".join(floors))
        python = _fresh_environment(session, Path(folder))
        install = (*_pip(python), "--constraint", str(constraints))
        session.run(*install, ".")
        session.run(*install, *ORACLES)
        tests = [*map(str, sorted(Path("tests").glob("test_*.py"))), *filter(os.path.exists, CORE_TESTS)]
        kept = [test for test in tests if test not in NOT_CORE]
        ignored = [f"--ignore={test}" for test in NOT_CORE]
        session.run(python, "-m", "pytest", "-q", *(session.posargs or [*kept, *ignored]))


@nox.session
def sbom(session: nox.Session) -> None:
    """Write dist/sbom.json: what the wheel brings with it when it is installed, as CycloneDX says it."""
    with tempfile.TemporaryDirectory() as folder:
        session.run("python", "-m", "build", "--wheel", "--outdir", "dist")
        built = max(Path("dist").glob("*.whl"), key=lambda path: path.stat().st_mtime)
        python = _fresh_environment(session, Path(folder))
        session.run(*_pip(python), str(built))
        session.run(
            *("cyclonedx-py", "environment", python, "--pyproject", "pyproject.toml", "--mc-type", "library"),
            *("--output-reproducible", "--output-file", "dist/sbom.json"),
        )
    bill = json.loads(Path("dist/sbom.json").read_text(encoding="utf-8"))
    bill["metadata"]["component"]["version"] = built.name.split("-")[1]  # which pyproject.toml does not state
    Path("dist/sbom.json").write_text(json.dumps(bill, indent=2), encoding="utf-8")
    session.log(f"dist/sbom.json: {', '.join(sorted(part['name'] for part in bill['components']))}")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _project() -> dict[str, list[str]]:
    table: dict[str, list[str]] = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def _floor(requirement: Requirement) -> str:
    """``numpy==1.26`` for ``numpy>=1.26``."""
    (lowest,) = (part.version for part in requirement.specifier if part.operator in {">=", "=="})
    return f"{requirement.name}=={lowest}"


def _fresh_environment(session: nox.Session, folder: Path) -> str:
    """Make an environment that sees no other and has not even pip; the path of its Python."""
    session.run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
    return str(folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python")


def _pip(python: str) -> tuple[str, ...]:
    """The command that installs for another Python."""
    return sys.executable, "-m", "pip", "--python", python, "install", "--quiet"
