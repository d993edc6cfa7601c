"""A buffer for rows of results between reader and store: in memory for few rows, in a temporary file for many."""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Iterator
from typing import IO

from models.schema.records import MessageRow

CHUNK_ROWS = 5_000


class RowSpool:
    """A list of rows of any length in constant memory; filled once, read any number of times."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._last: list[MessageRow] = []
        self._lengths: list[int] = []

    def add(self, rows: list[MessageRow]) -> None:
        """Add `rows`, which must not change afterwards; about `CHUNK_ROWS` at a time."""
        if self._last:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="rondblik-")  # noqa: SIM115 - lives as long as the spool
            # marshal, not pickle: plain tuples only, three times as fast, and only read back here.
            data = marshal.dumps(self._last)
            self._file.write(data)
            self._lengths.append(len(data))
        self._last = rows

    def __iter__(self) -> Iterator[list[MessageRow]]:
        if self._file is not None:
            self._file.seek(0)
            for length in self._lengths:
                yield marshal.loads(self._file.read(length))  # noqa: S302 - written by ourselves, above
        if self._last:
            yield self._last

    def __del__(self) -> None:
        # A spool lives as long as its batch, and so does its temporary file.
        if self._file is not None:
            self._file.close()
