"""The worker on a real LAS and real publishers: what is due is done, once, and told."""

from __future__ import annotations

import itertools
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, func, select, update

from connectors.uwlr import names
from connectors.uwlr.pupil_writer import write_answer, write_empty_answer
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.server.wsgi import create_app
from dashboard.settings import applying, loading
from dashboard.settings.schema import Receive
from dashboard.worker import loop
from dashboard.worker.context import Outcome, WorkContext, make_context
from models.access.viewer import Role
from models.ingest import connections, page_requests, schools, work_queue
from models.ingest.connections import SourceConnection
from models.ingest.page_requests import PageRequest
from models.ingest.schools import Identification
from models.schema import clock, database
from models.schema.records import Roster, RosterGroup, RosterPupil, SchoolRef
from models.schema.tables import deliveries, identifiers, pupils, raw_messages, results, source_connections
from models.schema.tables import work_queue as queue_rows
from tests.conftest import Store
from tests.connectors.loopback import Handler, serving
from tests.dashboard.test_web import as_persona, shown_page
from tests.uwlr.messages import message

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE_US = 60 * 1_000_000
MAX_SECONDS = 3.0  # a page on a busy machine; a source that hangs takes longer than any test


@pytest.fixture(autouse=True)
def _november() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def roster(brin: str = "99XX") -> Roster:
    """One group with one pupil."""
    return Roster(
        school_year="2026-2027",
        school=SchoolRef(brin=brin),
        school_name=None,
        created_us=clock.to_us(NOW - timedelta(days=1)),
        groups=(RosterGroup("g5", "5a", year_group="5"),),
        pupils=(RosterPupil("L1", None, "Noor", None, "Voorbeeld", "5", "g5"),),
        teachers=(),
    )


@dataclass
class Plan:
    """A store that is configured with a LAS and publishers."""

    store: Store
    folder: Path

    def connect(self, las: str | None = None, **publishers: str) -> tuple[WorkContext, list[SourceConnection]]:
        account = "authorisation: {key: k, customer_code: RB, customer_name: Rondblik}"
        school = "schools:\n  - name: De Horizon\n    identifications: [{brin: 99XX}]\n"
        if las is not None:
            school += f"    las: {{id: las, name: Schoolbeheer, address: '{las}', every: 600, {account}}}\n"
        listed = ", ".join(f"{{id: {k}, name: {k}, kind: https, address: '{v}'}}" for k, v in publishers.items())
        path = self.folder / "config.yaml"
        path.write_text(f"{school}publishers: [{listed}]\nlimits: {{idle_seconds: 30, total_seconds: 60}}\n")
        settings = loading.load(path)
        connection_configs = applying.apply(settings, self.store.engine)
        context = make_context(settings, self.store.engine, self.store.cipher, connection_configs)
        return context, [connection_config.row for connection_config in connection_configs]

    def row(self, source_id: int) -> Row[Any]:
        with database.read_transaction(self.store.engine) as connection:
            return connection.execute(
                select(source_connections).where(source_connections.c.source_id == source_id)
            ).one()

    def job(self, source_id: int) -> Row[Any]:
        with database.read_transaction(self.store.engine) as connection:
            return connection.execute(select(queue_rows).where(queue_rows.c.source_id == source_id)).one()

    def scalar(self, query: Any) -> Any:
        with database.read_transaction(self.store.engine) as connection:
            return connection.scalar(query)

    def due_again(self) -> None:
        with database.write_transaction(self.store.engine) as connection:
            connection.execute(update(queue_rows).values(next_try_us=0))


@pytest.fixture
def plan(store: Store, tmp_path: Path) -> Plan:
    return Plan(store, tmp_path)


@pytest.fixture
def any_plan(any_store: Store, tmp_path: Path) -> Plan:
    """The same, once on each database."""
    return Plan(any_store, tmp_path)


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_roster_and_results_come_in_and_are_due_again_after_their_own_time(plan: Plan) -> None:
    with serving(lambda h: h.say(write_answer(roster()))) as las, serving(lambda h: h.say(message())) as publisher:
        context, _ = plan.connect(las.url, rekenwijs=publisher.url)
        assert loop.work_once(context)
        assert loop.work_once(context)
        assert not loop.work_once(context)
    assert plan.scalar(select(pupils.c.first_name)) == "Noor"
    assert plan.scalar(select(func.count()).select_from(results)) == 1
    assert plan.scalar(select(identifiers.c.pupil_id)) == 1
    now = clock.to_us(NOW)
    assert plan.job(1).next_try_us == now + 600 * MINUTE_US
    assert plan.job(2).next_try_us == now + 60 * MINUTE_US
    assert (plan.row(1).failures, plan.row(1).last_success_us, plan.job(1).lease) == (0, now, None)
    assert plan.row(1).cursor is not None


