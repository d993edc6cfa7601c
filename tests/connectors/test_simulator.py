"""The simulated school, LAS and publishers: always the same, valid, and no further than the clock."""

from __future__ import annotations

import http.client
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from connectors.intake.judge import judge, spool
from connectors.simulator import answers, calendar, publishers, questions, requests, school, server
from connectors.simulator.school import BAKEN, HORIZON
from connectors.uwlr import names
from connectors.uwlr.pupil_messages import read_part, read_roster
from connectors.uwlr.validator import schema
from models.schema import clock
from models.schema.records import Kind, OsoResult, PupilRef, Result, SchoolRef, Verdict

SOAP_PUBLISHERS = ("rekenwijs", "spelsprong", "leeslijn")
NOVEMBER = datetime(2026, 11, 26, 12, tzinfo=UTC)
SUMMER = datetime(2027, 7, 20, 12, tzinfo=UTC)
AWKWARD = [
    datetime(2026, 8, 1, 0, 0, 1, tzinfo=clock.AMSTERDAM),
    datetime(2026, 7, 31, 23, 59, tzinfo=clock.AMSTERDAM),
    datetime(2026, 8, 17, 8, 0, tzinfo=clock.AMSTERDAM),
    datetime(2028, 2, 29, 12, 0, tzinfo=clock.AMSTERDAM),
    datetime(2026, 12, 31, 23, 59, tzinfo=clock.AMSTERDAM),
    datetime(2027, 3, 28, 1, 30, tzinfo=UTC),  # the hour that is skipped
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # 2:30 for the first time
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),  # and for the second
]


def ask_pull(
    publisher: str, since: str | None = None, *, brin: str = "99XX", key: str | None = None, name: str = "Rondblik"
) -> bytes:
    key = key if key is not None else requests.key_for(publisher, SchoolRef(brin=brin))
    cursor = f"<p:laatstontvangen>{since}</p:laatstontvangen>" if since else ""
    return envelope(
        key,
        name,
        f'<p:leerresultaten_ophalen_verzoek xmlns:p="{names.OPHALEN}"><p:schooljaar>2026-2027</p:schooljaar>'
        f"<p:brincode>{brin}</p:brincode><p:xsdversie>2.2</p:xsdversie>{cursor}</p:leerresultaten_ophalen_verzoek>",
    )


def ask_las(
    operation: str,
    owner: SchoolRef,
    since: str | None = None,
    *,
    groups: str = "",
    school_year: str = "2026-2027",
    version: str = "2.2",
    key: str | None = None,
) -> bytes:
    cursor = f"<laatstontvangengegevens>{since}</laatstontvangengegevens>" if since else ""
    return envelope(
        key if key is not None else requests.key_for("las", owner),
        "Rondblik",
        f'<{operation} xmlns="{names.LG}"><schooljaar>{school_year}</schooljaar><brincode>{owner.brin}</brincode>'
        f"<dependancecode>00</dependancecode><xsdversie>{version}</xsdversie>{cursor}{groups}</{operation}>",
    )


def envelope(key: str, name: str, payload: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{names.SOAP}"><s:Header><a:autorisatie xmlns:a="{names.AUT}">'
        f"<a:autorisatiesleutel>{key}</a:autorisatiesleutel><a:klantcode>RB</a:klantcode>"
        f"<a:klantnaam>{name}</a:klantnaam></a:autorisatie></s:Header><s:Body>{payload}</s:Body></s:Envelope>"
    ).encode()


def is_valid(body: bytes, schema_name: str) -> bool:
    return schema(schema_name).validate(etree.fromstring(body))


def year_results(publisher: str, now: datetime = SUMMER) -> list[Result]:
    message = publishers.next_message(publisher, None, now)
    assert message is not None
    return message.results


def of_pupil(results: list[Result], number: int, school_year: str = "2026-2027") -> list[Result]:
    pupil = school.classes(HORIZON, school_year)["5a"][number]
    return [result for result in results if result.pupil.las_key == pupil.key]


# -- the school ------------------------------------------------------------------------------------------------


