"""Figures for Prometheus, on an address of its own: how requests go, the work queue, deliveries and disks.

No label holds a value of a request or of a school's data.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Histogram,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from connectors.intake.receive import is_service
from dashboard.auth.guard import CALLBACK
from dashboard.auth.headers import STATIC_FOLDERS
from dashboard.server.serving import PortTaken
from dashboard.settings.schema import Metrics
from models.schema import clock
from models.schema.database import read_transaction
from models.schema.disk_space import disk_spaces
from models.schema.tables import deliveries, source_connections, work_queue

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class MeasuredRequests:
    """An application whose requests are counted and timed by their kind, until the response begins."""

    def __init__(self, application: Application, registry: CollectorRegistry) -> None:
        self._application = application
        self._count = Counter(
            "rondblik_requests", "Requests that were answered.", ("kind", "status"), registry=registry
        )
        self._seconds = Histogram(
            "rondblik_request_seconds", "How long requests took.", ("kind",), buckets=SECONDS, registry=registry
        )

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        began, kind = time.perf_counter(), _kind(environ)

        def start(status: str, *more: Any) -> Any:
            self._count.labels(kind, status[:3]).inc()
            self._seconds.labels(kind).observe(time.perf_counter() - began)
            return start_response(status, *more)

        return self._application(environ, start)


def _kind(environ: dict[str, Any]) -> str:
    """What a request is: a message of a publisher, a callback, a static file, a form or a page."""
    path = environ.get("PATH_INFO", "")
    if is_service(path):
        return "message"
    if path == CALLBACK:
        return "callback"
    if path.startswith(STATIC_FOLDERS):
        return "static"
    return "page" if environ.get("REQUEST_METHOD") in ("GET", "HEAD") else "form"


class StoreFigures(Collector):
    """What the store and the disks say when they are asked."""

    def __init__(self, engine: Engine, data: Path) -> None:
        self._engine, self._data = engine, data

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures of this moment; without those of the database where that does not answer."""
        version = GaugeMetricFamily("rondblik_info", "The version of the program.", labels=("version",))
        version.add_metric((metadata.version("rondblik"),), 1)
        yield version
        free = GaugeMetricFamily("rondblik_disk_free_ratio", "The free share of a disk.", labels=("folder",))
        for space in disk_spaces(self._data):
            free.add_metric((str(space.folder),), space.free / max(space.total, 1))
        yield free
        try:
            figures = list(self._of_database())
        except SQLAlchemyError:
            figures = []
        yield GaugeMetricFamily("rondblik_database_up", "Whether the database answers.", bool(figures))
        yield from figures

    def _of_database(self) -> Iterator[GaugeMetricFamily]:
        now = clock.now_us()
        with read_transaction(self._engine) as connection:
            due = connection.execute(
                select(func.count(), func.min(work_queue.c.next_try_us)).where(work_queue.c.next_try_us <= now)
            ).one()
            failing = connection.scalar(
                select(func.count())
                .select_from(source_connections)
                .where(source_connections.c.active, ~source_connections.c.stopped, source_connections.c.failures > 0)
            )
            newest = connection.scalar(select(deliveries.c.received_us).order_by(deliveries.c.id.desc()).limit(1))
        waiting = (now - due[1]) / clock.SECOND_US if due[1] is not None else 0
        yield GaugeMetricFamily("rondblik_jobs_due", "Jobs of the work queue that are due.", due[0])
        yield GaugeMetricFamily("rondblik_oldest_job_seconds", "How long the oldest of these has waited.", waiting)
        yield GaugeMetricFamily("rondblik_connections_failing", "Connections whose last poll failed.", failing or 0)
        yield GaugeMetricFamily(
            "rondblik_newest_delivery_timestamp_seconds", "When the last message came in.", (newest or 0) / 1e6
        )


def new_registry(engine: Engine, data: Path) -> CollectorRegistry:
    """The figures of the store, the disks and this process."""
    registry = CollectorRegistry()
    for collector in (StoreFigures(engine, data), PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        registry.register(collector)
    return registry


@contextmanager
def served(metrics: Metrics | None, registry: CollectorRegistry) -> Iterator[None]:
    """Serve `/metrics` while the block runs, where the configuration says so; raises PortTaken."""
    if metrics is None:
        yield
        return
    try:
        server, thread = start_http_server(metrics.port, metrics.host, registry)
    except OSError:
        raise PortTaken(f"Port {metrics.port} of metrics cannot be listened on; choose another.") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
