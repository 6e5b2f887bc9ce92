"""The developer's chores, in the environment that is active: `nox` runs them all, `nox -s lint` one."""

import os
import tempfile
from pathlib import Path

import nox

nox.options.sessions = ["tests", "lint", "types", "imports", "wheel"]
nox.options.default_venv_backend = "none"  # the dev extra has everything; a second torch would cost 5 GB


@nox.session
def tests(session: nox.Session) -> None:
    session.run("pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    session.run("pytest", "--cov", "--cov-report=term", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    session.run("lint-imports")


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