def test_the_primary_school_has_eight_classes_and_about_two_hundred_pupils() -> None:
    classes = school.classes(HORIZON, "2026-2027")
    assert set(classes) == {"3", "4", "5a", "5b", "6", "6/7", "7", "8"}
    assert 190 <= sum(map(len, classes.values())) <= 210
    assert {pupil.group for pupil in classes["6/7"]} == {"G67_lj_6", "G67_lj_7"}


def test_the_secondary_school_has_one_class_of_26_in_cluster_groups() -> None:
    pupils = school.pupils(BAKEN, "2026-2027")
    assert len(pupils) == 26
    assert all(pupil.composed for pupil in pupils)


def test_there_are_14_teachers_with_groups_and_one_of_them_is_ib() -> None:
    roster = school.roster(HORIZON, "2026-2027", NOVEMBER)
    assert len(roster.teachers) == 14
    assert sum("IB" in teacher.roles for teacher in roster.teachers) == 1


def test_a_pupil_keeps_key_and_name_from_year_to_year() -> None:
    before = {pupil.key: pupil for pupil in school.pupils(HORIZON, "2025-2026")}
    both = [(pupil, before[pupil.key]) for pupil in school.pupils(HORIZON, "2026-2027") if pupil.key in before]
    assert len(both) > 140
    assert all((new.first_name, new.last_name) == (old.first_name, old.last_name) for new, old in both)
    assert all(new.year_group == old.year_group + 1 for new, old in both)


def test_no_two_pupils_of_a_class_share_a_first_name() -> None:
    for pupils in school.classes(HORIZON, "2026-2027").values():
        assert max(Counter(pupil.first_name for pupil in pupils if pupil.cohort == pupils[0].cohort).values()) == 1


def test_school_days_are_weekdays_outside_the_holidays() -> None:
    days = calendar.school_days("2026-2027")
    assert days[0] == date(2026, 8, 17)
    assert 190 <= len(days) <= 205
    assert all(day.weekday() < 5 for day in days)
    assert not {date(2026, 12, 25), date(2027, 1, 1), date(2027, 3, 29), date(2027, 5, 6)} & set(days)


# -- the LAS ---------------------------------------------------------------------------------------------------


def test_the_las_gives_all_pupils_in_one() -> None:
    body = answers.las(ask_las("leerlinggegevens_verzoek", HORIZON), NOVEMBER)
    assert is_valid(body, "entry_pupils_edexml.xsd")
    with clock.fixed(NOVEMBER):
        answer = read_roster(body)
    assert answer.findings == ()
    assert answer.roster is not None
    assert len(answer.roster.pupils) == 198
    assert answer.roster.groups == school.roster(HORIZON, "2026-2027", NOVEMBER).groups


def test_the_las_gives_the_other_school_in_stages() -> None:
    structure = answers.las(ask_las("structuur_verzoek", BAKEN), NOVEMBER)
    wanted = '<groepen><groep key="4H1"/><samengestelde_groep key="4h.nat1"/></groepen>'
    pupils = answers.las(ask_las("leerlingen_verzoek", BAKEN, groups=wanted), NOVEMBER)
    teachers = answers.las(ask_las("leerkrachten_verzoek", BAKEN, groups=wanted), NOVEMBER)
    for body in (structure, pupils, teachers):
        assert is_valid(body, "entry_pupils_narrow.xsd")
    rosters = [read_part(body, "narrow").roster for body in (structure, pupils, teachers)]
    assert [(len(roster.groups), len(roster.pupils), len(roster.teachers)) for roster in rosters if roster] == [
        (5, 0, 0),
        (0, 26, 0),
        (0, 0, 2),
    ]


def test_a_staged_question_for_whoever_has_no_group_has_no_data() -> None:
    body = answers.las(ask_las("leerlingen_verzoek", BAKEN, groups="<groepen><groep/></groepen>"), NOVEMBER)
    assert b"geengegevens" in body


def test_the_las_says_that_nothing_changed_until_something_does() -> None:
    changed = school.roster_changed(HORIZON, "2026-2027", NOVEMBER)
    same = answers.las(ask_las("leerlinggegevens_verzoek", HORIZON, changed.isoformat()), NOVEMBER)
    older = (changed - timedelta(seconds=1)).isoformat()
    assert b"geenwijzigingen" in same
    assert b"leerlingen>" in answers.las(ask_las("leerlinggegevens_verzoek", HORIZON, older), NOVEMBER)


