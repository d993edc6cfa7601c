"""The audit log of a school: who looked at which pupils, saved or wrote what about them, and changed which rights.

Events are only ever appended. Each has a keyed digest over itself and the digest of the one before, and the head of the
log a keyed digest of its own, so that a change, a removal and a cut are found (ADR 31). Pupils are named by number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    Table,
    Text,
    insert,
    select,
    update,
)

from models.access.viewer import Viewer, check_reviews_access
from models.schema import clock
from models.schema.database import (
    AUDIT_FILE,
    insert_or,
    lock_school,
    open_engine,
    private_file,
    read_transaction,
    short_write,
)
from models.schema.encryption import PiiCipher

_START = bytes(16)
_LAST_EVENTS = 20  # about a pupil who was erased: nothing follows but who looks at these

_metadata = MetaData()  # never migrated: what an event says is in one text

audit_events = Table(
    "audit_events",
    _metadata,
    Column("school_id", Integer, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("user_key", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("kind", Text, nullable=False),  # the name of the class of the event
    Column("about", Text, nullable=False),  # JSON: its fields
    Column("digest", LargeBinary(16), nullable=False),
    PrimaryKeyConstraint("school_id", "id"),
)
Index("audit_events_by_moment", audit_events.c.school_id, audit_events.c.at_us)

audit_pupils = Table(
    "audit_pupils",  # the events about each pupil
    _metadata,
    Column("school_id", Integer, nullable=False),
    Column("pupil_id", Integer, nullable=False),
    Column("event_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "pupil_id", "event_id"),
)

audit_heads = Table(
    "audit_heads",  # the newest event of each school
    _metadata,
    Column("school_id", Integer, primary_key=True, autoincrement=False),
    Column("event_id", BigInteger, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("mac", LargeBinary(16), nullable=False),  # of the three before it
)


# -- events ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Looked:
    """Somebody had these pupils on a screen."""

    screen: str
    pupil_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """Somebody saved a screen with these pupils as a file."""

    screen: str
    file_format: str
    pupil_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WroteAbout:
    """Somebody wrote, corrected, withdrew or settled something about these pupils: notes, goals, signals."""

    action: str
    pupil_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetForClass:
    """Somebody set something for a class: thresholds, a date by which a test must be finished."""

    action: str
    class_id: int
    pupil_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Administered:
    """Somebody changed a connection, a link, a pupil list, a subject or a right; `number` says which one."""

    action: str
    number: int
    pupil_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RetentionSet:
    """The configuration has other terms than before: the days that data is stored, 0 for not at all."""

    left_days: int
    unmatched_days: int
    refused_days: int
    accepted_days: int
    pupil_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody signed in, got a role by it, took another one, or signed out."""

    action: str
    pupil_ids: tuple[int, ...] = ()


