"""The page of a board: figures of the schools that gave it the role, and of no other, with nobody by name."""

from __future__ import annotations

from collections.abc import Sequence

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from dashboard.auth.request import COOKIE, AppOptions
from dashboard.auth.sessions import Entry
from dashboard.server.sign_in import SignIn
from dashboard.server.wsgi import create_app
from models.access import accounts
from models.access.people import members
from models.access.viewer import AccessDenied, Role, Viewer
from models.classroom.attention import AttentionGroup
from models.classroom.board_figures import groups_of_school, overseen_schools, school_in_figures
from models.classroom.holidays import read_holidays
from models.classroom.school_figures import school_figures
from models.schema import clock, database
from models.schema.tables import account_roles, identifiers, memberships, results
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_web import HERE, OWN, shown_page

BOSSES = {number: Viewer(number, Role.ADMINISTRATOR, None, "Beheer") for number in (school.SCHOOL, school.OTHER_SCHOOL)}
BOTH = (school.SCHOOL, school.OTHER_SCHOOL)


def board(store: Store, school_ids: Sequence[int] = BOTH) -> list[Viewer]:
    """An account that administrators of these schools invited as the board, as who looks at each."""
    with database.write_transaction(store.engine) as connection:
        account_id = accounts.signed_in(connection, store.cipher, "https://x.example", "eva", "Eva Willems")
        for number in school_ids:
            invited = accounts.Invited("Eva Willems", Role.BOARD)
            invitation = accounts.find_invitation(
                connection, accounts.invite(connection, store.cipher, BOSSES[number], invited)
            )
            assert invitation is not None
            assert accounts.accept(connection, account_id, invitation)
        roles = accounts.roles_of(connection, account_id)
    return [Viewer(role.school_id, role.role, name="Eva Willems", role_id=role.id) for role in roles]


@pytest.fixture
def app(known_school: Store) -> flask.Flask:
    """The web app where people sign in."""
    options = AppOptions(demo=False, users=(), signs_in=True)
    return create_app(known_school.engine, known_school.cipher, options, sign_in_options=SignIn((), local=True))


def browser(app: flask.Flask, viewer: Viewer, school_ids: frozenset[int] | None = None) -> FlaskClient:
    """A browser of the account, whose sign-in may speak for these schools."""
    with database.read_transaction(app.extensions["rondblik"].engine) as connection:
        own = account_roles.c.id == viewer.role_id
        account_id = connection.scalar(select(account_roles.c.account_id).where(own)) or 0
    client = app.test_client()
    entry = Entry.of_account(account_id, viewer.role_id, school_ids)
    client.set_cookie(COOKIE, app.extensions["rondblik"].sessions.start(entry), domain="localhost")
    client.get("/", base_url=HERE, headers=OWN)
    return client


def test_a_board_sees_each_school_that_gave_it_the_role_and_nobody_by_name(
    app: flask.Flask, known_school: Store
) -> None:
    client = browser(app, board(known_school)[0])
    page = shown_page(client, "/scholen", f"?school={school.SCHOOL}")
    assert all(
        name in page for name in ("De Wissel", "Elders", "te weinig leerlingen", "Aandachtsgroepen van De Wissel")
    )
    named = [name for _first, _prefix, name in (*school.NAMES, *school.NAMES_B) if name in page]
    assert named == []
    assert "6a" not in page
    small = shown_page(client, "/scholen", f"?school={school.OTHER_SCHOOL}")
    assert "Aandachtsgroepen van Elders" in small
    assert small.count("te weinig leerlingen") == 2


def test_a_school_that_gave_no_role_or_ended_it_is_not_shown_from_the_next_request_on(
    app: flask.Flask, known_school: Store
) -> None:
    own, other = board(known_school)
    client = browser(app, own)
    assert "Elders" in shown_page(client, "/scholen")
    with database.write_transaction(known_school.engine) as connection:
        accounts.end_role(connection, BOSSES[school.OTHER_SCHOOL], other.role_id or 0)
    page = shown_page(client, "/scholen", f"?school={school.OTHER_SCHOOL}")
    assert "De Wissel" in page
    assert "Elders" not in page
    with database.write_transaction(known_school.engine) as connection:
        accounts.end_role(connection, BOSSES[school.SCHOOL], own.role_id or 0)
    assert client.get("/scholen", base_url=HERE, headers=OWN).headers["Location"] == "/rol"


