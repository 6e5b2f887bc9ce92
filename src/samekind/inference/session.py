"""One session of ONNX Runtime for each process that runs a network: also where it was forked, or got it pickled."""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock

# Its official builds keep an identifier of the machine in the user's cache folder and report to their makers from the
# moment they are imported, unless this is set before. Whoever wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort

from samekind.errors import ModelFileError
from samekind.inference.runtimes import conflict
from samekind.system.cores import computing_threads

_INSTEAD = "for CUDA: pip uninstall -y onnxruntime; pip install onnxruntime-gpu"


class ProcessSession:
    """A session that is opened once in each process that uses it.

    Opened at once where it is made, so that what is wrong is known there. A process that was forked, and one that
    unpickles it, opens its own at the first use: the threads of a session do not live on in a fork.

    Args:
        onnx_model: The bytes of the model.
        name: What to call it in messages.
        providers: As ``provider_names`` takes them.
        threads: As ``cores.computing_threads`` takes them; the default is that of the process which opens it.

    Raises:
        ModelFileError: As ``open_session``.
        ArgumentError: The threads are no number of threads.
    """

    def __init__(
        self,
        onnx_model: bytes,
        name: str,
        *,
        providers: str | Sequence[str] | None = None,
        threads: int | None = None,
    ) -> None:
        self._arguments = (onnx_model, name, tuple(provider_names(providers)), threads)
        self._process = os.getpid()
        self._session = open_session(onnx_model, name, providers=providers, threads=threads)
        self._opening = Lock()

    def get(self) -> ort.InferenceSession:
        """The session of this process."""
        if self._process != (process := os.getpid()):
            with self._opening:
                if self._process != process:
                    self._session = _shared_session(process, *self._arguments)
                    self._process = process
        return self._session

    def __getstate__(self) -> tuple[object, ...]:
        return self._arguments

    def __setstate__(self, state: tuple[bytes, str, tuple[str, ...], int | None]) -> None:
        self._arguments = state
        self._process, self._session, self._opening = -1, None, Lock()


# A pool sends the model anew with each task. Two are kept, so that all tasks of a process share its sessions.
@lru_cache(maxsize=2)
def _shared_session(
    process: int,  # of which a fork has another
    onnx_model: bytes,
    name: str,
    providers: tuple[str, ...],
    threads: int | None,
) -> ort.InferenceSession:
    del process
    return open_session(onnx_model, name, providers=providers, threads=threads)


def open_session(
    onnx_model: bytes,
    name: str,
    *,
    providers: str | Sequence[str] | None = None,
    threads: int | None = None,
    spinning: bool = False,
    quiet: bool = False,
) -> ort.InferenceSession:
    """An ONNX Runtime session of our settings.

    Args:
        onnx_model: The bytes of the model.
        name: What to call it in messages.
        providers: As ``provider_names`` takes them.
        threads: As ``cores.computing_threads`` takes them.
        spinning: Whether threads wait for work by spinning, which keeps their cores from the other processes of a
            shared machine (``benchmarks/shared_machine.py`` measures both).
        quiet: Whether ONNX Runtime keeps its errors to the exceptions that it raises, for a network that may fail.

    Raises:
        ModelFileError: ONNX Runtime cannot load the model, or has no such provider.
        ArgumentError: The threads are no number of threads.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 4 if quiet else 3  # its warnings speak to the authors of kernels, not to users
    # Without this a file that is also of ONNX Runtime's own format would be read as that, past our checks of the ONNX.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.intra_op_num_threads = computing_threads(threads)
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    names = provider_names(providers)
    try:
        session = ort.InferenceSession(onnx_model, options, providers=names)
    except Exception as error:  # ONNX Runtime's exceptions share no base class of their own
        reason = str(error).splitlines()[0]
        raise ModelFileError(f"{name}: ONNX Runtime cannot load this network ({reason})") from error
    if lost := [name for name in names if name not in session.get_providers()]:
        raise ModelFileError(f"{name}: {_why_lost(lost[0], session.get_providers())}")
    _open.add(session)
    return session


def _why_lost(lost: str, got: Sequence[str]) -> str:
    """A provider that was asked for and is not there: ONNX Runtime only warns, and computes on the processor."""
    short = [name.removesuffix("ExecutionProvider").lower() for name in (lost, *got)]
    return (
        f"{short[0]} was asked for, and ONNX Runtime could not start it: it would compute on {', '.join(short[1:])} "
        f"({conflict() or 'its driver or its libraries are missing, or of another version'}); `samekind doctor` says "
        "more"
    )


def available_providers() -> list[str]:
    """What this build of ONNX Runtime can compute with, by short names, best first.

    Example:
        >>> "cpu" in available_providers()
        True
    """
    return [name.removesuffix("ExecutionProvider").lower() for name in ort.get_available_providers()]


def provider_names(wanted: str | Sequence[str] | None) -> list[str]:
    """ONNX Runtime's names of execution providers, of which one alone may be given as text.

    Args:
        wanted: Names, short (``cuda``) or whole (``CUDAExecutionProvider``), best first; None is the CPU.

    Raises:
        ModelFileError: This build of ONNX Runtime has none of that name.

    Example:
        >>> provider_names("cpu")
        ['CPUExecutionProvider']
    """
    available = ort.get_available_providers()
    by_short_name = {name.removesuffix("ExecutionProvider").lower(): name for name in available}
    names = []
    for provider in (wanted,) if isinstance(wanted, str) else wanted or ("cpu",):
        name = by_short_name.get(provider.lower(), provider) if isinstance(provider, str) else None
        if name not in available:
            raise ModelFileError(
                f"no execution provider {provider!r} in this build of ONNX Runtime; it has "
                f"{', '.join(by_short_name)} ({conflict() or _INSTEAD}; `samekind doctor` says more)"
            )
        names.append(name)
    return names


_open: weakref.WeakSet[ort.InferenceSession] = weakref.WeakSet()


def _keep_inherited() -> None:
    """A session that a fork inherited can never be closed there: it would wait for threads that are not there."""
    for session in tuple(_open):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_keep_inherited)
