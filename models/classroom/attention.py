"""The four attention groups of a class; each pupil is in exactly one."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from models.classroom.class_data import ClassData, ScoredTest
from models.classroom.thresholds import Threshold, Thresholds
from models.results.periods import Period
from models.results.scales import NormPosition

FEW_TOTALS = Threshold("few_totals", default=3, lowest=1, highest=10)  # fewer totals with a norm: too few data
# Amply on course: the highest band in at least this many of every three totals with a norm.
AMPLE_OF_THREE = Threshold("ample_of_three", default=2, lowest=1, highest=3)
GROUP_THRESHOLDS = (FEW_TOTALS, AMPLE_OF_THREE)


class AttentionGroup(StrEnum):
    """The groups, in the order of the screen."""

    ATTENTION = "attention"
    NO_SIGNAL = "on_course"
    AMPLE = "ample"
    FEW = "few"


def attention_group(totals: Collection[ScoredTest], has_signal: bool, thresholds: Thresholds) -> AttentionGroup:
    """The group of a pupil with these totals in the period: an open signal decides, then how many totals have a norm.

    AMPLE needs no signal, and the highest band in at least so many of every three totals with a norm.
    """
    if has_signal:
        return AttentionGroup.ATTENTION
    with_norm = [total for total in totals if total.reading.is_judged]
    if len(with_norm) < thresholds[FEW_TOTALS]:
        return AttentionGroup.FEW
    highest = sum(scored_test.reading.position is NormPosition.ABOVE for scored_test in with_norm)
    return (
        AttentionGroup.AMPLE if highest * 3 >= thresholds[AMPLE_OF_THREE] * len(with_norm) else AttentionGroup.NO_SIGNAL
    )


def attention_groups(
    class_data: ClassData, period: Period, with_signal: Collection[int], thresholds: dict[int, Thresholds]
) -> dict[int, AttentionGroup]:
    """The group of every pupil in a period; `with_signal` are the pupils with an open signal."""
    return {
        member.id: attention_group(
            class_data.all_totals(member.id, period), member.id in with_signal, thresholds[member.class_id]
        )
        for member in class_data.members
    }
