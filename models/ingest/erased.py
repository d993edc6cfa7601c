"""Identifiers of pupils who were erased: what a roster or a message says of such a pupil is left out (ADR 32).

Only keyed digests are kept, in the database and in a file beside it. The file is in no backup, so that a database that
was put back from one loses these pupils again (`models.ingest.erasure.repeat_erasures`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from models.schema.database import DatabaseUnsafe, insert_or, portions
from models.schema.encryption import PiiCipher
from models.schema.prepared import PreparedStatement
from models.schema.tables import erased_identifiers

FILE = "erased.jsonl"  # in the data folder
NO_PUPIL = 0

IdentifierValue = tuple[str, bytes]  # kind and digest: of `identity.identifier_values`, or of `digest_of`


_FIND_ERASED = PreparedStatement(
    select(erased_identifiers.c.kind, erased_identifiers.c.digest).where(
        erased_identifiers.c.school_id == bindparam("school"),
        erased_identifiers.c.digest.in_(bindparam("digests", expanding=True)),
    )
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure: how the school is named (scheme, value, location), the number of the pupil, their identifiers.

    `counts` is how much of each table was deleted, `request` the digest of the page's request that asked for it.
    """

    schools: tuple[tuple[str, str, str], ...]
    pupil_id: int
    identifiers: tuple[IdentifierValue, ...]
    erased_us: int
    counts: Mapping[str, int] = field(default_factory=dict)
    request: str = ""


def find_erased(
    connection: Connection, cipher: PiiCipher, school_id: int, named: Iterable[tuple[IdentifierValue, str]]
) -> frozenset[IdentifierValue]:
    """Those of these identifiers, with their values, that belonged to a pupil of the school who was erased."""
    of_digest = {digest_of(cipher, single[0], value): single for single, value in named}
    return frozenset(of_digest[known] for known in find_digests(connection, school_id, of_digest))


def digest_of(cipher: PiiCipher, kind: str, value: str) -> IdentifierValue:
    """How an erased identifier is kept: by a digest that stays when the key changes, for its value is gone."""
    return kind, cipher.digest(kind, value)


def find_digests(
    connection: Connection, school_id: int, wanted: Collection[IdentifierValue]
) -> frozenset[IdentifierValue]:
    """Those of these digests (of `digest_of`) that the database has of the school."""
    known: set[IdentifierValue] = set()
    for digests in portions(sorted({digest for _, digest in wanted})):
        rows = _FIND_ERASED.all(connection, {"school": school_id, "digests": digests})
        known |= {(row.kind, bytes(row.digest)) for row in rows}
    return frozenset(known & set(wanted))


def last_erased_pupil(connection: Connection, school_id: int) -> int:
    """The greatest number of a pupil of the school who was erased; no other pupil may get it."""
    query = select(func.max(erased_identifiers.c.pupil_id)).where(erased_identifiers.c.school_id == school_id)
    return connection.scalar(query) or NO_PUPIL


def remember(connection: Connection, school_id: int, erasure: Erasure) -> None:
    """Keep the digests of an erasure in the database; those that are there already stay as they are."""
    rows = [
        {
            "school_id": school_id, "kind": kind, "digest": digest, "pupil_id": erasure.pupil_id,
            "erased_us": erasure.erased_us,
        }
        for kind, digest in erasure.identifiers
    ]  # fmt: skip
    if rows:
        connection.execute(insert_or(connection, erased_identifiers).on_conflict_do_nothing(), rows)


# -- the file beside the database --------------------------------------------------------------------------------


def append(folder: Path, erasure: Erasure) -> None:
    """Add an erasure to the file in the data folder, which is for its owner only; it is on the disk on return."""
    line = {
        "schools": erasure.schools,
        "pupil": erasure.pupil_id,
        "identifiers": [(kind, digest.hex()) for kind, digest in erasure.identifiers],
        "erased_us": erasure.erased_us,
        "counts": dict(erasure.counts),
        "request": erasure.request,
    }
    handle = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as file:
        # The first line end is for a line before it that was cut off.
        file.write(b"\n" + json.dumps(line).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_erasures(folder: Path) -> Iterator[Erasure]:
    """The erasures of the file in the data folder, oldest first; none where there is no file.

    A line that was cut off, when the machine stopped, is of an erasure that did not take place. Raises DatabaseUnsafe
    for any other line that is none.
    """
    try:
        text = (folder / FILE).read_text("utf-8")
    except FileNotFoundError:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.endswith("}"):
            try:
                yield _erasure(json.loads(line))
            except (ValueError, KeyError, TypeError):
                raise DatabaseUnsafe(
                    f"Regel {number} van {folder / FILE} is beschadigd; zet het bestand terug uit een kopie. / "
                    f"In {folder / FILE} line {number} is damaged; put the file back from a copy."
                ) from None


def _erasure(item: dict[str, Any]) -> Erasure:
    return Erasure(
        tuple((scheme, value, location) for scheme, value, location in item["schools"]),
        item["pupil"],
        tuple((kind, bytes.fromhex(digest)) for kind, digest in item["identifiers"]),
        item["erased_us"],
        item.get("counts", {}),  # lines of before 0.2 have neither
        item.get("request", ""),
    )
