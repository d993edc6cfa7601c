"""The catalogue: names, materials, subjects, parts and norms of the tests that results refer to.

Material and subject are derived on every read, from the definition that a result came with. The name of a test is the
one in its newest definition.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, select

from models.results.current_results import ResultRow
from models.results.result_rows import MadeTest
from models.results.scales import NO_NORM, ParsedNorm, parse_norm
from models.results.subject_mapping import subject_mapping
from models.results.subject_materials import SubjectMaterial
from models.results.subjects import SubjectMapping, subject_of
from models.schema.tables import parts, sources, test_definitions, tests

WHOLE_TEST = 0  # the part id of a result on a whole test
AFTER_ALL_PARTS = 1_000_000  # the position of a part that its definition lacks


@dataclass(frozen=True, slots=True)
class Source:
    """A source of results or of pupil lists."""

    id: int
    key: str
    name: str
    material: str | None


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition of a test, as a message stated it; `name` is that of the newest definition of the same code."""

    id: int
    source_id: int
    code: str
    name: str
    subject: str
    subject_term: str | None
    material: str


@dataclass(frozen=True, slots=True)
class PartName:
    """A part of a test: its position in the definition, code and name; `defined`: the definition has it."""

    number: int
    code: str
    name: str
    defined: bool


@dataclass(frozen=True, slots=True)
class Body:
    """The content of a definition as stored, and its norms as numbers; parts by code."""

    content: dict[str, Any]
    norm: ParsedNorm
    parts: dict[str, dict[str, Any]]
    part_norms: dict[str, ParsedNorm]


@lru_cache(maxsize=4000)  # thousands of results, of many classes, share a few hundred definitions
def read_body(text: str) -> Body:
    """The body of a definition, parsed once; nobody may change it."""
    content = json.loads(text)
    parts: dict[str, dict[str, Any]] = {}
    for part in content.get("parts") or ():
        parts.setdefault(part["code"]["text"], part)
    norms = {code: parse_norm(part.get("norm")) for code, part in parts.items()}
    return Body(content, parse_norm(content.get("norm")), parts, norms)


@dataclass(slots=True)
class Catalogue:
    """Definitions by id, with the bodies and part codes that were loaded; part names are cached."""

    sources: dict[int, Source]
    definitions: dict[int, Definition]
    bodies: dict[int, Body] = field(default_factory=dict)
    part_codes: dict[int, str] = field(default_factory=dict)
    _part_names: dict[tuple[int, int], PartName] = field(default_factory=dict, repr=False, compare=False)
    _subject_materials: dict[int, SubjectMaterial] = field(default_factory=dict, repr=False, compare=False)

    def total_norm(self, definition_id: int) -> ParsedNorm:
        """The norm of a whole test."""
        return self.bodies[definition_id].norm

    def part_norm(self, definition_id: int, part_id: int) -> ParsedNorm:
        """The norm of a part; `NO_NORM` if the definition lacks the part."""
        return self.bodies[definition_id].part_norms.get(self.part_codes.get(part_id, ""), NO_NORM)

    def part_name(self, definition_id: int, part_id: int) -> PartName:
        """The name of a part and its position in the test."""
        key = (definition_id, part_id)
        if key not in self._part_names:
            self._part_names[key] = self._name_part(definition_id, part_id)
        return self._part_names[key]

    def _name_part(self, definition_id: int, part_id: int) -> PartName:
        code = self.part_codes.get(part_id, str(part_id))
        part = self.bodies[definition_id].parts.get(code)
        if part is None:
            return PartName(AFTER_ALL_PARTS, code, code, False)
        return PartName(int(part["number"]), code, (part.get("name") or "").strip() or code, True)

    def subject_material(self, definition_id: int) -> SubjectMaterial:
        """The subject, material and source of a definition."""
        if definition_id not in self._subject_materials:
            definition = self.definitions[definition_id]
            self._subject_materials[definition_id] = SubjectMaterial(
                definition.subject, definition.material, definition.source_id
            )
        return self._subject_materials[definition_id]

    def material_names(self, subject_materials: Collection[SubjectMaterial]) -> dict[SubjectMaterial, str]:
        """The name of each material; with its publisher if another publisher has a material of that name."""
        publishers: dict[str, set[int]] = defaultdict(set)
        for subject_material in subject_materials:
            publishers[subject_material.material].add(subject_material.source_id)
        return {
            subject_material: subject_material.material
            if len(publishers[subject_material.material]) == 1
            else f"{subject_material.material} ({self.sources[subject_material.source_id].name})"
            for subject_material in subject_materials
        }

    def with_entries(self, other: Catalogue) -> Catalogue:
        """What either of two catalogues of a school has that were loaded from the same definitions."""
        return Catalogue(
            other.sources,
            self.definitions | other.definitions,
            self.bodies | other.bodies,
            self.part_codes | other.part_codes,
        )

    def hierarchy(self, definition_id: int) -> list[str]:
        """The hierarchy of a test from the material down."""
        levels = self.bodies[definition_id].content.get("hierarchy") or []
        return [level["term"]["text"] for level in sorted(levels, key=lambda item: int(item["depth"]))]

    def level(self, definition_id: int) -> str | None:
        """The toetsniveau in the norm, as sent."""
        term = (self.bodies[definition_id].content.get("norm") or {}).get("level")
        return term["text"] if term else None


