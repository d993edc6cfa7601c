"""The school of the matrix behind a real server, and an account of every role that asks it over HTTP."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import flask
import requests
from sqlalchemy import Connection, insert, update

from dashboard.auth.guard import CALLBACK, ONCE_HEADER, PAGE_HEADER
from dashboard.auth.request import COOKIE, AppOptions
from dashboard.auth.sessions import Entry, Sessions
from dashboard.server.serving import bind
from dashboard.server.sign_in import SignIn
from dashboard.server.wsgi import create_app
from models.access.accounts import LINKED_TO_PUPIL, signed_in
from models.schema import clock, database, tables
from tests import encrypted
from tests.conftest import Store
from tests.connectors.sending import serving_app
from tests.dashboard import school
from tests.dashboard.markup import expanded
from tests.dashboard.page_client import PAGE_MARK

NOBODY, NO_ROLE, STAND_IN, READING_LEADER = "nobody", "no_role", "stand_in", "reading_leader"
ROLE_OF = {"subject_teacher": "teacher", READING_LEADER: "leader", "elsewhere": "support"}  # others are called so
LAST_DAY = "2026-11-26"  # of the stand-in: the day at which the clock stands
WIL = "elsewhere"  # learning support of the other school, whose files others ask for
AUTHOR = "Anne Auteur"  # the account of the teacher, as it signs notes
MENTOR = 3  # a teacher of the same class
ELSEWHERE = 7  # a source of the other school alone
SUBJECT_TEACHER = 4  # links to the class for spelling alone
TEACHER_ELSEWHERE = 9  # of the other school
LINKED = {"teacher": school.TEACHER_A, "mentor": MENTOR, "subject_teacher": SUBJECT_TEACHER}
PUPIL_ID = 1  # whose page a pupil and a parent see
NAMES_ELSEWHERE = ("Zofia", "Zonderland")
# What is compared to see whether a request changed anything; not what every request writes.
COMPARED = (
    "signal_marks", "goals", "notes", "due_dates", "class_thresholds", "account_roles", "invitations", "stand_ins",
    "source_connections", "identifiers", "identifier_links", "subject_mappings", "rosters", "work_queue", "test_rooms",
    "own_connections", "senders", "sender_keys", "schools", "taught_subjects", "(SELECT digest FROM sessions)",
)  # fmt: skip
_once = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """What a request was answered: the status, and the text as a browser shows it."""

    status: int
    text: str


@dataclass
class Visitor:
    """A browser of an account in a role."""

    role: str
    address: str
    account: Entry | None = None  # as which it signs in
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers["Sec-Fetch-Site"] = "same-origin"

    def get(self, path: str) -> Answer:
        """Ask for an address, without following redirects."""
        return self._ask("GET", path)

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form as a page does."""
        return self._ask("POST", path, data=fields, headers={ONCE_HEADER: f"{next(_once):032x}"})

    def call(self, body: dict[str, Any]) -> Answer:
        """Call a callback."""
        return self._ask("POST", CALLBACK, json=body)

    def page(self, path: str, search: str = "") -> Answer:
        """What is shown for an address."""
        names = {"pathname": path, "search": search}
        outputs = [{"id": "_pages_content", "property": "children"}, {"id": "_pages_store", "property": "data"}]
        return self.call(
            {
                "output": ".._pages_content.children..._pages_store.data..",
                "outputs": outputs,
                "inputs": [
                    {"id": "_pages_location", "property": name, "value": value} for name, value in names.items()
                ],
                "changedPropIds": ["_pages_location.pathname"],
            }
        )

    def sign_in(self, sessions: Sessions) -> None:
        """Begin a session as signing in does, and open a page, which says for whom it was made."""
        assert self.account is not None
        self.session.headers.pop(PAGE_HEADER, None)
        self.session.cookies.clear()
        self.session.cookies.set(COOKIE, sessions.start(self.account))
        self.get("/")

    def _ask(self, method: str, path: str, **more: Any) -> Answer:
        answer = self.session.request(method, self.address + path, allow_redirects=False, timeout=60, **more)
        if match := PAGE_MARK.search(answer.text):
            self.session.headers[PAGE_HEADER] = match[1]
        text = answer.text
        if answer.headers.get("Content-Type", "").startswith("application/json"):
            text += json.dumps(expanded(answer.json()), ensure_ascii=False)
        return Answer(answer.status_code, text + answer.headers.get("Location", ""))


@dataclass
class World:
    """The school, its server, and who asks."""

    store: Store
    app: flask.Flask
    visitors: dict[str, Visitor]

    def sign_in(self, role: str) -> None:
        """Begin a new session of a visitor, now."""
        self.visitors[role].sign_in(self.app.extensions["rondblik"].sessions)

    def compared(self) -> object:
        """Everything that a change could change."""
        with database.read_transaction(self.store.engine) as connection:
            return [frozenset(connection.exec_driver_sql(f"SELECT * FROM {name}").all()) for name in COMPARED]

    def scalar(self, query: Any) -> Any:
        """One value of the database."""
        with database.read_transaction(self.store.engine) as connection:
            return connection.scalar(query)


