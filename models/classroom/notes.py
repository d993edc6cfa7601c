"""Notes and agreements about a pupil, in the words of who wrote them; their text is kept sealed.

A restricted note is read by its author and by learning support; others see only that it exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, and_, insert, select, update

from models.access.viewer import Role, Viewer, can_see_pupil
from models.schema import clock
from models.schema.database import next_id
from models.schema.encryption import PiiCipher
from models.schema.tables import notes, pupils

LONGEST = 2_000  # characters


class NoteKind(StrEnum):
    """What was written down."""

    NOTE = "note"
    AGREEMENT = "agreement"


class NoteRefused(Exception):
    """A note that cannot be written or settled; `reason` is empty, long, day, kind or pupil. Nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Note:
    """A note as the viewer may see it: `text` is None where it is restricted and not theirs."""

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
        """Whether it is an agreement that still holds."""
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
    found: dict[int, list[Note]] = {}
    for row in rows:
        readable = viewer.teaches and _reads(viewer, row.restricted, row.author_id)
        text = cipher.decrypt(row.sealed).decode() if readable else None
        found.setdefault(row.pupil_id, []).append(
            Note(
                row.id, row.pupil_id, NoteKind(row.kind), row.restricted, text, row.until_on if readable else None,
                row.author, row.written_us, row.settled_us, row.settled_by,
            )
        )  # fmt: skip
    return found


def _reads(viewer: Viewer, restricted: bool, author_id: int | None) -> bool:
    """Whether a note is for this viewer to read."""
    return not restricted or viewer.role is Role.SUPPORT or _is_author(viewer, author_id)


def _is_author(viewer: Viewer, author_id: int | None) -> bool:
    return author_id is not None and author_id == viewer.teacher_id


def write_note(
    connection: Connection, cipher: PiiCipher, viewer: Viewer, pupil_id: int, kind: NoteKind, text: str,
    *, restricted: bool = False, until_on: str | None = None,
) -> int:  # fmt: skip
    """Write a note; call it inside `writing`. Returns its number. Raises NoteRefused."""
    words = text.strip()
    if not words:
        raise NoteRefused("empty")
    if len(words) > LONGEST:
        raise NoteRefused("long")
    if until_on is not None and (kind is NoteKind.NOTE or not clock.is_day(until_on)):
        raise NoteRefused("day")
    if not viewer.teaches or not _sees(connection, viewer, pupil_id):
        raise NoteRefused("pupil")
    number = next_id(connection, notes, viewer.school_id)
    connection.execute(
        insert(notes).values(
            school_id=viewer.school_id, id=number, pupil_id=pupil_id, kind=kind.value, restricted=restricted,
            sealed=cipher.encrypt(words.encode()), until_on=until_on, author=viewer.name, author_id=viewer.teacher_id,
            written_us=clock.now_us(),
        )
    )  # fmt: skip
    return number


def close_agreement(connection: Connection, viewer: Viewer, note_id: int) -> None:
    """Say that an agreement is done; call it inside `writing`. Raises NoteRefused."""
    row = connection.execute(
        select(notes.c.restricted, notes.c.author_id).where(
            notes.c.school_id == viewer.school_id,
            notes.c.id == note_id,
            notes.c.kind == NoteKind.AGREEMENT.value,
            notes.c.settled_us.is_(None),
            can_see_pupil(viewer, notes.c.school_id, notes.c.pupil_id),
        )
    ).one_or_none()
    if row is None or not viewer.teaches or not _reads(viewer, row.restricted, row.author_id):
        raise NoteRefused("pupil")
    connection.execute(
        update(notes)
        .where(and_(notes.c.school_id == viewer.school_id, notes.c.id == note_id))
        .values(settled_us=clock.now_us(), settled_by=viewer.name)
    )


def _sees(connection: Connection, viewer: Viewer, pupil_id: int) -> bool:
    own = can_see_pupil(viewer, pupils.c.school_id, pupils.c.id)
    return connection.scalar(select(pupils.c.id).where(pupils.c.id == pupil_id, own)) is not None
