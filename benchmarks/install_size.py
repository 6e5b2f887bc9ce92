"""How much disk a core install takes: a fresh environment with pip and samekind, its models included.

The limit was 240 MB with one model; the second one weighs 9.6 MB.

python benchmarks/install_size.py [--limit-mb 250] [--into DIR] [WHAT TO INSTALL, default .]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default=".", help="as pip install takes it")
    parser.add_argument("--limit-mb", type=float, default=250.0)
    parser.add_argument("--into", type=Path, help="keep the environment here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        environment = arguments.into or Path(temporary) / "venv"
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", arguments.what], check=True)
        report(environment, python, arguments.limit_mb)


def report(environment: Path, python: Path, limit: float) -> None:
    files = [path for path in environment.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files) / 1e6
    blocks = sum(path.stat().st_blocks * 512 for path in environment.rglob("*") if not path.is_symlink())
    has_torch = "import importlib.util as u; print(u.find_spec('torch') is not None)"
    torch = subprocess.run([python, "-c", has_torch], check=True, capture_output=True, text=True).stdout.strip()
    print(f"core install: {size:.1f} MB in {len(files):,} files (limit {limit:.0f}), torch installed: {torch}")
    print(f"disk blocks that they fill: {blocks / 1e6:.1f} MB ({blocks / 2**20:.0f} as `du -m` counts)")
    for package in sorted(environment.glob("lib/python*/site-packages/*"), key=_size, reverse=True)[:6]:
        print(f"  {_size(package):6.1f} MB  {package.name}")
    if size > limit or torch == "True":
        sys.exit("too large, or torch came along")


def _size(folder: Path) -> float:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
