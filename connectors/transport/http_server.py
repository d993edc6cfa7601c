"""The web server, waitress, taught to answer about bodies in SOAP: too large, too slow, cut up wrongly.

waitress reads a body as a whole before the program sees it, and answers itself what it does not take: in HTML or
plain text, which senders do not read. Here such a body is dropped while it comes in, and the program answers. Slow
and half-open clients hold a connection, never a thread; messages have threads of their own, so that however many come,
a page is answered. Nor do they keep others out: where a client, or all together, have as many connections as they may,
the next one takes the place of the one that has been silent longest.
"""

from __future__ import annotations

import errno
import io
import logging
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import RequestEntityTooLarge

from connectors.transport.message_threads import MessageThreads
from models.schema.limits import MAX_BYTES

_log = logging.getLogger(__name__)

# What the web server says of a message that it did not hand over as a whole: busy, or a key of _PROBLEM_RULES.
BODY_PROBLEM = "rondblik.body_problem"
BODY_SIZE = "rondblik.body_size"
LOCAL_ADDRESS = "rondblik.local_address"  # of this machine, to which the connection was made
MESSAGE_THREADS = 4
OTHER_THREADS = 4
OUTSIDE_THREADS = 4
MAX_CONNECTIONS = 500
MAX_OF_A_CLIENT = 200  # connections from one address; a proxy is one client too
IDLE_SECONDS = 60.0
OWN_FILES = 100  # that the program opens besides connections: the database, bodies, jobs of the worker
PAUSE_SECONDS = 1.0
QUIET_SECONDS = 60.0
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
MAX_DROPPED = 64 * 1024 * 1024
MAX_FIRST_LINE = 8 * 1024


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How much is read, and how long it may take: `is_service` tells the paths of the SOAP service.

    `asks_outside` tells those that wait for another server, which must not keep the rest waiting.

    `total_bytes` bounds what all connections together have sent of bodies that nobody has looked at yet; a message
    waits `wait_seconds` for a thread at most; every `look_seconds` it is seen what takes too long.
    """

    is_service: Callable[[str], bool]
    service_bytes: int = MAX_BYTES
    service_seconds: float = 600.0
    other_bytes: int = 8 * 1024 * 1024
    total_bytes: int = 4 * 1024 * 1024 * 1024
    header_seconds: float = 20.0
    wait_seconds: float = 10.0
    look_seconds: float = 2.0
    asks_outside: Callable[[str], bool] = lambda _path: False


class _BodyBudget:
    """The bytes of bodies that are held for all connections together."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._lock = threading.Lock()

    def hold(self, more: int) -> bool:
        """Count so many more (or fewer); whether that is still within bounds."""
        with self._lock:
            self._held += more
            return self._held <= self._most


