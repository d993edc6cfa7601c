"""Our own UWLR schemas: they load, accept what they should, and each variant differs only as named."""

from __future__ import annotations

import datetime
from functools import cache
from pathlib import Path

import pytest
import zeep
from lxml import etree

from tests.uwlr import strategies as uwlr

SCHEMAS = Path(__file__).resolve().parents[2] / "connectors/uwlr/schemas"
RESULTS = ("entry_results.xsd", "entry_results_2_3.xsd", "entry_results_tolerant.xsd")
PUPILS = tuple(f"entry_pupils_{profile}.xsd" for profile in uwlr.PROFILES)
STRICT, V2_3, TOLERANT = RESULTS
DOCUMENTS = ("edexml_file.xsd", "testdefinitions.xsd", "authorisation.xsd", "progress.xsd", "pull.xsd")

MINIMAL = f"""
<lr:leerresultaten_verzoek xmlns:lr="{uwlr.LR}" xmlns:v="{uwlr.VOORTGANG}" xmlns:xsi="{uwlr.XSI}">
  <lr:school><lr:schooljaar>2025-2026</lr:schooljaar><lr:brincode>99XX</lr:brincode>
    <lr:aanmaakdatum>2025-11-11T00:05:46</lr:aanmaakdatum><lr:xsdversie>2.2</lr:xsdversie></lr:school>
  <lr:toetsafnames><lr:toetsafname><lr:leerlingid>L1</lr:leerlingid>
    <lr:resultaten><lr:resultaat key="R1"><lr:afnamedatum>2025-11-10</lr:afnamedatum>
      <lr:toetscode>T1</lr:toetscode><lr:score>7</lr:score></lr:resultaat></lr:resultaten>
  </lr:toetsafname></lr:toetsafnames>
  <lr:toetsen><lr:toets><lr:toetscode>T1</lr:toetscode></lr:toets></lr:toetsen>
</lr:leerresultaten_verzoek>"""
NORMED = MINIMAL.replace(
    "</lr:toets>",
    "<lr:toetsnormering><lr:toetscategorie>a</lr:toetscategorie><lr:toetsniveau>T1</lr:toetsniveau>"
    "<lr:norm><lr:term>goed</lr:term><lr:beginnormwaarde>0</lr:beginnormwaarde>"
    "<lr:eindnormwaarde>10</lr:eindnormwaarde></lr:norm></lr:toetsnormering></lr:toets>",
)


@cache
def schema(file: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SCHEMAS / file))


def pull_answer(content: str) -> str:
    name = "p:leerresultaten_ophalen_antwoord"
    return f'<{name} xmlns:p="{uwlr.PULL}">{content}</{name}>'


def accepts(file: str, text: str) -> bool:
    return schema(file).validate(etree.fromstring(text))


def with_(text: str, old: str, new: str) -> str:
    """The text with one replacement, which must really happen."""
    assert old in text
    return text.replace(old, new, 1)


def in_envelope(payload: str, header: str = "") -> str:
    return f'<e:Envelope xmlns:e="{uwlr.SOAP}">{header}<e:Body>{payload}</e:Body></e:Envelope>'


# --- loading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [*RESULTS, *PUPILS, *DOCUMENTS])
def test_a_schema_that_is_meant_to_be_loaded_loads(file: str) -> None:
    assert schema(file) is not None


def test_no_schema_keeps_a_table_of_keys() -> None:
    constraints = ("key", "keyref", "unique")
    for file in SCHEMAS.glob("*.xsd"):
        elements = [element for name in constraints for element in etree.parse(file).iter(f"{{*}}{name}")]
        assert not elements, file.name


def test_every_file_is_reached_from_a_schema_that_is_loaded() -> None:
    todo = [*RESULTS, *PUPILS, *DOCUMENTS]
    reached: set[str] = set()
    while todo:
        file = todo.pop()
        if file not in reached:
            reached.add(file)
            todo.extend(etree.parse(SCHEMAS / file).xpath("/*/*/@schemaLocation"))
    assert reached == {file.name for file in SCHEMAS.glob("*.xsd")}


