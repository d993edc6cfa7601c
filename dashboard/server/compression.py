"""Compression of answers to browsers, by Flask-Compress; what `static_files` answers is compressed already."""

from __future__ import annotations

import flask
from flask_compress import Compress

ALGORITHMS = ["br", "gzip"]
MIN_BYTES = 1_000


def compress(server: flask.Flask) -> None:
    """Compress every answer of `server` that is worth it, as the browser accepts."""
    server.config.update(
        COMPRESS_ALGORITHM=ALGORITHMS,
        COMPRESS_ALGORITHM_STREAMING=ALGORITHMS,
        COMPRESS_MIN_SIZE=MIN_BYTES,
        COMPRESS_BR_LEVEL=5,
    )
    Compress(server)
