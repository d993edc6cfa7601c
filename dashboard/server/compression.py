"""Compression of answers to browsers, by Flask-Compress; the scripts of components are compressed once."""

from __future__ import annotations

import flask
from flask_compress import Compress

ALGORITHMS = ["br", "gzip"]
MIN_BYTES = 1_000
SCRIPTS = "/_dash-component-suites/"
MAX_SCRIPTS = 64  # there are twenty; whoever makes up addresses fills no more memory than this


class _Scripts:
    """The compressed scripts by their address; other answers have an empty address and are not kept."""

    def __init__(self) -> None:
        self._scripts: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self._scripts.get(key)

    def set(self, key: str, value: bytes) -> None:
        if len(self._scripts) >= MAX_SCRIPTS:
            self._scripts.clear()
        if not key.endswith(";"):
            self._scripts[key] = value


def _script_address(request: flask.Request) -> str:
    """The address of a script, which holds its version; empty for any other answer."""
    return request.path if request.path.startswith(SCRIPTS) else ""


def compress(server: flask.Flask) -> None:
    """Compress every answer of `server` that is worth it, as the browser accepts."""
    server.config.update(
        COMPRESS_ALGORITHM=ALGORITHMS,
        COMPRESS_ALGORITHM_STREAMING=ALGORITHMS,
        COMPRESS_MIN_SIZE=MIN_BYTES,
        COMPRESS_BR_LEVEL=5,
        COMPRESS_CACHE_BACKEND=_Scripts,
        COMPRESS_CACHE_KEY=_script_address,
    )
    Compress(server)