def test_the_cursor_of_the_roster_is_asked_again_and_no_changes_change_nothing(plan: Plan) -> None:
    answers = [write_answer(roster()), write_empty_answer("no_changes")]
    with serving(lambda h: h.say(answers.pop(0))) as las:
        context, _ = plan.connect(las.url)
        loop.work_once(context)
        plan.due_again()
        loop.work_once(context)
    assert b"laatstontvangengegevens" not in las.asked[0].body
    assert b"laatstontvangengegevens" in las.asked[1].body
    assert (plan.row(1).failures, plan.scalar(select(func.count()).select_from(deliveries))) == (0, 1)


def test_the_cursor_of_a_roster_that_is_stamped_ahead_is_the_moment_of_asking(any_plan: Plan) -> None:
    ahead = write_answer(replace(roster(), created_us=clock.to_us(NOW + timedelta(hours=23))))
    with serving(lambda h: h.say(ahead)) as las:
        context, _ = any_plan.connect(las.url)
        assert loop.work_once(context)
    assert any_plan.row(1).cursor == "2026-11-20T13:00:00+01:00"


def test_the_same_roster_once_more_is_told_as_unchanged(plan: Plan) -> None:
    outcomes: list[Outcome | None] = []
    with serving(lambda h: h.say(write_answer(roster()))) as las:
        context, rows = plan.connect(las.url)
        for _ in range(2):
            loop.run_now(context, rows, lambda _source_key, outcome: outcomes.append(outcome))
    assert [outcome.counts for outcome in outcomes if outcome is not None] == [
        {"pupils": 1, "groups": 1, "composed": 0, "teachers": 0},
        {"unchanged": 1},
    ]


def test_the_roster_of_another_school_is_refused(plan: Plan) -> None:
    with serving(lambda h: h.say(write_answer(roster("99YY")))) as las:
        context, _ = plan.connect(las.url)
        loop.work_once(context)
    assert plan.scalar(select(func.count()).select_from(pupils)) == 0
    assert plan.scalar(select(deliveries.c.verdict)) == "reject"
    assert "refused" in plan.row(1).last_error_en
    assert plan.row(1).last_success_us is None
    assert plan.job(1).next_try_us == clock.to_us(NOW) + 600 * MINUTE_US


def test_a_source_that_is_refused_each_time_is_shown_as_refused_until_a_message_is_accepted(any_plan: Plan) -> None:
    viewer = DemoUser("beheer", "Beheer", Role.ADMINISTRATOR, None, 1)
    answers = [message(), message(scores=["x"]), message(scores=["x"]), message(scores=["8"])]
    states = ["werkt", "berichten geweigerd", "berichten geweigerd", "werkt"]
    with serving(lambda h: h.say(answers[len(h.loopback.asked) - 1])) as publisher:
        context, _ = any_plan.connect(bron=publisher.url)
        app = create_app(any_plan.store.engine, any_plan.store.cipher, AppOptions(True, (viewer,)))
        client = as_persona(app, "beheer")
        for state in states:
            any_plan.due_again()
            assert loop.work_once(context)
            page = shown_page(client, "/koppelingen")
            assert [word for word in ("berichten geweigerd", "werkt") if word in page] == [state]
            assert ("Wat bron stuurt, wordt geweigerd." in page) == (state != "werkt")
            assert any_plan.row(1).failures == 0
            assert any_plan.job(1).next_try_us == clock.to_us(NOW) + 60 * MINUTE_US


def test_a_source_that_fails_is_told_in_two_languages_and_tried_again_within_the_bound(plan: Plan) -> None:
    with serving(lambda h: h.say(b"", 503)) as publisher:
        context, _ = plan.connect(stuk=publisher.url)
        for failures in range(1, 4):
            plan.due_again()
            loop.work_once(context)
            row = plan.row(1)
            assert row.failures == failures
            assert clock.to_us(NOW) <= plan.job(1).next_try_us <= clock.to_us(NOW) + MINUTE_US
    assert "HTTP 503" in row.last_error_nl
    assert "HTTP 503" in row.last_error_en
    assert row.last_success_us is None