def test_the_newcomer_is_in_the_roster_from_the_first_day_on() -> None:
    entered = school.classes(HORIZON, "2026-2027")["5a"][school.NEWCOMER].entered
    before, after = (calendar.moment(entered, 0) + timedelta(minutes=n) for n in (-1, 1))
    assert len(school.roster(HORIZON, "2026-2027", after).pupils) == 1 + len(
        school.roster(HORIZON, "2026-2027", before).pupils
    )
    assert school.roster_changed(HORIZON, "2026-2027", before) < school.roster_changed(HORIZON, "2026-2027", after)


def test_the_las_has_no_data_of_other_years() -> None:
    assert b"geengegevens" in answers.las(
        ask_las("leerlinggegevens_verzoek", HORIZON, school_year="2031-2032"), NOVEMBER
    )


def test_the_las_refuses_what_is_not_authorised() -> None:
    def fault(body: bytes) -> str:
        with pytest.raises(requests.Fault) as caught:
            answers.las(body, NOVEMBER)
        assert is_valid(caught.value.envelope(), "entry_results.xsd")
        return caught.value.code

    good = ask_las("leerlinggegevens_verzoek", HORIZON)
    assert fault(ask_las("leerlinggegevens_verzoek", HORIZON, key="demo-las-99YY")) == "Client.AutorisatieOngeldig"
    assert fault(good.replace(b"a:klantcode>RB", b"a:klantcode>XX")) == "Client.OngeldigeKlantIdentificatie"
    assert fault(good.replace(b">RB<", b"><")) == "Client.AutorisatieOngeldig"
    assert fault(good.replace(b"2026-2027", b"2026")) == "Client.OngeldigBericht"
    assert fault(good[:-5]) == "Client.OngeldigBericht"
    assert fault(ask_las("leerlinggegevens_verzoek", HORIZON, version="9.9")) == "Client.XsdVersieOngeldig"
    assert fault(ask_las("structuur_verzoek", HORIZON)) == "Client.OngeldigBericht"


# -- the publishers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("publisher", SOAP_PUBLISHERS)
def test_answers_of_the_soap_publishers_are_valid(publisher: str) -> None:
    assert is_valid(answers.publisher(publisher, ask_pull(publisher), SUMMER), "entry_results.xsd")


def test_documents_of_toetsvolg_are_valid() -> None:
    with zipfile.ZipFile(io.BytesIO(answers.archive(SUMMER))) as archive:
        assert len(archive.namelist()) == len(set(archive.namelist())) == 20
        for name in archive.namelist():
            assert is_valid(archive.read(name), "entry_results_2_3.xsd"), name


def test_exports_of_the_question_level_sender_pass_the_tolerant_schema_only() -> None:
    wrong = []
    for export in questions.exports(BAKEN, SUMMER) + questions.exports(HORIZON, SUMMER):
        try:
            document = etree.fromstring(export.body)
        except etree.XMLSyntaxError:
            wrong.append(export.name)
            continue
        assert schema("entry_results_tolerant.xsd").validate(document)
        assert not schema("entry_results.xsd").validate(document)
    assert len(wrong) == 1


def test_all_is_the_same_in_every_run() -> None:
    def everything() -> list[bytes]:
        soap = [answers.publisher(name, ask_pull(name), NOVEMBER) for name in SOAP_PUBLISHERS]
        return [*soap, answers.archive(NOVEMBER), *(export.body for export in questions.exports(BAKEN, NOVEMBER))]

    first = everything()
    for cached in (publishers._year, publishers._oso_documents, school.pupils, calendar.school_days):
        cached.cache_clear()
    assert everything() == first


def test_a_school_year_has_the_volume_of_a_school() -> None:
    soap = sum(len(year_results(name)) for name in SOAP_PUBLISHERS)
    oso = sum(len(document.message.results) for document in publishers.documents("toetsvolg", SUMMER))
    questions_sent = sum(export.body.count(b"</resultaat>") for export in questions.exports(BAKEN, SUMMER)) // 2
    assert 15_000 <= soap + oso + questions_sent <= 28_000


