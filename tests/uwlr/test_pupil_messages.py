"""Pupil data read by name and written back: answers, parts, EDEXML files, requests."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from sqlalchemy import Engine, select

from connectors.uwlr import names
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.las_requests import RosterRequest, write_request
from connectors.uwlr.pupil_messages import NO_CHANGES, NO_DATA, Part, RosterAnswer, merge, read_part, read_roster
from connectors.uwlr.pupil_writer import ROLE_CODES, write_answer, write_content, write_empty_answer
from connectors.uwlr.validator import schema
from models.ingest.rosters import save_roster
from models.ingest.schools import Identification, ensure_school, ensure_source
from models.schema import clock, database
from models.schema.encryption import PiiCipher
from models.schema.records import Roster, RosterGroup, RosterPupil, RosterTeacher, SchoolRef
from models.schema.tables import classes, memberships, pupils
from tests.conftest import SHARED, Store
from tests.uwlr.roster_requests import read_request

SAMPLES = SHARED / "uwlr" / "samples"
with_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
ECK = "https://ketenid.nl/pilot/" + "a" * 128
CREATED = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with clock.fixed(datetime(2026, 11, 23, 9, tzinfo=UTC)):
        yield


# -- the law ----------------------------------------------------------------------------------------------------

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=12,
).filter(lambda text: text.strip() != "" and text == text.strip())
keys = st.text("abcdef0123456789-#_", min_size=1, max_size=8)
days = st.dates(datetime(2010, 1, 1).date(), datetime(2026, 7, 31).date()).map(str)  # noqa: DTZ001 - a day
year_groups = st.sampled_from(["1", "8", "11", "16", "S", "N"])


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    group_keys = draw(st.lists(keys, max_size=6, unique=True))
    cut = draw(st.integers(0, len(group_keys)))
    base, composed = group_keys[:cut], group_keys[cut:]
    locations = draw(st.lists(st.tuples(keys, texts), max_size=2, unique_by=lambda pair: pair[0]))
    people = draw(st.lists(keys, max_size=8, unique=True))

    def optional(values: st.SearchStrategy[str]) -> str | None:
        return draw(st.none() | values)

    def names_of() -> dict[str, str | None]:
        return {
            "first_name": draw(texts), "prefix": optional(texts.map(lambda item: item[:10].strip())),
            "last_name": draw(texts),
        }  # fmt: skip

    def one_of(options: list[str]) -> str | None:
        return draw(st.sampled_from([None, *options]))

    roles = st.lists(st.sampled_from(sorted(ROLE_CODES)) | texts, max_size=2).map(tuple)
    return Roster(
        school_year="2026-2027",
        school=SchoolRef(brin="99XX", dependance=draw(st.sampled_from(["", "01"])), school_key=optional(keys)),
        school_name=None,
        created_us=draw(st.none() | st.integers(0, 10**6).map(lambda more: clock.to_us(CREATED) + more)),
        groups=(
            *(RosterGroup(key, draw(texts), False, draw(year_groups), optional(texts)) for key in base),
            *(RosterGroup(key, draw(texts), True, None, optional(texts)) for key in composed),
        ),
        pupils=tuple(
            RosterPupil(
                key, ECK + key if draw(st.booleans()) else None, **names_of(), year_group=optional(year_groups),
                group=one_of(base), composed_groups=tuple(item for item in composed if draw(st.booleans())),
                location=one_of([item for item, _ in locations]), entered_on=optional(days), left_on=optional(days),
            )
            for key in people
        ),
        teachers=tuple(
            RosterTeacher(
                "t" + key, None, **names_of(), email=optional(texts), roles=draw(roles),
                groups=tuple((item, draw(roles)) for item in base if draw(st.booleans())),
                composed_groups=tuple((item, draw(roles)) for item in composed if draw(st.booleans())),
            )
            for key in people
        ),
        locations=tuple(locations),
    )  # fmt: skip


def records(answer: RosterAnswer) -> Roster | None:
    """The roster without what belongs to its bytes."""
    roster = answer.roster
    return None if roster is None else dataclasses.replace(roster, digest=b"", size=0, findings=())


def write_edexml(roster: Roster) -> bytes:
    """A roster as an EDEXML 2.1 file."""
    root = etree.Element("EDEX")
    write_content(root, roster, Part.ALL)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


slowly = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@slowly
@given(rosters())
@pytest.mark.parametrize("write", [write_answer, write_edexml])
def test_what_is_written_is_read_back(write: Callable[[Roster], bytes], roster: Roster) -> None:
    with clock.fixed(datetime(2026, 11, 23, 9, tzinfo=UTC)):
        assert records(read_roster(write(roster))) == roster


@slowly
@given(rosters())
def test_the_parts_of_a_staged_transfer_are_the_whole(roster: Roster) -> None:
    with clock.fixed(datetime(2026, 11, 23, 9, tzinfo=UTC)):
        parts = {part: read_part(write_answer(roster, part)) for part in Part}
    merged = merge(parts[Part.STRUCTURE], [parts[Part.PUPILS]] * 2, [parts[Part.TEACHERS]])
    assert records(merged) == roster
    assert merged.digest != parts[Part.STRUCTURE].digest


FULL = Roster(
    school_year="2026-2027",
    school=SchoolRef(brin="99XX", dependance="01", school_key="77"),
    school_name=None,
    created_us=clock.to_us(CREATED),
    groups=(RosterGroup("5", "5a", False, "5", "lokaal 3"), RosterGroup("p", "Plus", True)),
    pupils=(
        RosterPupil("k1", ECK, "Mila", "van der", "Voorbeeld", "5", "5", ("p",), "v", "2024-08-01", "2027-07-31"),
        RosterPupil("k2", None, "Finn", None, "Fictief", "5", "5"),
    ),
    teachers=(
        RosterTeacher(
            "t1", None, "Jo", None, "Les", "jo@school.example", ("IB",), (("5", ("STA", "x")),), (("p", ()),)
        ),
    ),
    locations=(("v", "Hoofdgebouw"),),
)  # fmt: skip


def test_what_is_written_is_valid() -> None:
    for part in Part:
        assert schema("entry_pupils_edexml.xsd").validate(etree.fromstring(write_answer(FULL, part)))
        assert schema("entry_pupils_edexml.xsd").validate(etree.fromstring(write_empty_answer(NO_DATA, part)))
    assert schema("edexml_file.xsd").validate(etree.fromstring(write_edexml(FULL)))
    assert read_roster(write_answer(FULL)).findings == ()


# -- samples ----------------------------------------------------------------------------------------------------


@pytest.fixture
def engine(store: Store) -> Engine:
    with database.write_transaction(store.engine) as connection:
        ensure_school(connection, [Identification("brin", "99ZZ")])
        ensure_source(connection, "las", "LAS", "las")
    return store.engine


@with_samples
@pytest.mark.parametrize(
    ("name", "number", "expected_classes"),
    [
        ("las-answer-po-1.xml", 4, {("1/2 Beren", "1"), ("5a", "5"), ("Plusgroep", "5")}),
        (
            "las-answer-vo-1.xml", 3,
            {("4h1", "14"), ("5v1", "15"), ("4h.schk1", "14"), ("5v.nat2", "15"), ("4h.ment", "14")},
        ),
        (
            "edexml-split-combination-groups.xml", 5,
            {("1-2 Otters (Leerkracht1 en Leerkracht2)", "1,2"), ("6-7-8 Panda's (Leerkracht3)", "6,7,8")},
        ),
        (
            "edexml-C-jaargroep-hash-keys.xml", 5,
            {
                ("1/2 Beren", "1,2"), ("1-2 Otters (Leerkracht1 en Leerkracht2)", "1,2"),
                ("6-7-8 Panda's (Leerkracht3)", "6,7,8"),
            },
        ),
    ],
)  # fmt: skip
def test_a_sample_is_applied_as_a_roster(
    engine: Engine, name: str, number: int, expected_classes: set[tuple[str, str]]
) -> None:
    with (SAMPLES / name).open("rb") as file:
        answer = read_roster(file)
    assert answer.findings == ()
    assert answer.roster is not None
    receipt = save_roster(
        engine, PiiCipher.from_secret(b"s" * 32), school_id=1, source_id=1, roster=answer.roster, way="load"
    )
    assert (receipt.state, receipt.findings) == ("applied", ())
    with database.read_transaction(engine) as connection:
        stored_classes = {(row.name, row.year_groups) for row in connection.execute(select(classes))}
        assert stored_classes == expected_classes
        assert len(connection.execute(select(pupils)).all()) == number
        in_a_class = set(connection.scalars(select(memberships.c.pupil_id)))
        assert len(in_a_class) == number


@with_samples
@pytest.mark.parametrize(
    ("name", "empty"), [("las-answer-geengegevens.xml", NO_DATA), ("las-answer-geenwijzigingen.xml", NO_CHANGES)]
)
def test_an_answer_without_data_says_why(name: str, empty: str) -> None:
    answer = read_roster((SAMPLES / name).read_bytes())
    assert (answer.roster, answer.empty, answer.findings) == (None, empty, ())


@with_samples
def test_a_sample_request_is_refused() -> None:
    answer = read_roster((SAMPLES / "las-request-1.xml").read_bytes())
    assert answer.roster is None
    assert [(finding.rule, finding.level) for finding in answer.findings] == [("soap.request", "error")]
    assert "nothing to store" in answer.findings[0].message_en


# -- as it is really sent ---------------------------------------------------------------------------------------


def edex(body: str, school: str = "<schooljaar>2026-2027</schooljaar><brincode>99XX</brincode>") -> bytes:
    return f"<EDEX><school>{school}</school>{body}</EDEX>".encode()


def rules(answer: RosterAnswer) -> list[tuple[str, str]]:
    return [(finding.rule, finding.level) for finding in answer.findings]


def test_children_out_of_order_and_an_empty_prefix_are_read_and_reported() -> None:
    body = (
        '<leerlingen><leerling key="k"><jaargroep>5</jaargroep><roepnaam>Mila</roepnaam><voorvoegsel/>'
        "<achternaam>Voorbeeld</achternaam></leerling></leerlingen>"
    )
    answer = read_roster(
        edex(body, "<dependancecode>0</dependancecode><brincode>99XX</brincode><schooljaar>2026-2027</schooljaar>")
    )
    assert answer.roster is not None
    assert answer.roster.school == SchoolRef(brin="99XX")
    (pupil,) = answer.roster.pupils
    assert (pupil.first_name, pupil.prefix, pupil.last_name) == ("Mila", None, "Voorbeeld")
    assert {rule for rule, _ in rules(answer)} == {"roster.schema"}
    assert all(finding.line == 1 and finding.path for finding in answer.findings)


def test_groups_of_teachers_are_no_groups_of_the_school() -> None:
    body = (
        '<groepen><groep key="5"><naam>5a</naam><jaargroep>5</jaargroep></groep></groepen>'
        '<leerlingen><leerling key="k"><roepnaam>M</roepnaam><groep key="5"/></leerling></leerlingen>'
        '<leerkrachten><leerkracht key="t"><roepnaam>J</roepnaam><groepen><groep key="9"/></groepen></leerkracht>'
        "</leerkrachten>"
    )
    answer = read_roster(edex(body))
    assert answer.roster is not None
    assert [group.key for group in answer.roster.groups] == ["5"]
    assert rules(answer) == [("roster.group-undefined", "warning")]


def test_unknown_elements_are_reported_once_with_a_count() -> None:
    pupils_ = "".join(f'<leerling key="{n}"><roepnaam>x</roepnaam><hobby>schaken</hobby></leerling>' for n in range(3))
    answer = read_roster(edex(f"<leerlingen>{pupils_}</leerlingen>"))
    (unknown,) = [finding for finding in answer.findings if finding.rule == "roster.unknown-element"]
    assert "3 times" in unknown.message_en
    assert "schaken" not in str(answer.findings)


def test_findings_and_records_never_repeat_what_must_go_no_further() -> None:
    body = (
        '<leerlingen><leerling key="k"><roepnaam>M</roepnaam><geboortedatum>geheim-1</geboortedatum>'
        "<bsn>geheim-2</bsn><postcodenl>geheim-3</postcodenl><emailadres>geheim-4</emailadres></leerling></leerlingen>"
    )
    answer = read_roster(edex(body))
    assert answer.roster is not None
    assert "geheim" not in str(answer)
    assert ("roster.schema", "warning") in rules(answer)


@pytest.mark.parametrize(
    ("pupils_", "rule"),
    [
        ('<leerling key="k"><roepnaam>M</roepnaam></leerling>' * 2, "roster.key-twice"),
        (
            f'<leerling key="k" eckid="{ECK}"><roepnaam>M</roepnaam></leerling>'
            f'<leerling key="l" eckid="{ECK}"><roepnaam>M</roepnaam></leerling>',
            "roster.eckid-twice",
        ),
        ('<leerling key="k" eckid="999999990"><roepnaam>M</roepnaam></leerling>', "pupil.bsn"),
    ],
)
def test_keys_that_stand_twice_refuse_the_roster(pupils_: str, rule: str) -> None:
    answer = read_roster(edex(f"<leerlingen>{pupils_}</leerlingen>"))
    assert (answer.roster, rules(answer)[0]) == (None, (rule, "error"))


def test_no_name_that_the_sender_made_up_is_told() -> None:
    pupil = '<leerling key="k" Jan_Jansen="1"><roepnaam>M</roepnaam><Jan_Jansen>x</Jan_Jansen></leerling>'
    answer = read_roster(edex(f"<leerlingen>{pupil}</leerlingen><Jan_Jansen/>"))
    assert ("roster.unknown-element", "warning") in rules(answer)
    assert ("roster.schema", "warning") in rules(answer)
    assert "Jan_Jansen" not in str(answer.findings)
    (unknown,) = [finding for finding in answer.findings if finding.rule == "roster.unknown-element"]
    assert unknown.path == "/EDEX/*"


def test_a_finding_names_line_and_column_of_the_element() -> None:
    body = """<leerlingen>
  <leerling key="k"><roepnaam>M</roepnaam></leerling>
  <leerling key="l"><roepnaam>M</roepnaam><hobby/></leerling> <leerling key="k"><roepnaam>M</roepnaam></leerling>
