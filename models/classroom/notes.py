"""Notes and agreements about a pupil, in the words of their author; their text is stored encrypted.

Only its author and learning support can read a restricted note; others see only that it exists. An agreement may be for
the pupil too, who then reads it on the page with own results (`agreements_for_pupil`). The author can correct
a note, which replaces it by another, or withdraw it. Both remain readable for the author and learning support.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from models.access.viewer import Viewer, can_see_pupil
from models.schema import clock
from models.schema.database import next_id
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.tables import notes, pupils

MAX_NOTE_LENGTH = 2_000  # characters


class NoteKind(StrEnum):
    """A plain note, or an agreement that can be closed."""

    NOTE = "note"
    AGREEMENT = "agreement"


class Readers(StrEnum):
    """Who may read it: the pupil's teachers, its author and learning support alone, or pupil and parents too."""

    TEACHERS = ""
    RESTRICTED = "restricted"
    PUPIL = "pupil"


class NoteRefused(Exception):
    """A note that cannot be written or changed; `reason` is empty, long, day, for pupil, changed or pupil."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Note:
    """A note as the viewer may see it: `text` is None where the viewer may not read it.

    `earlier` are the notes that it replaced, the newest first, for who may read them; `own`: the viewer wrote it.
    """

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
    withdrawn_us: int | None = None
    own: bool = False
    earlier: tuple[Note, ...] = ()
    for_pupil: bool = False

    @property
    def runs(self) -> bool:
        """Whether it is an agreement that is still open."""
        return self.kind is NoteKind.AGREEMENT and self.settled_us is None and self.withdrawn_us is None


def notes_of(
    connection: Connection, cipher: PiiCipher, viewer: Viewer, pupil_ids: Sequence[int]
) -> dict[int, list[Note]]:
    """The notes about these pupils that are in force, as far as the viewer sees the pupils; the newest first."""
    by_pupil = all_notes_of(connection, cipher, viewer, pupil_ids)
    in_force = {
        pupil_id: [note for note in of_pupil if note.withdrawn_us is None] for pupil_id, of_pupil in by_pupil.items()
    }
    return {pupil_id: of_pupil for pupil_id, of_pupil in in_force.items() if of_pupil}


def all_notes_of(
    connection: Connection, cipher: PiiCipher, viewer: Viewer, pupil_ids: Sequence[int]
) -> dict[int, list[Note]]:
    """The notes about these pupils, and those that were withdrawn, for who works with them; the newest first."""
    if not viewer.teaches:
        return {}
    rows = connection.execute(
        select(notes)
        .where(
            notes.c.school_id == viewer.school_id,
            notes.c.pupil_id.in_(pupil_ids),
            can_see_pupil(viewer, notes.c.school_id, notes.c.pupil_id),
        )
        .order_by(notes.c.id)
    )
    earlier: dict[int, tuple[Note, ...]] = {}  # by the note that replaced them
    by_pupil: dict[int, list[Note]] = {}
    for row in rows:
        note = _note(cipher, viewer, row, earlier.get(row.id, ()))
        if row.replaced_by is None:
            by_pupil.setdefault(row.pupil_id, []).append(note)
        elif note.text is not None:
            earlier[row.replaced_by] = (note, *note.earlier)
    for of_pupil in by_pupil.values():
        of_pupil.sort(key=lambda note: (note.written_us, note.id), reverse=True)
    return by_pupil


def _note(cipher: PiiCipher, viewer: Viewer, row: Any, earlier: tuple[Note, ...]) -> Note:
    """A row as the viewer may see it; what is no longer in force is for its author and learning support."""
    past = row.replaced_by is not None or row.withdrawn_us is not None
    readable = _can_read(viewer, row.restricted or past, row)
    return Note(
        row.id, row.pupil_id, NoteKind(row.kind), row.restricted,
        cipher.decrypt(row.sealed, _place(viewer, row.id)).decode() if readable else None,
        row.until_on if readable else None,
        row.author, row.written_us, row.settled_us, row.settled_by, row.withdrawn_us,
        _is_author(viewer, row), earlier, row.for_pupil,
    )  # fmt: skip


def agreements_for_pupil(
    connection: Connection, cipher: PiiCipher, viewer: Viewer, pupil_id: int
) -> list[tuple[str, str | None]]:
    """The running agreements that a pupil may read, the newest first: text, and the last day (`YYYY-MM-DD`) if any."""
    rows = connection.execute(
        select(notes.c.id, notes.c.sealed, notes.c.until_on)
        .where(
            notes.c.school_id == viewer.school_id,
            notes.c.pupil_id == pupil_id,
            notes.c.kind == NoteKind.AGREEMENT.value,
            notes.c.for_pupil,
            notes.c.settled_us.is_(None),
            notes.c.replaced_by.is_(None),
            notes.c.withdrawn_us.is_(None),
            can_see_pupil(viewer, notes.c.school_id, notes.c.pupil_id),
        )
        .order_by(notes.c.written_us.desc(), notes.c.id.desc())
    )
    return [(cipher.decrypt(row.sealed, _place(viewer, row.id)).decode(), row.until_on) for row in rows]


def _can_read(viewer: Viewer, restricted: bool, row: Any) -> bool:
    """Whether this viewer may read the text of a row."""
    return not restricted or viewer.reads_restricted_notes or _is_author(viewer, row)


def _is_author(viewer: Viewer, row: Any) -> bool:
    """Whether the viewer wrote it, as this teacher or as this user."""
    as_teacher = row.author_id is not None and row.author_id == viewer.teacher_id
    return as_teacher or (row.author_key is not None and row.author_key == viewer.user_key)


def write_note(
    connection: Connection, cipher: PiiCipher, viewer: Viewer, pupil_id: int, kind: NoteKind, text: str,
    *, readers: Readers = Readers.TEACHERS, until_on: str | None = None,
) -> int:  # fmt: skip
    """Write a note; call it inside a write transaction. Returns its id. Raises NoteRefused."""
    if not viewer.teaches or not _can_see(connection, viewer, pupil_id):
        raise NoteRefused("pupil")
    note_id = next_id(connection, notes, viewer.school_id)
    connection.execute(
        insert(notes).values(
            school_id=viewer.school_id, id=note_id, pupil_id=pupil_id, kind=kind.value, **_read_by(kind, readers),
            sealed=cipher.encrypt(_checked(text, kind, until_on), _place(viewer, note_id)), until_on=until_on,
            author=viewer.name,
            author_id=viewer.teacher_id, author_key=viewer.user_key or None, written_us=clock.now_us(),
        )
    )  # fmt: skip
    return note_id


def _place(viewer: Viewer, note_id: int) -> bytes:
    return place(notes.c.sealed, viewer.school_id, note_id)


def _read_by(kind: NoteKind, readers: Readers) -> dict[str, bool]:
    """The columns that say who may read it. Raises NoteRefused for a note that a pupil would read."""
    if readers is Readers.PUPIL and kind is NoteKind.NOTE:
        raise NoteRefused("for pupil")
    return {"restricted": readers is Readers.RESTRICTED, "for_pupil": readers is Readers.PUPIL}


def _checked(text: str, kind: NoteKind, until_on: str | None) -> bytes:
    """The text of a note with this day, as it is encrypted. Raises NoteRefused."""
    stripped = text.strip()
    if not stripped:
        raise NoteRefused("empty")
    if len(stripped) > MAX_NOTE_LENGTH:
        raise NoteRefused("long")
    if until_on is not None and (kind is NoteKind.NOTE or not clock.is_day(until_on)):
        raise NoteRefused("day")
    return stripped.encode()


def correct_note(
    connection: Connection, cipher: PiiCipher, viewer: Viewer, pupil_id: int, note_id: int, text: str,
    *, readers: Readers = Readers.TEACHERS, until_on: str | None = None,
) -> int:  # fmt: skip
    """Replace a note by its corrected text, for its author; call it inside a write transaction.

    Whether an agreement was settled is kept. Returns the id of the new note. Raises NoteRefused.
    """
    row = _own_note(connection, viewer, pupil_id, note_id)
    clear = _checked(text, NoteKind(row.kind), until_on)
    new_id = next_id(connection, notes, viewer.school_id)
    connection.execute(
        insert(notes).values(
            school_id=viewer.school_id, id=new_id, pupil_id=row.pupil_id, kind=row.kind,
            sealed=cipher.encrypt(clear, _place(viewer, new_id)), until_on=until_on, author=viewer.name,
            author_id=row.author_id, author_key=row.author_key, **_read_by(NoteKind(row.kind), readers),
            written_us=clock.now_us(), settled_us=row.settled_us, settled_by=row.settled_by,
        )
    )  # fmt: skip
    _set(connection, viewer, note_id, replaced_by=new_id)
    return new_id


def withdraw_note(connection: Connection, viewer: Viewer, pupil_id: int, note_id: int) -> None:
    """Withdraw a note, for its author; call it inside a write transaction. Raises NoteRefused."""
    _own_note(connection, viewer, pupil_id, note_id)
    _set(connection, viewer, note_id, withdrawn_us=clock.now_us())


def close_agreement(connection: Connection, viewer: Viewer, note_id: int) -> None:
    """Mark an agreement as done; call it inside a write transaction. Raises NoteRefused."""
    running = and_(notes.c.kind == NoteKind.AGREEMENT.value, notes.c.settled_us.is_(None))
    row = _in_force(connection, viewer, note_id, running)
    if not _can_read(viewer, row.restricted, row):
        raise NoteRefused("pupil")
    _set(connection, viewer, note_id, settled_us=clock.now_us(), settled_by=viewer.name)


def _own_note(connection: Connection, viewer: Viewer, pupil_id: int, note_id: int) -> Any:
    """The row of a note about a pupil, for its author. Raises NoteRefused."""
    row = _in_force(connection, viewer, note_id, notes.c.pupil_id == pupil_id)
    if not _is_author(viewer, row):
        raise NoteRefused("pupil")
    return row


def _in_force(connection: Connection, viewer: Viewer, note_id: int, condition: ColumnElement[bool]) -> Any:
    """The row of a note that was neither replaced nor withdrawn, for who works with its pupil. Raises NoteRefused."""
    row = connection.execute(
        select(notes).where(
            notes.c.school_id == viewer.school_id,
            notes.c.id == note_id,
            notes.c.replaced_by.is_(None),
            notes.c.withdrawn_us.is_(None),
            condition,
            can_see_pupil(viewer, notes.c.school_id, notes.c.pupil_id),
        )
    ).one_or_none()
    if row is None or not viewer.teaches:
        raise NoteRefused("changed")
    return row


def _set(connection: Connection, viewer: Viewer, note_id: int, **values: Any) -> None:
    connection.execute(
        update(notes).where(notes.c.school_id == viewer.school_id, notes.c.id == note_id).values(**values)
    )


def _can_see(connection: Connection, viewer: Viewer, pupil_id: int) -> bool:
    visible = can_see_pupil(viewer, pupils.c.school_id, pupils.c.id)
    return connection.scalar(select(pupils.c.id).where(pupils.c.id == pupil_id, visible)) is not None
