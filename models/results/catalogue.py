"""What tests are called, which material and subject they belong to, and the norms they came with.

Material and subject are decided here, at reading, from the definition that a result came with; the name of a test
is the one that its newest definition gives.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from models.results.scales import NO_NORM, ParsedNorm, parse_norm
from models.results.subject_mapping import subject_mapping
from models.results.subject_materials import SubjectMaterial
from models.results.subjects import SubjectMapping, subject_of
from models.schema.tables import parts, sources, test_definitions, tests


@dataclass(frozen=True, slots=True)
class Source:
    """A publisher as the store knows it."""

    id: int
    key: str
    name: str
    material: str | None


@dataclass(frozen=True, slots=True)
class Definition:
    """A test as the message defined it that a result came with; `name` is the newest one for its code."""

    id: int
    source_id: int
    code: str
    name: str
    subject: str
    subject_term: str | None
    material: str


@dataclass(frozen=True, slots=True)
class PartName:
    """A part of a test: its place in the definition, code and name; `defined` is False where no definition has it."""

    number: int
    code: str
    name: str
    defined: bool


@dataclass(slots=True)
class Catalogue:
    """The definitions of one reading, by id, and the norms of those that were asked for."""

    sources: dict[int, Source]
    definitions: dict[int, Definition]
    bodies: dict[int, dict[str, Any]] = field(default_factory=dict)
    part_codes: dict[int, str] = field(default_factory=dict)

    def total_norm(self, definition_id: int) -> ParsedNorm:
        """The norm of a test as a whole."""
        return parse_norm(self.bodies[definition_id].get("norm"))

    def part_norm(self, definition_id: int, part_id: int) -> ParsedNorm:
        """The norm of a part; none where the definition does not hold the part."""
        found = self._part(definition_id, part_id)
        return parse_norm(found.get("norm")) if found is not None else NO_NORM

    def part_name(self, definition_id: int, part_id: int) -> PartName:
        """What to call a part, and where it stands in its test."""
        code = self.part_codes.get(part_id, str(part_id))
        found = self._part(definition_id, part_id)
        if found is None:
            return PartName(1_000_000, code, code, False)
        return PartName(int(found["number"]), code, (found.get("name") or "").strip() or code, True)

    def subject_material(self, definition_id: int) -> SubjectMaterial:
        """The subject and material of a definition."""
        definition = self.definitions[definition_id]
        return SubjectMaterial(definition.subject, definition.material, definition.source_id)

    def material_names(self, subject_materials: Collection[SubjectMaterial]) -> dict[SubjectMaterial, str]:
        """What to call the material of each field; with its publisher where another one has a material of that name."""
        owners: dict[str, set[int]] = defaultdict(set)
        for one in subject_materials:
            owners[one.material].add(one.source_id)
        return {
            subject_material: subject_material.material
            if len(owners[subject_material.material]) == 1
            else f"{subject_material.material} ({self.sources[subject_material.source_id].name})"
            for subject_material in subject_materials
        }

    def hierarchy(self, definition_id: int) -> list[str]:
        """The hierarchy of a test from the material down."""
        levels = self.bodies[definition_id].get("hierarchy") or []
        return [level["term"]["text"] for level in sorted(levels, key=lambda item: int(item["depth"]))]

    def level(self, definition_id: int) -> str | None:
        """The toetsniveau that the norm states, as given."""
        term = (self.bodies[definition_id].get("norm") or {}).get("level")
        return term["text"] if term else None

    def _part(self, definition_id: int, part_id: int) -> dict[str, Any] | None:
        code = self.part_codes.get(part_id)
        for body in self.bodies[definition_id].get("parts") or ():
            if body["code"]["text"] == code:
                return dict(body)
        return None


def catalogue(connection: Connection, school_id: int, definition_ids: Iterable[int]) -> Catalogue:
    """The definitions with these ids, their materials and subjects, and all sources."""
    wanted = sorted(set(definition_ids))
    publishers = {
        row.id: Source(row.id, row.key, row.name, row.material) for row in connection.execute(select(sources))
    }
    rows = connection.execute(
        select(
            test_definitions.c.id,
            test_definitions.c.source_id,
            test_definitions.c.code,
            test_definitions.c.name,
            test_definitions.c.subject_term,
            test_definitions.c.material,
        ).where(test_definitions.c.school_id == school_id, test_definitions.c.id.in_(wanted))
    ).all()
    names = _newest_names(connection, school_id, {(row.source_id, row.code) for row in rows})
    lines = subject_mapping(connection, school_id)
    return Catalogue(publishers, {row.id: _definition(row, publishers[row.source_id], names, lines) for row in rows})


def know(connection: Connection, school_id: int, known: Catalogue, ids: Collection[int]) -> None:
    """Bring more definitions into `known`, with their norms and parts."""
    known.definitions |= catalogue(connection, school_id, set(ids) - known.definitions.keys()).definitions
    load_bodies(connection, school_id, known, ids)


def _definition(
    row: Any, source: Source, names: dict[tuple[int, str], str], lines: tuple[SubjectMapping, ...]
) -> Definition:
    return Definition(
        row.id,
        row.source_id,
        row.code,
        names.get((row.source_id, row.code), row.code),
        subject_of(row.source_id, row.subject_term, row.code, lines),
        row.subject_term,
        (row.material or "").strip() or source.material or source.name,
    )


def _newest_names(connection: Connection, school_id: int, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """The name in the newest definition of each (source, code); the code where that has none."""
    if not wanted:
        return {}
    rows = connection.execute(
        select(test_definitions.c.source_id, test_definitions.c.code, test_definitions.c.name)
        .where(
            test_definitions.c.school_id == school_id,
            test_definitions.c.source_id.in_({source for source, _ in wanted}),
            test_definitions.c.code.in_({code for _, code in wanted}),
        )
        .order_by(test_definitions.c.newest_us, test_definitions.c.digest)
    )
    return {(row.source_id, row.code): (row.name or "").strip() or row.code for row in rows}


def load_bodies(connection: Connection, school_id: int, catalogue: Catalogue, ids: Iterable[int]) -> None:
    """Fetch norms, hierarchies and parts of these definitions into `known`."""
    wanted = sorted(set(ids) - catalogue.bodies.keys())
    if not wanted:
        return
    rows = connection.execute(
        select(test_definitions.c.id, test_definitions.c.body).where(
            test_definitions.c.school_id == school_id, test_definitions.c.id.in_(wanted)
        )
    )
    catalogue.bodies |= {row.id: json.loads(row.body) for row in rows}


def load_parts(connection: Connection, school_id: int, catalogue: Catalogue, ids: Iterable[int]) -> None:
    """Fetch the codes of these parts into `known`."""
    wanted = sorted(set(ids) - catalogue.part_codes.keys() - {0})
    if wanted:
        rows = connection.execute(
            select(parts.c.id, parts.c.code).where(parts.c.school_id == school_id, parts.c.id.in_(wanted))
        )
        catalogue.part_codes |= {row.id: row.code for row in rows}


def test_versions(connection: Connection, school_id: int, ids: Iterable[int]) -> dict[int, str]:
    """The version of each test id; "" where none was stated."""
    rows = connection.execute(
        select(tests.c.id, tests.c.version).where(tests.c.school_id == school_id, tests.c.id.in_(sorted(set(ids))))
    )
    return {row.id: row.version for row in rows}