@contextmanager
def world(store: Store, roles: list[str]) -> Iterator[World]:
    """The known school with more in it, served while the clock stands still, and an account of each role."""
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
        with database.write_transaction(store.engine) as connection:
            _own_school(connection, store)
            _other_school(connection, store)
            accounts = {role: _account(connection, store, role) for role in [*roles, WIL] if role != NOBODY}
        options = AppOptions(demo=False, users=(), signs_in=True)
        app = create_app(store.engine, store.cipher, options, sign_in_options=SignIn((), local=True))
        with serving_app(app, bind("127.0.0.1", 0)) as port:
            address = f"http://127.0.0.1:{port}"
            visitors = {role: Visitor(role, address, accounts.get(role)) for role in [*roles, WIL]}
            made = World(store, app, visitors)
            for role in accounts:
                made.sign_in(role)
            yield made


def name_of(role: str) -> str:
    """The name of the account of a role."""
    return AUTHOR if role == "teacher" else f"Account {role}"


def _account(connection: Connection, store: Store, role: str) -> Entry:
    """An account that is this to its school."""
    account_id = signed_in(connection, store.cipher, "https://provider.example", role, name_of(role))
    if role == NO_ROLE:
        return Entry.of_account(account_id, None)
    school_id = school.OTHER_SCHOOL if role == WIL else school.SCHOOL
    of_school = {"school_id": school_id, "granted_by": "test", "granted_us": 1}
    values = {"account_id": account_id, "role": ROLE_OF.get(role, role), "teacher_id": LINKED.get(role)}
    if role in LINKED_TO_PUPIL:
        values["pupil_id"] = PUPIL_ID
    new = insert(tables.account_roles).values(**of_school, **values)
    role_id = connection.execute(new.returning(tables.account_roles.c.id)).scalar_one()
    if role == STAND_IN:
        given = {"role_id": role_id, "class_id": school.CLASS_A, "until_on": LAST_DAY}
        connection.execute(insert(tables.stand_ins).values(**of_school, **given))
    return Entry.of_account(account_id, role_id)


def _own_school(connection: Connection, store: Store) -> None:
    """Two more teachers of the class, numbers to link, and a date that another class missed, so that it has signals."""
    of_school = {"school_id": school.SCHOOL}
    connection.execute(update(tables.schools).where(tables.schools.c.id == school.SCHOOL).values(own_page=True))
    mentor = encrypted.teacher(store.cipher, school.SCHOOL, MENTOR)
    connection.execute(insert(tables.teachers).values(**mentor, last_name="Mentor"))
    subject_teacher = encrypted.teacher(store.cipher, school.SCHOOL, SUBJECT_TEACHER)
    connection.execute(insert(tables.teachers).values(**subject_teacher, last_name="Vakleraar"))
    for teacher_id, roles in ((MENTOR, "LRK"), (SUBJECT_TEACHER, "VAK,docent spelling")):
        link = {"teacher_id": teacher_id, "group_id": 1, "roles": roles, "from_us": 1}
        connection.execute(insert(tables.teacher_groups).values(**of_school, **link))
    due = {"class_id": school.CLASS_B, "test_id": 2, "due_on": "2026-11-16", "set_by": "test", "set_us": 1}
    connection.execute(insert(tables.due_dates).values(**of_school, **due))
    _park(connection, store, school.SCHOOL, 501, 502)


def _other_school(connection: Connection, store: Store) -> None:
    """A connection and numbers of the other school, and a name for its pupil that nobody else has."""
    connection.execute(insert(tables.sources).values(id=ELSEWHERE, key="elders", name="Elders", role="publisher"))
    values = {"school_id": school.OTHER_SCHOOL, "source_id": ELSEWHERE}
    connection.execute(insert(tables.source_connections).values(**values))
    first, last = NAMES_ELSEWHERE
    pupils = tables.pupils
    own = pupils.c.school_id == school.OTHER_SCHOOL
    connection.execute(update(pupils).where(own).values(first_name=first, last_name=last))
    teacher = encrypted.teacher(store.cipher, school.OTHER_SCHOOL, TEACHER_ELSEWHERE)
    connection.execute(insert(tables.teachers).values(**teacher, last_name="Elders"))
    _park(connection, store, school.OTHER_SCHOOL, 600, 601)


def _park(connection: Connection, store: Store, school_id: int, *numbers: int) -> None:
    """Numbers of nobody known, each with a result."""
    for number in numbers:
        value = f"los{number}"
        connection.execute(
            insert(tables.identifiers).values(
                **encrypted.identifier(store.cipher, school_id, number, value), parked_because="unknown"
            )
        )


def linked_file(text: str) -> str:
    """The address of the file in a class page."""
    match = re.search(r"/groep/bestand/[\w-]+\.csv", text)
    assert match is not None
    return match[0]
