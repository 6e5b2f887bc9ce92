"""Applying and undoing in a process that is killed: at any call by which it changes the disk, or at any moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samekind.plans import undo

# Imports once, and for each line of its input forks a child that works and is killed. Only the child knows of faults.
_DRIVER = """
import errno, json, os, signal, sys, time
from pathlib import Path
from samekind.plans import apply_plan, read_plan, undo

CALLS = ("link", "rename", "replace", "unlink", "mkdir", "rmdir", "write", "fsync")

def counted(order):
    made = []
    for name in CALLS:
        def call(*arguments, original=getattr(os, name), name=name, **options):
            made.append(name)
            here = len(made) == order.get("at")
            if here and order["when"] == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            if here and order["when"] == "within" and name == "write":
                original(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                if name in ("link", "rename") and order.get("far"):  # a file system that ends where the folder does
                    ends = [os.path.realpath(path).startswith(order["far"]) for path in arguments]
                    if ends[0] != ends[1]:
                        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
                return original(*arguments, **options)
            finally:
                if here:
                    os.kill(os.getpid(), signal.SIGKILL)
        setattr(os, name, call)
    return made

for line in sys.stdin:
    order = json.loads(line)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        write = os.write
        try:
            made = counted(order)
            if order["what"] == "apply":
                into = Path(order["into"]) if order.get("into") else None
                apply_plan(read_plan(order["plan"]), into=into)
            else:
                undo(Path(order["place"]))
            write(writer, json.dumps(made).encode())
        except BaseException as error:
            write(writer, json.dumps(repr(error)).encode())
        os._exit(0)
    os.close(writer)
    if "seconds" in order:
        time.sleep(order["seconds"])
        os.kill(child, signal.SIGKILL)
    began = time.monotonic()
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as said:
        reply = {"killed": os.WIFSIGNALED(status), "said": said.read(), "seconds": time.monotonic() - began}
    print(json.dumps(reply), flush=True)
"""


class Worker:
    """What does the orders of ``run``, each in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, **order: object) -> tuple[list[str] | None, float]:
        """The calls that it made, None if it was killed; and the seconds that it took.

        Args:
            order: ``what`` (apply or undo), ``plan`` or ``place``, and maybe ``into`` (a folder) and ``far`` (a folder
                that is to seem a file system of its own). ``at`` and ``when`` (before, within or after) name the call
                at which it is killed; ``seconds`` says how long it lives.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order, default=str), file=self._process.stdin, flush=True)
        reply = json.loads(self._process.stdout.readline())
        if reply["killed"]:
            return None, reply["seconds"]
        calls = json.loads(reply["said"])
        assert isinstance(calls, list), calls
        return calls, reply["seconds"]


@contextmanager
def worker() -> Iterator[Worker]:
    """A worker until the end of the block."""
    alone = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # threads do not survive a fork
    with subprocess.Popen(
        [sys.executable, "-c", _DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=alone
    ) as process:
        yield Worker(process)
        assert process.stdin is not None
        process.stdin.close()


def undo_all(folder: Path) -> None:
    """Put back what was moved, if anything was."""
    if list(folder.glob("**/journal.jsonl")):
        assert not undo(folder).problems
