"""A pupil list that would empty a class: it waits, the administrator sees so on the first screen, and decides."""

from __future__ import annotations

import json
from collections.abc import Iterator

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.server.wsgi import create_app
from models.access.viewer import Role
from models.ingest.rosters import save_roster
from models.ingest.schools import Identification, ensure_school, ensure_source
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.records import Roster, RosterGroup, RosterPupil, SchoolRef
from models.schema.tables import memberships
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_web import CALLBACK, HERE, OWN, as_persona, output_of, shown_page

SENTENCE = "Een leerlinglijst wacht op uw besluit."
REASON = "heeft in deze lijst geen leerlingen meer"
YEAR = "2026-2027"


def roster(class_names: list[str], created_us: int) -> Roster:
    """Five pupils in each of these classes."""
    return Roster(
        YEAR, SchoolRef(brin="99XX"), None, created_us,
        groups=tuple(RosterGroup(name, name, year_group="6") for name in class_names),
        pupils=tuple(
            RosterPupil(f"{name}-{number}", None, "Roep", None, f"Achter {number}", "6", name)
            for name in class_names for number in range(5)
        ),
        teachers=(),
    )  # fmt: skip


@pytest.fixture
def held(store: Store) -> Iterator[Store]:
    """A school with two classes, and a newer list without one of them."""
    with clock.fixed(school.NOW):
        with write_transaction(store.engine) as connection:
            ensure_school(connection, [Identification("brin", "99XX")], "De Wilg")
            source_id = ensure_source(connection, "las", "LAS", "las")
        for names, created_us in ((["6a", "Groep 7"], 1_000), (["6a"], 2_000)):
            save_roster(
                store.engine,
                store.cipher,
                school_id=1,
                source_id=source_id,
                roster=roster(names, created_us),
                way="load",
            )
        yield store


@pytest.fixture
def held_web(held: Store) -> flask.Flask:
    """The app on that school, for an administrator and a teacher."""
    users = (
        DemoUser("sam", "Sam de Groot", Role.ADMINISTRATOR, None, 1),
        DemoUser("els", "Els Prins", Role.SUPPORT, None, 1),
    )
    return create_app(held.engine, held.cipher, AppOptions(demo=True, users=users))


def decide(client: FlaskClient, do: str) -> str:
    """Press a button of the pupil list that waits."""
    pressed = {"do": do, "index": 2, "type": "roster"}
    output = output_of(client, "roster")
    names = [item.partition("@")[0].split(".") for item in output.removeprefix("..").removesuffix("..").split("...")]
    body = {
        "output": output,
        "outputs": [{"id": name, "property": prop} for name, prop in names],
        "inputs": [[{"id": pressed, "property": "n_clicks", "value": 1}]],
        "changedPropIds": [json.dumps(pressed, separators=(",", ":")) + ".n_clicks"],
    }
    answer = client.post(CALLBACK, json=body, base_url=HERE, headers=OWN)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("path", ["/groep", "/inzage", "/toets"])
def test_every_screen_tells_the_administrator_which_class_would_be_empty(held_web: flask.Flask, path: str) -> None:
    shown = shown_page(as_persona(held_web, "sam"), path)
    assert SENTENCE in shown
    assert f'Groep \\"Groep 7\\" {REASON}' in shown
    assert "/koppelingen#held" in shown
    assert SENTENCE not in shown_page(as_persona(held_web, "els"), path)


def test_the_couplings_page_says_why_and_the_administrator_decides(held: Store, held_web: flask.Flask) -> None:
    client = as_persona(held_web, "sam")
    shown = shown_page(client, "/koppelingen")
    assert REASON in shown
    assert SENTENCE not in shown  # the panel says it already
    assert REASON not in decide(client, "apply")
    assert SENTENCE not in shown_page(client, "/groep")
    with read_transaction(held.engine) as connection:
        assert connection.scalar(select(func.count()).where(memberships.c.to_us.is_(None))) == 5


def test_a_list_that_is_not_used_changes_nothing(held: Store, held_web: flask.Flask) -> None:
    client = as_persona(held_web, "sam")
    decide(client, "drop")
    assert SENTENCE not in shown_page(client, "/groep")
    with read_transaction(held.engine) as connection:
        assert connection.scalar(select(func.count()).where(memberships.c.to_us.is_(None))) == 10