Event = Looked | Exported | WroteAbout | SetForClass | Administered | RetentionSet | SignedIn
_KINDS: dict[str, Callable[..., Event]] = {
    kind.__name__: kind for kind in (Looked, Exported, WroteAbout, SetForClass, Administered, RetentionSet, SignedIn)
}


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An event as it stands in the log, with who did it and when."""

    id: int
    at_us: int
    user_key: str
    user_name: str
    role: str
    event: Event


# -- the log -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The audit logs of all schools of a store. `engine` is that of the log, which may have a database of its own."""

    engine: Engine
    cipher: PiiCipher

    def append(self, viewer: Viewer, events: Sequence[Event]) -> None:
        """Append what somebody did, durably; the pupils of an event are those of the viewer's school."""
        if not events:
            return
        school_id, now = viewer.school_id, clock.now_us()
        with short_write(self.engine, school_id) as connection:
            last_id, last_digest = self._locked_head(connection, school_id)
            for event in events:
                last_id += 1
                row = {
                    "school_id": school_id, "id": last_id, "at_us": now, "user_key": viewer.user_key,
                    # What is in the log stays: no names of those whose data may be erased.
                    "user_name": "" if viewer.sees_one_pupil else viewer.name, "role": viewer.role.value,
                    "kind": type(event).__name__,
                    "about": json.dumps(asdict(event), separators=(",", ":"), sort_keys=True),
                }  # fmt: skip
                last_digest = self._digest(last_digest, row)
                connection.execute(insert(audit_events).values(**row, digest=last_digest))
                pupil_ids = sorted(set(event.pupil_ids))
                if pupil_ids:
                    connection.execute(
                        insert(audit_pupils),
                        [{"school_id": school_id, "pupil_id": item, "event_id": last_id} for item in pupil_ids],
                    )
            connection.execute(
                update(audit_heads)
                .where(audit_heads.c.school_id == school_id)
                .values(event_id=last_id, digest=last_digest, mac=self._mac(school_id, last_id, last_digest))
            )

    def append_erasure(self, viewer: Viewer, pupil_id: int) -> None:
        """Append that a pupil was erased, unless that is among the last events about the pupil already."""
        done = Administered("pupil erased", pupil_id, (pupil_id,))
        if all(entry.event != done for entry in self.about_pupil(viewer, pupil_id, _LAST_EVENTS)):
            self.append(viewer, [done])

    def _locked_head(self, connection: Connection, school_id: int) -> tuple[int, bytes]:
        """The newest event of a school; nobody else appends for it until the end of the transaction."""
        first = {"school_id": school_id, "event_id": 0, "digest": _START, "mac": self._mac(school_id, 0, _START)}
        connection.execute(insert_or(connection, audit_heads).values(first).on_conflict_do_nothing())
        head = connection.execute(
            select(audit_heads.c.event_id, audit_heads.c.digest)
            .where(audit_heads.c.school_id == school_id)
            .with_for_update()
        ).one()
        return head.event_id, bytes(head.digest)

    def _digest(self, before: bytes, row: dict[str, object]) -> bytes:
        return self.cipher.digest("audit event", before.hex() + json.dumps(list(row.values())))

    def _mac(self, school_id: int, event_id: int, digest: bytes) -> bytes:
        return self.cipher.digest("audit head", f"{school_id} {event_id} {digest.hex()}")

    def month(self, viewer: Viewer, month: str, limit: int) -> list[AuditEntry]:
        """The newest events of a month, `YYYY-MM`, at most `limit`; the newest first. Raises AccessDenied."""
        first, end = _bounds_us(month)
        of_month = (audit_events.c.at_us >= first, audit_events.c.at_us < end)
        return self._entries(viewer, select(audit_events).where(*of_month), limit)

    def about_pupil(self, viewer: Viewer, pupil_id: int, limit: int) -> list[AuditEntry]:
        """The newest events about a pupil of the viewer's school, the newest first. Raises AccessDenied."""
        about = select(audit_pupils.c.event_id).where(
            audit_pupils.c.school_id == viewer.school_id, audit_pupils.c.pupil_id == pupil_id
        )
        return self._entries(viewer, select(audit_events).where(audit_events.c.id.in_(about)), limit)

    def _entries(self, viewer: Viewer, query: Select[tuple[object, ...]], limit: int) -> list[AuditEntry]:
        check_reviews_access(viewer)
        with read_transaction(self.engine, viewer.school_id) as connection:
            rows = connection.execute(
                query.where(audit_events.c.school_id == viewer.school_id)
                .order_by(audit_events.c.id.desc())
                .limit(limit)
            ).all()
        return [
            AuditEntry(row.id, row.at_us, row.user_key, row.user_name, row.role, _event(row.kind, row.about))
            for row in rows
        ]

    def export(self, school_id: int) -> Iterator[dict[str, object]]:
        """Every event of a school as plain values, the oldest first; for who runs the program."""
        with read_transaction(self.engine) as connection:
            query = select(audit_events).where(audit_events.c.school_id == school_id).order_by(audit_events.c.id)
            for row in connection.execution_options(yield_per=1000).execute(query):
                values = dict(row._mapping)
                yield values | {"about": json.loads(row.about), "digest": bytes(row.digest).hex()}

    def schools(self) -> list[int]:
        """The schools that have a log."""
        with read_transaction(self.engine) as connection:
            heads = set(connection.scalars(select(audit_heads.c.school_id)))
            return sorted(heads | set(connection.scalars(select(audit_events.c.school_id).distinct())))

    def head(self, school_id: int) -> tuple[int, str]:
        """The number and the digest of the newest event, to be written down elsewhere."""
        with read_transaction(self.engine) as connection:
            row = connection.execute(select(audit_heads).where(audit_heads.c.school_id == school_id)).one_or_none()
        return (0, _START.hex()) if row is None else (row.event_id, bytes(row.digest).hex())

    def problems(self, school_id: int, known_heads: Sequence[tuple[int, str]] = ()) -> list[str]:
        """What is wrong with the log of a school, a sentence each; empty if nothing was tampered with.

        `known_heads` are heads that were written down elsewhere: number and digest.
        """
        with read_transaction(self.engine) as connection:
            return list(self._problems(connection, school_id, dict(known_heads)))

    def _problems(self, connection: Connection, school_id: int, known: dict[int, str]) -> Iterator[str]:
        head = connection.execute(select(audit_heads).where(audit_heads.c.school_id == school_id)).one_or_none()
        last_id, last_digest = 0, _START
        query = select(audit_events).where(audit_events.c.school_id == school_id).order_by(audit_events.c.id)
        about: dict[int, set[int]] = {}
        for row in connection.execute(select(audit_pupils).where(audit_pupils.c.school_id == school_id)):
            about.setdefault(row.event_id, set()).add(row.pupil_id)
        for row in connection.execute(query):
            values = {column.name: getattr(row, column.name) for column in audit_events.c if column.name != "digest"}
            if row.id != last_id + 1:
                yield f"Event {last_id + 1} is missing."
            elif self._digest(last_digest, values) != bytes(row.digest):
                yield f"Event {row.id} is not as it was written."
            if known.pop(row.id, bytes(row.digest).hex()) != bytes(row.digest).hex():
                yield f"Event {row.id} is not the one whose digest was written down."
            if about.pop(row.id, set()) != _pupils_in(row.about):
                yield f"The pupils of event {row.id} are not those in the index."
            last_id, last_digest = row.id, bytes(row.digest)
        if head is None or (head.event_id, bytes(head.digest)) != (last_id, last_digest):
            yield "The end of the log is not the one that was written last."
        elif bytes(head.mac) != self._mac(school_id, last_id, last_digest):
            yield "The head of the log was not written by this program."
        yield from (f"Event {number}, which was written down, is missing." for number in known if number > 0)
        if about:
            yield "The index of pupils names events that are not there."