# --- results ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", RESULTS)
def test_the_minimal_delivery_is_valid_bare_and_in_an_envelope(file: str) -> None:
    assert accepts(file, MINIMAL)
    assert accepts(file, NORMED)
    assert accepts(file, in_envelope(MINIMAL))
    assert accepts(file, in_envelope(f'<r:leerresultaten_bevestiging xmlns:r="{uwlr.LR}"/>'))


@pytest.mark.parametrize("file", [*RESULTS, *PUPILS])
def test_an_envelope_does_not_hide_a_wrong_payload(file: str) -> None:
    assert not accepts(file, in_envelope(with_(MINIMAL, "99XX", "99xx")))
    assert not accepts(file, in_envelope('<x xmlns="urn:x"/>'))


@pytest.mark.parametrize("file", [*RESULTS, *PUPILS])
def test_faults_have_children_without_namespace(file: str) -> None:
    fault = (
        f'<s:Fault xmlns:s="{uwlr.SOAP}"><faultcode>s:Client.OngeldigBericht</faultcode>'
        "<faultstring>x</faultstring></s:Fault>"
    )
    assert accepts(file, in_envelope(fault))
    assert not accepts(file, in_envelope(fault.replace("faultcode", "s:faultcode")))


@pytest.mark.parametrize("file", RESULTS)
def test_headers_are_left_to_the_code(file: str) -> None:
    unqualified = f'<a:autorisatie xmlns:a="{uwlr.AU}"><klantnaam/></a:autorisatie>'
    header = f'<e:Header><w:Action xmlns:w="urn:w" e:mustUnderstand="0"/>{unqualified}</e:Header>'
    assert accepts(file, in_envelope(MINIMAL, header))


@pytest.mark.parametrize("file", RESULTS)
def test_identity_is_left_to_the_code(file: str) -> None:
    repeated = (
        '<lr:resultaat key="R1"><lr:afnamedatum>2025-11-10</lr:afnamedatum>'
        "<lr:toetscode>undefined</lr:toetscode><lr:score>1</lr:score></lr:resultaat></lr:resultaten>"
    )
    assert accepts(file, with_(MINIMAL, "</lr:resultaten>", repeated))


@pytest.mark.parametrize("file", RESULTS)
def test_an_empty_dependance_is_the_main_location(file: str) -> None:
    for code in ("<lr:dependancecode/>", "<lr:dependancecode>00</lr:dependancecode>"):
        assert accepts(file, with_(MINIMAL, "</lr:brincode>", f"</lr:brincode>{code}"))


def test_the_eck_id_alone_names_the_pupil_from_2_3_on() -> None:
    las_key = "<lr:leerlingid>L1</lr:leerlingid>"
    eck_id = "<lr:eckid>https://ketenid.nl/pilot/ab</lr:eckid>"
    verdicts = {
        shape: tuple(accepts(file, with_(MINIMAL, las_key, shape)) for file in RESULTS)
        for shape in (las_key, las_key + eck_id, eck_id, "", eck_id + las_key, eck_id + eck_id)
    }
    assert verdicts[las_key] == verdicts[las_key + eck_id] == (True, True, True)
    assert verdicts[eck_id] == (False, True, True)
    assert verdicts[""] == verdicts[eck_id + las_key] == verdicts[eck_id + eck_id] == (False, False, False)


BAND = "<lr:term>goed</lr:term><lr:beginnormwaarde>0</lr:beginnormwaarde>"
UPPER = "<lr:eindnormwaarde>10</lr:eindnormwaarde>"
LEVEL = "<lr:toetsniveau>T1</lr:toetsniveau>"
CATEGORY = "<lr:toetscategorie>a</lr:toetscategorie>"


