"""What the worker does for pages: a page queues a request, and reads its outcome from the store."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import select

from connectors.intake.push import ReceiverContext
from dashboard.settings.schema import Receive
from dashboard.worker import loop, page_jobs
from dashboard.worker.context import WorkContext
from models.ingest import page_requests, schools, work_queue
from models.ingest.page_requests import CheckOutput, PageRequest, RequestState
from models.sandbox import sandboxes
from models.schema import clock, database
from models.schema.tables import work_queue as queue_rows
from tests.conftest import Store
from tests.connectors.sending import HORIZON, Account, enveloped, receiving
from tests.uwlr.messages import message

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def done(store: Store, kind: str, given: bytes, title: str = "bericht.xml") -> tuple[str, RequestState]:
    token = page_requests.submit(store.engine, store.cipher, PageRequest(kind, title, given))
    waiting = page_requests.find(store.engine, store.cipher, token)
    assert waiting is not None
    assert waiting.state == page_requests.WAITING
    assert loop.work_once(WorkContext(store.engine, store.cipher, receive=Receive(check_loopback=True)))
    request_state = page_requests.find(store.engine, store.cipher, token)
    assert request_state is not None
    return token, request_state


def test_a_message_is_judged_and_reported_three_ways(store: Store) -> None:
    token, request_state = done(store, page_requests.MESSAGE, message(scores=["7,4"], leerlingid="leerling-4711"))
    assert (request_state.state, request_state.error_nl) == (page_requests.DONE, None)
    assert request_state.report is not None
    assert (request_state.report["title"], request_state.report["errors"]) == ("bericht.xml", 1)
    (error,) = [item for item in request_state.report["findings"] if item["level"] == "error"]
    assert (error["rule"], error["line"]) == ("xsd.value", 1)
    (excerpt,) = [text for text in request_state.excerpts.values() if "7,4" in text]
    assert "leerling-4711" not in excerpt
    page = page_requests.file_of(store.engine, store.cipher, token, "html")
    junit = page_requests.file_of(store.engine, store.cipher, token, "junit")
    as_json = page_requests.file_of(store.engine, store.cipher, token, "json")
    assert page is not None
    assert junit is not None
    assert as_json is not None
    assert b"xsd.value" in page
    assert etree.fromstring(junit).xpath("//failure")
    assert json.loads(as_json)["errors"] == 1
    assert page_requests.file_of(store.engine, store.cipher, "anders", "html") is None
    assert page_requests.file_of(store.engine, store.cipher, token, "iets") is None


def test_what_was_handed_in_is_thrown_away(store: Store) -> None:
    done(store, page_requests.MESSAGE, message(leerlingid="leerling-4711"))
    with database.read_transaction(store.engine) as connection:
        row = connection.execute(select(queue_rows)).one()
    assert row.payload is None
    assert "leerling-4711" not in repr(tuple(row))


def test_of_a_zip_the_worst_document_is_shown(store: Store) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("goed.xml", message())
        archive.writestr("fout.xml", message(scores=["-1"]))
    _, request_state = done(store, page_requests.MESSAGE, packed.getvalue(), "levering.zip")
    assert request_state.report is not None
    assert (request_state.report["title"], request_state.report["documents"]) == ("levering.zip/fout.xml", 2)


@pytest.mark.parametrize("given", [b"", b"\0\1\2", b"PK\x03\x04kapot", b"<x/>", b"{}"])
def test_any_file_gets_an_answer(store: Store, given: bytes) -> None:
    _, request_state = done(store, page_requests.MESSAGE, given)
    assert request_state.state in (page_requests.DONE, page_requests.FAILED)
    assert request_state.report is not None or request_state.error_en


def test_a_room_is_reported_on(store: Store) -> None:
    sandbox = sandboxes.create_sandbox(store.engine, store.cipher, "Spelsprong")
    header = Account(sandbox.account.customer_code, sandbox.account.customer_name, sandbox.account.key).header
    with receiving(ReceiverContext(store.engine, store.cipher), app="alone") as receiver:
        for body in (
            message(brin=sandbox.account.brin, leerlingid="proef-01"),
            message(brin=sandbox.account.brin, leerlingid="proef-01", scores=["zeven"]),
            message(brin=sandbox.account.brin, leerlingid="proef-01", xsdversie="1.0"),
        ):
            receiver.post(enveloped(body, header), path=f"/test/{sandbox.account.token}/uwlr/leerresultaten")
    _, request_state = done(store, page_requests.SANDBOX, json.dumps({"token": sandbox.account.token}).encode())
    assert request_state.report is not None
    states = {item["scenario"]: item["state"] for item in request_state.report["outcomes"]}
    assert states["sender.first"] == states["sender.version"] == "passed"
    assert states["sender.large"] == "not_tested"
    assert states["sender.messages"] == "failed"
    rules = {item["rule"] for outcome in request_state.report["outcomes"] for item in outcome["findings"]}
    assert rules == {"xsd.value"}


def test_a_room_that_is_gone_and_an_address_that_may_not_be_called_are_said(store: Store) -> None:
    _, request_state = done(store, page_requests.SANDBOX, b'{"token": "weg"}')
    assert (request_state.state, request_state.error_en) == (
        page_requests.FAILED,
        "This test address does not exist any more.",
    )
    endpoint = {"url": "https://10.0.0.1/", "kind": "las", "key": "k", "customer_code": "c", "customer_name": "n"}
    _, request_state = done(store, page_requests.ENDPOINT, json.dumps(endpoint).encode())
    assert request_state.state == page_requests.FAILED
    assert request_state.error_nl is not None
    assert "10.0.0.1" not in request_state.error_nl
    _, request_state = done(store, page_requests.ENDPOINT, b"{}")
    assert request_state.state == page_requests.FAILED


def test_a_worker_that_was_killed_is_overtaken(store: Store) -> None:
    page_requests.submit(store.engine, store.cipher, PageRequest(page_requests.MESSAGE, "a.xml", message()))
    assert work_queue.claim(store.engine) is not None
    assert work_queue.claim(store.engine) is None
    with clock.fixed(NOW + timedelta(minutes=6)):
        assert work_queue.due_threads(store.engine)
        assert loop.work_once(WorkContext(store.engine, store.cipher))
        assert not loop.work_once(WorkContext(store.engine, store.cipher))


def test_reports_are_thrown_away_in_time(store: Store) -> None:
    token, _ = done(store, page_requests.MESSAGE, message())
    with clock.fixed(NOW + timedelta(days=15)):
        assert page_requests.find(store.engine, store.cipher, token) is None
        assert page_requests.forget_due(store.engine) == 1


# -- who holds what --------------------------------------------------------------------------------------------

NOTHING = CheckOutput({"report": "of the other"}, b"", b"", {})


def ask(store: Store, kind: str = page_requests.MESSAGE, given: bytes = b"<x/>", school_id: int | None = None) -> str:
    return page_requests.submit(store.engine, store.cipher, PageRequest(kind, "x", given, school_id))


def found_of(store: Store, token: str) -> RequestState:
    request_state = page_requests.find(store.engine, store.cipher, token)
    assert request_state is not None
    return request_state


def test_a_report_of_an_erased_room_never_lands_at_somebody_else(any_store: Store) -> None:
    engine, cipher = any_store.engine, any_store.cipher
    sandbox = sandboxes.create_sandbox(engine, cipher, "x")
    page_requests.submit(engine, cipher, PageRequest(page_requests.SANDBOX, "x", b"{}", sandbox_id=sandbox.id))
    work = work_queue.claim(engine)
    assert work is not None
    sandboxes.erase_sandbox(engine, sandbox.id)
    other = ask(any_store)
    assert not page_requests.finish(engine, cipher, work, NOTHING)
    assert not page_requests.fail(engine, work, "x", "x")
    assert found_of(any_store, other).state == page_requests.WAITING
    leased_request = work_queue.claim(engine)
    assert leased_request is not None
    assert leased_request.id != work.id


def test_work_that_brings_its_worker_down_is_given_up_after_three_tries(store: Store) -> None:
    token = ask(store)
    for number in range(work_queue.MAX_ATTEMPTS):
        with clock.fixed(NOW + timedelta(hours=number)):
            assert work_queue.claim(store.engine) is not None
    with clock.fixed(NOW + timedelta(hours=work_queue.MAX_ATTEMPTS)):
        assert loop.work_once(WorkContext(store.engine, store.cipher))
        assert not work_queue.due_threads(store.engine)
    request_state = found_of(store, token)
    assert (request_state.state, request_state.error_en) == (
        page_requests.FAILED,
        "The check failed through a fault on our side; try again.",
    )


def test_whatever_goes_wrong_is_a_sentence_and_only_its_kind_is_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    given = {"url": 5, "kind": "las", "key": "geheim", "customer_code": "c", "customer_name": "n"}
    token = ask(store, page_requests.ENDPOINT, json.dumps(given).encode())
    after = ask(store)
    context = WorkContext(store.engine, store.cipher)
    while loop.work_once(context):
        pass
    assert found_of(store, token).state == page_requests.FAILED
    assert found_of(store, after).state == page_requests.DONE
    assert "AttributeError in a job of kind endpoint" in caplog.text
    assert "geheim" not in caplog.text


def test_an_administrator_goes_before_all_who_test(store: Store) -> None:
    ask(store)
    with database.write_transaction(store.engine) as connection:
        school_id = schools.ensure_school(connection, [HORIZON], "De Horizon")
    ask(store, page_requests.REFUSED, b"{}", school_id)
    kinds = [work.kind for work in iter(lambda: work_queue.claim(store.engine), None)]
    assert kinds == [page_requests.REFUSED, page_requests.MESSAGE]


# -- bounds ----------------------------------------------------------------------------------------------------


def test_only_so_much_is_open_of_one_session_and_of_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_requests, "MAX_OPEN", page_requests.MAX_OPEN_OF_ONE + 1)

    def ask_as(session: str) -> str:
        page_request = PageRequest(page_requests.MESSAGE, "x", b"<x/>", requested_by=session)
        return page_requests.submit(store.engine, store.cipher, page_request)

    for _ in range(page_requests.MAX_OPEN_OF_ONE):
        ask_as("a")
    with pytest.raises(page_requests.TooManyRequests) as own:
        ask_as("a")
    ask_as("b")
    with pytest.raises(page_requests.TooManyRequests) as everybody:
        ask_as("b")
    assert (own.value.own, everybody.value.own) == (True, False)
    with database.write_transaction(store.engine) as connection:
        school_id = schools.ensure_school(connection, [HORIZON], "De Horizon")
    ask(store, page_requests.REFUSED, b"{}", school_id)
    context = WorkContext(store.engine, store.cipher)
    while loop.work_once(context):
        pass
    ask_as("a")
    with database.read_transaction(store.engine) as connection:
        assert b"a" not in set(connection.scalars(select(queue_rows.c.requested_by)))


# -- excerpts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("fout.xml",), ("goed.xml", "fout.xml", "ook-goed.xml")])
def test_excerpts_of_a_zip_are_those_of_the_document_that_is_shown(store: Store, names: tuple[str, ...]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            scores = ["7,4"] if name == "fout.xml" else ["7"]
            archive.writestr(name, message(scores=scores, leerlingid="leerling-4711"))
    _, request_state = done(store, page_requests.MESSAGE, packed.getvalue(), "levering.zip")
    (excerpt,) = [text for text in request_state.excerpts.values() if "7,4" in text]
    assert "leerling-4711" not in excerpt


def test_a_document_too_large_to_show_is_judged_without_excerpts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_jobs, "MAX_MASKED", 100)
    _, request_state = done(store, page_requests.MESSAGE, message(scores=["7,4"]))
    assert request_state.report is not None
    assert (request_state.report["errors"], request_state.excerpts) == (1, {})


WORKER = """
import sys
from pathlib import Path
from dashboard.worker import loop
from dashboard.worker.context import WorkContext
from models.schema import database
from models.schema.store_key import open_encrypted
engine = database.open_engine(database.sqlite_url(Path(sys.argv[1])))
loop.work_once(WorkContext(engine, open_encrypted(engine, Path(sys.argv[1]))))
"""


def test_a_worker_that_is_killed_leaves_nothing_to_read_of_an_upload(store: Store, tmp_path: Path) -> None:
    upload = message(scores=["7"] * 1_000, leerlingid="leerling-4711")
    upload = upload.replace(b"?>", b"?>" + b" " * (1 << 20), 1)  # so much that it does not stay in memory
    page_requests.submit(store.engine, store.cipher, PageRequest(page_requests.MESSAGE, "bericht.xml", upload))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path / "data")], env={**os.environ, "TMPDIR": str(temporary)}
    )
    try:
        while not _has_open(worker.pid, temporary):
            assert worker.poll() is None
            time.sleep(0.001)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    readable = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and any(mark in path.read_bytes() for mark in (b"leerling-4711", b"<score>7</score>"))
    ]
    assert readable == []
    assert list(temporary.iterdir()) == []


def _has_open(process: int, folder: Path) -> bool:
    """Whether a process has a file of a megabyte open in a folder, with or without a name."""
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        try:
            name = os.readlink(descriptor)
            own = name.startswith(f"{folder}/") and "/etilqs_" not in name  # SQLite's hold encrypted pages
            if own and descriptor.stat().st_size >= 1 << 20:
                return True
        except OSError:
            continue  # closed meanwhile
    return False
