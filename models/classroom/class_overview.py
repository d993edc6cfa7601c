"""The class overview: pupils against subjects and materials, each cell the newest total of the period.

What the store holds of other pupils and other years does not slow it (see result_rows); every query is guarded by the
viewer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from models.access.people import PupilName, members, pupils_by_class
from models.access.viewer import Viewer
from models.ingest.freshness import SourceState, source_states
from models.results.catalogue import Catalogue, catalogue, load_bodies, load_parts
from models.results.current_results import (
    CurrentResult,
    ResultRow,
    Total,
    date_order,
    resolve_duplicates,
    sent_total,
    summed_total,
)
from models.results.missing import FieldTest, missing_reason_of
from models.results.periods import Period
from models.results.progress import PupilProgress, newest_progress
from models.results.result_rows import (
    HiddenRow,
    hidden_sittings,
    parts_without_total,
    progress_rows,
    pupil_identifiers,
    total_rows,
)
from models.results.scales import Missing
from models.results.subject_materials import SubjectMaterial, matches
from models.schema.records import Kind


@dataclass(frozen=True, slots=True)
class Cell:
    """The newest total of a pupil in a subject of a material, and how many others the period holds."""

    total: Total
    subject_material: SubjectMaterial
    test_id: int
    definition_id: int
    others: int


@dataclass(frozen=True, slots=True)
class DeliveredMaterials:
    """The fields that a whole class has a total in, and those that it has progress of."""

    totals: frozenset[SubjectMaterial] = frozenset()
    progress: frozenset[SubjectMaterial] = frozenset()

    @property
    def subject_materials(self) -> frozenset[SubjectMaterial]:
        """Those with either."""
        return self.totals | self.progress


@dataclass(frozen=True, slots=True)
class ClassOverview:
    """All that the class screen shows.

    `cells` by pupil and field, of the period; `progress` by pupil, of the whole school years that the period touches:
    how far somebody is was never of a few weeks. `hidden_of` counts a pupil's sittings that the period leaves out
    within the filters, `outside` holds all of them as field and test. `delivered` by pupil what the own whole class
    has, whoever of it is shown. `part`: all of it is of the parts of this name; `source_id`: only of this source.
    """

    pupils: tuple[PupilName, ...]
    period: Period
    cells: dict[int, dict[SubjectMaterial, Cell]]
    progress: dict[int, tuple[PupilProgress, ...]]
    sources: tuple[SourceState, ...]
    hidden_of: dict[int, int]
    outside: dict[int, frozenset[FieldTest]]
    catalogue: Catalogue
    delivered: dict[int, DeliveredMaterials]
    part: str | None = None
    source_id: int | None = None

    @property
    def hidden(self) -> int:
        """How many sittings the period leaves out."""
        return sum(self.hidden_of.values())

    @property
    def subject_materials(self) -> list[SubjectMaterial]:
        """Every subject of a material that a pupil has a total or a progress record in."""
        subject_materials = {subject_material for row in self.cells.values() for subject_material in row}
        return sorted(
            subject_materials
            | {
                progress.subject_material
                for progress_records in self.progress.values()
                for progress in progress_records
            }
        )


def class_overview(
    connection: Connection,
    viewer: Viewer,
    class_ids: list[int],
    period: Period,
    source_id: int | None = None,
    subject: str | None = None,
    material: str | None = None,
) -> ClassOverview:
    """The newest totals, progress and coverage of the present pupils of these classes, as far as the viewer sees.

    Only the results of `source_id` are read; `subject` and `material` bound what counts as hidden by the period.
    """
    pupils = members(connection, viewer, class_ids)
    owners = pupil_identifiers(connection, viewer, [pupil.id for pupil in pupils])
    totals = total_rows(connection, viewer, owners, period, source_id)
    parts = parts_without_total(connection, viewer, owners, period, source_id)
    reports = [row for row in (*totals, *parts) if row.kind == Kind.PROGRESS]
    if period != period.whole_years:
        reports = progress_rows(connection, viewer, owners, period.whole_years, source_id)
    outside = hidden_sittings(connection, viewer, owners, period, source_id)
    used = {row.definition_id for row in (*totals, *parts, *reports)} | {row.definition_id for row in outside}
    known = catalogue(connection, viewer.school_id, used)
    scores = resolve_duplicates(row for row in totals if row.kind != Kind.PROGRESS)
    sittings = part_sittings(resolve_duplicates(parts).values(), scores.values())
    cells = _cells(connection, viewer, known, list(scores.values()), sittings)
    progress = newest_progress(reports, known)
    tests = outside_tests(outside, known)
    return ClassOverview(
        tuple(pupils),
        period,
        cells,
        progress,
        tuple(source_states(connection, viewer)),
        hidden_by_pupil(
            row for row in outside if matches(known.subject_material(row.definition_id), subject, material)
        ),
        tests,
        known,
        delivered_materials(pupils_by_class(connection, viewer, class_ids), cells, progress, tests),
        source_id=source_id,
    )


def delivered_materials(
    classes: dict[int, frozenset[int]],
    cells: dict[int, dict[SubjectMaterial, Cell]],
    progress: dict[int, tuple[PupilProgress, ...]],
    outside: dict[int, frozenset[FieldTest]],
) -> dict[int, DeliveredMaterials]:
    """What the own class of each pupil has; a pupil of several classes belongs to the first."""
    found: dict[int, DeliveredMaterials] = {}
    for pupil_ids in classes.values():
        own = DeliveredMaterials(
            frozenset(subject_material for item in pupil_ids for subject_material in cells.get(item, ()))
            | {subject_material for item in pupil_ids for subject_material, _ in outside.get(item, ())},
            frozenset(record.subject_material for item in pupil_ids for record in progress.get(item, ())),
        )
        for one in pupil_ids:
            found.setdefault(one, own)
    return found


def outside_tests(rows: Iterable[HiddenRow], catalogue: Catalogue) -> dict[int, frozenset[FieldTest]]:
    """By pupil the fields and tests of these rows."""
    found: dict[int, set[FieldTest]] = defaultdict(set)
    for pupil_id, test_id, _, definition_id in rows:
        found[pupil_id].add((catalogue.subject_material(definition_id), test_id))
    return {pupil_id: frozenset(several) for pupil_id, several in found.items()}


def hidden_by_pupil(rows: Iterable[HiddenRow]) -> dict[int, int]:
    """How many sittings of each pupil these rows are of."""
    sittings = {(row.pupil_id, row.test_id, row.taken_on) for row in rows}
    return dict(Counter(pupil_id for pupil_id, _, _ in sittings))


# -- totals ------------------------------------------------------------------------------------------------------


Sitting = tuple[int, int, str]  # pupil, test, date


def part_sittings(
    parts: Iterable[CurrentResult], totals: Iterable[CurrentResult]
) -> dict[Sitting, list[CurrentResult]]:
    """The parts of each sitting that no total was sent for."""
    with_total = {(total.row.pupil_id, total.row.test_id, total.row.taken_on) for total in totals}
    found: dict[Sitting, list[CurrentResult]] = defaultdict(list)
    for part in parts:
        sitting = (part.row.pupil_id, part.row.test_id, part.row.taken_on)
        if part.row.kind == Kind.SCORE and sitting not in with_total:
            found[sitting].append(part)
    return found


_Found = list[tuple[ResultRow, list[CurrentResult], bool]]  # the newest row, what the total is made of, derived


def _cells(
    connection: Connection,
    viewer: Viewer,
    catalogue: Catalogue,
    totals: list[CurrentResult],
    sittings: dict[Sitting, list[CurrentResult]],
) -> dict[int, dict[SubjectMaterial, Cell]]:
    """The newest total per pupil and field; norms are read for those only."""
    found: dict[tuple[int, SubjectMaterial], _Found] = defaultdict(list)
    for one in totals:
        found[one.row.pupil_id, catalogue.subject_material(one.row.definition_id)].append((one.row, [one], False))
    for currents in sittings.values():
        newest = max((current.row for current in currents), key=date_order)
        found[newest.pupil_id, catalogue.subject_material(newest.definition_id)].append((newest, currents, True))
    chosen = {key: max(rows, key=lambda item: date_order(item[0])) for key, rows in found.items()}
    used = [current.row for _, made_of, _ in chosen.values() for current in made_of]
    load_bodies(connection, viewer.school_id, catalogue, (row.definition_id for row in used))
    load_parts(connection, viewer.school_id, catalogue, (row.part_id for row in used))
    cells: dict[int, dict[SubjectMaterial, Cell]] = defaultdict(dict)
    for (pupil_id, subject_material), (newest, made_of, derived) in chosen.items():
        total = total_of(catalogue, made_of, derived)
        cells[pupil_id][subject_material] = Cell(
            total, subject_material, newest.test_id, newest.definition_id, len(found[pupil_id, subject_material]) - 1
        )
    return dict(cells)


def total_of(catalogue: Catalogue, made_of: list[CurrentResult], derived: bool) -> Total:
    """The total of one sitting: as sent, or the sum of its parts; the norms must be in `known`."""
    first = made_of[0].row
    if not derived:
        return sent_total(made_of[0], catalogue.total_norm(first.definition_id))
    norms = {
        current.row.part_id: catalogue.part_norm(current.row.definition_id, current.row.part_id) for current in made_of
    }
    return summed_total(made_of, norms)


def missing_reason(
    overview: ClassOverview, pupil_id: int, subject_materials: Iterable[SubjectMaterial]
) -> tuple[Missing, PupilProgress | None]:
    """Why a pupil has no total in these fields: what the progress says, or what the source sends of classmates.

    Classmates are all of the own class, whoever is shown. No field at all: of a publisher that is not coupled any more.
    """
    wanted = set(subject_materials)
    active = {source.id: source.active for source in overview.sources}
    of_class = overview.delivered.get(pupil_id, DeliveredMaterials())
    return missing_reason_of(
        [progress for progress in overview.progress.get(pupil_id, ()) if progress.subject_material in wanted],
        {item for item in overview.outside.get(pupil_id, ()) if item[0] in wanted},
        connected=any(active.get(subject_material.source_id, True) for subject_material in wanted),
        sends_progress=bool(of_class.progress & wanted),
        sends_scores=bool(of_class.totals & wanted),
    )
