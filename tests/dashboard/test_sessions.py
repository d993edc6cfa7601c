"""Sessions are in the database: they end when they must, outlive a restart, and cost a page one read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, func, select, text

from dashboard.auth.idempotency import ABANDONED_US, Outcome, Outcomes, StillBusy
from dashboard.auth.request import TLS_COOKIE, AppOptions
from dashboard.auth.sessions import SessionLimits
from dashboard.auth.start_codes import start_path
from dashboard.server.wsgi import create_app
from models.schema import clock, database
from models.schema.rate_limit import Rate, take_shared
from models.schema.tables import metadata, sessions
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.test_web import HERE, OWN, as_persona, begun, shown_page

MINUTE = timedelta(minutes=1)


def another(store: Store, **options: object) -> flask.Flask:
    """The web app as another process, or a new start, makes it."""
    return create_app(store.engine, store.cipher, AppOptions(demo=True, users=PERSONAS, **options))  # type: ignore[arg-type]


def cookie_of(client: FlaskClient) -> str:
    """The token of the session of a browser."""
    cookie = client.get_cookie("rondblik_session", domain="localhost")
    assert cookie is not None
    return cookie.value


def with_cookie_of(client: FlaskClient, web: flask.Flask) -> FlaskClient:
    """The same browser at another process, with the page that it has open."""
    other = web.test_client()
    other.set_cookie("rondblik_session", cookie_of(client), domain="localhost")
    other.mark = client.mark  # type: ignore[attr-defined]
    return other


def status(client: FlaskClient, path: str = "/groep") -> int:
    """What a browser gets for a page."""
    return client.get(path, base_url=HERE).status_code


def settled(web: flask.Flask) -> None:
    """Wait until what is written beside requests is written."""
    web.extensions["rondblik"].later.wait()


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)


def test_a_restart_signs_nobody_out_and_another_process_knows_the_session(
    web: flask.Flask, known_school: Store
) -> None:
    client = as_persona(web, "sam")
    assert "Sam de Groot" in shown_page(client, "/groep")
    assert "Sam de Groot" in shown_page(with_cookie_of(client, another(known_school)), "/groep")


def test_the_database_holds_no_token(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    token = cookie_of(client).encode()
    client.post("/leerling/notitie/1", data={"soort": "note", "tekst": "x", "voor": ""}, base_url=HERE, headers=OWN)
    with database.read_transaction(known_school.engine) as connection:
        rows = [row for table in metadata.sorted_tables for row in connection.execute(select(table))]
    held = [value.encode() if isinstance(value, str) else value for row in rows for value in row]
    assert not [value for value in held if isinstance(value, bytes) and token in value]


@pytest.mark.parametrize(
    ("limits", "school_limits", "last"),
    [
        (SessionLimits(30, 720), {}, 30),
        (SessionLimits(240, 720), {school.SCHOOL: SessionLimits(15, 720)}, 15),
        (SessionLimits(15, 720), {school.SCHOOL: SessionLimits(60, 720), school.OTHER_SCHOOL: SessionLimits(5, 9)}, 60),
    ],
)
def test_a_session_that_is_not_used_ends(
    known_school: Store, limits: SessionLimits, school_limits: dict[int, SessionLimits], last: int
) -> None:
    web = another(known_school, session_limits=limits, school_session_limits=school_limits)
    client, now = as_persona(web, "hanna"), school.NOW
    for _time in range(5):  # each request makes it last on
        now += (last - 1) * MINUTE
        with clock.fixed(now):
            assert status(client) == 200
            settled(web)
    with clock.fixed(now + (last + 2) * MINUTE):
        assert status(client) == 401


def test_a_session_ends_after_a_while_however_much_it_is_used(known_school: Store) -> None:
    web = another(known_school, session_limits=SessionLimits(60, 90))
    client = as_persona(web, "hanna")
    for minute in range(0, 91, 10):
        with clock.fixed(school.NOW + minute * MINUTE):
            assert status(client) == 200
            settled(web)
    with clock.fixed(school.NOW + 91 * MINUTE):
        assert status(client) == 401
        begun(web)  # what is over is deleted
        with database.read_transaction(known_school.engine) as connection:
            assert connection.scalar(select(func.count()).select_from(sessions)) == 1


def test_a_page_reads_its_session_once_and_writes_at_most_once_a_minute(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    with statements(known_school.engine) as found:
        for second in range(0, 240, 5):
            with clock.fixed(school.NOW + timedelta(seconds=second)):
                assert status(client) == 200
                settled(web)
    reads = [statement for statement in found if "FROM sessions" in statement and statement.startswith("SELECT")]
    writes = [statement for statement in found if statement.startswith(("UPDATE", "INSERT", "DELETE"))]
    assert len(reads) == 48
    assert len(writes) == 3
    plan = f"EXPLAIN QUERY PLAN {reads[0].replace('?', 'x' + repr('00'))}"
    with database.read_transaction(known_school.engine) as connection:
        assert "SEARCH sessions USING INDEX" in str(connection.execute(text(plan)).all())


def test_no_page_waits_for_a_write_while_a_large_message_is_stored(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    with clock.fixed(school.NOW + 5 * MINUTE), database.write_transaction(known_school.engine):
        assert "Aïsha" in shown_page(client, "/groep")  # with a sheet to keep, and a session that was seen
    settled(web)
    with database.read_transaction(known_school.engine) as connection:
        assert connection.scalar(select(func.max(sessions.c.seen_us))) == clock.to_us(school.NOW + 5 * MINUTE)


# -- signing out ---------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_of_this_browser(web: flask.Flask) -> None:
    client, other = as_persona(web, "hanna"), as_persona(web, "hanna")
    stolen = with_cookie_of(client, web)
    answer = client.post("/afmelden", data={}, base_url=HERE, headers=OWN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/afgemeld")
    assert "U bent afgemeld" in client.get("/afgemeld", base_url=HERE).text
    assert (status(client), status(stolen), status(other)) == (401, 401, 200)


def test_signing_out_everywhere_ends_those_of_this_user_and_of_nobody_else(
    web: flask.Flask, known_school: Store
) -> None:
    client, other, sam = as_persona(web, "hanna"), as_persona(another(known_school), "hanna"), as_persona(web, "sam")
    assert client.post("/afmelden", data={"overal": "1"}, base_url=HERE, headers=OWN).status_code == 303
    assert (status(client), status(other), status(sam)) == (401, 401, 200)


def test_nobody_is_signed_out_by_another_site(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    answer = client.post("/afmelden", data={}, base_url=HERE, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, status(client)) == (403, 200)


def test_the_buttons_to_sign_out_are_in_the_menu(web: flask.Flask) -> None:
    page = shown_page(as_persona(web, "hanna"), "/groep")
    assert "Afmelden" in page
    assert "Overal afmelden" in page


# -- the cookie ----------------------------------------------------------------------------------------------------


def test_over_tls_the_cookie_can_be_set_by_this_host_alone(web: flask.Flask) -> None:
    client = web.test_client()
    answer = client.get(start_path(web), base_url="https://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{TLS_COOKIE}=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert client.get("/groep", base_url="https://localhost").status_code == 200
    token = cookie.partition("=")[2].partition(";")[0]
    client.delete_cookie(TLS_COOKIE, domain="localhost")
    client.set_cookie("rondblik_session", token, domain="localhost")  # as another program of this host can
    assert client.get("/groep", base_url="https://localhost").status_code == 401


# -- forms and rates of all processes ------------------------------------------------------------------------------


def test_a_form_sent_again_to_another_process_is_stored_once(any_store: Store) -> None:
    first, second = Outcomes(any_store.engine, any_store.cipher), Outcomes(any_store.engine, any_store.cipher)
    outcome = Outcome("/leerling/1-1", ("rondblik_session=geheim",))
    assert first.begin(b"x" * 32) is None
    first.end(b"x" * 32, outcome)
    assert second.begin(b"x" * 32) == outcome
    assert second.begin(b"y" * 32) is None
    second.end(b"y" * 32, None)  # it was refused, so it may be sent again
    assert first.begin(b"y" * 32) is None


def test_a_form_of_a_process_that_died_is_dealt_with_by_the_next(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.auth.idempotency.WAIT_SECONDS", 0.01)
    forms = Outcomes(any_store.engine, any_store.cipher)
    with clock.fixed(school.NOW):
        assert forms.begin(b"x" * 32) is None
        with pytest.raises(StillBusy):
            forms.begin(b"x" * 32)
    with clock.fixed(school.NOW + timedelta(microseconds=ABANDONED_US + 1)):
        assert forms.begin(b"x" * 32) is None
        with pytest.raises(StillBusy):
            forms.begin(b"x" * 32)


def test_a_rate_holds_for_all_processes_together_and_refills(any_store: Store) -> None:
    rate = Rate(3, 60.0)
    with clock.fixed(school.NOW):
        assert [take_shared(any_store.engine, b"a" * 16, rate) for _ in range(4)] == [True, True, True, False]
        assert take_shared(any_store.engine, b"b" * 16, rate)
    with clock.fixed(school.NOW + timedelta(seconds=20)):
        assert [take_shared(any_store.engine, b"a" * 16, rate) for _ in range(2)] == [True, False]
    with clock.fixed(school.NOW + timedelta(seconds=90)), database.read_transaction(any_store.engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM rate_buckets")) == 2
    with clock.fixed(school.NOW + timedelta(seconds=900)):
        assert take_shared(any_store.engine, b"b" * 16, rate)
        with database.read_transaction(any_store.engine) as connection:  # a bucket that is full again is none
            assert connection.scalar(text("SELECT count(*) FROM rate_buckets")) == 1
