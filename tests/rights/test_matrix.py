"""Each role at each place, for each page, callback and route: what the matrix allows is shown or changed, no more.

What was changed is in the audit log, and nothing else.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboard.cli import main as cli
from dashboard.pages.all_pages import PAGES
from dashboard.text.audit_words import actions
from models.schema import clock, database
from models.schema.store_key import open_encrypted
from tests.conftest import Store
from tests.dashboard import school
from tests.rights.probes import LAST_NAMES, Probes
from tests.rights.visitors import READING_LEADER, ROLE_OF, Visitor, world

MATRIX: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "matrix.yaml").read_text(encoding="utf-8"))
ROWS: list[dict[str, Any]] = MATRIX["rows"]
ROLES: list[str] = MATRIX["roles"]
EVENTS: dict[str, list[str]] = MATRIX["events"]  # actions
PLACES = ("own", "subject", "group", "school", "vendor")
BY_SUBJECT = ("teacher", "subject_teacher")  # others have own whole or not at all, see test_subject_teachers.py
ITEMS = ("pages", "callbacks", "routes")


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probes]:
    """The school behind one server for all tests, with an account of each role."""
    folder = tmp_path_factory.mktemp("rights")
    engine = database.open_engine(database.sqlite_url(folder))
    with world(Store(engine, open_encrypted(engine, folder)), ROLES) as made:
        yield Probes(made)
    engine.dispose()


def named(kind: str) -> list[str]:
    """Everything of a kind that the matrix has a row for."""
    return [name for row in ROWS for name in row.get(kind, ())]


def test_every_page_callback_and_route_has_one_row(probes: Probes) -> None:
    real = {
        "pages": {page.name for page in PAGES},
        "callbacks": set(probes.dependencies),
        "routes": {rule.endpoint for rule in probes.world.app.url_map.iter_rules()},
    }
    for kind in ITEMS:
        assert sorted(named(kind)) == sorted(real[kind]), kind


def test_everything_that_changes_something_says_what_it_leaves_in_the_audit_log(probes: Probes) -> None:
    posts = {
        rule.endpoint
        for rule in probes.world.app.url_map.iter_rules()
        if rule.methods is None or "POST" in rule.methods
    }
    changing = {name for row in ROWS if row["kind"] == "change" for name in row.get("callbacks", ())}
    assert set(EVENTS) == posts | changing
    known = set(actions())
    assert [action for several in EVENTS.values() for action in several if action not in known] == []


def test_a_row_names_known_roles_and_places() -> None:
    for row in ROWS:
        assert set(row) <= {"about", "kind", "names", *ITEMS, *PLACES}
        assert {role for place in PLACES for role in row.get(place, ())} <= set(ROLES)


def names_known_to(role: str, row: dict[str, Any]) -> set[str]:
    """The places whose pupils an answer may name: those of the row, where it names any; of an open row those of all."""
    known: set[str] = set()
    for one in [row] if row["kind"] != "open" else ROWS:
        if one.get("names") == "places":
            known |= {place for place in LAST_NAMES if role in one.get(place, ())}
        elif one.get("names") == "school" and role in one["own"]:
            known |= {"own", "group"}
    return known


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_and_changes_what_the_matrix_allows_and_no_more(probes: Probes, role: str) -> None:
    visitor, wrong, tried, expected = probes.world.visitors[role], [], 0, []
    probes.let_leaders_read(role == READING_LEADER)
    before = len(exported(probes, visitor))
    for row in ROWS:
        for kind in ITEMS:
            for name in row.get(kind, ()):
                for place in PLACES:
                    if place in row and (place != "subject" or role in BY_SUBJECT):
                        tried += 1
                        wrong += cell(probes, visitor, row, (kind, name, place))
                        if row["kind"] == "change" and role in row[place] and EVENTS[name]:
                            expected.append(EVENTS[name])
    events = exported(probes, visitor)[before:]
    left = [str(event["about"]["action"]) for event in events]
    pairs = zip_longest(left, expected, fillvalue=())
    wrong += [f"{role}: {action} in the audit log, not {several}" for action, several in pairs if action not in several]
    who = {(bool(event["user_name"]), event["role"], event["at_us"]) for event in events}
    assert who <= {(True, ROLE_OF.get(role, role), clock.to_us(school.NOW))}
    assert not wrong, f"{len(wrong)} of {tried}: " + "\n".join(wrong)


def exported(probes: Probes, visitor: Visitor) -> list[dict[str, Any]]:
    """What the visitor changed, as `rondblik audit export` prints it: neither views nor saved files."""
    data = Path(probes.world.store.engine.url.database or "").parent
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert cli.run(["--data", str(data), "audit", "export", str(school.SCHOOL)]) == 0
    events = [json.loads(line) for line in printed.getvalue().splitlines()]
    own = [event for event in events if visitor.account and event["user_key"] == visitor.account.user_key]
    return [event for event in own if event["kind"] not in ("Looked", "Exported")]


def cell(probes: Probes, visitor: Visitor, row: dict[str, Any], item: tuple[str, str, str]) -> list[str]:
    """What is wrong with the answer to a role for one thing at one place."""
    kind, name, place = item
    allowed = visitor.role in row[place]
    probe = probes.probe(visitor, kind, name, place)
    before = probes.world.compared() if row["kind"] == "change" else None
    answer = probe()
    about, wrong = f"{visitor.role}, {name} at {place}: ", []
    if answer.status >= 500 and "Fault>" not in answer.text:  # which SOAP sends with 500
        wrong.append(f"{about}answered {answer.status}")
    if row["kind"] == "change" and (probes.world.compared() != before) is not allowed:
        wrong.append(f"{about}{'changed nothing' if allowed else 'changed something'} ({answer.status})")
    if row["kind"] == "read" and any(sign in answer.text for sign in probes.signs(name, place)) is not allowed:
        wrong.append(f"{about}{'shown' if not allowed else 'not shown'} ({answer.status})")
    known = names_known_to(visitor.role, row)
    unknown = [last for one, names in LAST_NAMES.items() if one not in known for last in names]
    leaked = [last for last in unknown if last in answer.text]
    return [*wrong, f"{about}names {leaked}"] if leaked else wrong