@pytest.mark.parametrize(
    ("after", "seconds"),
    [("600", 600), ("86400", 3600), ("Fri, 20 Nov 2026 12:10:00 GMT", 600), ("soon", 60), ("-5", 60), ("", 60)],
)
@pytest.mark.parametrize("role", ["las", "publisher"])
def test_a_source_that_says_when_to_return_is_left_alone_until_then_but_for_an_hour_at_most(
    plan: Plan, after: str, seconds: int, role: str
) -> None:
    def answer(h: Handler) -> None:
        h.date_time_string = lambda timestamp=None: "Fri, 20 Nov 2026 12:00:00 GMT"  # type: ignore[method-assign]
        h.say(b"", 503 if role == "las" else 429, Retry_After=after)

    with serving(answer) as source:
        context, _ = plan.connect(source.url) if role == "las" else plan.connect(druk=source.url)
        assert loop.work_once(context)
    waits = (plan.job(1).next_try_us - clock.to_us(NOW)) / work_queue.SECOND_US
    assert waits == seconds if seconds > 60 else 30 <= waits <= 60


def test_sources_that_were_away_for_a_quarter_of_an_hour_are_fetched_within_90_seconds(any_plan: Plan) -> None:
    back = NOW + timedelta(minutes=15)

    def answer(h: Handler) -> None:
        h.say(message()) if clock.now() >= back else h.say(b"", 503)

    def waiting() -> list[int]:
        unfetched = source_connections.c.last_success_us.is_(None)
        query = select(queue_rows.c.next_try_us).join(
            source_connections, queue_rows.c.source_id == source_connections.c.source_id
        )
        with database.read_transaction(any_plan.store.engine) as connection:
            return list(connection.scalars(query.where(unfetched)))

    with serving(answer) as server:
        context, rows = any_plan.connect(**{f"bron{number}": server.url for number in range(9)})
        while next_tries := waiting():
            with clock.fixed(max(NOW, clock.from_us(min(next_tries)))):
                assert loop.work_once(context)
    seconds = [(any_plan.row(row.source_id).last_success_us - clock.to_us(back)) / 1e6 for row in rows]
    assert statistics.median(seconds) <= 60
    assert max(seconds) <= 90
    assert len(server.asked) <= len(rows) * (15 * 60 / 30 + 2)  # no more than one request in half a minute