class _DiscardBuffer:
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
    path: str = ""  # until the first line was read
    command: str
    version: str
    chunked: bool
    headers: dict[str, str]
    closes = False

    def __init__(self, adj: Any, limits: BodyLimits, total: _BodyBudget) -> None:
        super().__init__(adj)
        self.limits = limits
        self.total = total
        self.held = 0
        self.problem: str | None = None
        self.began = time.monotonic()
        self.first_bytes = b""

    @property
    def is_message(self) -> bool:
        """Whether it may take long, or waits for the store: a message, also one that gets a Fault."""
        if self.error is not None or self.problem == "busy" or not self.limits.is_service(self.path):
            return False
        return self.command == "POST" or self.problem is not None

    def received(self, data: bytes) -> int:
        """Take the next bytes; a body that is too large is dropped from then on."""
        if not self.headers_finished and len(self.first_bytes) < MAX_FIRST_LINE:
            self.first_bytes += data[:MAX_FIRST_LINE]
        try:
            consumed = int(super().received(data))
        except OSError:  # the disk on which bodies are kept is full
            consumed = self.received_without_space(data)
        if self.error is not None and self.body_rcv is None:
            self.answer_header()
        if not self.headers_finished or self.body_rcv is None:
            return consumed
        size = max(self.content_length, self.body_bytes_received)
        fits = self.hold()
        if not self.limits.is_service(self.path):
            if (size > self.limits.other_bytes or not fits) and self.error is None:
                self.error = RequestEntityTooLarge("the body is too large")
                self.completed = True
        elif self.error is not None:
            self.give_up("size" if size > self.limits.service_bytes else "chunks")
        elif size > self.limits.service_bytes:
            self.drop("size")
        elif not fits:
            self.drop("busy")
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the header; where two headers say how long the body is, the connection ends after the answer.

        RFC 9112, 6.1: a proxy before us may have gone by the other one, so what follows may be no request at all.
        """
        super().parse_header(header_plus)
        chunked = self.chunked or "TRANSFER_ENCODING" in self.headers  # which HTTP/1.0 does not have
        self.closes = chunked and ("CONTENT_LENGTH" in self.headers or self.version == "1.0")

    def received_without_space(self, data: bytes) -> int:
        """Go on without keeping the body, so that whoever sends it hears why.

        A body in chunks ends here: how far it was read is not known any more.
        """
        if self.chunked:
            self.give_up("full")
            return len(data)
        self.forget_body("full")
        return int(super().received(data))

    def hold(self) -> bool:
        """Count what came in among all that is held; whether there is room for it. Of what is dropped nothing is."""
        if self.problem is not None:
            return True
        more, self.held = self.body_bytes_received - self.held, self.body_bytes_received
        return self.total.hold(more)

    def answer_header(self) -> None:
        """Where the first line leads to the service, the program answers that the header cannot be read."""
        first_line = self.first_bytes.lstrip().partition(b"\r\n")[0]
        error, self.error = self.error, None
        self.headers = {}
        try:
            self.parse_header(first_line + b"\r\n")
        except ParsingError:
            self.error = error
            return
        if self.limits.is_service(self.path):
            self.problem = "header"
        else:
            self.error = error

    def drop(self, problem: str) -> None:
        """Keep nothing of the body, but read it to its end: whoever sends on and on does not hear an answer."""
        if self.problem is None:
            self.forget_body(problem)
        if self.body_bytes_received > 2 * self.limits.service_bytes + MAX_DROPPED:
            self.completed = True

    def give_up(self, problem: str) -> None:
        """There will be no whole body to look at: the program answers without it, and the connection ends."""
        self.error, self.completed = None, True
        self.forget_body(problem)

    def forget_body(self, problem: str) -> None:
        """Keep only how large the body is, and what is wrong with it."""
        self.problem = problem
        self.let_go()
        if self.body_rcv is not None:
            with suppress(OSError):  # of a file, which writes what it has not written yet
                self.body_rcv.buf.close()
            self.body_rcv.buf = _DiscardBuffer(self.body_bytes_received)

    def let_go(self) -> None:
        """What was held of the body is no longer."""
        self.total.hold(-self.held)
        self.held = 0

    def close(self) -> None:
        """The request was answered, or never will be."""
        self.let_go()
        super().close()


class _Task(WSGITask):  # type: ignore[misc]
    """Hands the problem of a body on to the program."""

    def get_environment(self) -> dict[str, Any]:
        """The environment of the request."""
        environment: dict[str, Any] = super().get_environment()
        environment[LOCAL_ADDRESS] = self.channel.socket.getsockname()[0]
        request = self.request
        if request.problem is not None:
            environment[BODY_PROBLEM] = request.problem
            environment[BODY_SIZE] = max(request.content_length, request.body_bytes_received)
        if request.problem is not None or request.closes:
            self.set_close_on_finish()
        return environment


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection; its requests know the limits."""

    task_class = _Task
    request: _Request | None
    requests: list[_Request]
    will_close: bool
    waits_since: float = 0.0

    def __init__(self, server: _Server, *args: Any, **named: Any) -> None:
        self.parser_class = lambda adj: _Request(adj, server.limits, server.total)
        super().__init__(server, *args, **named)
        server.close_longest_silent(self)

    def look(self, now: float) -> None:
        """End what takes too long: a header in silence, a body with an answer."""
        request, limits = self.request, self.server.limits
        if request is None:
            return
        taken = time.monotonic() - request.began
        if not request.headers_finished or request.body_rcv is None or not limits.is_service(request.path):
            most = limits.service_seconds if request.headers_finished else limits.header_seconds
            self.will_close = self.will_close or taken > most
            return
        if taken <= limits.service_seconds and now - self.last_activity <= IDLE_SECONDS:
            return
        with self.requests_lock:
            request.give_up("deadline")
            self.request = None
            self.requests.append(request)
            if len(self.requests) == 1:
                self.server.add_task(self)

    def service(self) -> None:
        """Answer the request that came first."""
        request = self.requests[0]
        super().service()
        if request.is_message:
            self.server.task_dispatcher.messages.handled()

    def handle_close(self) -> None:
        """The connection is over; what came in of a request that is not whole is of no use."""
        if self.request is not None:
            self.request.forget_body("gone")
        super().handle_close()


