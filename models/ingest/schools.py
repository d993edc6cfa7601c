"""Schools and sources: who administers the pupils, and who delivers the results."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from models.schema.database import unused_id
from models.schema.records import SchoolRef
from models.schema.tables import school_identifications, schools, sources

BRIN = re.compile(r"[0-9]{2}[A-Z]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identification:
    """One way to name a school: scheme (brin, schoolkey, institution), value, and the location of a BRIN."""

    scheme: str
    value: str
    location: str = ""

    def __str__(self) -> str:
        return f"{self.value}/{self.location or '00'}" if self.scheme == "brin" else self.value


def normal_location(dependance: str | None) -> str:
    """The location that a dependancecode names: 0, 00, empty and absent are one (UWLR: default 00)."""
    digits = (dependance or "").strip()
    if not digits.strip("0"):
        return ""
    return digits.zfill(2)


def identifications(ref: SchoolRef) -> list[Identification]:
    """All ways in which a message names its school."""
    named = []
    if ref.brin is not None:
        named.append(Identification("brin", ref.brin, ref.dependance))
    if ref.school_key is not None:
        named.append(Identification("schoolkey", ref.school_key))
    if ref.institution is not None:
        named.append(Identification("institution", ref.institution))
    return named


def find_school(connection: Connection, ref: SchoolRef) -> int | None:
    """The school that a message names, or None; the first identification that is known decides."""
    for named in identifications(ref):
        school_id = connection.scalar(
            select(school_identifications.c.school_id).where(
                school_identifications.c.scheme == named.scheme,
                school_identifications.c.value == named.value,
                school_identifications.c.location == named.location,
            )
        )
        if school_id is not None:
            return int(school_id)
    return None


def ref_of(connection: Connection, school_id: int) -> SchoolRef:
    """How a school is named in our requests: by the first of each kind of its identifications."""
    rows = connection.execute(
        select(school_identifications)
        .where(school_identifications.c.school_id == school_id)
        .order_by(school_identifications.c.value, school_identifications.c.location)
    )
    first: dict[str, Identification] = {}
    for row in rows:
        first.setdefault(row.scheme, Identification(row.scheme, row.value, row.location))
    brin, school_key, institution = (first.get(scheme) for scheme in ("brin", "schoolkey", "institution"))
    return SchoolRef(
        brin=None if brin is None else brin.value,
        dependance="" if brin is None else brin.location,
        school_key=None if school_key is None else school_key.value,
        institution=None if institution is None else institution.value,
    )


def ensure_school(connection: Connection, named: list[Identification], name: str | None = None) -> int:
    """The school with any of these identifications, made where there is none; the others become its own too."""
    known = select(school_identifications)
    school_ids = {
        Identification(row.scheme, row.value, row.location): row.school_id for row in connection.execute(known)
    }
    school_id = next((school_ids[identification] for identification in named if identification in school_ids), None)
    if school_id is None:
        school_id = unused_id(connection, schools)
        connection.execute(insert(schools).values(id=school_id, name=name))
    elif name is not None:
        connection.execute(update(schools).where(schools.c.id == school_id).values(name=name))
    for identification in named:
        if identification not in school_ids:
            connection.execute(
                insert(school_identifications).values(
                    school_id=school_id,
                    scheme=identification.scheme,
                    value=identification.value,
                    location=identification.location,
                )
            )
    return int(school_id)


def set_region(connection: Connection, school_id: int, region: str) -> None:
    """In which region of the school holidays (noord, midden, zuid) a school is."""
    connection.execute(update(schools).where(schools.c.id == school_id).values(region=region))


def ensure_source(connection: Connection, key: str, name: str, role: str, material: str | None = None) -> int:
    """The source with this key, made or renamed where needed; `role` is publisher or las."""
    row = connection.execute(select(sources).where(sources.c.key == key)).one_or_none()
    values = {"name": name, "role": role, "material": material}
    if row is None:
        source_id = unused_id(connection, sources)
        connection.execute(insert(sources).values(id=source_id, key=key, **values))
        return source_id
    if (row.name, row.role, row.material) != (name, role, material):
        connection.execute(update(sources).where(sources.c.id == row.id).values(**values))
    return int(row.id)


def find_source(connection: Connection, key: str) -> int | None:
    """The source with this key, or None."""
    source_id = connection.scalar(select(sources.c.id).where(sources.c.key == key))
    return None if source_id is None else int(source_id)


def replace_retention(connection: Connection, school_id: int, terms: Mapping[str, int]) -> bool:
    """Note the terms of retention that are in force for a school; whether others were before."""
    known, text = schools.c.retention, json.dumps(terms)
    before = connection.scalar(select(known).where(schools.c.id == school_id))
    if before != text:
        connection.execute(update(schools).where(schools.c.id == school_id).values(retention=text))
    return before not in (None, text)


def all_schools(connection: Connection) -> list[tuple[int, str | None]]:
    """Number and name of every real school, in the order in which they came."""
    real = select(schools.c.id, schools.c.name).where(schools.c.synthetic.is_(False))
    rows = connection.execute(real.order_by(schools.c.id))
    return [(row.id, row.name) for row in rows]