def catalogue_of(
    connection: Connection, school_id: int, rows: Sequence[ResultRow], made: Sequence[MadeTest] = ()
) -> Catalogue:
    """The definitions and parts that these rows refer to, bodies included."""
    definition_ids = {row.definition_id for row in rows} | {row.definition_id for row in made}
    result = catalogue(connection, school_id, definition_ids)
    load_bodies(connection, school_id, result, definition_ids)
    load_parts(connection, school_id, result, {row.part_id for row in rows} | {row.part_id for row in made})
    return result


def catalogue(connection: Connection, school_id: int, definition_ids: Iterable[int]) -> Catalogue:
    """The definitions with these ids and all sources; no bodies yet."""
    ids = sorted(set(definition_ids))
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
        ).where(test_definitions.c.school_id == school_id, test_definitions.c.id.in_(ids))
    ).all()
    names = _newest_names(connection, school_id, {(row.source_id, row.code) for row in rows})
    mapping = subject_mapping(connection, school_id)
    return Catalogue(publishers, {row.id: _definition(row, publishers[row.source_id], names, mapping) for row in rows})


def _definition(
    row: Any, source: Source, names: dict[tuple[int, str], str], mapping: tuple[SubjectMapping, ...]
) -> Definition:
    return Definition(
        row.id,
        row.source_id,
        row.code,
        names.get((row.source_id, row.code), row.code),
        subject_of(row.source_id, row.subject_term, row.code, mapping),
        row.subject_term,
        (row.material or "").strip() or source.material or source.name,
    )


def _newest_names(connection: Connection, school_id: int, codes: set[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """The name in the newest definition of each (source, code); the code if that definition has no name."""
    if not codes:
        return {}
    rows = connection.execute(
        select(test_definitions.c.source_id, test_definitions.c.code, test_definitions.c.name)
        .where(
            test_definitions.c.school_id == school_id,
            test_definitions.c.source_id.in_({source for source, _ in codes}),
            test_definitions.c.code.in_({code for _, code in codes}),
        )
        .order_by(test_definitions.c.newest_us, test_definitions.c.arrived_us, test_definitions.c.digest)
    )
    return {(row.source_id, row.code): (row.name or "").strip() or row.code for row in rows}


def load_bodies(connection: Connection, school_id: int, catalogue: Catalogue, ids: Iterable[int]) -> None:
    """Add norms, hierarchies and parts of these definitions to the catalogue."""
    missing = sorted(set(ids) - catalogue.bodies.keys())
    if not missing:
        return
    rows = connection.execute(
        select(test_definitions.c.id, test_definitions.c.body).where(
            test_definitions.c.school_id == school_id, test_definitions.c.id.in_(missing)
        )
    )
    catalogue.bodies |= {row.id: read_body(row.body) for row in rows}


def load_parts(connection: Connection, school_id: int, catalogue: Catalogue, ids: Iterable[int]) -> None:
    """Add the codes of these parts to the catalogue."""
    missing = sorted(set(ids) - catalogue.part_codes.keys() - {WHOLE_TEST})
    if missing:
        rows = connection.execute(
            select(parts.c.id, parts.c.code).where(parts.c.school_id == school_id, parts.c.id.in_(missing))
        )
        catalogue.part_codes |= {row.id: row.code for row in rows}


def test_versions(connection: Connection, school_id: int, ids: Iterable[int]) -> dict[int, str]:
    """The version of each test id; "" if none was stated."""
    rows = connection.execute(
        select(tests.c.id, tests.c.version).where(tests.c.school_id == school_id, tests.c.id.in_(sorted(set(ids))))
    )
    return {row.id: row.version for row in rows}
