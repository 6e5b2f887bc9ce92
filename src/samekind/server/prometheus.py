"""What Prometheus may ask: requests, times, batch sizes, what waits. Nothing about the images."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The numbers of one running service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # Memory, CPU time and open files of the process, where the system tells them (Linux).
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "samekind_requests", "Requests answered.", ("method", "path", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "samekind_request_seconds",
            "From the head of a request to the end of its answer.",
            ("path",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._batches = Histogram(
            "samekind_batch_images",
            "Images in each run of the network.",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=self.registry,
        )

    def count_request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one answered request. ``path`` is that of the route, so that strangers cannot invent labels."""
        known = method if method in {"GET", "HEAD", "POST"} else "other"
        self._requests.labels(known, path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def count_batch(self, images: int) -> None:
        """Count one run of the network. Safe to call from any thread."""
        self._batches.observe(images)

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Report what a function gives when it is asked."""
        Gauge(f"samekind_{name}", description, registry=self.registry).set_function(value)

    def render(self) -> bytes:
        """All numbers in Prometheus' text format."""
        return generate_latest(self.registry)