</leerlingen>"""
    for encoding in ("utf-8", "utf-16", "iso-8859-1"):
        declaration = f'<?xml version="1.0" encoding="{encoding}"?>'
        answer = read_roster((declaration + edex(body).decode()).encode(encoding))
        places = {finding.rule: (finding.path, finding.line, finding.column) for finding in answer.findings}
        assert places["roster.key-twice"] == ("/EDEX/leerlingen/leerling[3]", 3, 63)
        assert places["roster.unknown-element"] == ("/EDEX/leerlingen/leerling[2]/*", 3, 43)


def test_an_eck_id_in_another_form_is_taken_with_a_warning() -> None:
    answer = read_roster(
        edex('<leerlingen><leerling key="k" eckid="eckid_L1"><roepnaam>M</roepnaam></leerling></leerlingen>')
    )
    assert answer.roster is not None
    assert answer.roster.pupils[0].eck_id == "eckid_L1"
    assert rules(answer) == [("pupil.eckid-form", "warning")]


@pytest.mark.parametrize("year", ["", '""', "2026", "2026-2028", "٢٠٢٦-٢٠٢٧"])
def test_a_roster_without_a_school_year_is_refused(year: str) -> None:
    answer = read_roster(edex("<leerlingen/>", f"<schooljaar>{year}</schooljaar>"))
    assert ("roster.school-year", "error") in rules(answer)


def test_a_moment_without_zone_is_one_in_the_netherlands_and_the_text_is_kept() -> None:
    answer = read_roster(edex("", "<schooljaar>2026-2027</schooljaar><aanmaakdatum>2026-11-20T08:30:00</aanmaakdatum>"))
    assert answer.roster is not None
    assert (answer.roster.created_us, answer.created_text) == (clock.to_us(CREATED), "2026-11-20T08:30:00")


def test_a_moment_more_than_a_day_ahead_refuses_the_roster() -> None:
    school = "<schooljaar>2026-2027</schooljaar><aanmaakdatum>2026-11-25T08:30:00</aanmaakdatum>"
    assert ("roster.created-future", "error") in rules(read_roster(edex("", school)))


def test_comments_do_not_cut_a_value() -> None:
    answer = read_roster(
        edex('<leerlingen><leerling key="k"><roepnaam>Mi<!-- -->la</roepnaam></leerling></leerlingen>')
    )
    assert answer.roster is not None
    assert answer.roster.pupils[0].first_name == "Mila"
    assert rules(answer) == [("xml.comment-in-text", "warning")]


@pytest.mark.parametrize("part", [Part.STRUCTURE, Part.PUPILS, Part.TEACHERS])
def test_one_part_of_a_staged_transfer_is_no_roster(part: Part) -> None:
    answer = read_roster(write_answer(FULL, part))
    assert (answer.roster, rules(answer)[-1]) == (None, ("roster.part", "error"))


def test_a_bare_answer_and_its_content_are_read_too() -> None:
    payload = etree.fromstring(write_answer(FULL)).find(f"{names.BODY}/*")
    assert payload is not None
    for element in (payload, payload[0]):
        assert records(read_roster(io.BytesIO(etree.tostring(element)))) == FULL


@pytest.mark.parametrize("profile", ["lvs", "narrow"])
def test_what_a_profile_forbids_is_reported_and_read(profile: str) -> None:
    answer = read_roster(write_answer(FULL), profile)  # type: ignore[arg-type]
    assert records(answer) == FULL
    assert {rule for rule, _ in rules(answer)} == {"roster.schema"}


# -- the gate ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "xml.empty"),
        (b"<EDEX><school></EDEX>", "xml.end-tag"),
        (b"<!DOCTYPE EDEX [<!ENTITY a 'b'>]><EDEX/>", "xml.doctype"),
        (b"<EDEX><?php x ?></EDEX>", "xml.processing-instruction"),
        (b"<?xml-stylesheet href='x'?><EDEX/>", "xml.processing-instruction"),
        (b'<?xml version="1.0" encoding="UTF-7"?><EDEX/>', "xml.encoding"),
        (b"<html/>", "roster.root"),
        (b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>', "soap.version"),
        (f'<e:Envelope xmlns:e="{names.SOAP}"><e:Body/><e:Body/></e:Envelope>'.encode(), "soap.body"),
        (f'<lr:leerresultaten_verzoek xmlns:lr="{names.LR}"/>'.encode(), "roster.root"),
        (f'<g:leerlinggegevens_verzoek xmlns:g="{names.LG}"/>'.encode(), "soap.request"),
        (f'<g:Structuur_verzoek xmlns:g="{names.LG}"/>'.encode(), "soap.request"),
    ],
)
def test_the_gate_refuses_in_one_sentence(data: bytes, rule: str) -> None:
    answer = read_roster(data)
    assert (answer.roster, rules(answer)) == (None, [(rule, "error")])
    assert answer.findings[0].remedy


def test_a_fault_is_told_apart() -> None:
    fault = (
        f'<s:Envelope xmlns:s="{names.SOAP}"><s:Body><s:Fault><faultcode>s:Client.AutorisatieOngeldig</faultcode>'
        "<faultstring>nee</faultstring></s:Fault></s:Body></s:Envelope>"
    )
    answer = read_roster(fault.encode())
    assert (answer.roster, answer.fault) == (None, ("Client.AutorisatieOngeldig", "nee"))
    assert rules(answer) == [("roster.fault", "error")]


def test_a_roster_that_is_wrong_throughout_costs_seconds_not_minutes() -> None:
    wrong = "".join(f'<leerling key="{n}"><geslacht>7</geslacht><x/></leerling>' for n in range(20_000))
    began = time.monotonic()
    answer = read_roster(edex(f"<leerlingen>{wrong}</leerlingen>"))
    assert time.monotonic() - began < 10
    assert answer.roster is not None
    assert len(answer.roster.pupils) == 20_000
    assert len(answer.findings) < 50


# -- requests ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        RosterRequest(Part.ALL, SchoolRef(brin="99XX"), "2026-2027"),
        RosterRequest(Part.ALL, SchoolRef(brin="99XX"), "", "2.3", "Smalle-set-VO", "2026-11-20T08:30:00"),
        RosterRequest(Part.STRUCTURE, SchoolRef(school_key="77"), "2026-2027", dataset_id=""),
        RosterRequest(
            Part.PUPILS, SchoolRef(brin="99XX", dependance="01"), "2026-2027", groups=((False, "5"), (True, None))
        ),
        RosterRequest(Part.TEACHERS, SchoolRef(brin="99XX"), "2026-2027", groups=((True, "p"), (False, None))),
    ],
)  # fmt: skip
def test_a_request_is_read_as_it_was_written(request_: RosterRequest) -> None:
    header = etree.fromstring(
        f'<a:autorisatie xmlns:a="{names.AUT}"><autorisatiesleutel>s</autorisatiesleutel>'
        "<a:klantcode>c</a:klantcode><a:klantnaam>n</a:klantnaam></a:autorisatie>"
    )
    assert read_request(write_request(request_)) == (request_, None)
    assert read_request(write_request(request_, header)) == (request_, Authorisation("s", "c", "n"))
    if request_.school_year and request_.dataset_id != "":
        assert schema("entry_pupils_edexml.xsd").validate(etree.fromstring(write_request(request_)))
