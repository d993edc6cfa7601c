"""Which materials and tests a school has per subject and year, who uses them, how far, and with which norms.

Counted in SQL over the present school year, without fetching single results. A pupil counts for a test with a score of
it (or of a part of it) or with a progress record; "not offered" and "finished without score" do not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Integer,
    and_,
    case,
    column,
    distinct,
    func,
    or_,
    select,
    true,
    values,
)

from models.access.people import ClassRef, class_list
from models.access.viewer import Viewer, can_see_class
from models.results.catalogue import Catalogue, catalogue, load_bodies
from models.results.periods import Period, of_school_year, until_today
from models.results.scales import LEVELS, Comparability, ParsedNorm, comparability
from models.results.subjects import UNMAPPED
from models.schema import clock
from models.schema.collation import collation_key
from models.schema.records import Absence, Kind, Status
from models.schema.tables import groups, identifiers, memberships, results, test_definitions, tests
from models.schema.version_cache import once_per_version

Cohort = tuple[int, str | None]  # class, and year group of its pupils


@dataclass(frozen=True, slots=True)
class Uptake:
    """How far the pupils of one year group of a class are.

    `reached` of `all` pupils have a score or a progress record. `done` and `busy` come from the newest progress
    records; they are None for a whole material and for a test whose source sends no progress.
    """

    class_id: int
    class_name: str
    year_group: str | None
    all: int
    reached: int
    done: int | None = None
    busy: int | None = None


@dataclass(frozen=True, slots=True)
class CatalogueTest:
    """A test of a material; `norms` are the norms that it came with, `levels` whether the source gives levels."""

    name: str
    code: str
    version: str
    norms: tuple[ParsedNorm, ...]
    levels: bool
    uptake: tuple[Uptake, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """What one publisher offers of a subject in a year.

    `year` is what the source states with its tests; where it states none (`stated` False) the year group of the pupils
    who took them, and None where nobody did.
    """

    subject: str
    year: str | None
    stated: bool
    name: str
    source_id: int
    source: str
    tests: tuple[CatalogueTest, ...]
    uptake: tuple[Uptake, ...]
    progress: bool

    @property
    def used(self) -> bool:
        """Whether any pupil has a score or progress record."""
        return any(uptake.reached for uptake in self.uptake)

    @property
    def levels(self) -> bool:
        """Whether its numbers are levels of one norm group."""
        return bool(self.tests) and all(test.levels for test in self.tests)

    @property
    def comparability(self) -> Comparability:
        """With what its numbers may be compared."""
        return comparability([norm for test in self.tests for norm in test.norms], self.levels)


@dataclass(frozen=True, slots=True)
class MaterialCatalogue:
    """All materials of the classes that the viewer sees; `years` are the year groups of their pupils."""

    materials: tuple[Material, ...]
    years: tuple[str, ...]
    classes: tuple[ClassRef, ...]
    school_year: str

    def at(self, subject: str, year: str | None) -> list[Material]:
        """The materials of a subject in a year; two or more are an overlap."""
        return [material for material in self.materials if (material.subject, material.year) == (subject, year)]

    @property
    def gaps(self) -> set[tuple[str, str]]:
        """Subjects and years without any material, among the subjects that some class uses."""
        used_subjects = {
            material.subject for material in self.materials if material.used and material.subject != UNMAPPED
        }
        covered = {(material.subject, material.year) for material in self.materials}
        return {(subject, year) for subject in used_subjects for year in self.years if (subject, year) not in covered}


def material_catalogue(connection: Connection, viewer: Viewer) -> MaterialCatalogue:
    """The materials of this school year, as far as the viewer sees the classes."""
    key = ("materials", viewer)
    return once_per_version(connection, viewer.school_id, key, lambda: _catalogue(connection, viewer))


def _catalogue(connection: Connection, viewer: Viewer) -> MaterialCatalogue:
    class_refs = class_list(connection, viewer)
    school_year = max((class_ref.school_year for class_ref in class_refs), default=clock.school_year(clock.today()))
    if not class_refs:
        return MaterialCatalogue((), (), (), school_year)
    reader = _Reader(connection, viewer, class_refs, until_today(of_school_year(school_year)))
    return MaterialCatalogue(reader.materials(), reader.years, tuple(reader.classes), school_year)


@dataclass(frozen=True, slots=True)
class _MaterialKey:
    """What the tests of a material have in common: subject, stated year, name and source."""

    subject: str
    year: str | None
    name: str
    source_id: int


@dataclass(slots=True)
class _TestEntry:
    """A test before counting; `test_id` is None where no pupil of the classes has a result of it."""

    test_id: int | None
    definitions: list[int]
    levels: bool


@dataclass(frozen=True, slots=True)
class _TestNames:
    """The names of tests, and the versions of those with results."""

    catalogue: Catalogue
    versions: dict[int | None, str]


@dataclass(frozen=True, slots=True)
class _Counts:
    """Pupils with a score or progress record, by position of the material and by test; done and busy, by test."""

    materials: dict[int, dict[Cohort, int]]
    tests: dict[int | None, dict[Cohort, int]]
    progress: dict[int | None, dict[Cohort, tuple[int, int]]]


class _Reader:
    """The queries of one catalogue, and how their counts are combined."""

    def __init__(self, connection: Connection, viewer: Viewer, class_refs: list[ClassRef], period: Period) -> None:
        self.connection, self.viewer, self.period = connection, viewer, period
        pupils = self._cohorts(class_refs)
        self.classes = _without_redundant(class_refs, pupils)
        self.names = {class_ref.id: class_ref.name for class_ref in self.classes}
        self.sizes = {cohort: len(ids) for cohort, ids in pupils.items() if cohort[0] in self.names}
        self.years = tuple(sorted({year for _class, year in self.sizes if year is not None}, key=year_order))
        self.members = self._members()
        # Results are selected by identifier: from the members alone SQLite does not use the index of the results.
        self.identifiers = sorted(set(self.connection.scalars(select(self.members.c.identifier_id))))

    def materials(self) -> tuple[Material, ...]:
        """Every material, by name; the tests by name."""
        test_entries = self._tests()
        definition_ids = [definition_id for test in test_entries for definition_id in test.definitions]
        definitions = catalogue(self.connection, self.viewer.school_id, definition_ids)
        load_bodies(self.connection, self.viewer.school_id, definitions, definition_ids)
        years, names = self._stated_years(definition_ids), _TestNames(definitions, self._versions(test_entries))
        by_material: dict[_MaterialKey, list[_TestEntry]] = defaultdict(list)
        for test in test_entries:
            newest = definitions.definitions[test.definitions[-1]]
            key = _MaterialKey(newest.subject, years[newest.id], newest.material, newest.source_id)
            by_material[key].append(test)
        counts = _Counts(self._by_material(by_material), self._by_test(), self._progress())
        materials = [
            material
            for position, (key, entries) in enumerate(by_material.items())
            for material in self._split(key, entries, names, counts, counts.materials.get(position, {}))
        ]
        return tuple(
            sorted(materials, key=lambda material: (collation_key(material.name), material.source, material.source_id))
        )

    # -- the classes and their pupils

    def _cohorts(self, class_refs: list[ClassRef]) -> dict[Cohort, set[int]]:
        """The present pupils by class and year group."""
        rows = self.connection.execute(
            select(groups.c.class_id, func.min(memberships.c.year_group), memberships.c.pupil_id)
            .join(memberships, _member_of_group)
            .where(*self._of_classes([class_ref.id for class_ref in class_refs]))
            .group_by(groups.c.class_id, memberships.c.pupil_id)
        )
        cohorts: dict[Cohort, set[int]] = defaultdict(set)
        for class_id, year_group, pupil_id in rows:
            cohorts[class_id, year_group].add(pupil_id)
        return cohorts

    def _of_classes(self, class_ids: list[int]) -> tuple[ColumnElement[bool], ...]:
        return (
            groups.c.school_id == self.viewer.school_id,
            groups.c.class_id.in_(class_ids),
            memberships.c.to_us.is_(None),
            can_see_class(self.viewer, groups.c.school_id, groups.c.class_id),
        )

    def _members(self) -> CTE:
        """The identifiers of the pupils, by class and year group."""
        return (
            select(
                groups.c.class_id,
                func.min(memberships.c.year_group).label("year_group"),
                identifiers.c.id.label("identifier_id"),
                identifiers.c.pupil_id,
            )
            .join(memberships, _member_of_group)
            .join(
                identifiers,
                and_(
                    identifiers.c.school_id == memberships.c.school_id,
                    identifiers.c.pupil_id == memberships.c.pupil_id,
                ),
            )
            .where(*self._of_classes(list(self.names)))
            .group_by(groups.c.class_id, identifiers.c.id, identifiers.c.pupil_id)
            .cte("members")
        )

    # -- tests

    def _tests(self) -> list[_TestEntry]:
        """The tests that pupils have results of, and those defined for their years that nobody has started."""
        everything = func.sum(case((results.c.kind != Kind.PROGRESS, 1), else_=0))
        levels = [
            func.sum(
                case((and_(results.c.kind == Kind.OSO, results.c.detail.contains(f'"code": "{code}"')), 1), else_=0)
            )
            for code in LEVELS
        ]
        rows = self.connection.execute(
            select(results.c.test_id, results.c.definition_id, everything, *levels)
            .join(self.members, results.c.identifier_id == self.members.c.identifier_id)
            .where(*self._of_period(), self._offered())
            .group_by(results.c.test_id, results.c.definition_id)
            .order_by(results.c.test_id, results.c.definition_id)
        ).all()
        by_test: dict[int, _TestEntry] = {}
        for test_id, definition_id, number, *of_levels in rows:
            test = by_test.setdefault(test_id, _TestEntry(test_id, [], levels=True))
            test.definitions.append(definition_id)
            test.levels = test.levels and number > 0 and number in of_levels
        return [
            *by_test.values(),
            *self._not_started({definition for test in by_test.values() for definition in test.definitions}),
        ]

    def _not_started(self, used: set[int]) -> list[_TestEntry]:
        """Tests that a source defined this school year and no pupil of the classes has a result of.

        Viewers who see the whole school get all of them, others those stated to be for a year of their pupils.
        """
        of_year = true() if self.viewer.sees_whole_school else test_definitions.c.year.in_(self.years)
        start_us = clock.to_us(datetime.fromisoformat(self.period.first))
        rows = self.connection.execute(
            select(test_definitions.c.id, test_definitions.c.source_id, test_definitions.c.code)
            .where(
                test_definitions.c.school_id == self.viewer.school_id,
                or_(and_(test_definitions.c.newest_us >= start_us, of_year), test_definitions.c.id.in_(used)),
            )
            .order_by(test_definitions.c.newest_us, test_definitions.c.arrived_us, test_definitions.c.digest)
        ).all()
        started = {(row.source_id, row.code) for row in rows if row.id in used}
        newest = {(row.source_id, row.code): row.id for row in rows}
        return [_TestEntry(None, [newest[key]], levels=False) for key in newest if key not in started]

    def _stated_years(self, definition_ids: list[int]) -> dict[int, str | None]:
        rows = self.connection.execute(
            select(test_definitions.c.id, test_definitions.c.year).where(
                test_definitions.c.school_id == self.viewer.school_id, test_definitions.c.id.in_(definition_ids)
            )
        )
        return {row.id: (row.year or "").strip() or None for row in rows}

    def _versions(self, test_entries: list[_TestEntry]) -> dict[int | None, str]:
        rows = self.connection.execute(
            select(tests.c.id, tests.c.version).where(
                tests.c.school_id == self.viewer.school_id,
                tests.c.id.in_([test_entry.test_id for test_entry in test_entries if test_entry.test_id is not None]),
            )
        )
        return {row.id: row.version for row in rows}

    # -- counts

    def _of_period(self) -> tuple[ColumnElement[bool], ...]:
        return (
            results.c.school_id == self.viewer.school_id,
            results.c.identifier_id.in_(self.identifiers),
            results.c.taken_on.between(self.period.first, self.period.last),
            results.c.kind != Kind.OTHER,
        )

    def _offered(self) -> ColumnElement[bool]:
        return or_(results.c.absence.is_(None), results.c.absence != Absence.NOT_OFFERED)

    def _reached(self) -> ColumnElement[bool]:
        """A score (of an OSO result also a reference score alone), or a progress record."""
        level_alone = and_(results.c.kind == Kind.OSO, results.c.detail.contains('"references": [{"code"'))
        return or_(results.c.score.is_not(None), results.c.kind == Kind.PROGRESS, level_alone)

    def _by_test(self) -> dict[int | None, dict[Cohort, int]]:
        """Pupils with a score or progress record, by test and cohort."""
        member = self.members.c
        rows = self.connection.execute(
            select(results.c.test_id, member.class_id, member.year_group, func.count(distinct(member.pupil_id)))
            .join(self.members, results.c.identifier_id == member.identifier_id)
            .where(*self._of_period(), self._reached())
            .group_by(results.c.test_id, member.class_id, member.year_group)
        )
        return _counted(rows)

    def _by_material(self, by_material: dict[_MaterialKey, list[_TestEntry]]) -> dict[int, dict[Cohort, int]]:
        """Pupils with a score or progress record of any test of a material, by its position and cohort."""
        pairs = [
            (test.test_id, position)
            for position, test_entries in enumerate(by_material.values())
            for test in test_entries
            if test.test_id is not None
        ]
        if not pairs:
            return {}
        positions = (
            values(column("test_id", Integer), column("position", Integer), name="pairs").data(pairs).cte("positions")
        )
        member = self.members.c
        # Each pupil and test once before the second join: in one join, SQLite scans the results for each material.
        reached = (
            select(member.class_id, member.year_group, member.pupil_id, results.c.test_id)
            .join(self.members, results.c.identifier_id == member.identifier_id)
            .where(*self._of_period(), self._reached())
            .group_by(member.class_id, member.year_group, member.pupil_id, results.c.test_id)
            .subquery()
        )
        of = reached.c
        rows = self.connection.execute(
            select(positions.c.position, of.class_id, of.year_group, func.count(distinct(of.pupil_id)))
            .join(positions, positions.c.test_id == of.test_id)
            .group_by(positions.c.position, of.class_id, of.year_group)
        )
        return _counted(rows)

    def _progress(self) -> dict[int | None, dict[Cohort, tuple[int, int]]]:
        """How many pupils are done and busy by their newest progress records, by test and cohort.

        The record of the whole test counts; with records of parts only, a test is done or not begun when all parts are.
        """
        member, r = self.members.c, results.c
        over = func.row_number().over(
            partition_by=(member.class_id, member.pupil_id, r.test_id, r.part_id),
            order_by=(r.taken_on.desc(), r.created_us.desc(), r.arrived_us.desc(), r.digest64.desc(), r.key.desc()),
        )
        records = (
            select(member.class_id, member.year_group, member.pupil_id, r.test_id, r.part_id, r.status,
                   over.label("recency"))
            .join(self.members, r.identifier_id == member.identifier_id)
            .where(*self._of_period(), r.kind == Kind.PROGRESS)
            .subquery()
        )  # fmt: skip
        record = records.c
        whole = func.max(
            case(
                (
                    record.part_id == 0,
                    func.coalesce(record.status, int(Status.BUSY)),
                )
            )
        )
        lowest, highest = func.min(record.status), func.max(record.status)
        state = func.coalesce(whole, case((lowest == highest, highest), else_=int(Status.BUSY)))
        pupils = (
            select(
                record.class_id,
                record.year_group,
                record.test_id,
                state.label("state"),
            )
            .where(record.recency == 1)
            .group_by(
                record.class_id,
                record.year_group,
                record.test_id,
                record.pupil_id,
            )
            .subquery()
        )
        of = pupils.c
        done = func.sum(case((of.state == int(Status.DONE), 1), else_=0))
        busy = func.sum(case((of.state == int(Status.BUSY), 1), else_=0))
        rows = self.connection.execute(
            select(of.test_id, of.class_id, of.year_group, done, busy).group_by(of.test_id, of.class_id, of.year_group)
        )
        progress: dict[int | None, dict[Cohort, tuple[int, int]]] = defaultdict(dict)
        for test_id, class_id, year_group, is_done, is_busy in rows:
            progress[test_id][class_id, year_group] = (is_done, is_busy)
        return progress

    # -- combined

    def _split(
        self,
        key: _MaterialKey,
        test_entries: list[_TestEntry],
        names: _TestNames,
        counts: _Counts,
        reached: dict[Cohort, int],
    ) -> list[Material]:
        """The material of a key; where its source states no year, one for each year group that has taken its tests."""
        if key.year is not None:
            return [self._material(key, key.year, test_entries, names, counts, reached)]
        materials = []
        for year in sorted({year for _class, year in reached}, key=year_order) or [None]:
            of_year = {cohort: number for cohort, number in reached.items() if cohort[1] == year}
            materials.append(self._material(key, year, test_entries, names, counts, of_year))
        return materials

    def _material(
        self,
        key: _MaterialKey,
        year: str | None,
        test_entries: list[_TestEntry],
        names: _TestNames,
        counts: _Counts,
        reached: dict[Cohort, int],
    ) -> Material:
        catalogue_tests = []
        for test in test_entries:
            uptakes = self._uptake(key, year, counts.tests.get(test.test_id, {}), counts.progress.get(test.test_id))
            if key.year is not None or year is None or any(uptake.reached for uptake in uptakes):
                catalogue_tests.append(_catalogue_test(names, test, uptakes))
        source = names.catalogue.sources[key.source_id]
        return Material(
            key.subject,
            year,
            key.year is not None,
            key.name,
            source.id,
            source.name,
            tuple(
                sorted(
                    catalogue_tests,
                    key=lambda catalogue_test: (
                        collation_key(catalogue_test.name),
                        catalogue_test.code,
                        catalogue_test.version,
                    ),
                )
            ),
            self._uptake(key, year, reached, None),
            any(test.test_id in counts.progress for test in test_entries),
        )

    def _uptake(
        self,
        key: _MaterialKey,
        year: str | None,
        reached: dict[Cohort, int],
        progress: dict[Cohort, tuple[int, int]] | None,
    ) -> tuple[Uptake, ...]:
        """Every cohort of the year; cohorts of other years only where they have results of tests with a stated year."""
        uptakes = []
        for cohort, size in self.sizes.items():
            number = reached.get(cohort, 0)
            if cohort[1] != year and (key.year is None or number == 0):
                continue
            done, busy = (None, None) if progress is None else progress.get(cohort, (0, 0))
            uptakes.append(Uptake(cohort[0], self.names[cohort[0]], cohort[1], size, number, done, busy))
        return tuple(
            sorted(uptakes, key=lambda uptake: (collation_key(uptake.class_name), year_order(uptake.year_group)))
        )


def _catalogue_test(names: _TestNames, test: _TestEntry, uptakes: tuple[Uptake, ...]) -> CatalogueTest:
    newest = names.catalogue.definitions[test.definitions[-1]]
    norms = dict.fromkeys(names.catalogue.total_norm(definition) for definition in test.definitions)
    return CatalogueTest(
        newest.name, newest.code, names.versions.get(test.test_id, ""), tuple(norms), test.levels, uptakes
    )


_member_of_group = and_(memberships.c.school_id == groups.c.school_id, memberships.c.group_id == groups.c.id)


def _without_redundant(class_refs: list[ClassRef], pupils: dict[Cohort, set[int]]) -> list[ClassRef]:
    """The classes without the composed ones whose pupils are all in base classes here: those add nobody."""
    of_class: dict[int, set[int]] = defaultdict(set)
    for (class_id, _year), ids in pupils.items():
        of_class[class_id] |= ids
    in_base_classes = set().union(*(of_class[class_ref.id] for class_ref in class_refs if not class_ref.composed))
    return [class_ref for class_ref in class_refs if not class_ref.composed or of_class[class_ref.id] - in_base_classes]


def _counted(rows: Iterable[Any]) -> dict[Any, dict[Cohort, int]]:
    counts: dict[Any, dict[Cohort, int]] = defaultdict(dict)
    for key, class_id, year_group, number in rows:
        counts[key][class_id, year_group] = number
    return counts


def year_order(year: str | None) -> tuple[int, int, str]:
    """The sort key of a year group: numbers by size, then other codes, unknown last."""
    if year is None:
        return (2, 0, "")
    return (0, int(year), "") if year.isascii() and year.isdecimal() else (1, 0, year)