@pytest.mark.parametrize(
    ("part", "tolerated", "refused"),
    [
        ("<lr:xsdversie>2.2</lr:xsdversie>", "", "<lr:xsdversie/>"),
        (">7<", ">7.5<", ">7,5<"),
        (">7<", ">+07.50<", ">-7.5<"),
        (">7<", ">X<", ">x<"),
        (">7<", "> X <", ">XX<"),
        (">7<", ">0.0<", ">.5<"),
        (">7<", ">2.0<", ">2.<"),
        ("<lr:term>goed</lr:term>", "", "<lr:term/>"),
        ("<lr:beginnormwaarde>0</lr:beginnormwaarde>", "", "<lr:beginnormwaarde/>"),
        (BAND, "", "<lr:omschrijving/>"),
        (">0</lr:begin", ">0.5</lr:begin", ">X</lr:begin"),
        (UPPER, "<lr:eindnormwaarde>9.5</lr:eindnormwaarde>", ""),
        (UPPER, "<lr:eindnormwaarde>9.5</lr:eindnormwaarde>", "<lr:eindnormwaarde>-1.5</lr:eindnormwaarde>"),
        ("</lr:brincode>", "</lr:brincode><lr:dependancecode>1</lr:dependancecode>",
         "</lr:brincode><lr:dependancecode>123</lr:dependancecode>"),
        (LEVEL, "<lr:toetsniveau/>", f"<lr:toetsniveau>{'x' * 257}</lr:toetsniveau>"),
        (CATEGORY, "<lr:toetscategorie/>", f"<lr:toetscategorie>{'x' * 257}</lr:toetscategorie>"),
    ],
)  # fmt: skip
def test_tolerant_widens_one_thing_at_a_time(part: str, tolerated: str, refused: str) -> None:
    assert not accepts(STRICT, with_(NORMED, part, tolerated))
    assert not accepts(V2_3, with_(NORMED, part, tolerated))
    assert accepts(TOLERANT, with_(NORMED, part, tolerated))
    assert not accepts(TOLERANT, with_(NORMED, part, refused))


@pytest.mark.parametrize("file", RESULTS)
def test_a_whole_score_has_no_upper_limit(file: str) -> None:
    for score in ("0", "+7", "007", " 7 ", "-0", "9" * 40):
        assert accepts(file, with_(MINIMAL, ">7<", f">{score}<")), score


# --- progress --------------------------------------------------------------------------------------


def progress(content: str) -> str:
    element = f'<lr:anderresultaat xsi:type="v:Voortgang">{content}</lr:anderresultaat>'
    return with_(MINIMAL, "<lr:score>7</lr:score>", element)


def progress_time(value: str) -> str:
    return progress(f"<v:status>bezig</v:status><v:tijd>{value}</v:tijd>")


@pytest.mark.parametrize("file", RESULTS)
def test_progress_is_valid_with_a_status_alone_and_in_full(file: str) -> None:
    for status in ("niet-begonnen", "bezig", "afgerond"):
        assert accepts(file, progress(f"<v:status>{status}</v:status>"))
    counts = "<v:aangeboden>1000000</v:aangeboden><v:gemaakt>12</v:gemaakt><v:goed>0</v:goed>"
    status = "<v:status>bezig</v:status>"
    assert accepts(file, progress(f"<lr:andere_score>7</lr:andere_score>{status}<v:tijd>PT5M</v:tijd>{counts}"))
    assert accepts(file, progress(status + counts.replace("<v:gemaakt>12</v:gemaakt>", "")))


@pytest.mark.parametrize("file", RESULTS)
@pytest.mark.parametrize(
    "content",
    [
        "",
        "<v:tijd>PT5M</v:tijd>",
        "<v:status>Bezig</v:status>",
        "<v:status> bezig </v:status>",
        "<v:status>niet begonnen</v:status>",
        "<lr:status>bezig</lr:status>",
        "<v:status>bezig</v:status><v:goed>1</v:goed><v:gemaakt>1</v:gemaakt>",
        "<v:status>bezig</v:status><v:goed>-1</v:goed>",
        "<v:status>bezig</v:status><v:goed>1.0</v:goed>",
        "<v:status>bezig</v:status><v:goed>1000001</v:goed>",
        "<v:status>bezig</v:status><v:tijd/>",
    ],
)
def test_progress_is_refused_when_incomplete_or_out_of_range(file: str, content: str) -> None:
    assert not accepts(file, progress(content))


