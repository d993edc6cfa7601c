"""What the class screens show for an address: read once, in one transaction, for screen, export and print alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from dashboard.ui.filters import ClassFilters, current_school_year, read_filters
from models.access.people import ClassRef, PupilName, Subgroup, class_list, subgroups
from models.access.viewer import Viewer
from models.classroom.attention import AttentionGroup
from models.classroom.class_overview import ClassOverview, class_overview
from models.classroom.class_state import ClassState, class_state
from models.classroom.holidays import Holidays
from models.classroom.part_overview import part_overview
from models.classroom.signals import Signal
from models.results.subject_materials import SubjectMaterial, matches


@dataclass(frozen=True, slots=True)
class ClassView:
    """Some classes as one screen shows them: `overview` and `courses` hold just the pupils that are shown."""

    classes: tuple[ClassRef, ...]
    filters: ClassFilters
    overview: ClassOverview
    state: ClassState
    attention_groups: dict[int, AttentionGroup]
    subgroups: tuple[Subgroup, ...]

    @property
    def names(self) -> list[str]:
        """The names of the classes that are shown."""
        return [class_ref.name for class_ref in self.classes if class_ref.id in self.filters.class_ids]

    @property
    def class_names(self) -> dict[int, str]:
        """The class of each pupil where several classes are shown; else nothing needs to be said."""
        if len(self.filters.class_ids) == 1:
            return {}
        names = {class_ref.id: class_ref.name for class_ref in self.classes}
        return {member.id: names[member.class_id] for member in self.state.class_data.members}

    def of_group(self, attention_group: AttentionGroup) -> list[PupilName]:
        """The pupils of one of the four groups, by name."""
        return [pupil for pupil in self.overview.pupils if self.attention_groups[pupil.id] is attention_group]

    @property
    def signals(self) -> list[Signal]:
        """The signals of the pupils that are shown; those of their classes within the subject, material and publisher.

        Of a pupil they are all: in which group somebody is does not change with a filter.
        """
        shown = {pupil.id for pupil in self.overview.pupils}
        return [
            signal
            for signal in self.state.signals
            if (signal.pupil_id in shown if signal.pupil_id is not None else self.wanted(signal.subject_material))
        ]

    def wanted(self, subject_material: SubjectMaterial) -> bool:
        """Whether a field is within the subject, material and publisher that are chosen."""
        filters = self.filters
        return matches(subject_material, filters.subject, filters.material) and filters.source in (
            None,
            subject_material.source_id,
        )


def read_class(
    connection: Connection, viewer: Viewer, asked: Mapping[str, object], holidays: Holidays
) -> tuple[list[ClassRef], ClassFilters, ClassView | None]:
    """The classes of the viewer, the filters as understood, and what to show; None where there is no class."""
    classes = class_list(connection, viewer)
    filters = read_filters(classes, asked)
    if not classes:
        return classes, filters, None
    chosen, year = list(filters.class_ids), current_school_year(classes)
    period = filters.dates(year)
    overview = class_overview(connection, viewer, chosen, period, filters.source, filters.subject, filters.material)
    state = class_state(connection, viewer, chosen, year, holidays, period.whole_years.first)
    parts = subgroups(connection, viewer, list(state.class_data.members))
    if filters.subgroup not in {part.key for part in parts}:
        filters = filters.replacing(subgroup=None)  # of another class, or of a year before
    attention_groups = state.attention_groups(period)
    if filters.goal is not None:
        overview = part_overview(
            connection,
            viewer,
            overview,
            state.class_data,
            filters.goal,
            filters.source,
            filters.subject,
            filters.material,
        )
    shown = _only(overview, _wanted(filters, parts, attention_groups))
    return classes, filters, ClassView(tuple(classes), filters, shown, state, attention_groups, tuple(parts))


def _wanted(filters: ClassFilters, parts: list[Subgroup], attention_groups: dict[int, AttentionGroup]) -> set[int]:
    wanted = set(attention_groups)
    if filters.subgroup is not None:
        wanted &= next((part.pupils for part in parts if part.key == filters.subgroup), frozenset())
    if filters.status is not None:
        wanted &= {
            pupil_id for pupil_id, attention_group in attention_groups.items() if attention_group is filters.status
        }
    return wanted


def _only(overview: ClassOverview, wanted: Collection[int]) -> ClassOverview:
    """The overview of these pupils alone: means and counts are theirs."""
    return replace(
        overview,
        pupils=tuple(pupil for pupil in overview.pupils if pupil.id in wanted),
        cells={pupil_id: cells for pupil_id, cells in overview.cells.items() if pupil_id in wanted},
        progress={
            pupil_id: progress_records for pupil_id, progress_records in overview.progress.items() if pupil_id in wanted
        },
        hidden_of={pupil_id: number for pupil_id, number in overview.hidden_of.items() if pupil_id in wanted},
    )
