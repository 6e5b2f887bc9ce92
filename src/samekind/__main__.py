"""``python -m samekind`` is ``samekind``."""

from samekind.cli.main import run

if __name__ == "__main__":
    run()
