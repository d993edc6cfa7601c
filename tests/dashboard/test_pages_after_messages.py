"""After a message a page is what it is when everything is computed anew, to the letter."""

from __future__ import annotations

import re

import flask
from flask.testing import FlaskClient
from sqlalchemy import update

from connectors.uwlr.agreement import TOLERANT
from models.schema import database
from models.schema.tables import pupils
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_web import as_persona, shown_page
from tests.models.filled import LARS
from tests.models.test_pupil_versions import MESSAGES, MILA, of_pupil
from tests.models.test_store import take

PAGES = (
    ("/groep", "?klas=1"), ("/leerlingen", "?klas=1,2"), ("/signalen", "?klas=1,2"), ("/leerling/12", ""),
    ("/leermiddelen", ""),
)  # fmt: skip
OF_NOW = re.compile(r"/groep/bestand/[\w-]+\.")  # the names of files, which are new on each page


def pages(client: FlaskClient) -> dict[tuple[str, str], str]:
    """What the pages show."""
    return {page: OF_NOW.sub("", shown_page(client, *page)) for page in PAGES}


def test_after_messages_pages_are_those_of_a_fresh_computation(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "iris")
    for pupil in (1, 2, MILA):
        take(known_school, of_pupil(pupil, "6", "2026-11-01"))
    pages(client)
    for _what, data in MESSAGES[::5]:
        take(known_school, data, agreement=TOLERANT)
        after = pages(client)
        with database.write_transaction(known_school.engine, school.SCHOOL):
            pass  # a change of something: everything is computed anew
        assert after == pages(client)


def test_the_page_of_who_left_shows_messages_too(web: flask.Flask, known_school: Store) -> None:
    """The state of the class, with which the page of a pupil is kept, has no leavers."""
    client = as_persona(web, "iris")
    with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        connection.execute(update(pupils).where(pupils.c.id == LARS).values(left_on="2026-11-20"))
    take(known_school, of_pupil(LARS, "6", "2026-11-01"))
    before = shown_page(client, f"/leerling/{LARS}")
    take(known_school, of_pupil(LARS, "9", "2026-11-02"))
    after = shown_page(client, f"/leerling/{LARS}")
    with database.write_transaction(known_school.engine, school.SCHOOL):
        pass
    assert before != after == shown_page(client, f"/leerling/{LARS}")
