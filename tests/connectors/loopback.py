"""A real HTTP server on loopback that answers as a test says, down to single bytes, and remembers what was asked."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Loopback:
    """The running server: its address, what was asked, and an event that is set when the test is over."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    """Hands the connection to the answer of the test."""

    loopback: Loopback
    answer: Callable[[Handler], None]
    asked: Asked

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked = Asked(self.command, self.path, headers, body)
        self.loopback.asked.append(self.asked)
        with suppress(BrokenPipeError, ConnectionResetError):  # a client that had enough: what many tests are about
            type(self).answer(self)
        self.close_connection = True

    do_GET = do_POST = handle_any  # noqa: N815 - the names that http.server looks for

    def say(self, body: bytes, status: int = 200, content_type: str = "text/xml; charset=utf-8", **more: str) -> None:
        """A whole and honest answer."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, start: bytes, drop: bytes, every: float = 0.02) -> None:
        """`start`, and then `drop` again and again until the test is over or the client has had enough."""
        self.wfile.write(start)
        while not self.loopback.over.wait(every):
            self.wfile.write(drop)

    def reset(self) -> None:
        """End the connection with a reset instead of a proper close."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def finish(self) -> None:
        with suppress(OSError):  # after a reset there is nothing to flush to
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Tests speak for themselves."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections that break are the subject, not an accident."""

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        with suppress(OSError):
            super().shutdown_request(request)


@contextmanager
def serving(answer: Callable[[Handler], None], tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Loopback]:
    """Answer every request with `answer` while the block runs, at this port or any."""
    loopback = Loopback("")
    handler = type("Answering", (Handler,), {"loopback": loopback, "answer": staticmethod(answer)})
    server = _Quiet(("127.0.0.1", port), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    loopback.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield loopback
    finally:
        loopback.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
