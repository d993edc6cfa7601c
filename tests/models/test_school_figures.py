"""Figures per class: the counts of the class pages, for school leaders alone, and none of a small class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from models.access.viewer import AccessDenied, Role, Viewer
from models.classroom.attention import AttentionGroup
from models.classroom.class_state import class_state
from models.classroom.holidays import read_holidays
from models.classroom.school_figures import FEWEST, school_figures
from models.results.periods import of_school_year
from models.schema import clock, database
from tests.conftest import Store
from tests.dashboard import school

LEADER = Viewer(school.SCHOOL, Role.LEADER, None, "Marjan Bakker")
SUPPORT = Viewer(school.SCHOOL, Role.SUPPORT)


@pytest.fixture
def known(store: Store) -> Iterator[Store]:
    """The known school; the clock stands at its Thursday morning."""
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
        yield store


def figures(store: Store, viewer: Viewer = LEADER) -> dict[str, dict[AttentionGroup, int] | None]:
    """The figures by the name of the class."""
    with database.read_transaction(store.engine) as connection:
        found = school_figures(connection, viewer, read_holidays())
    return {item.class_ref.name: None if item.groups is None else dict(item.groups) for item in found}


def test_the_counts_are_those_of_the_class_page_and_a_small_class_has_none(known: Store) -> None:
    shown = figures(known)
    assert shown.keys() == {"6a", "6b"}
    assert shown["6b"] is None  # of three pupils
    counts = shown["6a"]
    assert counts is not None
    with database.read_transaction(known.engine) as connection:
        state = class_state(connection, SUPPORT, [school.CLASS_A], school.YEAR, read_holidays())
    groups = [placement.group for placement in state.placements(of_school_year(school.YEAR)).values()]
    assert counts == {group: groups.count(group) for group in AttentionGroup}
    assert sum(counts.values()) == len(school.NAMES)
    assert len(set(groups)) > 2


def test_a_class_gets_figures_with_its_fifth_pupil(known: Store) -> None:
    move = text("UPDATE memberships SET group_id = 2 WHERE school_id = 1 AND pupil_id = :pupil")
    for pupil_id, there in ((1, False), (2, True)):
        with database.write_transaction(known.engine, school.SCHOOL) as connection:
            connection.execute(move, {"pupil": pupil_id})
        counts = figures(known)["6b"]
        assert (counts is not None) is there
    assert counts is not None
    assert sum(counts.values()) == FEWEST


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.LEADER])
def test_nobody_else_reads_figures(known: Store, role: Role) -> None:
    with pytest.raises(AccessDenied):
        figures(known, Viewer(school.SCHOOL, role, school.TEACHER_A))


def test_a_leader_reads_the_own_school_alone(known: Store) -> None:
    assert figures(known, replace(LEADER, school_id=school.OTHER_SCHOOL)).keys() == {"6z"}
