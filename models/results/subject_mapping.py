"""The subject mapping of a school: which subject a term or test code of a source stands for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, false, func, insert, select

from models.access.viewer import AccessDenied, Viewer, check_administers
from models.results.subjects import SUBJECTS, UNMAPPED, SubjectMapping, subject_of
from models.schema import clock
from models.schema.collation import collation_key
from models.schema.tables import sources, subject_mappings, test_definitions

TERM, CODE = "term", "code"


@dataclass(frozen=True, slots=True)
class UnmappedTerm:
    """A term (or a test code, if the source sends no term) without subject, and how many tests have it."""

    source_id: int
    source: str
    field: str
    pattern: str
    tests: int


def subject_mapping(connection: Connection, school_id: int) -> tuple[SubjectMapping, ...]:
    """The mapping of a school; longer patterns first, so that the more exact one decides."""
    rows = connection.execute(select(subject_mappings).where(subject_mappings.c.school_id == school_id)).all()
    mappings = [SubjectMapping(row.source_id, row.field, row.pattern, row.subject) for row in rows]
    return tuple(
        sorted(
            mappings,
            key=lambda subject_mapping: (
                subject_mapping.source_id,
                subject_mapping.field,
                -len(subject_mapping.pattern),
                subject_mapping.pattern,
            ),
        )
    )


def unmapped_terms(connection: Connection, viewer: Viewer) -> list[UnmappedTerm]:
    """The terms that an administrator can still map, most tests first."""
    rows = connection.execute(
        select(
            test_definitions.c.source_id,
            sources.c.name,
            test_definitions.c.subject_term,
            test_definitions.c.code,
        )
        .join(sources, sources.c.id == test_definitions.c.source_id)
        .where(test_definitions.c.school_id == viewer.school_id if viewer.may_administer else false())
        .distinct()
    ).all()
    lines = subject_mapping(connection, viewer.school_id)
    counted: dict[tuple[int, str, str, str], int] = {}
    for row in rows:
        if subject_of(row.source_id, row.subject_term, row.code, lines) != UNMAPPED:
            continue
        field, pattern = (CODE, row.code) if row.subject_term is None else (TERM, row.subject_term)
        key = (row.source_id, row.name, field, pattern)
        counted[key] = counted.get(key, 0) + 1
    unmapped_terms = [UnmappedTerm(*key, number) for key, number in counted.items()]
    return sorted(
        unmapped_terms, key=lambda term: (-term.tests, collation_key(term.source), collation_key(term.pattern))
    )


def mapped_terms(connection: Connection, viewer: Viewer) -> list[SubjectMapping]:
    """The mapping of the school, for an administrator."""
    return list(subject_mapping(connection, viewer.school_id)) if viewer.may_administer else []


def map_subject(connection: Connection, viewer: Viewer, source_id: int, field: str, pattern: str, subject: str) -> None:
    """Add or replace a mapping; call inside `write_transaction`. Raises AccessDenied."""
    check_administers(viewer)
    known = connection.scalar(select(func.count()).select_from(sources).where(sources.c.id == source_id))
    if field not in (TERM, CODE) or subject not in SUBJECTS or not pattern or not known:
        raise AccessDenied("no such source, field or subject")
    unmap_subject(connection, viewer, source_id, field, pattern)
    connection.execute(
        insert(subject_mappings).values(
            school_id=viewer.school_id,
            source_id=source_id,
            field=field,
            pattern=pattern,
            subject=subject,
            set_by=viewer.name or viewer.role.value,
            set_us=clock.now_us(),
        )
    )


def unmap_subject(connection: Connection, viewer: Viewer, source_id: int, field: str, pattern: str) -> None:
    """Remove a mapping; call inside `write_transaction`. Raises AccessDenied."""
    check_administers(viewer)
    connection.execute(
        delete(subject_mappings).where(
            subject_mappings.c.school_id == viewer.school_id,
            subject_mappings.c.source_id == source_id,
            subject_mappings.c.field == field,
            subject_mappings.c.pattern == pattern,
        )
    )
