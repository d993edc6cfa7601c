"""A row of `results` by the names of its columns: in which order the database has them never matters."""

from __future__ import annotations

import hashlib
import json
from operator import attrgetter
from typing import Any, NamedTuple

from models.schema.tables import VALUE_COLUMNS, results


class StoredResult(NamedTuple):
    """A result as it is stored: one field for each column of `results`."""

    school_id: int
    source_id: int
    key: str
    progress: bool
    kind: int
    identifier_id: int
    test_id: int
    definition_id: int
    part_id: int
    taken_on: str
    score: int | None
    score_text: str | None
    absence: int | None
    status: int | None
    worked_ms: int | None
    offered: int | None
    made: int | None
    correct: int | None
    detail: str | None
    info_url: str | None
    taken_text: str | None
    school_year: str
    created_us: int
    digest64: int
    delivery_id: int
    arrived_us: int

    @property
    def rank(self) -> tuple[int, int, int]:
        """Creation, arrival and digest of the message: the greatest counts (ADR 20)."""
        return self.created_us, self.arrived_us, self.digest64

    @property
    def value(self) -> tuple[Any, ...]:
        """What the result says."""
        return tuple(_value_of(self))


# The same without the names, for the many rows of a message; the types catch a value that stands elsewhere.
StoredTuple = tuple[
    int, int, str, bool, int, int, int, int, int, str, int | None, str | None, int | None, int | None, int | None,
    int | None, int | None, int | None, str | None, str | None, str | None, str, int, int, int, int,
]  # fmt: skip
Details = tuple[int | None, int | None, int | None, int | None, int | None, str | None]  # from status to detail

_value_of = attrgetter(*VALUE_COLUMNS)
STORED_COLUMNS = tuple(results.columns[name] for name in StoredResult._fields)

# `value_digest` in `result_history` is made from these fields, by name. Empty ones are left out: a field that is added
# later, and is empty in what was stored before, leaves the stored digests as they are. Whatever else changes a digest
# needs a new version, and a migration that computes the stored ones anew (as 0005_store and 0008 did).
DIGEST_VERSION = 2
DIGEST_FIELDS = (
    "kind", "identifier_id", "test_id", "definition_id", "part_id", "taken_on", "score", "score_text", "absence",
    "status", "worked_ms", "offered", "made", "correct", "detail", "info_url", "taken_text", "school_year",
)  # fmt: skip
DIGEST_BYTES = 16


def value_digest(row: StoredResult) -> bytes:
    """The version of the digest in one byte, and a digest of what the result says."""
    reading = {name: value for name in DIGEST_FIELDS if (value := getattr(row, name)) is not None}
    body = json.dumps(reading, sort_keys=True, separators=(",", ":")).encode()
    return bytes([DIGEST_VERSION]) + hashlib.blake2b(body, digest_size=DIGEST_BYTES - 1).digest()