def test_a_source_that_is_away_gets_a_request_a_second_however_many_schools_it_serves(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOOK_EVERY_SECONDS", 0.4)
    moments: list[float] = []

    def answer(h: Handler) -> None:
        moments.append(time.monotonic())
        h.say(b"", 503)

    with serving(answer) as server:
        context, rows = plan.connect(weg=server.url)
        with database.write_transaction(plan.store.engine) as connection:
            for brin in ("99XA", "99XB", "99XC"):
                school_id = schools.ensure_school(connection, [Identification("brin", brin)])
                connections.ensure_connection(connection, school_id, rows[0].source_id)
        (poll,) = context.polls.values()
        with running(replace(context, polls={(number, rows[0].source_id): poll for number in range(1, 5)})):
            until(lambda: len(moments) == 4)
    assert all(later - earlier >= 0.2 for earlier, later in itertools.pairwise(moments))


def test_a_clock_that_is_set_back_two_days_stops_no_polls_and_refuses_nothing_for_good(any_plan: Plan) -> None:
    behind = NOW - timedelta(days=2)
    answers = [message(), message(scores=["8"], aanmaakdatum="2026-11-20T12:30:00Z")]
    with serving(lambda h: h.say(answers[min(len(h.loopback.asked), 2) - 1])) as publisher:
        context, _ = any_plan.connect(bron=publisher.url)
        assert loop.work_once(context)
        with clock.fixed(behind):
            assert loop.work_once(context)
            assert "clock of Rondblik itself is behind" in any_plan.row(1).last_error_en
            assert not loop.work_once(context)
        with clock.fixed(behind + timedelta(minutes=1)):
            assert loop.work_once(context)
        with clock.fixed(NOW + timedelta(hours=1)):
            assert loop.work_once(context)
    assert any_plan.scalar(select(func.count()).select_from(deliveries)) == 2  # none of them refused
    assert (any_plan.row(1).failures, len(publisher.asked)) == (0, 4)


def test_the_poll_of_a_worker_that_was_killed_is_done_within_90_seconds(any_plan: Plan) -> None:
    with serving(lambda h: h.say(message())) as publisher:
        context, _ = any_plan.connect(bron=publisher.url)
        assert work_queue.claim(any_plan.store.engine) is not None  # by the worker that is killed then
        with clock.fixed(NOW + timedelta(seconds=90 - 2 * loop.LOOK_EVERY_SECONDS)):
            assert loop.work_once(context)
    assert len(publisher.asked) == 1


def test_a_las_is_asked_before_the_publishers_when_all_are_asked_now(plan: Plan) -> None:
    order: list[str] = []

    def say(name: str, body: bytes) -> Callable[[Handler], None]:
        def answer(h: Handler) -> None:
            order.append(name)
            h.say(body)

        return answer

    outcomes: list[tuple[str, Outcome | None]] = []
    with serving(say("las", write_answer(roster()))) as las, serving(say("pub", message())) as publisher:
        context, rows = plan.connect(las.url, rekenwijs=publisher.url)
        loop.run_now(context, rows[::-1], lambda source_key, outcome: outcomes.append((source_key, outcome)))
    assert order == ["las", "pub"]
    assert [key for key, _ in outcomes] == ["las", "rekenwijs"]
    assert all(outcome is not None and outcome.failure is None for _, outcome in outcomes)


def test_what_hangs_is_given_back_when_the_worker_stops(plan: Plan) -> None:
    stop = threading.Event()
    with serving(lambda h: h.loopback.over.wait()) as hangs, serving(lambda h: h.say(message())) as works:
        context, _ = plan.connect(hangt=hangs.url, werkt=works.url)
        worker = threading.Thread(target=loop.run_worker, args=(context, stop))
        worker.start()
        until(lambda: bool(hangs.asked) and plan.scalar(select(func.count()).select_from(results)) == 1)
        stop.set()
        worker.join(30)
        assert not worker.is_alive()
        assert (plan.job(1).lease, plan.job(1).attempts, plan.row(1).failures) == (None, 0, 0)
        assert plan.job(1).next_try_us <= clock.to_us(NOW)


def test_raw_messages_go_when_their_time_is_over(plan: Plan) -> None:
    with serving(lambda h: h.say(message(scores=["x"]))) as publisher:
        context, _ = plan.connect(bron=publisher.url)
        loop.work_once(context)
    with database.write_transaction(plan.store.engine) as connection:
        connection.execute(update(source_connections).values(stopped=True))
    assert plan.scalar(select(func.count()).select_from(raw_messages)) == 1
    stop = threading.Event()
    with clock.fixed(NOW + timedelta(days=31)):
        worker = threading.Thread(target=loop.run_worker, args=(context, stop))
        worker.start()
        try:
            until(lambda: plan.scalar(select(func.count()).select_from(raw_messages)) == 0)
        finally:
            stop.set()
            worker.join(30)


def test_an_answer_in_an_unknown_namespace_is_no_roster(plan: Plan) -> None:
    wrong = write_answer(roster()).replace(names.LG.encode(), b"urn:iets-anders")
    with serving(lambda h: h.say(wrong)) as las:
        context, _ = plan.connect(las.url)
        loop.work_once(context)
    assert plan.row(1).failures == 1
    assert plan.scalar(select(func.count()).select_from(pupils)) == 0


def test_a_poll_that_brings_its_worker_down_is_a_failure_after_three_tries(plan: Plan) -> None:
    with serving(lambda h: h.say(message())) as publisher:
        context, _ = plan.connect(bron=publisher.url)
        for number in range(work_queue.MAX_ATTEMPTS):
            with clock.fixed(NOW + timedelta(hours=number)):
                assert work_queue.claim(plan.store.engine) is not None  # by a worker that is killed then
        with clock.fixed(NOW + timedelta(hours=work_queue.MAX_ATTEMPTS)):
            assert loop.work_once(context)
            assert not publisher.asked
            assert plan.row(1).failures == 1
            assert "fault on our side" in plan.row(1).last_error_en
        with clock.fixed(NOW + timedelta(hours=work_queue.MAX_ATTEMPTS, minutes=1)):
            assert loop.work_once(context)
    assert (plan.row(1).failures, len(publisher.asked)) == (0, 1)


def test_every_kind_of_job_can_be_done() -> None:
    assert set(loop.KINDS) == {
        work_queue.POLL, page_requests.MESSAGE, page_requests.ENDPOINT, page_requests.SANDBOX, page_requests.REFUSED,
        page_requests.REPLAY, page_requests.TRIAL, page_requests.COUNT_ERASURE, page_requests.ERASE,
    }  # fmt: skip


# -- what pages ask for ----------------------------------------------------------------------------------------


def ask_endpoint(plan: Plan, url: str) -> str:
    """Ask for a stranger's endpoint to be called."""
    given = {"url": url, "kind": "publisher", "brin": "99XX", "key": "k", "customer_code": "c", "customer_name": "n"}
    return submit(plan, PageRequest(page_requests.ENDPOINT, "x", json.dumps(given).encode()))


def submit(plan: Plan, page_request: PageRequest) -> str:
    return page_requests.submit(plan.store.engine, plan.store.cipher, page_request)


def state_of(plan: Plan, token: str) -> str:
    state = page_requests.find(plan.store.engine, plan.store.cipher, token)
    assert state is not None
    return state.state


def asked_row(plan: Plan, token: str) -> Row[Any]:
    with database.read_transaction(plan.store.engine) as connection:
        digest = plan.store.cipher.digest("check", token)
        return connection.execute(select(queue_rows).where(queue_rows.c.token_digest == digest)).one()


@contextmanager
def running(context: WorkContext, number: int = 1) -> Iterator[None]:
    """So many workers, until the block ends."""
    stop = threading.Event()
    workers = [threading.Thread(target=loop.run_worker, args=(context, stop)) for _ in range(number)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        stop.set()
        for worker in workers:
            worker.join(30)
        assert not any(worker.is_alive() for worker in workers)


def looped(plan: Plan) -> WorkContext:
    return replace(plan.connect()[0], receive=Receive(check_loopback=True))


def test_who_asks_for_a_message_does_not_wait_behind_a_strangers_endpoint(plan: Plan) -> None:
    with serving(lambda h: h.loopback.over.wait()) as hangs:
        context = looped(plan)
        endpoint = ask_endpoint(plan, hangs.url)
        with running(context):
            until(lambda: bool(hangs.asked))
            request = submit(plan, PageRequest(page_requests.REFUSED, "1", b'{"delivery": 1}', school_id=1))
            until(lambda: state_of(plan, request) == page_requests.FAILED)
            assert state_of(plan, endpoint) == page_requests.BUSY
        given_back = asked_row(plan, endpoint)
        assert (given_back.lease, given_back.attempts, state_of(plan, endpoint)) == (None, 0, page_requests.WAITING)
    assert asked_row(plan, request).error_en.startswith("This message is not kept")


def test_work_that_takes_long_stays_with_the_worker_that_does_it(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "EXTEND_EVERY_SECONDS", 0.05)
    with serving(lambda h: h.loopback.over.wait()) as hangs:
        context = looped(plan)
        endpoint = ask_endpoint(plan, hangs.url)
        with running(context, number=2), ExitStack() as hours:
            until(lambda: bool(hangs.asked))
            for half in range(1, 8):  # a clock that jumps further than a lease ends it, and another worker may be first
                hours.enter_context(clock.fixed(NOW + half * timedelta(seconds=work_queue.LEASE_SECONDS / 2)))
                ends = clock.now_us() + int(work_queue.LEASE_SECONDS * work_queue.SECOND_US)
                until(lambda ends=ends: asked_row(plan, endpoint).leased_until_us == ends)
            assert len(hangs.asked) == 1
            assert asked_row(plan, endpoint).attempts == 1


def test_two_workers_do_everything_that_pages_ask_for_once(plan: Plan) -> None:
    context = plan.connect()[0]
    tokens = [
        submit(plan, PageRequest(page_requests.MESSAGE, "x", message(scores=[str(number)]))) for number in range(8)
    ]
    with running(context, number=2):
        until(lambda: all(state_of(plan, token) == page_requests.DONE for token in tokens))
    assert {asked_row(plan, token).attempts for token in tokens} == {1}


def test_no_page_waits_while_a_source_is_asked(plan: Plan) -> None:
    stop = threading.Event()
    viewer = DemoUser("beheer", "Beheer", Role.ADMINISTRATOR, None, 1)
    with serving(lambda h: h.loopback.over.wait()) as hangs:
        context, _ = plan.connect(hangt=hangs.url)
        app = create_app(plan.store.engine, plan.store.cipher, AppOptions(True, (viewer,)))
        worker = threading.Thread(target=loop.run_worker, args=(context, stop))
        worker.start()
        try:
            until(lambda: bool(hangs.asked))
            client = as_persona(app, "beheer")
            for path in ("/groep", "/koppelingen", "/leermiddelen"):
                began = time.monotonic()
                assert shown_page(client, path)
                assert time.monotonic() - began < MAX_SECONDS, path
            assert plan.job(1).lease is not None  # the source is still being asked
        finally:
            stop.set()
            worker.join(30)
