"""The web server and the worker in one process, on this machine only, until somebody says stop."""

from __future__ import annotations

import errno
import gc
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType

import flask

from connectors.intake.receive import is_service
from connectors.transport.http_server import BodyLimits, make_server
from connectors.uwlr import reader, validator
from dashboard.server.sign_in import asks_provider
from dashboard.server.static_files import STATIC_FILES
from dashboard.settings.errors import CannotStart
from dashboard.settings.schema import Receive
from dashboard.worker.context import WorkContext
from dashboard.worker.loop import run_worker

MAX_REQUEST_BYTES = 8 * 1024 * 1024
MAX_HELD_BYTES = 4 * 1024 * 1024 * 1024  # of all requests at once


class PortTaken(CannotStart):
    """The port cannot be listened on; says so in a sentence for the operator."""


def serve(
    app: flask.Flask,
    host: str,
    port: int,
    context: WorkContext | None,
    ready: Callable[[int], None],
    receive: Receive | None = None,
) -> None:
    """Serve `app` and, with a context, work off what is due; returns after SIGINT or SIGTERM.

    `ready` is called with the port once it is open; `receive` limits what is read of messages. Raises PortTaken.
    """
    validator.prepare()
    reader.prepare()
    if STATIC_FILES in app.extensions:
        app.extensions[STATIC_FILES].compress_ahead()
    gc.freeze()  # what a server is made of, which stays (`dashboard.cli.start`)
    with closing(bind(host, port)) as socket:
        server = make_server(app, socket, body_limits(receive or Receive()))
        with stopping(), working(context):
            ready(socket.getsockname()[1])
            server.run()  # returns on SystemExit and KeyboardInterrupt
            server.close()


def body_limits(receive: Receive) -> BodyLimits:
    """How much is read of the body of a request."""
    held = max(MAX_HELD_BYTES, 2 * receive.max_bytes)  # or one message could fill it
    return BodyLimits(
        is_service, receive.max_bytes, receive.read_seconds, MAX_REQUEST_BYTES, held, asks_outside=asks_provider
    )


def bind(host: str, port: int) -> socket.socket:
    """The port, taken; raises PortTaken. waitress would leave its socket open where it is not free."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as failed:
        listener.close()
        reading = "is in use by another program" if failed.errno == errno.EADDRINUSE else "cannot be listened on"
        raise PortTaken(f"Port {port} {reading}; choose another with --port.") from None
    return listener


@contextmanager
def stopping() -> Iterator[None]:
    """Make SIGTERM and Ctrl-C end the program, while the block runs; also where a shell started it deaf to Ctrl-C."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    before = {item: signal.signal(item, stop) for item in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for signals, handler in before.items():
            signal.signal(signals, handler)


@contextmanager
def working(context: WorkContext | None) -> Iterator[None]:
    """A worker beside the block, stopped at its end; nothing where there is no context."""
    if context is None:
        yield
        return
    stop = threading.Event()
    worker = threading.Thread(target=run_worker, args=(context, stop), name="worker", daemon=True)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join(10.0)