def test_a_sign_in_that_may_speak_for_one_school_shows_that_one_alone(app: flask.Flask, known_school: Store) -> None:
    client = browser(app, board(known_school)[0], frozenset({school.SCHOOL}))
    page = shown_page(client, "/scholen", f"?school={school.OTHER_SCHOOL}")
    assert "De Wissel" in page
    assert "Elders" not in page


def test_the_figures_are_those_of_the_school(any_store: Store) -> None:
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        own = board(any_store)[0]
        with database.read_transaction(any_store.engine, school.SCHOOL) as connection:
            listed = overseen_schools(connection, own)
            figures = school_in_figures(connection, own, listed[0])
            groups = groups_of_school(connection, own, listed[0], read_holidays())
            leader = school_figures(connection, Viewer(school.SCHOOL, Role.LEADER), read_holidays())
            of_year = (results.c.school_id == school.SCHOOL, results.c.school_year == school.YEAR)
            query = select(identifiers.c.pupil_id).where(
                identifiers.c.school_id == school.SCHOOL,
                identifiers.c.id.in_(select(results.c.identifier_id).where(*of_year)),
            )
            reached = set(connection.scalars(query))
            support = Viewer(school.SCHOOL, Role.SUPPORT)
            present = {pupil.id for pupil in members(connection, support, [school.CLASS_A, school.CLASS_B])}
    assert [item.name for item in listed] == ["De Wissel", "Elders"]
    assert figures.pupils == len(school.NAMES) + len(school.NAMES_B)
    assert figures.with_results == len(reached & present)
    assert reached - present, "somebody who left has results too"
    assert figures.connected + figures.late + figures.stopped > 0
    assert groups is not None
    in_class = leader[0].groups
    assert in_class is not None
    assert leader[1].groups is None  # of three pupils, whom the school without 6a would be
    assert all(groups[group] == in_class[group] for group in AttentionGroup)


def test_who_is_in_small_classes_counts_where_that_is_nobody_in_particular(known_school: Store) -> None:
    """Eight pupils of two classes of four: none of the classes has figures, and the school has."""
    own = board(known_school, [school.SCHOOL])[0]

    def counted(in_other_class: int, gone: int) -> tuple[int | None, int]:
        with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
            for pupil_ids, values in (
                (range(1, in_other_class + 1), {"group_id": 2}), (range(13 - gone, 13), {"to_us": 1}),
            ):  # fmt: skip
                of_these = memberships.c.school_id == school.SCHOOL, memberships.c.pupil_id.in_(pupil_ids)
                connection.execute(update(memberships).where(*of_these).values(**values))
        with database.read_transaction(known_school.engine, school.SCHOOL) as connection:
            item = overseen_schools(connection, own)[0]
            groups = groups_of_school(connection, own, item, read_holidays())
            pupils = school_in_figures(connection, own, item).pupils
        return (None if groups is None else sum(groups.values())), pupils

    assert counted(in_other_class=0, gone=0) == (12, 15)
    assert counted(in_other_class=1, gone=7) == (8, 8)


def test_a_page_of_figures_says_that_small_classes_are_left_out(app: flask.Flask, known_school: Store) -> None:
    page = shown_page(browser(app, board(known_school)[0]), "/scholen", f"?school={school.SCHOOL}")
    assert "Zonder de leerlingen van groepen met minder dan 5 leerlingen." in page


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.BOARD])
def test_nobody_else_reads_figures_of_schools(known_school: Store, role: Role) -> None:
    own = board(known_school)[0]
    with database.read_transaction(known_school.engine) as connection:
        listed = overseen_schools(connection, own)
        other = Viewer(school.SCHOOL, role, school.TEACHER_A, role_id=own.role_id)
        for read in (
            lambda: overseen_schools(connection, other),
            lambda: school_in_figures(connection, other, listed[0]),
            lambda: groups_of_school(connection, other, listed[0], read_holidays()),
        ):
            with pytest.raises(AccessDenied):
                read()


def test_a_board_of_one_school_is_refused_the_figures_of_another(known_school: Store) -> None:
    own = board(known_school)[0]
    with database.write_transaction(known_school.engine) as connection:
        listed = overseen_schools(connection, own)
        at_other = account_roles.c.school_id == school.OTHER_SCHOOL
        connection.execute(update(account_roles).where(at_other).values(ended_us=1))
        with pytest.raises(AccessDenied):
            school_in_figures(connection, own, listed[1])
        with pytest.raises(AccessDenied):
            groups_of_school(connection, own, listed[1], read_holidays())
