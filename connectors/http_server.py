"""The web server, waitress, taught to answer about bodies in SOAP: too large, too slow, cut up wrongly.

waitress reads a body as a whole before the program sees it, and answers itself what it does not take: in HTML or
plain text, which senders do not read. Here such a body is dropped while it comes in, and the program answers. Slow
and half-open clients hold a connection, never a thread.
"""

from __future__ import annotations

import io
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import RequestEntityTooLarge

from connectors.receive import BODY_PROBLEM, BODY_SIZE

THREADS = 8
MOST_CONNECTIONS = 500
LOOK_EVERY_SECONDS = 2
IDLE_SECONDS = 60.0
HEADER_SECONDS = 60.0
MOST_DROPPED = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How much is read: `is_service` tells the paths of the SOAP service, which have bounds of their own."""

    is_service: Callable[[str], bool]
    service_bytes: int = 512 * 1024 * 1024
    service_seconds: float = 600.0
    other_bytes: int = 8 * 1024 * 1024


class _Nothing:
    """A buffer that counts what it is given and keeps none of it."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def append(self, data: bytes) -> None:
        """Count it."""
        self._size += len(data)

    def getfile(self) -> io.BytesIO:
        """What was kept."""
        return io.BytesIO()

    def close(self) -> None:
        """There is nothing to give back."""


class _Request(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """A request whose body is bounded by where it goes; `problem` is what the program is to say of it."""

    error: Any

    def __init__(self, adj: Any, limits: BodyLimits) -> None:
        super().__init__(adj)
        self.limits = limits
        self.problem: str | None = None
        self.began = time.monotonic()

    def received(self, data: bytes) -> int:
        """Take the next bytes; a body that is too large is dropped from then on."""
        consumed = int(super().received(data))
        if not self.headers_finished or self.body_rcv is None:
            return consumed
        size = max(self.content_length, self.body_bytes_received)
        if not self.limits.is_service(self.path):
            if size > self.limits.other_bytes and self.error is None:
                self.error = RequestEntityTooLarge("the body is too large")
                self.completed = True
        elif self.error is not None:
            self.give_up("packing")
        elif size > self.limits.service_bytes:
            self.drop()
        return consumed

    def drop(self) -> None:
        """Keep nothing of the body, but read it to its end: whoever sends on and on does not hear an answer."""
        if self.problem is None:
            self.problem = "size"
            self.body_rcv.buf.close()
            self.body_rcv.buf = _Nothing(self.body_bytes_received)
        if self.body_bytes_received > 2 * self.limits.service_bytes + MOST_DROPPED:
            self.completed = True

    def give_up(self, problem: str) -> None:
        """The body will not come in as a whole: the program answers without it, and the connection ends."""
        self.problem, self.error, self.completed = problem, None, True
        self.body_rcv.buf.close()
        self.body_rcv.buf = _Nothing(self.body_bytes_received)


class _Task(WSGITask):  # type: ignore[misc]
    """Hands the problem of a body on to the program."""

    def get_environment(self) -> dict[str, Any]:
        """The environment of the request."""
        environment: dict[str, Any] = super().get_environment()
        request = self.request
        if request.problem is not None:
            environment[BODY_PROBLEM] = request.problem
            environment[BODY_SIZE] = max(request.content_length, request.body_bytes_received)
            self.close_on_finish = True
        return environment


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection; its requests know the limits."""

    task_class = _Task
    request: _Request | None
    will_close: bool

    def __init__(self, server: _Server, *args: Any, **named: Any) -> None:
        self.parser_class = lambda adj: _Request(adj, server.limits)
        super().__init__(server, *args, **named)

    def look(self, now: float) -> None:
        """End what takes too long: a header in silence, a body with an answer."""
        request = self.request
        if request is None:
            return
        taken = time.monotonic() - request.began
        if not request.headers_finished or request.body_rcv is None or not self.server.limits.is_service(request.path):
            self.will_close = self.will_close or taken > (
                self.server.limits.service_seconds if request.headers_finished else HEADER_SECONDS
            )
            return
        if taken <= self.server.limits.service_seconds and now - self.last_activity <= IDLE_SECONDS:
            return
        with self.requests_lock:
            request.give_up("deadline")
            self.request = None
            self.requests.append(request)
            if len(self.requests) == 1:
                self.server.add_task(self)


class _Server(TcpWSGIServer):  # type: ignore[misc]
    """The server, which now and then looks at every connection."""

    channel_class = _Channel

    def __init__(self, application: Any, limits: BodyLimits, **named: Any) -> None:
        self.limits = limits
        super().__init__(application, **named)

    def maintenance(self, now: float) -> None:
        """Look for requests that take too long, then for connections that are idle."""
        for channel in list(self.active_channels.values()):
            channel.look(now)
        super().maintenance(now)


def make_server(application: Any, door: socket.socket, limits: BodyLimits) -> TcpWSGIServer:
    """A server of `application` on a bound socket; `run` serves until `close`, SystemExit or KeyboardInterrupt."""
    adjustments = Adjustments(
        sockets=[door],
        max_request_body_size=sys.maxsize,  # the bounds are ours, by path
        ident=None,
        # Left to itself waitress takes the headers of proxies away, and the guard could not refuse them.
        clear_untrusted_proxy_headers=False,
        connection_limit=MOST_CONNECTIONS,
        cleanup_interval=LOOK_EVERY_SECONDS,
        asyncore_use_poll=True,
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(THREADS)
    return _Server(
        application,
        limits,
        map={},
        _sock=door,
        dispatcher=dispatcher,
        adj=adjustments,
        sockinfo=(door.family, door.type, door.proto, door.getsockname()),
        bind_socket=False,
    )
