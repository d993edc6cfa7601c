"""Notes and agreements about a pupil, in the words of their author; their text is stored encrypted.

Only its author and learning support can read a restricted note; others see only that it exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, and_, insert, select, update

from models.access.viewer import Viewer, can_see_pupil
from models.schema import clock
from models.schema.database import next_id
from models.schema.encryption import PiiCipher
from models.schema.tables import notes, pupils

MAX_NOTE_LENGTH = 2_000  # characters


class NoteKind(StrEnum):
    """A plain note, or an agreement that can be closed."""

    NOTE = "note"
    AGREEMENT = "agreement"


class NoteRefused(Exception):
    """A note that cannot be written or closed; `reason` is empty, long, day, kind or pupil. Nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Note:
    """A note as the viewer may see it: `text` is None where the viewer may not read it."""

    id: int
    pupil_id: int
    kind: NoteKind
    restricted: bool
    text: str | None
    until_on: str | None
    author: str
    written_us: int
    settled_us: int | None
    settled_by: str | None

    @property
    def runs(self) -> bool:
        """Whether it is an agreement that is still open."""
        return self.kind is NoteKind.AGREEMENT and self.settled_us is None


def notes_of(
    connection: Connection, cipher: PiiCipher, viewer: Viewer, pupil_ids: Sequence[int]
) -> dict[int, list[Note]]:
    """The notes about these pupils, as far as the viewer sees the pupils; the newest first."""
    rows = connection.execute(
        select(notes)
        .where(
            notes.c.school_id == viewer.school_id,
            notes.c.pupil_id.in_(pupil_ids),
            can_see_pupil(viewer, notes.c.school_id, notes.c.pupil_id),
        )
        .order_by(notes.c.written_us.desc(), notes.c.id.desc())
    )
    by_pupil: dict[int, list[Note]] = {}
    for row in rows:
        readable = viewer.teaches and _can_read(viewer, row.restricted, row.author_id)
        text = cipher.decrypt(row.sealed).decode() if readable else None
        by_pupil.setdefault(row.pupil_id, []).append(
            Note(
                row.id, row.pupil_id, NoteKind(row.kind), row.restricted, text, row.until_on if readable else None,
                row.author, row.written_us, row.settled_us, row.settled_by,
            )
        )  # fmt: skip
    return by_pupil


def _can_read(viewer: Viewer, restricted: bool, author_id: int | None) -> bool:
    """Whether this viewer may read a note."""
    return not restricted or viewer.reads_restricted_notes or _is_author(viewer, author_id)


def _is_author(viewer: Viewer, author_id: int | None) -> bool:
    return author_id is not None and author_id == viewer.teacher_id


def write_note(
    connection: Connection, cipher: PiiCipher, viewer: Viewer, pupil_id: int, kind: NoteKind, text: str,
    *, restricted: bool = False, until_on: str | None = None,
) -> int:  # fmt: skip
    """Write a note; call it inside a write transaction. Returns its id. Raises NoteRefused."""
    stripped = text.strip()
    if not stripped:
        raise NoteRefused("empty")
    if len(stripped) > MAX_NOTE_LENGTH:
        raise NoteRefused("long")
    if until_on is not None and (kind is NoteKind.NOTE or not clock.is_day(until_on)):
        raise NoteRefused("day")
    if not viewer.teaches or not _can_see(connection, viewer, pupil_id):
        raise NoteRefused("pupil")
    note_id = next_id(connection, notes, viewer.school_id)
    connection.execute(
        insert(notes).values(
            school_id=viewer.school_id, id=note_id, pupil_id=pupil_id, kind=kind.value, restricted=restricted,
            sealed=cipher.encrypt(stripped.encode()), until_on=until_on, author=viewer.name,
            author_id=viewer.teacher_id, written_us=clock.now_us(),
        )
    )  # fmt: skip
    return note_id


def close_agreement(connection: Connection, viewer: Viewer, note_id: int) -> None:
    """Mark an agreement as done; call it inside a write transaction. Raises NoteRefused."""
    row = connection.execute(
        select(notes.c.restricted, notes.c.author_id).where(
            notes.c.school_id == viewer.school_id,
            notes.c.id == note_id,
            notes.c.kind == NoteKind.AGREEMENT.value,
            notes.c.settled_us.is_(None),
            can_see_pupil(viewer, notes.c.school_id, notes.c.pupil_id),
        )
    ).one_or_none()
    if row is None or not viewer.teaches or not _can_read(viewer, row.restricted, row.author_id):
        raise NoteRefused("pupil")
    connection.execute(
        update(notes)
        .where(and_(notes.c.school_id == viewer.school_id, notes.c.id == note_id))
        .values(settled_us=clock.now_us(), settled_by=viewer.name)
    )


def _can_see(connection: Connection, viewer: Viewer, pupil_id: int) -> bool:
    visible = can_see_pupil(viewer, pupils.c.school_id, pupils.c.id)
    return connection.scalar(select(pupils.c.id).where(pupils.c.id == pupil_id, visible)) is not None