def _bounds_us(month: str) -> tuple[int, int]:
    """The first moment of a month, `YYYY-MM`, and that of the next."""
    year, number = int(month[:4]), int(month[5:])
    first = datetime(year, number, 1, tzinfo=clock.AMSTERDAM)
    return clock.to_us(first), clock.to_us(first.replace(year=year + number // 12, month=number % 12 + 1))


def _event(kind: str, about: str) -> Event:
    values = json.loads(about)
    values["pupil_ids"] = tuple(values["pupil_ids"])
    made = _KINDS[kind]
    return made(**{name: values[name] for name in (item.name for item in fields(made))})  # type: ignore[arg-type]


def _pupils_in(about: str) -> set[int]:
    """The pupils of an event; of one that was tampered with whatever is a list of numbers."""
    try:
        return {int(item) for item in json.loads(about)["pupil_ids"]}
    except (ValueError, KeyError, TypeError):
        return set()


def open_audit(engine: Engine, cipher: PiiCipher) -> AuditLog:
    """The audit log of a store: on SQLite a file of its own beside it, so that no message holds up a page.

    Raises DatabaseUnsafe where its file cannot keep what was acknowledged.
    """
    path = engine.url.database
    if engine.dialect.name == "sqlite" and path:
        engine = open_engine(f"sqlite:///{private_file(Path(path).with_name(AUDIT_FILE))}")
    with short_write(engine) as connection:
        lock_school(connection, None)  # one process at a time makes the tables
        _metadata.create_all(connection)
    return AuditLog(engine, cipher)


@contextmanager
def audit_log(engine: Engine, cipher: PiiCipher) -> Iterator[AuditLog]:
    """The audit log of a store for as long as it is needed; its own file is closed then. Raises as `open_audit`."""
    log = open_audit(engine, cipher)
    try:
        yield log
    finally:
        if log.engine is not engine:
            log.engine.dispose()
