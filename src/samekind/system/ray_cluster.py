"""A Ray cluster (extra ``ray``): one that runs, or one on this machine's cores that is started and ended."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from samekind.errors import ClusterError, MissingExtraError

# Seconds in which a cluster takes a connection.
_PATIENCE = 5
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would report to its makers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the coming way, without a warning of it
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # it calls its own way of starting workers an error
}


class RayCluster:
    """A cluster that can be connected to.

    Args:
        address: ``local``, ``auto`` or ``HOST:PORT``.

    Raises:
        MissingExtraError: Ray is not installed.
        ClusterError: Nothing listens at the address.
    """

    def __init__(self, address: str) -> None:
        if find_spec("ray") is None:
            raise MissingExtraError("ray", "ray")
        _refuse_silence(address)
        self.address = address

    @contextmanager
    def connected(self, cores: int, store: int, again: str) -> Iterator[Any]:
        """Ray's module, connected; a cluster that was started for this ends with it.

        Args:
            cores: Of a cluster that is started here.
            store: Bytes of its shared memory.
            again: Where a cluster is lost, what to do about it.

        Raises:
            ClusterError: There is no cluster, or it was lost.
        """
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        import ray  # noqa: PLC0415 - extra ray

        begun = not ray.is_initialized()
        if begun:
            quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
            try:
                if self.address == "local":
                    here = {"num_cpus": cores, "object_store_memory": store, "include_dashboard": False}
                    ray.init(address="local", **(quiet | here))
                else:
                    ray.init(address=self.address, **quiet)
            except Exception as error:  # Ray raises that itself where a node is slow to start
                ray.shutdown()
                raise ClusterError(f"{_no_cluster(self.address)} ({_last_line(error)})") from error
        try:
            yield ray
        except ray.exceptions.RayError as error:
            raise ClusterError(f"Ray: {_last_line(error)}; {again}") from error
        finally:
            if begun:
                ray.shutdown()


def _refuse_silence(address: str) -> None:
    """Make sure that something listens at ``HOST:PORT``, for Ray itself goes on asking for many minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(f"{_no_cluster(address)} ({getattr(error, 'strerror', None) or error})") from error


def _no_cluster(address: str) -> str:
    if address == "local":
        return "Ray could not start a cluster on this machine; try again when it is less busy"
    return f"no Ray cluster at {address}; `ray start --head` starts one"


def _last_line(error: Exception) -> str:
    """What a traceback of another machine comes down to."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
