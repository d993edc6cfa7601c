"""One pupil over all materials: lanes of sittings by test date, the parts of one, and where a value comes from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, and_, select

from models.access.people import PupilRecord, pupil
from models.access.viewer import Viewer
from models.classroom.class_overview import hidden_by_pupil, part_sittings, total_of
from models.ingest.freshness import SourceState, source_states
from models.results.catalogue import Catalogue, PartName, catalogue, load_bodies, load_parts, test_versions
from models.results.current_results import CurrentResult, ResultRow, Total, date_order, resolve_duplicates
from models.results.periods import EVER, Period
from models.results.progress import PupilProgress, newest_progress
from models.results.result_rows import all_rows, hidden_sittings, progress_rows, pupil_identifiers
from models.results.scales import ParsedNorm, ScoreReading, read_score, scale_of
from models.results.subject_materials import SubjectMaterial
from models.schema.records import Kind
from models.schema.tables import deliveries


@dataclass(frozen=True, slots=True)
class PartScore:
    """One part of a sitting: what may be said of it, by its own norm."""

    name: PartName
    part_id: int
    reading: ScoreReading
    norm: ParsedNorm
    duplicate: bool
    row: ResultRow


@dataclass(frozen=True, slots=True)
class Sitting:
    """One test on one day: its total, its parts in the order of the definition; late: came after newer ones."""

    total: Total
    test_id: int
    definition_id: int
    name: str
    norm: ParsedNorm
    parts: tuple[PartScore, ...]
    late: bool

    @property
    def taken_on(self) -> str:
        """The test date."""
        return self.total.row.taken_on

    @property
    def key(self) -> str:
        """Names the sitting within its pupil."""
        return f"{self.test_id}_{self.taken_on}"

    @property
    def scale(self) -> tuple[Decimal, Decimal] | None:
        """The range of values that its scale has; None where nobody said."""
        return scale_of(self.total.row.kind, self.total.reading, self.norm)


@dataclass(frozen=True, slots=True)
class MaterialSeries:
    """A material within a subject: its sittings, oldest first."""

    subject_material: SubjectMaterial
    source: str
    sittings: tuple[Sitting, ...]
    sends_progress: bool

    @property
    def source_id(self) -> int:
        """Who sends it."""
        return self.subject_material.source_id

    @property
    def key(self) -> str:
        """Names the lane within its pupil."""
        return self.subject_material.key


@dataclass(frozen=True, slots=True)
class PupilTimeline:
    """All that the pupil screen shows; `progress` is of the whole school years that the period touches.

    `hidden`: how many sittings the period leaves out.
    """

    pupil: PupilRecord
    period: Period
    series: tuple[MaterialSeries, ...]
    progress: tuple[PupilProgress, ...]
    sources: tuple[SourceState, ...]
    catalogue: Catalogue
    hidden: int


def pupil_timeline(connection: Connection, viewer: Viewer, pupil_id: int, period: Period) -> PupilTimeline | None:
    """A pupil's results of a period in lanes; None where there is no such pupil for this viewer."""
    record = pupil(connection, viewer, pupil_id)
    if record is None:
        return None
    owners = pupil_identifiers(connection, viewer, [pupil_id])
    rows = all_rows(connection, viewer, owners, period)
    reports = progress_rows(connection, viewer, owners, period.whole_years)
    catalogue = _known(connection, viewer, [*rows, *reports])
    currents = list(resolve_duplicates(rows).values())
    progress = newest_progress(reports, catalogue)
    received = _received(connection, viewer, rows)
    all_series = _series(
        catalogue,
        _sittings(catalogue, currents),
        received,
        {item.subject_material for item in progress.get(pupil_id, ())},
    )
    states = tuple(source_states(connection, viewer))
    hidden = hidden_by_pupil(hidden_sittings(connection, viewer, owners, period)).get(pupil_id, 0)
    return PupilTimeline(record, period, tuple(all_series), progress.get(pupil_id, ()), states, catalogue, hidden)


def _known(connection: Connection, viewer: Viewer, rows: list[ResultRow]) -> Catalogue:
    definitions = {row.definition_id for row in rows}
    known = catalogue(connection, viewer.school_id, definitions)
    load_bodies(connection, viewer.school_id, known, definitions)
    load_parts(connection, viewer.school_id, known, {row.part_id for row in rows})
    return known


def _received(connection: Connection, viewer: Viewer, rows: list[ResultRow]) -> dict[int, int]:
    cursor_result = connection.execute(
        select(deliveries.c.id, deliveries.c.received_us).where(
            deliveries.c.school_id == viewer.school_id, deliveries.c.id.in_({row.delivery_id for row in rows})
        )
    )
    return {row.id: row.received_us for row in cursor_result}


def _sittings(catalogue: Catalogue, standing: list[CurrentResult]) -> list[Sitting]:
    """Every test on every day, with its total (as sent or derived) and its parts."""
    totals = [
        current for current in standing if current.row.part_id == 0 and current.row.kind in (Kind.SCORE, Kind.OSO)
    ]
    parts: dict[tuple[int, str], list[CurrentResult]] = defaultdict(list)
    for one in standing:
        if one.row.part_id > 0 and one.row.kind == Kind.SCORE:
            parts[one.row.test_id, one.row.taken_on].append(one)
    sittings = [
        _sitting(catalogue, [total], parts.get((total.row.test_id, total.row.taken_on), []), False) for total in totals
    ]
    lonely = part_sittings((current for currents in parts.values() for current in currents), totals)
    return sittings + [_sitting(catalogue, currents, currents, True) for currents in lonely.values()]


