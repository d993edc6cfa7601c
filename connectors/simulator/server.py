"""The simulated LAS and publishers on loopback: small HTTP servers that start, answer and stop together."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from connectors.simulator import answers
from connectors.simulator.requests import Fault
from models.schema import clock

HOST = "127.0.0.1"
LAS = "las"
SERVED = (LAS, "rekenwijs", "spelsprong", "toetsvolg", "leeslijn")
MAX_REQUEST = 1 << 20
DROP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over HTTP."""

    status: int
    content_type: str
    body: bytes


@contextmanager
def running(wanted: Mapping[str, int] | None = None, inbox: Path | None = None) -> Iterator[dict[str, int]]:
    """Serve the LAS and the publishers while the block runs; gives the port of each.

    `wanted` maps a name of `SERVED` to the port that it had; where that is taken, or none is given, a free one.
    Into `inbox` Toetsplein drops its files, those of now before the block begins.
    """
    servers = {name: _bind(name, (wanted or {}).get(name, 0)) for name in SERVED}
    stop = threading.Event()
    threads = [threading.Thread(target=server.serve_forever, args=(0.1,)) for server in servers.values()]
    if inbox is not None:
        answers.drop_exports(inbox, clock.now())
        threads.append(threading.Thread(target=_keep_dropping, args=(inbox, stop)))
    for thread in threads:
        thread.start()
    try:
        yield {name: server.server_address[1] for name, server in servers.items()}
    finally:
        stop.set()
        for server in servers.values():
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()


def _keep_dropping(inbox: Path, stop: threading.Event) -> None:
    while not stop.wait(DROP_SECONDS):
        answers.drop_exports(inbox, clock.now())


def _bind(name: str, port: int) -> ThreadingHTTPServer:
    handler = type(f"Handler_{name}", (_Handler,), {"party": name})
    try:
        return _Server((HOST, port), handler)
    except OSError:
        return _Server((HOST, 0), handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64  # by default five, and whoever comes sixth at the same moment is cut off


class _Handler(BaseHTTPRequestHandler):
    """One request: its body, at most a megabyte, to the party that is asked."""

    party: ClassVar[str]
    timeout = 30

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_REQUEST:
            self._send(Reply(413 if length.isdecimal() else 411, "text/plain", b""))
            return
        body = self.rfile.read(int(length))
        try:
            if self.party == LAS:
                answer = answers.las(body, clock.now())
            elif self.party == "toetsvolg":
                self._send(Reply(405, "text/plain", b""))
                return
            else:
                answer = answers.publisher(self.party, body, clock.now())
        except Fault as fault:
            self._send(Reply(fault.status, "text/xml; charset=utf-8", fault.envelope()))
            return
        self._send(Reply(200, "text/xml; charset=utf-8", answer))

    def do_GET(self) -> None:
        if self.party != "toetsvolg" or self.path != answers.ARCHIVE_PATH:
            self._send(Reply(404, "text/plain", b""))
        elif self.headers.get("Authorization") != f"Bearer {answers.ARCHIVE_TOKEN}":
            self._send(Reply(401, "text/plain", b""))
        else:
            self._send(Reply(200, "application/zip", answers.archive(clock.now())))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what the demo prints is for people."""
