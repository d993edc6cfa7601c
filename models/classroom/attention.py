"""The five attention groups of a class, by open signals and the norms of the sources; each pupil is in exactly one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from models.classroom.class_data import ClassData, ScoredTest
from models.classroom.thresholds import Threshold, Thresholds
from models.results.periods import Period
from models.results.scales import NormPosition
from models.results.subject_materials import SubjectMaterial

NEWEST = 4  # the number of newest scores with a norm that BELOW_OF_NEWEST is about

FEW_TOTALS = Threshold("few_totals", default=3, lowest=1, highest=10)  # fewer totals with a norm: too few data
# Below the norm: at least this many of the newest totals with a norm.
BELOW_OF_NEWEST = Threshold("below_of_newest", default=2, lowest=1, highest=NEWEST)
# Far above: the highest band in at least this many of every three totals with a norm.
AMPLE_OF_THREE = Threshold("ample_of_three", default=2, lowest=1, highest=3)
GROUP_THRESHOLDS = (FEW_TOTALS, BELOW_OF_NEWEST, AMPLE_OF_THREE)

MaterialFilter = Callable[[SubjectMaterial], bool]  # whether a filter lets a subject of a material through


class AttentionGroup(StrEnum):
    """The groups, in the order of the screen."""

    ATTENTION = "attention"
    BELOW = "below"
    ON_NORM = "on_norm"
    FAR_ABOVE = "far_above"
    FEW = "few"


@dataclass(frozen=True, slots=True)
class NormCounts:
    """How many totals of a pupil have a position in a norm of their source, and how many are in the outer bands.

    `newest_below`: those below among the newest four.
    """

    with_norm: int
    below: int
    highest: int
    newest_below: int


@dataclass(frozen=True, slots=True)
class Placement:
    """The attention group of a pupil in a period, and the counts that it follows from."""

    group: AttentionGroup
    counts: NormCounts


def totals_with_position(totals: Collection[ScoredTest]) -> list[ScoredTest]:
    """The totals that are below, on or above a norm of their source, newest first."""
    placed = [
        total for total in totals if total.reading.is_judged and total.reading.position is not NormPosition.UNKNOWN
    ]
    return sorted(placed, key=lambda scored_test: scored_test.total.order, reverse=True)


def norm_counts(totals: Collection[ScoredTest]) -> NormCounts:
    """The counts of these totals."""
    positions = [scored_test.reading.position for scored_test in totals_with_position(totals)]
    return NormCounts(
        len(positions),
        positions.count(NormPosition.BELOW),
        positions.count(NormPosition.ABOVE),
        positions[:NEWEST].count(NormPosition.BELOW),
    )


def attention_group(counts: NormCounts, has_signal: bool, is_stuck: bool, thresholds: Thresholds) -> AttentionGroup:
    """The group of a pupil: an open signal decides, then how many totals have a norm, then where they stand in it.

    `is_stuck`: the pupil stays below the norm in a material, also where a teacher has settled that signal.
    """
    if has_signal:
        return AttentionGroup.ATTENTION
    if is_stuck:
        return AttentionGroup.BELOW
    if counts.with_norm < thresholds[FEW_TOTALS]:
        return AttentionGroup.FEW
    if counts.newest_below >= thresholds[BELOW_OF_NEWEST] or 2 * counts.below >= counts.with_norm:
        return AttentionGroup.BELOW
    if 3 * counts.highest >= thresholds[AMPLE_OF_THREE] * counts.with_norm:
        return AttentionGroup.FAR_ABOVE
    return AttentionGroup.ON_NORM


def placements(
    class_data: ClassData,
    period: Period,
    with_signal: Collection[int],
    stuck: Collection[int],
    thresholds: dict[int, Thresholds],
    wanted: MaterialFilter,
) -> dict[int, Placement]:
    """The placement of every pupil in a period, by the materials that `wanted` lets through."""
    by_pupil: dict[int, Placement] = {}
    for member in class_data.members:
        counts = norm_counts(class_data.all_totals(member.id, period, wanted))
        group = attention_group(counts, member.id in with_signal, member.id in stuck, thresholds[member.class_id])
        by_pupil[member.id] = Placement(group, counts)
    return by_pupil
