"""Which materials and tests a school has per subject and year, who uses them, how far, and with which norms.

Counted over the present school year (`models.classroom.material_counts`). A pupil counts for a test with a score of
it (or of a part of it) or with a progress record; "not offered" and "finished without score" do not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select, true

from models.access.people import ClassRef, class_list
from models.access.viewer import Viewer
from models.classroom.material_counts import MEMBER_OF_GROUP, Cohort, TestAndDefinition, class_counts, of_classes
from models.results.catalogue import Catalogue, catalogue, load_bodies
from models.results.own_subjects import Subjects, definitions_of, joined_limits, limited_classes
from models.results.periods import Period, of_school_year, until_today
from models.results.scales import Comparability, ParsedNorm, comparability
from models.results.subjects import UNMAPPED
from models.schema import clock
from models.schema.collation import collation_key
from models.schema.tables import groups, memberships, test_definitions, tests
from models.schema.version_cache import once_per_version


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
    """All materials of the classes that the viewer sees; `years` are the year groups of their pupils.

    `limited`: the classes of which a subject teacher sees some subjects alone, and which; `limited_years`: what is seen
    of a year in any class, where none of its classes is seen whole.
    """

    materials: tuple[Material, ...]
    years: tuple[str, ...]
    classes: tuple[ClassRef, ...]
    school_year: str
    limited: Mapping[int, Subjects] = field(default_factory=dict)
    limited_years: Mapping[str | None, Subjects] = field(default_factory=dict)

    def shows(self, subject: str, year: str | None) -> bool:
        """Whether what there is of a subject in a year can be seen."""
        return subject in self.limited_years.get(year, (subject,))

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
        return {
            (subject, year)
            for subject in used_subjects
            for year in self.years
            if (subject, year) not in covered and self.shows(subject, year)
        }


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
    return MaterialCatalogue(
        reader.materials(), reader.years, tuple(reader.classes), school_year, reader.limited, reader.limited_years()
    )


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
    """What one catalogue is made of, and how the counts of classes are combined."""

    def __init__(self, connection: Connection, viewer: Viewer, class_refs: list[ClassRef], period: Period) -> None:
        self.connection, self.viewer, self.period = connection, viewer, period
        pupils = self._cohorts(class_refs)
        self.classes = _without_redundant(class_refs, pupils)
        self.names = {class_ref.id: class_ref.name for class_ref in self.classes}
        self.sizes = {cohort: len(ids) for cohort, ids in pupils.items() if cohort[0] in self.names}
        self.years = tuple(sorted({year for _class, year in self.sizes if year is not None}, key=year_order))
        self.limited = limited_classes(connection, viewer)
        self.counts = class_counts(connection, viewer, list(self.names), period)

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
        counts = self._counts(by_material)
        limited = self.limited_years()
        materials = [
            material
            for position, (key, entries) in enumerate(by_material.items())
            for material in self._split(key, entries, names, counts, counts.materials.get(position, {}))
            if material.subject in limited.get(material.year, (material.subject,))
        ]
        return tuple(
            sorted(materials, key=lambda material: (collation_key(material.name), material.source, material.source_id))
        )

    # -- the classes and their pupils

    def limited_years(self) -> dict[str | None, Subjects]:
        """By year group the subjects seen of any of its classes; not of a year with a class that is seen whole."""
        by_year: dict[str | None, list[Subjects | None]] = defaultdict(list)
        for class_id, year in self.sizes:
            by_year[year].append(self.limited.get(class_id))
        return {year: joined for year, of in by_year.items() if (joined := joined_limits(of)) is not None}

    def _cohorts(self, class_refs: list[ClassRef]) -> dict[Cohort, set[int]]:
        """The present pupils by class and year group."""
        rows = self.connection.execute(
            select(groups.c.class_id, func.min(memberships.c.year_group), memberships.c.pupil_id)
            .join(memberships, MEMBER_OF_GROUP)
            .where(*of_classes(self.viewer, [class_ref.id for class_ref in class_refs]))
            .group_by(groups.c.class_id, memberships.c.pupil_id)
        )
        cohorts: dict[Cohort, set[int]] = defaultdict(set)
        for class_id, year_group, pupil_id in rows:
            cohorts[class_id, year_group].add(pupil_id)
        return cohorts

    # -- tests

    def _tests(self) -> list[_TestEntry]:
        """The tests that pupils have results of, and those defined for their years that nobody has started."""
        numbers: dict[TestAndDefinition, list[tuple[int, ...]]] = defaultdict(list)
        for of_class in self.counts.values():
            for key, counted in of_class.results.items():
                numbers[key].append(counted)
        by_test: dict[int, _TestEntry] = {}
        for test_id, definition_id in sorted(numbers):
            number, *of_levels = map(sum, zip(*numbers[test_id, definition_id], strict=True))
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
        seen = joined_limits(self.limited.get(class_id) for class_id in self.names)
        if seen is not None:
            own = definitions_of(self.connection, self.viewer, seen)
            newest = {key: definition_id for key, definition_id in newest.items() if definition_id in own}
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

    def _counts(self, by_material: dict[_MaterialKey, list[_TestEntry]]) -> _Counts:
        reached: dict[int | None, dict[Cohort, int]] = defaultdict(dict)  # each pupil a bit
        progress: dict[int | None, dict[Cohort, tuple[int, int]]] = defaultdict(dict)
        for class_id, of_class in self.counts.items():
            for test_id, by_year in of_class.reached.items():
                reached[test_id] |= {(class_id, year): pupils for year, pupils in by_year.items()}
            for test_id, states in of_class.progress.items():
                progress[test_id] |= {(class_id, year): state for year, state in states.items()}
        materials: dict[int, dict[Cohort, int]] = {}
        for position, test_entries in enumerate(by_material.values()):
            of_any: dict[Cohort, int] = defaultdict(int)
            for test in test_entries:
                for cohort, pupils in reached.get(test.test_id, {}).items():
                    of_any[cohort] |= pupils
            materials[position] = _sizes(of_any)
        return _Counts(materials, {test_id: _sizes(pupils) for test_id, pupils in reached.items()}, progress)

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
            if key.subject not in self.limited.get(cohort[0], (key.subject,)):
                continue  # nothing of it was counted there
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


def _without_redundant(class_refs: list[ClassRef], pupils: dict[Cohort, set[int]]) -> list[ClassRef]:
    """The classes without the composed ones whose pupils are all in base classes here: those add nobody."""
    of_class: dict[int, set[int]] = defaultdict(set)
    for (class_id, _year), ids in pupils.items():
        of_class[class_id] |= ids
    in_base_classes = set().union(*(of_class[class_ref.id] for class_ref in class_refs if not class_ref.composed))
    return [class_ref for class_ref in class_refs if not class_ref.composed or of_class[class_ref.id] - in_base_classes]


def _sizes(pupils: Mapping[Cohort, int]) -> dict[Cohort, int]:
    """How many pupils there are where each is a bit."""
    return {cohort: bits.bit_count() for cohort, bits in pupils.items()}


def year_order(year: str | None) -> tuple[int, int, str]:
    """The sort key of a year group: numbers by size, then other codes, unknown last."""
    if year is None:
        return (2, 0, "")
    return (0, int(year), "") if year.isascii() and year.isdecimal() else (1, 0, year)
