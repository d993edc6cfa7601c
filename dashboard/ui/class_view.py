"""What the class pages show for an address: read once, in one transaction, for screen, export and print alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from dashboard.text.words import norm_counts_word, part_name_word, part_word
from dashboard.ui.filters import ClassFilters, current_school_year, read_filters
from models.access.people import ClassRef, PupilName, Subgroup, class_list, subgroups
from models.access.viewer import Viewer
from models.classroom.attention import AttentionGroup, Placement
from models.classroom.class_overview import ClassOverview, class_overview
from models.classroom.class_state import ClassState, class_state
from models.classroom.holidays import Holidays
from models.classroom.signals import Signal
from models.ingest.freshness import SourceState
from models.results.periods import Period
from models.results.subject_materials import SubjectMaterial


@dataclass(frozen=True, slots=True)
class ClassView:
    """Some classes as one screen shows them: `overview` holds just the pupils that are shown."""

    classes: tuple[ClassRef, ...]
    filters: ClassFilters
    overview: ClassOverview
    state: ClassState
    placements: dict[int, Placement]
    subgroups: tuple[Subgroup, ...]

    @property
    def names(self) -> list[str]:
        """The names of the classes that are shown."""
        return [class_ref.name for class_ref in self.classes if class_ref.id in self.filters.class_ids]

    @property
    def class_names(self) -> dict[int, str]:
        """The class of each pupil if several classes are shown; empty for one class."""
        if len(self.filters.class_ids) == 1:
            return {}
        names = {class_ref.id: class_ref.name for class_ref in self.classes}
        return {member.id: names[member.class_id] for member in self.state.class_data.members}

    @property
    def attention_groups(self) -> dict[int, AttentionGroup]:
        """The attention group of each pupil."""
        return {pupil_id: placement.group for pupil_id, placement in self.placements.items()}

    @property
    def beside_names(self) -> dict[int, str]:
        """What stands beside the name of each pupil: the class if several are shown, and the counts by the norm."""
        names = self.class_names
        return {
            pupil_id: " · ".join(
                filter(None, (names.get(pupil_id), norm_counts_word(placement.counts, with_highest=False)))
            )
            for pupil_id, placement in self.placements.items()
        }

    def of_group(self, attention_group: AttentionGroup) -> list[PupilName]:
        """The pupils of an attention group, by name."""
        return [pupil for pupil in self.overview.pupils if self.placements[pupil.id].group is attention_group]

    @property
    def signals(self) -> list[Signal]:
        """The signals of the pupils that are shown and of their classes, within the filters."""
        shown = {pupil.id for pupil in self.overview.pupils}
        return [
            signal
            for signal in self.state.signals
            if (signal.pupil_id in shown or (signal.pupil_id is None and self.is_goal(signal.evidence.part)))
            and self.matches(signal.subject_material)
        ]

    @property
    def signals_of_pupils(self) -> dict[int, list[Signal]]:
        """The signals of each pupil that is shown and has any, within the filters."""
        by_pupil: dict[int, list[Signal]] = {}
        for signal in self.signals:
            if signal.pupil_id is not None:
                by_pupil.setdefault(signal.pupil_id, []).append(signal)
        return by_pupil

    @property
    def sources(self) -> tuple[SourceState, ...]:
        """The sources of the school, or only the publisher that is chosen."""
        chosen = self.filters.source
        return tuple(source for source in self.overview.sources if chosen in (None, source.id))

    @property
    def goal_word(self) -> str:
        """The goal that is chosen as people read it; empty without one."""
        goal = self.filters.goal
        if goal is None:
            return ""
        part = next((part for part in self.state.class_data.parts if part.name.name == goal), None)
        if part is None:
            return part_word(goal)
        return part_name_word(part.name, self.state.class_data.catalogue.definitions[part.definition_id].name)

    def is_goal(self, part: str | None) -> bool:
        """Whether a part has the name of the goal that is chosen, if one is."""
        return self.filters.goal in (None, part)

    def matches(self, subject_material: SubjectMaterial) -> bool:
        """Whether a subject of a material matches the filters for subject, material and publisher."""
        return self.filters.matches(subject_material)


def read_class(
    connection: Connection, viewer: Viewer, query: Mapping[str, object], holidays: Holidays
) -> tuple[list[ClassRef], ClassFilters, ClassView | None]:
    """The classes of the viewer, the filters as understood, and what to show; None if there is no class."""
    classes = class_list(connection, viewer)
    filters = read_filters(classes, query)
    if not classes:
        return classes, filters, None
    class_ids, year = list(filters.class_ids), current_school_year(classes)
    period = filters.dates(year)
    state = class_state(connection, viewer, class_ids, year, holidays, period, hidden_parts=filters.goal is not None)
    pupil_subgroups = state.once(
        "subgroups", lambda: tuple(subgroups(connection, viewer, list(state.class_data.members), classes))
    )
    if filters.subgroup not in {subgroup.key for subgroup in pupil_subgroups}:
        filters = filters.replacing(subgroup=None)  # of another class, or of an earlier year
    placements = state.once(("placements", filters), lambda: state.placements(period, filters.matches))
    overview = state.once(("overview", filters), lambda: _overview(state, filters, period, pupil_subgroups, placements))
    overview = replace(overview, sources=state.class_data.sources)
    return classes, filters, ClassView(tuple(classes), filters, overview, state, placements, pupil_subgroups)


def _overview(
    state: ClassState,
    filters: ClassFilters,
    period: Period,
    pupil_subgroups: Sequence[Subgroup],
    placements: dict[int, Placement],
) -> ClassOverview:
    overview = class_overview(
        state.class_data,
        period,
        source_id=filters.source,
        subject=filters.subject,
        material=filters.material,
        part=filters.goal,
    )
    return _only(overview, _shown_pupils(filters, pupil_subgroups, placements))


def _shown_pupils(
    filters: ClassFilters, pupil_subgroups: Sequence[Subgroup], placements: dict[int, Placement]
) -> set[int]:
    shown = set(placements)
    if filters.subgroup is not None:
        shown &= next(
            (subgroup.pupils for subgroup in pupil_subgroups if subgroup.key == filters.subgroup), frozenset()
        )
    if filters.status is not None:
        shown &= {pupil_id for pupil_id, placement in placements.items() if placement.group is filters.status}
    return shown


def _only(overview: ClassOverview, pupil_ids: Collection[int]) -> ClassOverview:
    """The overview of these pupils alone: means and counts are theirs."""
    return replace(
        overview,
        pupils=tuple(pupil for pupil in overview.pupils if pupil.id in pupil_ids),
        cells={pupil_id: cells for pupil_id, cells in overview.cells.items() if pupil_id in pupil_ids},
        progress={pupil_id: records for pupil_id, records in overview.progress.items() if pupil_id in pupil_ids},
        hidden_of={pupil_id: number for pupil_id, number in overview.hidden_of.items() if pupil_id in pupil_ids},
    )