@pytest.mark.parametrize("publisher", SOAP_PUBLISHERS)
def test_nothing_is_sent_before_it_happened(publisher: str) -> None:
    assert max(result.taken_on for result in year_results(publisher, NOVEMBER)) <= "2026-11-26"


@pytest.mark.parametrize("publisher", SOAP_PUBLISHERS)
def test_a_later_question_brings_the_days_since_and_nothing_else(publisher: str) -> None:
    first = publishers.next_message(publisher, None, NOVEMBER)
    assert first is not None
    cursor = clock.from_us(first.head.created_us)
    assert publishers.next_message(publisher, cursor, NOVEMBER) is None
    later = publishers.next_message(publisher, cursor, NOVEMBER + timedelta(days=14))
    assert later is not None
    assert 0 < len(later.results) < len(first.results)
    assert later.head.created_us > first.head.created_us
    together = {result.key: result for result in (*first.results, *later.results)}
    at_once = publishers.next_message(publisher, None, NOVEMBER + timedelta(days=14))
    assert at_once is not None
    assert together == {result.key: result for result in at_once.results}


@pytest.mark.parametrize("now", AWKWARD, ids=lambda now: now.isoformat())
@pytest.mark.parametrize("publisher", SOAP_PUBLISHERS)
def test_there_is_something_to_see_on_every_day_and_an_end_to_it(publisher: str, now: datetime) -> None:
    cursor, seen, polls = None, 0, 0
    while (message := publishers.next_message(publisher, cursor, now)) is not None:
        created = clock.from_us(message.head.created_us)
        assert created <= now
        if cursor is not None and created <= cursor + timedelta(hours=1):
            break  # only what the overlap brings again
        cursor, seen, polls = created - timedelta(hours=1), seen + len(message.results), polls + 1
        assert polls <= 2
    assert seen > 100


@pytest.mark.parametrize("now", AWKWARD, ids=lambda now: now.isoformat())
def test_documents_and_exports_are_there_on_every_day(now: datetime) -> None:
    assert publishers.documents("toetsvolg", now)
    assert questions.exports(BAKEN, now)
    assert all(export.available <= now for export in questions.exports(HORIZON, now))


@pytest.mark.parametrize("now", AWKWARD, ids=lambda now: now.isoformat())
def test_of_last_year_only_pupils_who_are_still_here_are_sent(now: datetime) -> None:
    present = clock.school_year(now.astimezone(clock.AMSTERDAM).date())
    here = {pupil.key for pupil in school.pupils(HORIZON, present)} | {
        pupil.eck_id for pupil in school.pupils(HORIZON, present)
    }
    messages = [document.message for document in publishers.documents("toetsvolg", now)]
    messages += [first for name in SOAP_PUBLISHERS if (first := publishers.next_message(name, None, now)) is not None]
    for message in messages:
        if message.head.school_year != present:
            assert message.results
            assert {result.pupil.las_key or result.pupil.eck_id for result in message.results} <= here


def test_a_new_school_year_comes_after_the_end_of_the_one_before() -> None:
    now = datetime(2026, 9, 10, 20, tzinfo=UTC)
    first = publishers.next_message("spelsprong", None, now)
    assert first is not None
    assert first.head.school_year == "2025-2026"
    assert min(result.taken_on for result in first.results) >= "2026-04-01"
    second = publishers.next_message("spelsprong", clock.from_us(first.head.created_us) - timedelta(hours=1), now)
    assert second is not None
    assert second.head.school_year == "2026-2027"


# -- what befalls the pupils of 5a -----------------------------------------------------------------------------


def test_a_real_zero_is_sent_as_zero() -> None:
    zeros = [result for result in of_pupil(year_results("rekenwijs"), school.ZERO) if result.score == 0]
    assert [zero.score_text for zero in zeros] == ["0"]
    assert any(result.score == 0 for result in of_pupil(year_results("spelsprong"), school.ZERO))


def test_the_idle_pupil_stops_and_the_newcomer_begins_late() -> None:
    for publisher in SOAP_PUBLISHERS:
        results = year_results(publisher)
        assert max((result.taken_on for result in of_pupil(results, school.IDLE)), default="") < "2026-09-12"
        assert min(result.taken_on for result in of_pupil(results, school.NEWCOMER)) >= "2026-11-09"


