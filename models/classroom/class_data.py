"""Everything that signals, groups and topics of a class are judged from: all totals, parts and progress of its pupils.

It spans this school year and the one before, whatever period a screen shows: a signal is about now.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from models.access.people import Member, class_members, pupils_by_class
from models.access.viewer import Viewer
from models.classroom.class_overview import part_sittings, total_of
from models.ingest.freshness import SourceState, source_states
from models.results.activity import worked_days
from models.results.catalogue import Catalogue, PartName, catalogue, load_bodies, load_parts
from models.results.current_results import ResultRow, Standing, Total, stand
from models.results.growth import Point
from models.results.periods import Period, day_before, of_school_year, with_year_before
from models.results.progress import PupilProgress, newest_progress
from models.results.result_rows import lonely_parts, owners_of, part_rows, whole_tests
from models.results.scales import Said, Yardstick, said, scale_of
from models.results.subject_materials import Field
from models.schema.records import Kind


@dataclass(frozen=True, slots=True)
class Scored:
    """One total of a pupil, with the norm that it came with."""

    total: Total
    field: Field
    test_id: int
    definition_id: int
    measure: Yardstick

    @property
    def source_id(self) -> int:
        """Who sends it."""
        return self.field.source_id

    @property
    def taken_on(self) -> str:
        """The test date."""
        return self.total.row.taken_on

    @property
    def said(self) -> Said:
        """What may be said of it."""
        return self.total.said

    @property
    def scale(self) -> tuple[Decimal, Decimal] | None:
        """The range of values that its scale has; None where nobody said."""
        return scale_of(self.total.row.kind, self.total.said, self.measure)


@dataclass(frozen=True, slots=True)
class PartScored:
    """What a pupil scored on one part of a test."""

    pupil_id: int
    test_id: int
    definition_id: int
    field: Field
    name: PartName
    part_id: int
    said: Said
    row: ResultRow

    @property
    def source_id(self) -> int:
        """Who sends it."""
        return self.field.source_id

    @property
    def taken_on(self) -> str:
        """The test date."""
        return self.row.taken_on


@dataclass(slots=True)
class Picture:
    """What is known of the present pupils of some classes.

    `classes` holds the pupils of each class; `totals` by pupil and field, oldest first; `part_reports` are progress
    records of parts; `worked` by pupil and source: the last day of work.
    """

    members: tuple[Member, ...]
    classes: dict[int, frozenset[int]]
    period: Period
    school_year: str
    totals: dict[int, dict[Field, list[Scored]]]
    parts: list[PartScored]
    part_reports: list[ResultRow]
    progress: dict[int, tuple[PupilProgress, ...]]
    worked: dict[int, dict[int, str]]
    sources: tuple[SourceState, ...]
    known: Catalogue

    @property
    def class_ids(self) -> list[int]:
        """The classes, in order of asking."""
        return list(self.classes)

    def of_class(self, class_id: int) -> list[Member]:
        """All pupils of one class, those who are in another class too as well."""
        own = self.classes[class_id]
        return [one for one in self.members if one.id in own]

    def all_totals(self, pupil_id: int, period: Period) -> list[Scored]:
        """Every total of a pupil in a period."""
        several = self.totals.get(pupil_id, {}).values()
        return [one for lane in several for one in lane if one.taken_on in period]

    @property
    def fields(self) -> list[Field]:
        """Every subject of a material that there is a total of."""
        return sorted({one for lanes in self.totals.values() for one in lanes})

    @property
    def material_names(self) -> dict[Field, str]:
        """What to call the material of every total and progress record."""
        recorded = {one.field for several in self.progress.values() for one in several}
        return self.known.material_names({*self.fields, *recorded})


def points(lane: list[Scored]) -> list[Point]:
    """The scores of a lane that count, as growth is judged from."""
    return [
        Point(one.taken_on, one.said.value, one.scale) for one in lane if one.said.counts and one.said.value is not None
    ]


def picture(
    connection: Connection, viewer: Viewer, class_ids: list[int], school_year: str, since: str | None = None
) -> Picture:
    """The picture of the present pupils of these classes, as far as the viewer sees them.

    It holds this school year and the one before, or more from the day `since` on; parts of tests, which are many, from
    that day or of this school year.
    """
    found = class_members(connection, viewer, class_ids)
    judged = with_year_before(school_year)
    period = Period(min(judged.first, since or judged.first), judged.last)
    owners = owners_of(connection, viewer, sorted({one.id for one in found}))
    rows = whole_tests(connection, viewer, owners, period)
    begin = of_school_year(school_year).first
    with_parts = Period(min(begin, since or begin), period.last)
    without = Period(period.first, day_before(with_parts.first))
    parts = part_rows(connection, viewer, owners, with_parts) + lonely_parts(connection, viewer, owners, without)
    known = catalogue(connection, viewer.school_id, {row.definition_id for row in (*rows, *parts)})
    load_bodies(connection, viewer.school_id, known, known.definitions)
    load_parts(connection, viewer.school_id, known, {row.part_id for row in parts})
    totals = stand(row for row in rows if row.kind != Kind.PROGRESS).values()
    standing_parts = [one for one in stand(parts).values() if one.row.kind == Kind.SCORE]
    progress = [row for row in (*rows, *parts) if row.kind == Kind.PROGRESS]
    return Picture(
        tuple(found),
        pupils_by_class(connection, viewer, class_ids),
        period,
        school_year,
        _lanes(known, list(totals), [one for one in standing_parts if one.row.taken_on >= period.first]),
        [_part(known, one) for one in standing_parts if one.row.taken_on >= with_parts.first],
        [row for row in parts if row.kind == Kind.PROGRESS and row.taken_on >= with_parts.first],
        newest_progress([row for row in progress if row.taken_on >= begin], known),
        worked_days(connection, viewer, [row for row in (*rows, *parts) if row.taken_on in judged], begin),
        tuple(source_states(connection, viewer)),
        known,
    )


def _lanes(known: Catalogue, totals: list[Standing], parts: list[Standing]) -> dict[int, dict[Field, list[Scored]]]:
    """Per pupil and field every total, as sent or derived from its parts, oldest first."""
    made_of: list[tuple[list[Standing], bool]] = [([one], False) for one in totals]
    made_of += [(several, True) for several in part_sittings(parts, totals).values()]
    lanes: dict[int, dict[Field, list[Scored]]] = defaultdict(lambda: defaultdict(list))
    for several, derived in made_of:
        total = total_of(known, several, derived)
        row = total.row
        measure = Yardstick() if derived else known.total_norm(row.definition_id)
        own = Scored(total, known.field(row.definition_id), row.test_id, row.definition_id, measure)
        lanes[row.pupil_id][own.field].append(own)
    for fields in lanes.values():
        for lane in fields.values():
            lane.sort(key=lambda one: one.total.order)
    return {pupil_id: dict(fields) for pupil_id, fields in lanes.items()}


def _part(known: Catalogue, standing: Standing) -> PartScored:
    row = standing.row
    measure = known.part_norm(row.definition_id, row.part_id)
    return PartScored(
        row.pupil_id,
        row.test_id,
        row.definition_id,
        known.field(row.definition_id),
        known.part_name(row.definition_id, row.part_id),
        row.part_id,
        said(row.kind, row.score, row.score_text, row.absence, measure, row.detail),
        row,
    )