def _sitting(catalogue: Catalogue, made_of: list[CurrentResult], parts: list[CurrentResult], derived: bool) -> Sitting:
    newest = max((current.row for current in made_of), key=date_order)
    definition = catalogue.definitions[newest.definition_id]
    scores = sorted(
        (_part(catalogue, part) for part in parts),
        key=lambda part_score: (part_score.name.number, part_score.name.code, part_score.part_id),
    )
    return Sitting(
        total_of(catalogue, made_of, derived),
        newest.test_id,
        newest.definition_id,
        definition.name,
        catalogue.total_norm(newest.definition_id),
        tuple(scores),
        False,
    )


def _part(catalogue: Catalogue, current: CurrentResult) -> PartScore:
    row = current.row
    norm = catalogue.part_norm(row.definition_id, row.part_id)
    return PartScore(
        catalogue.part_name(row.definition_id, row.part_id),
        row.part_id,
        read_score(row.kind, row.score, row.score_text, row.absence, norm, row.detail),
        norm,
        current.duplicate,
        row,
    )


def _series(
    catalogue: Catalogue, sittings: list[Sitting], received: dict[int, int], with_progress: set[SubjectMaterial]
) -> list[MaterialSeries]:
    by_field: dict[SubjectMaterial, list[Sitting]] = defaultdict(list)
    for one in sittings:
        by_field[catalogue.subject_material(one.definition_id)].append(one)
    all_series = []
    for subject_material, several in by_field.items():
        ordered = sorted(several, key=lambda sitting: sitting.total.order)
        all_series.append(
            MaterialSeries(
                subject_material,
                catalogue.sources[subject_material.source_id].name,
                _mark_late(ordered, received),
                subject_material in with_progress,
            )
        )
    return sorted(all_series, key=lambda series: (series.subject_material.source_id, series.subject_material))


def _mark_late(ordered: list[Sitting], received: dict[int, int]) -> tuple[Sitting, ...]:
    """A sitting is late where one of a later day had come in before it."""
    marked: list[Sitting] = []
    newer: int | None = None
    for sitting in reversed(ordered):
        came = received.get(sitting.total.row.delivery_id)
        late = came is not None and newer is not None and newer < came
        marked.append(
            Sitting(
                sitting.total, sitting.test_id, sitting.definition_id, sitting.name, sitting.norm, sitting.parts, late
            )
        )
        if came is not None:
            newer = came if newer is None else min(newer, came)
    return tuple(reversed(marked))


def subject_materials_of(connection: Connection, viewer: Viewer, pupil_id: int) -> set[SubjectMaterial]:
    """The subjects and materials that a pupil has a total in, of whatever day, as far as the viewer sees the pupil."""
    found = pupil_timeline(connection, viewer, pupil_id, EVER)
    return {series.subject_material for series in found.series} if found is not None else set()


# -- where a value comes from ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a value comes from: what was sent, by whom, in which message, with which norm."""

    sitting: Sitting
    part: PartScore | None
    material: str
    publisher: str
    hierarchy: tuple[str, ...]
    level: str | None
    version: str
    received_us: int | None
    created_text: str | None
    delivery_id: int
    xsd_version: str | None
    info_url: str | None


def provenance(
    connection: Connection, viewer: Viewer, pupil_id: int, test_id: int, taken_on: str, part_id: int
) -> Provenance | None:
    """Where the total (part_id 0) or a part of a sitting comes from; None where the viewer has no such value."""
    timeline = pupil_timeline(connection, viewer, pupil_id, Period(taken_on, taken_on))
    if timeline is None:
        return None
    sittings = [sitting for series in timeline.series for sitting in series.sittings if sitting.test_id == test_id]
    for one in sittings:
        part = next((part for part in one.parts if part.part_id == part_id), None)
        if part_id == 0 or part is not None:
            return _provenance(connection, viewer, timeline.catalogue, one, part)
    return None


def _provenance(
    connection: Connection, viewer: Viewer, catalogue: Catalogue, sitting: Sitting, part: PartScore | None
) -> Provenance:
    row = part.row if part is not None else sitting.total.row
    delivery = connection.execute(
        select(deliveries).where(and_(deliveries.c.id == row.delivery_id, deliveries.c.school_id == viewer.school_id))
    ).one_or_none()
    return Provenance(
        sitting,
        part,
        catalogue.definitions[row.definition_id].material,
        catalogue.sources[row.source_id].name,
        tuple(catalogue.hierarchy(row.definition_id)),
        catalogue.level(row.definition_id),
        test_versions(connection, viewer.school_id, [row.test_id]).get(row.test_id, ""),
        delivery.received_us if delivery is not None else None,
        delivery.created_text if delivery is not None else None,
        row.delivery_id,
        delivery.xsd_version if delivery is not None else None,
        row.info_url,
    )