def test_a_late_delivery_is_known_weeks_after_the_test() -> None:
    late = [
        (item.available.date() - date.fromisoformat(item.result.taken_on)).days
        for item in publishers._year("rekenwijs", "2026-2027")
        if item.result in of_pupil([item.result], school.LATE)
    ]
    assert max(late) == 42


def test_the_first_answer_ends_before_what_came_late_and_the_next_brings_it() -> None:
    until = publishers.first_until(NOVEMBER)
    assert until < NOVEMBER - timedelta(days=14)
    first = publishers.first_message("rekenwijs", NOVEMBER)
    assert first is not None
    assert clock.from_us(first.head.created_us) == until
    second = publishers.next_message("rekenwijs", until - timedelta(hours=1), NOVEMBER)
    assert second is not None
    newest = max(result.taken_on for result in of_pupil(first.results, school.LATE))
    assert min(result.taken_on for result in of_pupil(second.results, school.LATE)) < newest
    assert {result.key for result in first.results} & {result.key for result in second.results}  # corrected


@pytest.mark.parametrize("now", AWKWARD, ids=lambda now: now.isoformat())
def test_the_first_answer_is_of_the_present_school_year_and_of_the_past(now: datetime) -> None:
    until = publishers.first_until(now)
    assert until <= now
    assert until >= calendar.moment(
        clock.school_year_bounds(clock.school_year(now.astimezone(clock.AMSTERDAM).date()))[0], 0
    )


def test_a_correction_has_the_key_of_what_it_corrects() -> None:
    items = publishers._year("rekenwijs", "2026-2027")
    keys = Counter(item.result.key for item in items)
    corrected = next(key for key, times in keys.items() if times == 2)
    first, second = (item for item in items if item.result.key == corrected)
    assert first.available < second.available
    assert first.result.taken_on == second.result.taken_on


def test_the_same_document_is_sent_again_and_one_is_corrected() -> None:
    by_name = {document.name: document.message for document in publishers.documents("toetsvolg", NOVEMBER)}
    assert by_name["toetsvolg-2026-2027-B-RW.xml"] == by_name["toetsvolg-2026-2027-B-RW-nogmaals.xml"]
    (corrected,) = by_name["toetsvolg-2026-2027-B-RW-correctie.xml"].results
    (before,) = (result for result in by_name["toetsvolg-2026-2027-B-RW.xml"].results if result.key == corrected.key)
    assert before.detail != corrected.detail


def test_one_pupil_has_a_reference_score_only() -> None:
    details = [
        result.detail for document in publishers.documents("toetsvolg", NOVEMBER) for result in document.message.results
    ]
    without = [detail for detail in details if isinstance(detail, OsoResult) and not detail.has_score]
    assert without
    assert all(oso_result.references for oso_result in without)


def test_an_unknown_pupil_has_results() -> None:
    known = {pupil.las_key for pupil in school.roster(HORIZON, "2026-2027", SUMMER).pupils}
    assert {result.pupil.las_key for result in year_results("rekenwijs")} - known == {"199999"}


def test_progress_stands_beside_the_score_with_a_key_of_its_own() -> None:
    results = year_results("spelsprong")
    assert {result.kind for result in results} == {Kind.SCORE, Kind.PROGRESS}
    slots = Counter((result.pupil, result.test, result.kind) for result in results)
    assert set(slots.values()) == {1}


def test_the_question_level_sender_makes_new_keys_for_what_was_not_offered() -> None:
    def by_key(body: bytes) -> dict[str, str]:
        elements = etree.fromstring(body).iter(names.lr("resultaat"))
        return {element.get("key", ""): element.findtext(names.lr("score"), "") for element in elements}

    exports = [export for export in questions.exports(BAKEN, SUMMER) if b"|EN|" in export.body][:2]
    first, again = (by_key(export.body) for export in exports)
    assert "X" in first.values()
    for key in first.keys() ^ again.keys():
        assert {**first, **again}[key] == "X"
    assert {key for key, score in first.items() if score == "6"} > {key for key, score in again.items() if score == "6"}