@pytest.mark.parametrize("file", RESULTS)
def test_a_result_holds_exactly_one_value(file: str) -> None:
    known = progress("<v:status>bezig</v:status>")
    assert not accepts(file, with_(known, "<lr:anderresultaat", "<lr:score>1</lr:score><lr:anderresultaat"))
    assert not accepts(file, with_(MINIMAL, "<lr:score>7</lr:score>", ""))
    assert not accepts(file, with_(MINIMAL, "<lr:score>7</lr:score>", "<lr:score>7</lr:score>" * 2))


@pytest.mark.parametrize("file", RESULTS)
def test_an_anderresultaat_without_known_type_is_refused(file: str) -> None:
    known = progress("<v:status>bezig</v:status>")
    assert not accepts(file, with_(known, ' xsi:type="v:Voortgang"', ""))
    assert not accepts(file, with_(known, "v:Voortgang", "v:Onbekend"))
    assert not accepts(file, with_(known, "v:Voortgang", "lr:ctpAnderResultaatType"))


@pytest.mark.parametrize(
    "time",
    ["P1D", "PT0S", "PT1H", "PT90M", "PT1H30S", "P2DT3H", "P1DT2H3M4S", "PT1.5S", "PT1.125S", "P0DT5M"],
)
def test_time_spent_runs_from_days_to_milliseconds(time: str) -> None:
    assert accepts(STRICT, progress_time(time))


@pytest.mark.parametrize(
    "time",
    ["P", "PT", "P1DT", "-PT1S", "P1Y", "P1M", "P1W", "PT1.1234S", "PT1.S", "PT.5S", "PT1.5M", "5", "PT1M1H"],
)
def test_time_spent_is_refused_otherwise(time: str) -> None:
    assert not accepts(STRICT, progress_time(time))


# --- fetching results ------------------------------------------------------------------------------


@pytest.mark.parametrize("file", RESULTS)
def test_a_request_for_results_is_valid_with_either_school_reference(file: str) -> None:
    for start in (0, 1):
        request = uwlr.pull_request(uwlr.Fullest(start))
        assert schema(file).validate(request), schema(file).error_log
        assert schema(file).validate(uwlr.enveloped(request)), schema(file).error_log
        request.remove(request.find(f"{{{uwlr.PULL}}}xsdversie"))
        assert not schema(file).validate(request)


@pytest.mark.parametrize("file", RESULTS)
def test_an_answer_with_results_holds_exactly_one_thing(file: str) -> None:
    for content in (MINIMAL.strip(), "<p:geenwijzigingen/>", "<p:geengegevens/>"):
        assert accepts(file, pull_answer(content))
        assert not accepts(file, pull_answer(content * 2))
    assert not accepts(file, pull_answer(""))
    assert not accepts(file, pull_answer("<p:geengegevens> </p:geengegevens>"))


def test_a_fetched_delivery_follows_the_variant_that_was_loaded() -> None:
    loose = with_(MINIMAL, ">7<", ">X<")
    answer = pull_answer(loose)
    assert [accepts(file, answer) for file in RESULTS] == [False, False, True]


# --- pupil data ------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", uwlr.PROFILES)
def test_complete_pupil_messages_are_valid_in_their_profile(profile: str) -> None:
    file = schema(f"entry_pupils_{profile}.xsd")
    for start in range(3):
        for name in uwlr.pupil_message_names(profile):
            message = uwlr.pupil_message(uwlr.Fullest(start), profile, name)
            assert file.validate(message), file.error_log
            assert file.validate(uwlr.enveloped(message)), file.error_log


@pytest.mark.parametrize("profile", ["lvs", "narrow"])
def test_profiles_refuse_what_only_the_full_set_has(profile: str) -> None:
    full = uwlr.pupil_message(uwlr.Fullest(), "edexml", "leerlinggegevens_antwoord")
    assert not schema(f"entry_pupils_{profile}.xsd").validate(full)
    request = uwlr.pupil_message(uwlr.Fullest(), "edexml", "leerlinggegevens_verzoek")
    assert not schema(f"entry_pupils_{profile}.xsd").validate(request), "gegevenssetid"


def test_answers_of_coming_school_years_are_valid() -> None:
    data = uwlr.pupil_data(uwlr.Fullest(), "edexml")
    for year, valid in {"2025-2026": True, "2031-2032": True, "2025": False, "3025-3026": False}.items():
        data.find(f".//{{{uwlr.LG}}}schooljaar").text = year
        assert schema("entry_pupils_edexml.xsd").validate(data) is valid


