"""One pupil over all materials: a series of sittings for each material, their parts, and the origin of a value."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from sqlalchemy import Connection, and_, select

from models.access.people import PupilRecord, pupil
from models.access.viewer import Viewer
from models.classroom.class_data import (
    ScoredPart,
    ScoredTest,
    current_totals_and_parts,
    norm_of_total,
    scored_part,
    sum_of_parts,
    without_total,
)
from models.classroom.class_overview import sittings_by_pupil
from models.ingest.freshness import SourceState, source_states
from models.results.catalogue import Catalogue, catalogue_of, test_versions
from models.results.current_results import CurrentResult, ResultRow, Total, sent_total
from models.results.future_results import FutureResult, future_results, split_future
from models.results.own_subjects import Subjects
from models.results.periods import EVER, Period
from models.results.progress import PupilProgress, newest_progress
from models.results.result_rows import all_rows, made_outside, pupil_identifiers
from models.results.sittings import made_outside_of
from models.results.subject_materials import SubjectMaterial
from models.schema.records import Kind
from models.schema.tables import deliveries


@dataclass(frozen=True, slots=True)
class Sitting(ScoredTest):
    """One test taken once, with its parts in the order of the definition; late: it arrived after newer ones.

    `norm` is that of the whole test, also for a sum of parts.
    """

    name: str
    parts: tuple[ScoredPart, ...]
    late: bool

    @property
    def key(self) -> str:
        """The id of the sitting among those of the pupil."""
        return f"{self.test_id}_{self.taken_on}"


@dataclass(frozen=True, slots=True)
class MaterialSeries:
    """A material within a subject: its sittings, oldest first."""

    subject_material: SubjectMaterial
    source: str
    sittings: tuple[Sitting, ...]
    sends_progress: bool

    @property
    def source_id(self) -> int:
        """The source that sends it."""
        return self.subject_material.source_id

    @property
    def key(self) -> str:
        """The id of the series among those of the pupil."""
        return self.subject_material.key


@dataclass(frozen=True, slots=True)
class PupilTimeline:
    """What the pupil page shows; `progress` is of the whole school years that the period touches.

    `hidden`: how many sittings are outside of the period. `future`: results of the period with a date in the future;
    they are in nothing else. `subjects`: those that a subject teacher sees of this pupil; None: all.
    """

    pupil: PupilRecord
    period: Period
    series: tuple[MaterialSeries, ...]
    progress: tuple[PupilProgress, ...]
    sources: tuple[SourceState, ...]
    catalogue: Catalogue
    hidden: int
    future: tuple[FutureResult, ...]
    subjects: Subjects | None = None


def pupil_timeline(connection: Connection, viewer: Viewer, pupil_id: int, period: Period) -> PupilTimeline | None:
    """The results of a pupil in a period, one series for each material; None if the viewer may not see the pupil."""
    record = pupil(connection, viewer, pupil_id)
    return None if record is None else timeline_of(connection, viewer, record, period)


def timeline_of(connection: Connection, viewer: Viewer, record: PupilRecord, period: Period) -> PupilTimeline:
    """The results of a pupil, who was read for the viewer, in a period."""
    pupil_id = record.id
    owners = pupil_identifiers(connection, viewer, [pupil_id])
    # Whole years: a sitting may have parts on days before the period, and progress builds up over a year.
    rows, future = split_future(all_rows(connection, viewer, owners, period.whole_years))
    catalogue = catalogue_of(connection, viewer.school_id, [*rows, *future])
    progress = newest_progress([row for row in rows if row.kind == Kind.PROGRESS], catalogue).get(pupil_id, ())
    series = _series(
        catalogue,
        [sitting for sitting in _sittings(catalogue, rows) if sitting.taken_on in period],
        _received(connection, viewer, rows),
        {item.subject_material for item in progress},
    )
    states = tuple(source_states(connection, viewer))
    elsewhere = made_outside(connection, viewer, owners, period.whole_years)
    hidden = sittings_by_pupil(made_outside_of(period, rows, future, elsewhere)).get(pupil_id, 0)
    in_future = future_results(catalogue, [row for row in future if row.taken_on in period]).get(pupil_id, ())
    subjects = owners.limited.get(pupil_id)
    return PupilTimeline(record, period, tuple(series), progress, states, catalogue, hidden, in_future, subjects)


def _received(connection: Connection, viewer: Viewer, rows: list[ResultRow]) -> dict[int, int]:
    """The instant at which each delivery of these rows was received."""
    deliveries_of_rows = connection.execute(
        select(deliveries.c.id, deliveries.c.received_us).where(
            deliveries.c.school_id == viewer.school_id, deliveries.c.id.in_({row.delivery_id for row in rows})
        )
    )
    return {row.id: row.received_us for row in deliveries_of_rows}


def _sittings(catalogue: Catalogue, rows: list[ResultRow]) -> list[Sitting]:
    """Every sitting, with its total (as sent or summed) and its parts."""
    totals, part_sittings = current_totals_and_parts(rows)
    sittings = []
    for result in totals:
        row = result.row
        total = sent_total(result, norm_of_total(catalogue, row))
        parts = part_sittings.get((row.pupil_id, row.test_id, row.taken_on), [])
        sittings.append(_sitting(catalogue, total, parts))
    sums = without_total(part_sittings, totals).values()
    return sittings + [_sitting(catalogue, sum_of_parts(catalogue, parts), parts) for parts in sums]


def _sitting(catalogue: Catalogue, total: Total, parts: list[CurrentResult]) -> Sitting:
    definition_id = total.row.definition_id
    scored_parts = sorted(
        (scored_part(catalogue, part, total.sitting) for part in parts),
        key=lambda part: (part.name.number, part.name.code, part.part_id, part.taken_on),
    )
    return Sitting(
        total,
        catalogue.subject_material(definition_id),
        norm_of_total(catalogue, total.row),
        catalogue.definitions[definition_id].name,
        tuple(scored_parts),
        late=False,
    )


def _series(
    catalogue: Catalogue, sittings: list[Sitting], received: dict[int, int], with_progress: set[SubjectMaterial]
) -> list[MaterialSeries]:
    by_material: dict[SubjectMaterial, list[Sitting]] = defaultdict(list)
    for sitting in sorted(sittings, key=lambda sitting: sitting.total.order):
        by_material[sitting.subject_material].append(sitting)
    series = [
        MaterialSeries(
            subject_material,
            catalogue.sources[subject_material.source_id].name,
            _mark_late(ordered, received),
            subject_material in with_progress,
        )
        for subject_material, ordered in by_material.items()
    ]
    return sorted(series, key=lambda series: (series.source_id, series.subject_material))


def _mark_late(ordered: list[Sitting], received: dict[int, int]) -> tuple[Sitting, ...]:
    """A sitting is late if one of a later day was received before it."""
    marked: list[Sitting] = []
    first_newer: int | None = None  # when the first of the newer sittings was received
    for sitting in reversed(ordered):
        received_us = received.get(sitting.total.row.delivery_id)
        late = received_us is not None and first_newer is not None and first_newer < received_us
        marked.append(replace(sitting, late=late))
        if received_us is not None:
            first_newer = received_us if first_newer is None else min(first_newer, received_us)
    return tuple(reversed(marked))


def subject_materials_of(connection: Connection, viewer: Viewer, pupil_id: int) -> set[SubjectMaterial]:
    """The subjects and materials that a pupil has a total in, on any day; empty if the viewer may not see the pupil."""
    timeline = pupil_timeline(connection, viewer, pupil_id, EVER)
    return {series.subject_material for series in timeline.series} if timeline is not None else set()


# -- provenance --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of a value: what was sent, by which publisher, in which message, with which norm."""

    sitting: Sitting
    part: ScoredPart | None
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
    """The origin of the total (part_id 0) or a part of a sitting; None if the viewer may see no such value.

    `taken_on` is the day of the total, or that of the part.
    """
    timeline = pupil_timeline(connection, viewer, pupil_id, Period(taken_on, taken_on).whole_years)
    if timeline is None:
        return None
    sittings = [sitting for series in timeline.series for sitting in series.sittings if sitting.test_id == test_id]
    for sitting in sittings:
        part = next((part for part in sitting.parts if (part.part_id, part.taken_on) == (part_id, taken_on)), None)
        if part is not None or (part_id == 0 and sitting.taken_on == taken_on):
            return _provenance(connection, viewer, timeline.catalogue, sitting, part)
    return None


def _provenance(
    connection: Connection, viewer: Viewer, catalogue: Catalogue, sitting: Sitting, part: ScoredPart | None
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