def test_two_pupils_have_another_number_at_the_question_level_sender() -> None:
    known = {pupil.las_key for pupil in school.roster(BAKEN, "2026-2027", NOVEMBER).pupils}
    (first, *_) = questions.exports(BAKEN, NOVEMBER)
    sent = {element.text for element in etree.fromstring(first.body).iter(names.lr("leerlingid"))}
    assert len(sent - known) == 2


# -- over HTTP -------------------------------------------------------------------------------------------------


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    with clock.fixed(NOVEMBER), server.running() as running:
        yield running


def post(port: int, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(server.HOST, port, timeout=10)
    try:
        connection.request("POST", "/", body, {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def get(port: int, path: str, token: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(server.HOST, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_every_party_answers_on_a_port_of_its_own(ports: dict[str, int]) -> None:
    assert len(set(ports.values())) == len(server.SERVED)
    assert post(ports["las"], ask_las("leerlinggegevens_verzoek", HORIZON))[0] == 200
    for name in SOAP_PUBLISHERS:
        status, body = post(ports[name], ask_pull(name))
        assert (status, b"leerresultaten_verzoek" in body) == (200, True)
    assert get(ports["toetsvolg"], answers.ARCHIVE_PATH, answers.ARCHIVE_TOKEN)[0] == 200


def test_a_refusal_is_a_fault_with_status_500(ports: dict[str, int]) -> None:
    status, body = post(ports["rekenwijs"], ask_pull("rekenwijs", key="wrong"))
    assert (status, b"Client.AutorisatieOngeldig" in body) == (500, True)
    assert get(ports["toetsvolg"], answers.ARCHIVE_PATH, "wrong")[0] == 401


def test_the_source_that_is_down_answered_once(ports: dict[str, int]) -> None:
    assert post(ports["leeslijn"], ask_pull("leeslijn"))[0] == 200
    status, body = post(ports["leeslijn"], ask_pull("leeslijn", "2026-11-20T18:00:00+01:00"))
    assert (status, b"Server.TijdelijkNietBeschikbaar" in body) == (503, True)


def test_a_school_without_results_has_no_data(ports: dict[str, int]) -> None:
    assert b"geengegevens" in post(ports["rekenwijs"], ask_pull("rekenwijs", brin="99YY"))[1]


def test_ports_stay_the_same_where_they_are_free() -> None:
    with server.running() as first:
        wanted = dict(first)
        with server.running(wanted) as second:
            assert not set(first.values()) & set(second.values())
    with server.running(wanted) as again:
        assert again == wanted


def test_exports_are_dropped_once(tmp_path: Path) -> None:
    new = answers.drop_exports(tmp_path, NOVEMBER)
    assert new == len(list(tmp_path.glob("*/*.xml"))) > 5
    assert answers.drop_exports(tmp_path, NOVEMBER) == 0
    assert answers.drop_exports(tmp_path, NOVEMBER + timedelta(days=21)) > 0


def test_pupil_references_are_those_that_each_publisher_uses() -> None:
    assert all(result.pupil.eck_id is None for result in year_results("leeslijn"))
    oso = [
        result.pupil for document in publishers.documents("toetsvolg", NOVEMBER) for result in document.message.results
    ]
    assert all((pupil_ref.las_key is None) != (pupil_ref.eck_id is None) for pupil_ref in oso)
    assert PupilRef("199999", None, "rekenwijs-5a") in {result.pupil for result in year_results("rekenwijs")}


def test_the_example_for_publishers_of_progress_is_valid() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "voortgang.md").read_text(encoding="utf-8")
    example = text.partition("```xml\n")[2].partition("```")[0]
    assert is_valid(example.encode(), "entry_results.xsd")
    with clock.fixed(NOVEMBER), closing(spool([example.encode()])) as spooled:
        judgement = judge(spooled)
    assert judgement.findings == []
    assert judgement.batch is not None
    assert judgement.batch.count == 3


@pytest.mark.parametrize("publisher", SOAP_PUBLISHERS)
def test_the_gate_has_nothing_against_the_soap_publishers(publisher: str) -> None:
    body = answers.publisher(publisher, ask_pull(publisher), NOVEMBER)
    with clock.fixed(NOVEMBER), closing(spool([body])) as spooled:
        judgement = judge(spooled)
    assert judgement.findings == []
    assert judgement.verdict is Verdict.ACCEPT