def test_an_edexml_file_is_the_full_pupil_data_without_namespace() -> None:
    data = uwlr.pupil_data(uwlr.Fullest(), "edexml")
    file = uwlr.without_namespace(data)
    assert schema("edexml_file.xsd").validate(file), schema("edexml_file.xsd").error_log
    assert not schema("edexml_file.xsd").validate(data)
    file.remove(file.find("leerlingen"))
    assert not schema("edexml_file.xsd").validate(file)


# --- service descriptions --------------------------------------------------------------------------

GETRAPT = "http://www.edustandaard.nl/leerresultaten/2/leerlinggegevens/"


@pytest.mark.parametrize(
    ("file", "actions"),
    [
        ("results.wsdl", {"prtLeerresultatenService": {"BrengLeerresultaten": "BrengLeerresultaten"}}),
        (
            "pupils.wsdl",
            {
                "prtLeerlinggegevensService": {"HaalLeerlinggegevens": "HaalLeerlinggegevens"},
                "prtLeerlinggegevensService-getrapt": {
                    f"Haal{name.capitalize()}": f"{GETRAPT}{name}_verzoek" for name in uwlr.STAGED
                },
            },
        ),
        (
            "pull.wsdl",
            {"prtLeerresultatenOphalenService": {"HaalLeerresultaten": f"{uwlr.PULL}/HaalLeerresultaten"}},
        ),
    ],
)
def test_a_soap_client_finds_the_operations(file: str, actions: dict[str, dict[str, str]]) -> None:
    (service,) = zeep.Client(str(SCHEMAS / file)).wsdl.services.values()
    operations = {
        port.name: {name: operation.soapaction for name, operation in port.binding._operations.items()}
        for port in service.ports.values()
    }
    assert operations == actions


def test_a_soap_client_writes_a_valid_delivery() -> None:
    client = zeep.Client(str(SCHEMAS / "results.wsdl"))
    voortgang = client.get_type(f"{{{uwlr.VOORTGANG}}}Voortgang")(status="bezig", goed=0)
    taken = {"afnamedatum": datetime.date(2025, 11, 10), "toetscode": "T1"}
    results = [{**taken, "key": "R1", "score": 7}, {**taken, "key": "R2", "anderresultaat": voortgang}]
    message = client.create_message(
        client.service,
        "BrengLeerresultaten",
        school={
            "schooljaar": "2025-2026",
            "brincode": "99XX",
            "aanmaakdatum": datetime.datetime(2025, 11, 11, tzinfo=datetime.UTC),
            "xsdversie": "2.2",
        },
        toetsafnames={"toetsafname": [{"leerlingid": "L1", "resultaten": {"resultaat": results}}]},
        toetsen={"toets": [{"toetscode": "T1"}]},
        _soapheaders={"msgpHeader": {"autorisatiesleutel": "a", "klantcode": "b", "klantnaam": "c"}},
    )
    assert schema(STRICT).validate(message), schema(STRICT).error_log
    assert schema("authorisation.xsd").validate(message.find(f".//{{{uwlr.AU}}}autorisatie"))


def test_a_soap_client_reads_complete_pupil_data() -> None:
    answer = uwlr.pupil_message(uwlr.Fullest(), "edexml", "leerlinggegevens_antwoord")
    for person in list(answer.iter(f"{{{uwlr.LG}}}leerling", f"{{{uwlr.LG}}}leerkracht")):
        if person[0].tag == f"{{{uwlr.LG}}}roepnaam":  # zeep cannot read the shorter branch of that choice
            person.getparent().remove(person)
    client = zeep.Client(str(SCHEMAS / "pupils.wsdl"))
    operation = client.service._binding.get("HaalLeerlinggegevens")
    read = operation.process_reply(uwlr.enveloped(answer)).leerlinggegevens
    assert [pupil.achternaam for pupil in read.leerlingen.leerling] == ["tttt", "tttt"]
    assert [pupil.roepnaam for pupil in read.leerlingen.leerling] == ["tttt", "tttt"]
    assert read.school.brincode == "99XX"
