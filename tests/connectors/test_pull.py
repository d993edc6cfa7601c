"""Fetching results: what each kind of source may answer, and what then stands in the store."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import func, select

from connectors.errors import Fatal, Refused, Retriable
from connectors.intake import documents
from connectors.intake.judge import spool
from connectors.intake.pull import PullOutcome, PullSettings, Target, pull
from connectors.transport.http_client import Limits
from connectors.uwlr import names
from connectors.uwlr.envelope import Authorisation, fault_bytes
from connectors.uwlr.pull_messages import SOAP_ACTION, PullRequest, since_cursor, write_pull_request
from connectors.uwlr.validator import schema
from connectors.uwlr.writer import write_empty_pull_answer
from models.ingest import connections, schools
from models.ingest.deliveries import newest
from models.ingest.schools import Identification
from models.schema import clock, database
from models.schema.records import SchoolRef, Verdict
from models.schema.tables import deliveries, results
from models.schema.tables import source_connections as connection_rows
from tests.conftest import Store
from tests.connectors.loopback import Handler, serving
from tests.uwlr.messages import message, result_xml

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
QUICK = Limits(connect_seconds=5, idle_seconds=0.4, total_seconds=1, max_bytes=2_000_000)
SCHOOL = SchoolRef(brin="99XX")
ACCOUNT = Authorisation("de-sleutel", "RB", "Rondblik & Co")


@pytest.fixture(autouse=True)
def _november() -> Any:
    with clock.fixed(NOW):
        yield


@dataclass(frozen=True)
class Puller:
    """A store with one coupling."""

    store: Store
    target: Target

    def cursor(self) -> str | None:
        with database.read_transaction(self.store.engine) as connection:
            return connection.scalar(select(connection_rows.c.cursor))

    def count(self) -> int:
        with database.read_transaction(self.store.engine) as connection:
            return int(connection.scalar(select(func.count()).select_from(results)) or 0)

    def pull(self, settings: PullSettings) -> PullOutcome:
        return pull(settings, self.target, self.cursor())


@pytest.fixture
def puller(store: Store) -> Puller:
    return puller_of(store)


def puller_of(store: Store) -> Puller:
    with database.write_transaction(store.engine) as connection:
        school_id = schools.ensure_school(connection, [Identification("brin", "99XX")])
        source_id = schools.ensure_source(connection, "bron", "Bron", "publisher")
        connections.ensure_connection(connection, school_id, source_id)
    return Puller(store, Target(store.engine, store.cipher, school_id, source_id))


def soap(url: str) -> PullSettings:
    return PullSettings("soap", url, SCHOOL, authorisation=ACCOUNT, limits=QUICK)


def in_answer(**what: Any) -> bytes:
    """A message as the answer of HaalLeerresultaten, in an envelope."""
    payload = message(**what).partition(b"?>")[2]
    return (
        (
            f'<s:Envelope xmlns:s="{names.SOAP}"><s:Body><p:leerresultaten_ophalen_antwoord xmlns:p="{names.OPHALEN}">'
        ).encode()
        + payload
        + b"</p:leerresultaten_ophalen_antwoord></s:Body></s:Envelope>"
    )


# -- soap: what is asked -------------------------------------------------------------------------------------


def test_the_request_is_valid_by_our_schema_and_carries_the_account(puller: Puller) -> None:
    with serving(lambda h: h.say(write_empty_pull_answer(names.GEEN_GEGEVENS))) as server:
        puller.pull(soap(server.url))
    request = server.asked[0]
    envelope = etree.fromstring(request.body)
    (payload,) = envelope.find(names.BODY)
    assert schema("pull.xsd").validate(payload)
    assert [(names.local(item.tag), item.text) for item in payload] == [
        ("schooljaar", "2026-2027"), ("brincode", "99XX"), ("dependancecode", "00"), ("xsdversie", "2.2"),
    ]  # fmt: skip
    texts = [item.text for item in envelope.find(f"{names.HEADER}/{{{names.AUT}}}autorisatie")]
    assert texts == ["de-sleutel", "RB", "Rondblik & Co"]
    assert request.headers["soapaction"] == f'"{SOAP_ACTION}"'
    assert request.headers["content-type"] == "text/xml; charset=utf-8"


def test_the_cursor_is_asked_again_with_an_hour_of_overlap(puller: Puller) -> None:
    with serving(lambda h: h.say(in_answer(aanmaakdatum="2026-11-11T00:05:46"))) as server:
        puller.pull(soap(server.url))
        assert puller.cursor() == "2026-11-11T00:05:46"
        puller.pull(soap(server.url))
    first, second = (etree.fromstring(item.body) for item in server.asked)
    tag = f"{{{names.OPHALEN}}}laatstontvangen"
    assert first.find(f".//{tag}") is None
    assert second.findtext(f".//{tag}") == "2026-11-10T23:05:46+01:00"


@pytest.mark.parametrize(
    ("cursor", "since"),
    [
        (None, None),
        ("2026-07-01T12:00:00", "2026-07-01T11:00:00+02:00"),
        ("2026-11-20T12:00:00Z", "2026-11-20T12:00:00+01:00"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+02:00"),
        ("2027-03-28T03:30:00", "2027-03-28T01:30:00+01:00"),
        ("2026-11-20T00:00:00.123", "2026-11-19T23:00:00+01:00"),
    ],
)
def test_an_hour_before_the_cursor_holds_in_both_nights_of_the_clock_change(
    cursor: str | None, since: str | None
) -> None:
    with clock.fixed(datetime(2027, 6, 1, tzinfo=UTC)):
        assert since_cursor(cursor) == since


def test_no_request_is_for_what_comes_after_an_hour_ago_even_where_the_cursor_was_stored_by_a_clock_ahead() -> None:
    assert since_cursor("2026-11-22T12:00:00Z") == "2026-11-20T12:00:00+01:00"


def test_a_publisher_whose_clock_is_ahead_for_one_answer_still_delivers_what_it_makes_in_between(
    any_store: Store,
) -> None:
    puller = puller_of(any_store)
    made = [(NOW - timedelta(hours=1), "7"), (NOW + timedelta(minutes=30), "8")]
    stamps = [NOW + timedelta(hours=23), NOW + timedelta(hours=1)]

    def answer(h: Handler) -> None:
        request = etree.fromstring(h.loopback.asked[-1].body)
        since = request.findtext(f".//{{{names.OPHALEN}}}laatstontvangen")
        after = datetime.min.replace(tzinfo=UTC) if since is None else datetime.fromisoformat(since)
        scores = [score for moment, score in made if after < moment <= clock.now()]
        stamp = stamps.pop(0).isoformat()
        results = "".join(result_xml(f"r{score}", score) for score in scores)
        empty = write_empty_pull_answer(names.GEEN_WIJZIGINGEN)
        h.say(in_answer(aanmaakdatum=stamp, results=results) if scores else empty)

    with serving(answer) as server:
        puller.pull(soap(server.url))
        assert puller.cursor() == "2026-11-20T13:00:00+01:00"  # when it was asked, not a day on
        with clock.fixed(NOW + timedelta(hours=1)):
            puller.pull(soap(server.url))
    assert puller.count() == 2


def test_a_schoolkey_goes_before_a_brin_and_without_either_nothing_is_asked() -> None:
    both = PullRequest(SchoolRef(brin="99XX", school_key="k"), "2026-2027", since="2026-11-10T23:05:46+01:00")
    payload = etree.fromstring(write_pull_request(both)).find(f"{names.BODY}/*")
    assert schema("pull.xsd").validate(payload)
    assert [names.local(item.tag) for item in payload] == ["schooljaar", "schoolkey", "xsdversie", "laatstontvangen"]
    with pytest.raises(Fatal, match="BRIN or a schoolkey"):
        write_pull_request(PullRequest(SchoolRef(institution="12345"), "2026-2027"))


def test_a_publisher_may_have_an_operation_and_a_request_of_its_own(puller: Puller) -> None:
    template = "<ask key='$key' for='$brin/$location' since='$since' who='$customer_name'>$$1 $school_year</ask>"
    settings = replace(soap(""), soap_action="urn:x/Get", request_template=template)
    with serving(lambda h: h.say(message())) as server:
        pulled = puller.pull(replace(settings, location=server.url))
    assert pulled.taken[0].receipt.counts["new"] == 1
    request = server.asked[0]
    assert request.headers["soapaction"] == '"urn:x/Get"'
    assert etree.fromstring(request.body).attrib["who"] == "Rondblik & Co"
    assert b"$1 2026-2027" in request.body
    for wrong in ("<ask>$unknown</ask>", "<ask>", "$"):
        with pytest.raises(Fatal, match="request_template"):
            puller.pull(replace(settings, location=server.url, request_template=wrong))


# -- soap: what is answered ----------------------------------------------------------------------------------


def test_results_are_stored_and_the_same_answer_again_changes_nothing(puller: Puller) -> None:
    with serving(lambda h: h.say(in_answer(scores=["7", "0"]))) as server:
        first = puller.pull(soap(server.url))
        again = puller.pull(soap(server.url))
    assert first.taken[0].receipt.counts["new"] == 2
    assert (first.failure, again.failure) == (None, None)
    assert again.taken[0].receipt.repeated
    assert puller.count() == 2


@pytest.mark.parametrize("kind", [names.GEEN_WIJZIGINGEN, names.GEEN_GEGEVENS])
def test_an_empty_answer_is_a_success_without_a_delivery(puller: Puller, kind: str) -> None:
    with serving(lambda h: h.say(write_empty_pull_answer(kind))) as server:
        pulled = puller.pull(soap(server.url))
    assert pulled.failure is None
    assert pulled.taken[0].receipt.empty is not None
    assert list(newest(puller.store.engine)) == []
    assert puller.cursor() is None


@pytest.mark.parametrize("status", [500, 200])
def test_a_fault_is_refused_with_its_code_and_without_its_text(puller: Puller, status: int) -> None:
    fault = fault_bytes("Client.AutorisatieOngeldig", "Sleutel van Jan Jansen onbekend")
    with serving(lambda h: h.say(fault, status)) as server, pytest.raises(Refused) as refused:
        puller.pull(soap(server.url))
    assert refused.value.fault == "Client.AutorisatieOngeldig"
    assert "key is not valid" in refused.value.sentence_en
    assert "Jansen" not in refused.value.sentence_nl + refused.value.sentence_en
    assert list(newest(puller.store.engine)) == []


def test_a_fault_with_a_code_of_its_own_is_told_without_it(puller: Puller) -> None:
    with (
        serving(lambda h: h.say(fault_bytes("Client.Jan_Jansen", ""), 500)) as server,
        pytest.raises(Refused) as refused,
    ):
        puller.pull(soap(server.url))
    assert refused.value.fault == "Client"
    assert "Jansen" not in str(refused.value)


def cut(part: bytes) -> Callable[[Handler], None]:
    return lambda h: h.say(part)


def announced_more(h: Handler) -> None:
    h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + in_answer())


def reset(h: Handler) -> None:
    h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + in_answer()[:50])
    h.reset()


@pytest.mark.parametrize(
    "answer",
    [
        cut(b"<!DOCTYPE html><html><body>Inloggen</body></html>"),
        cut(b"<html><p>geen xml"),
        cut(b"{}"),
        cut(b""),
        cut(in_answer()[:-20]),
        cut(in_answer()[:200]),
        announced_more,
        reset,
        lambda h: h.say(b"<html/>", 500),
        lambda h: h.say(b"", 503),
        lambda h: h.drip(b"HTTP/1.1 200 OK\r\n\r\n", b" ", 0.01),
    ],
)
def test_what_is_no_answer_is_an_unknown_outcome_and_changes_nothing(
    puller: Puller, answer: Callable[[Handler], None]
) -> None:
    with serving(answer) as server, pytest.raises(Retriable):
        puller.pull(soap(server.url))
    assert puller.count() == 0
    assert puller.cursor() is None
    assert list(newest(puller.store.engine)) == []


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404])
def test_a_redirect_and_a_closed_door_need_another_setting(puller: Puller, status: int) -> None:
    with serving(lambda h: h.say(in_answer(), status, Location="/x")) as server, pytest.raises(Fatal):
        puller.pull(soap(server.url))
    assert len(server.asked) == 1
    assert puller.count() == 0


def test_an_answer_that_is_too_large_is_not_stored(puller: Puller) -> None:
    many = in_answer(scores=["7"] * 1000)
    settings = replace(soap(""), limits=replace(QUICK, max_bytes=10_000))
    with serving(lambda h: h.say(many)) as server:
        pulled = puller.pull(replace(settings, location=server.url))
    assert pulled.failure is not None
    assert [[finding.rule for finding in document.receipt.findings] for document in pulled.taken] == [["xml.size"]]
    assert puller.count() == 0


def test_a_wrong_message_is_kept_apart_and_the_cursor_stays(puller: Puller) -> None:
    wrong = in_answer(scores=["7", "-1"], aanmaakdatum="2026-11-12T00:00:00")
    with serving(lambda h: h.say(in_answer())) as server:
        puller.pull(soap(server.url))
    with serving(lambda h: h.say(wrong)) as server:
        pulled = puller.pull(soap(server.url))
    assert pulled.failure is not None
    assert pulled.taken[0].receipt.verdict is Verdict.REJECT
    assert puller.cursor() == "2026-11-11T00:05:46"
    assert puller.count() == 1


def test_results_of_another_school_are_refused(puller: Puller) -> None:
    with serving(lambda h: h.say(in_answer(brin="99YY"))) as server:
        pulled = puller.pull(soap(server.url))
    assert [finding.rule for finding in pulled.taken[0].receipt.findings if finding.level == "error"] == [
        "school.other"
    ]
    assert puller.count() == 0


def test_no_write_lock_is_held_while_the_source_is_waited_for(puller: Puller) -> None:
    def answer(h: Handler) -> None:
        with database.write_transaction(puller.store.engine) as connection:  # would wait for a minute
            schools.ensure_source(connection, "tussendoor", "Tussendoor", "publisher")
        h.say(in_answer())

    with serving(answer) as server:
        began = time.monotonic()
        puller.pull(soap(server.url))
    assert time.monotonic() - began < 10
    assert puller.count() == 1


# -- documents over https ------------------------------------------------------------------------------------


def zipped(*members: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def https(url: str) -> PullSettings:
    return PullSettings("https", url, SCHOOL, headers={"Authorization": "Bearer x"}, limits=QUICK)


def test_a_document_is_taken_in_once(puller: Puller) -> None:
    with serving(lambda h: h.say(message())) as server:
        first, again = puller.pull(https(server.url)), puller.pull(https(server.url))
    assert server.asked[0].headers["authorization"] == "Bearer x"
    assert [document.receipt.counts["new"] for document in first.taken] == [1]
    assert (again.taken, again.known, again.failure) == ((), 1, None)
    assert puller.cursor() is None


def test_a_zip_is_known_by_its_bytes_and_one_bad_document_does_not_stop_the_others(puller: Puller) -> None:
    archive = zipped(
        ("a/1.xml", message(scores=["7"])),
        ("a/2.xml", b"<kapot"),
        ("__MACOSX/a/._1.xml", b"junk"),
        ("leesmij.txt", b"junk"),
        ("a/3.xml", message(scores=["7", "8"], aanmaakdatum="2026-11-12T00:00:00")),
    )
    with serving(lambda h: h.say(archive, content_type="application/octet-stream")) as server:
        pulled = puller.pull(https(server.url))
        again = puller.pull(https(server.url))
    assert [(document.name, document.receipt.verdict is Verdict.REJECT) for document in pulled.taken] == [
        ("a/1.xml", False), ("a/2.xml", True), ("a/3.xml", False),
    ]  # fmt: skip
    assert pulled.failure is None
    assert ([document.receipt.repeated for document in again.taken], again.known) == ([True], 2)
    assert again.failure is None
    assert puller.count() == 2


def test_a_web_page_or_half_a_document_is_an_unknown_outcome(puller: Puller) -> None:
    for body in (b"<!DOCTYPE html><html></html>", b"niets", message()[:-30]):
        with serving(cut(body)) as server, pytest.raises(Retriable):
            puller.pull(https(server.url))
    with serving(lambda h: h.say(b"", 401)) as server, pytest.raises(Fatal):
        puller.pull(https(server.url))
    assert list(newest(puller.store.engine)) == []


def test_no_content_is_nothing_new(puller: Puller) -> None:
    with serving(lambda h: h.say(b"", 204)) as server:
        assert puller.pull(https(server.url)) == PullOutcome()


# -- zips that mean harm -------------------------------------------------------------------------------------


def unpacked(archive: bytes, cap: int = 2_000_000) -> list[documents.Document]:
    spooled = spool([archive])
    try:
        unpacked_documents = list(documents.unpack(spooled, cap))
    finally:
        spooled.close()
    for document in unpacked_documents:
        if document.spooled is not None:
            document.spooled.close()
    return unpacked_documents


def test_a_zip_bomb_is_not_unpacked_and_the_others_are() -> None:
    documents = unpacked(zipped(("bomb.xml", b" " * 30_000_000), ("ok.xml", b"<a/>")), cap=100_000_000)
    assert [(document.name, document.problem is None) for document in documents] == [
        ("bomb.xml", False),
        ("ok.xml", True),
    ]


def test_all_documents_together_stay_under_the_cap() -> None:
    documents = unpacked(zipped(*((f"{number}.xml", os.urandom(900_000)) for number in range(4))))
    assert [document.problem is None for document in documents] == [True, True, False, False]


def test_a_zip_with_too_many_files_is_refused_as_a_whole() -> None:
    with pytest.raises(Fatal, match="too many files"):
        unpacked(zipped(*((f"{number}.xml", b"") for number in range(documents.MAX_MEMBERS + 1))))


def test_a_list_of_contents_that_is_too_long_is_not_even_read() -> None:
    names_of_length = ((f"{number:0>60000}.xml", b"") for number in range(40))
    with pytest.raises(Fatal, match="list of contents"):
        unpacked(zipped(*names_of_length))


def test_a_damaged_a_cut_off_and_an_empty_zip_are_sentences() -> None:
    good = zipped(("a.xml", b"<a/>" * 100), compression=zipfile.ZIP_STORED)
    damaged = good.replace(b"<a/><a/>", b"<b/><a/>", 1)
    assert [document.problem is None for document in unpacked(damaged)] == [False]
    for archive in (good[:-30], zipped(), zipped(("a.txt", b""))):
        with pytest.raises(Fatal):
            unpacked(archive)


def test_an_encrypted_or_unusually_packed_member_is_a_sentence() -> None:
    assert unpacked(zipped(("a.xml", b"<a/>"), compression=zipfile.ZIP_LZMA))[0].problem is not None
    secret = bytearray(zipped(("a.xml", b"<a/>")))
    secret[secret.rfind(b"PK\x01\x02") + 8] |= 1
    assert unpacked(bytes(secret))[0].problem is not None


# -- drop folder ---------------------------------------------------------------------------------------------


def folder(path: Path) -> PullSettings:
    return PullSettings("folder", str(path), SCHOOL, limits=QUICK)


def drop(path: Path, content: bytes, age: float = 60) -> None:
    path.write_bytes(content)
    stamp = time.time() - age
    os.utime(path, (stamp, stamp))


def test_settled_files_are_taken_in_once_and_stay_where_they_are(puller: Puller, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    drop(inbox / "1.xml", message(scores=["7"]))
    drop(inbox / "2.ZIP", zipped(("x.xml", message(scores=["7", "8"], aanmaakdatum="2026-11-12T00:00:00"))))
    drop(inbox / "3.xml", message(scores=["1", "2", "3"], aanmaakdatum="2026-11-13T00:00:00"), age=0.1)
    drop(inbox / "4.txt", b"geen van ons")
    drop(inbox / ".5.xml", b"half")
    (inbox / "6.xml").symlink_to("/etc/hostname")
    first, again = puller.pull(folder(inbox)), puller.pull(folder(inbox))
    assert [document.name for document in first.taken] == ["1.xml", "2.ZIP/x.xml"]
    assert (again.taken, again.known) == ((), 2)
    assert len(list(inbox.iterdir())) == 6
    drop(inbox / "3.xml", (inbox / "3.xml").read_bytes())
    assert [document.name for document in puller.pull(folder(inbox)).taken] == ["3.xml"]
    assert puller.count() == 3


def test_a_copy_under_another_name_is_known_and_a_changed_file_is_new(puller: Puller, tmp_path: Path) -> None:
    drop(tmp_path / "1.xml", message())
    puller.pull(folder(tmp_path))
    drop(tmp_path / "copy.xml", message())
    drop(tmp_path / "1.xml", message(aanmaakdatum="2026-11-12T00:00:00"))
    pulled = puller.pull(folder(tmp_path))
    assert ([document.name for document in pulled.taken], pulled.known) == (["1.xml"], 1)


def test_a_file_that_is_too_large_or_a_broken_zip_is_told_and_the_others_come_in(
    puller: Puller, tmp_path: Path
) -> None:
    drop(tmp_path / "1.xml", b"x" * 3_000_000)
    drop(tmp_path / "2.zip", b"PK\x03\x04 kapot")
    drop(tmp_path / "3.xml", message())
    pulled = puller.pull(folder(tmp_path))
    assert [problem.name for problem in pulled.problems] == ["1.xml", "2.zip"]
    assert ([document.name for document in pulled.taken], pulled.failure) == (["3.xml"], None)
    with database.read_transaction(puller.store.engine) as connection:
        cursor_result = connection.execute(select(deliveries.c.findings).where(deliveries.c.verdict == "reject"))
        rules = sorted((load["rule"], load["path"]) for row in cursor_result for load in json.loads(row.findings))
    assert rules == [("document.unreadable", "2.zip"), ("xml.size", "1.xml")]


def test_a_refused_file_is_judged_anew_under_another_policy(puller: Puller, tmp_path: Path) -> None:
    drop(tmp_path / "1.xml", message(scores=["7.5"]))
    assert puller.pull(folder(tmp_path)).failure is not None
    assert puller.pull(folder(tmp_path)).failure is not None  # for as long as it is refused
    assert puller.count() == 0
    puller.pull(replace(folder(tmp_path), policy="tolerant"))
    assert puller.count() == 1


def test_only_problems_is_a_failure_and_an_empty_folder_is_none(puller: Puller, tmp_path: Path) -> None:
    assert puller.pull(folder(tmp_path)).failure is None
    drop(tmp_path / "2.zip", b"PK\x03\x04 kapot")
    assert puller.pull(folder(tmp_path)).failure is not None


def test_a_folder_that_is_not_there_may_be_there_later(puller: Puller, tmp_path: Path) -> None:
    with pytest.raises(Retriable, match="folder"):
        puller.pull(folder(tmp_path / "away"))


# -- which file is what --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (zipped(("a.xml", b"")), documents.Content.ZIP),
        (b"PK\x05\x06" + bytes(18), documents.Content.ZIP),
        (message(), documents.Content.RESULTS),
        (in_answer(), documents.Content.RESULTS),
        (b"<EDEX/>", documents.Content.ROSTER),
        (f'<x:leerlinggegevens_antwoord xmlns:x="{names.LG}"/>'.encode(), documents.Content.ROSTER),
        ("<?xml version='1.0' encoding='UTF-16'?><EDEX/>".encode("utf-16"), documents.Content.ROSTER),
        (b"", documents.Content.OTHER),
        (b"hallo", documents.Content.OTHER),
        (b"<html/>", documents.Content.RESULTS),
    ],
)
def test_a_file_is_known_by_its_first_bytes_and_its_root(content: bytes, what: documents.Content) -> None:
    spooled = spool([content])
    assert documents.content_of(spooled) is what
    spooled.close()


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (b"<a></a>", True),
        (b"<a></a>\r\n", True),
        (b"<a/>", True),
        (b"<a></a><!-- klaar -->\n", True),
        ("<a></a>".encode("utf-16"), True),
        (b"<a><b></b", False),
        (b"<a>tekst", False),
        (b"", False),
    ],
)
def test_a_document_that_was_cut_off_does_not_end_with_a_tag(content: bytes, whole: bool) -> None:
    spooled = spool([content])
    assert documents.is_whole(spooled) is whole
    spooled.close()