class _ThreadPools(ThreadedTaskDispatcher):  # type: ignore[misc]
    """The threads that answer; messages have some to themselves, for one can take all the time there is.

    So has what waits for another server.
    """

    def __init__(self, limits: BodyLimits) -> None:
        super().__init__()
        self.limits = limits
        self.messages = MessageThreads(MESSAGE_THREADS)
        self.outside = ThreadedTaskDispatcher()

    def start(self) -> None:
        """Start them all."""
        self.messages.start()
        self.outside.set_thread_count(OUTSIDE_THREADS)
        self.set_thread_count(OTHER_THREADS)

    def add_task(self, task: _Channel) -> None:
        """Have the first request of a connection answered."""
        if not task.requests[0].is_message:
            outside = self.limits.asks_outside(task.requests[0].path)
            (self.outside.add_task if outside else super().add_task)(task)
            return
        task.waits_since = time.monotonic()
        self.messages.add_task(task)

    def end_waits(self, seconds: float) -> None:
        """Messages that waited so long for a thread are answered that it is busy, by the threads that are not."""
        before = time.monotonic() - seconds
        waited = []
        with self.messages.lock:
            while self.messages.queue and self.messages.queue[0].waits_since < before:
                waited.append(self.messages.queue.popleft())
        for channel in waited:
            channel.requests[0].give_up("busy")
            self.add_task(channel)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """Stop them all."""
        self.messages.shutdown(cancel_pending, timeout)
        self.outside.shutdown(cancel_pending, timeout)
        return bool(super().shutdown(cancel_pending, timeout))


class _Server(TcpWSGIServer):  # type: ignore[misc]
    """The server, which now and then looks at every connection."""

    channel_class = _Channel
    task_dispatcher: _ThreadPools
    paused_until = 0.0
    warned_at = -QUIET_SECONDS

    def __init__(self, application: Any, limits: BodyLimits, **named: Any) -> None:
        self.limits = limits
        self.total = _BodyBudget(limits.total_bytes)
        self.most_connections = _most_connections()
        super().__init__(application, **named)

    def readable(self) -> bool:
        """Whether a new connection may be accepted now."""
        return bool(super().readable()) and time.monotonic() >= self.paused_until

    def accept(self) -> Any:
        """The next connection; where no file can be opened none, and a pause.

        The connection waits in the kernel meanwhile: tried again at once it would keep the processor busy.
        """
        try:
            return super().accept()
        except OSError as failed:
            if failed.errno not in EXHAUSTED:
                raise
            now = time.monotonic()
            self.paused_until = now + PAUSE_SECONDS
            if now - self.warned_at >= QUIET_SECONDS:
                self.warned_at = now
                _log.warning(
                    "No new connections for now: out of descriptors or memory (%s); raise the limit of open files.",
                    errno.errorcode[failed.errno],
                )
            return None

    def close_longest_silent(self, newest: _Channel) -> None:
        """Where a client or all together have too many connections, end the one that has been silent longest.

        One whose request is being answered stays; if all are, the newest goes.
        """
        opened = [channel for channel in self.active_channels.values() if not channel.will_close]
        of_client = [item for item in opened if item.addr[0] == newest.addr[0]]
        most = self.most_connections
        crowd = of_client if len(of_client) > min(MAX_OF_A_CLIENT, most) else opened if len(opened) > most else []
        if crowd:
            waiting = [item for item in crowd if not item.requests and item is not newest]
            min(waiting, key=lambda item: item.last_activity, default=newest).will_close = True

    def maintenance(self, now: float) -> None:
        """Look for requests that take or wait too long, then for connections that are idle."""
        self.task_dispatcher.end_waits(self.limits.wait_seconds)
        for channel in list(self.active_channels.values()):
            channel.look(now)
        super().maintenance(now)


def _most_connections() -> int:
    """How many connections are kept: a process that may open few files keeps some of them for its own work."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(MAX_CONNECTIONS, files - OWN_FILES))


# It would warn of every request that waits for a thread, a line each.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)


def make_server(application: Any, listener: socket.socket, limits: BodyLimits) -> TcpWSGIServer:
    """A server of `application` on a bound socket; `run` serves until `close`, SystemExit or KeyboardInterrupt."""
    adjustments = Adjustments(
        sockets=[listener],
        max_request_body_size=sys.maxsize,  # the bounds are ours, by path
        ident=None,
        # Left to itself waitress takes the headers of proxies away, and the guard could not refuse them.
        clear_untrusted_proxy_headers=False,
        connection_limit=2 * MAX_CONNECTIONS,  # where waitress stops to accept; `close_longest_silent` sees to ours
        channel_timeout=int(IDLE_SECONDS),
        asyncore_use_poll=True,
    )
    adjustments.cleanup_interval = limits.look_seconds  # which waitress itself would take in whole seconds only
    dispatcher = _ThreadPools(limits)
    dispatcher.start()
    return _Server(
        application,
        limits,
        map={},
        _sock=listener,
        dispatcher=dispatcher,
        adj=adjustments,
        sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
        bind_socket=False,
    )
