"""Our schemas against the official files of UWLR 2.2: one verdict, named differences aside.

The official files are not part of the project, so these tests run only where a copy lies beside the
checkout. Two ways of asking: documents that Hypothesis draws, each with one change as well, and the
complete documents with every change at every kind of element.
"""

from __future__ import annotations

import copy
import itertools
import re
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.uwlr import strategies as uwlr

OFFICIAL = Path(__file__).resolve().parents[3] / "shared/uwlr/official/Schemas"
OURS = Path(__file__).resolve().parents[2] / "connectors/uwlr/schemas"
XS = "{http://www.w3.org/2001/XMLSchema}"

pytestmark = pytest.mark.skipif(not OFFICIAL.is_dir(), reason="no copy of the official UWLR files here")

thorough = settings(
    max_examples=300,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

RESULTS_FILE = "UWLR_Leerresultaten_v2p2.xsd"
LVS, NARROW = "Profiel LVS set/Profiel_LVS_set", "Profiel smalle set/Profiel_Smalle_set"


class WithoutIdentityConstraints(etree.Resolver):
    """Hands out the official results schema without xs:key and the like, which we leave to code."""

    def resolve(self, url: str, public_id: str, context: object) -> object:
        if not url.endswith(RESULTS_FILE):
            return None
        document = etree.parse(OFFICIAL / Path(url).name)
        for constraint in list(document.iter(XS + "key", XS + "keyref", XS + "unique")):
            constraint.getparent().remove(constraint)
        return self.resolve_string(etree.tostring(document), context, base_url=url)


@cache
def official(name: str) -> etree.XMLSchema:
    """An official schema, the results without their identity constraints."""
    path = {
        "results": RESULTS_FILE,
        "definitions": "UWLR_Toetsdefinities_v2p2.xsd",
        "authorisation": "UWLR_Autorisatie_v2p2.xsd",
        "edexml": "UWLR_Leerlinggegevens_v2p2.xsd",
        "lvs": f"{LVS}_UWLR_Leerlinggegevens_v2p2.xsd",
        "narrow": f"{NARROW}_UWLR_Leerlinggegevens_v2p2.xsd",
    }[name]
    parser = etree.XMLParser()
    parser.resolvers.add(WithoutIdentityConstraints())
    return etree.XMLSchema(etree.parse(OFFICIAL / path, parser))


def together(*imports: tuple[str, Path]) -> etree.XMLSchema:
    """Schemas of several namespaces loaded as one, as partners do who add a type to the standard."""
    parser = etree.XMLParser()
    parser.resolvers.add(WithoutIdentityConstraints())
    entry = uwlr.node(XS[1:-1], "schema")
    for namespace, file in imports:
        entry.append(uwlr.node(XS[1:-1], "import", namespace=namespace, schemaLocation=file.as_uri()))
    return etree.XMLSchema(etree.fromstring(etree.tostring(entry), parser))


@cache
def ours(name: str) -> etree.XMLSchema:
    file = {
        "results": "entry_results.xsd",
        "results_2_3": "entry_results_2_3.xsd",
        "results_tolerant": "entry_results_tolerant.xsd",
        "definitions": "testdefinitions.xsd",
        "authorisation": "authorisation.xsd",
        "edexml": "entry_pupils_edexml.xsd",
        "lvs": "entry_pupils_lvs.xsd",
        "narrow": "entry_pupils_narrow.xsd",
        "edexml_file": "edexml_file.xsd",
    }[name]
    return etree.XMLSchema(etree.parse(OURS / file))


# --- the named differences -----------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """Something we accept and the official file refuses, and how to write it so that both agree."""

    name: str
    schemas: tuple[str, ...]
    places: Callable[[etree._Element], Iterable[etree._Element]]
    rewrite: Callable[[etree._Element], None]


def unlisted_years(document: etree._Element) -> list[etree._Element]:
    """School years of answers that fit the pattern but not the list, which ends at 2024-2025."""
    years = document.iterfind(f".//{{{uwlr.LG}}}school/{{{uwlr.LG}}}schooljaar")
    pattern = re.compile(r"[12]\d{3}-[12]\d{3}")
    return [year for year in years if pattern.fullmatch(year.text or "") and year.text not in uwlr.LISTED_YEARS]


def list_year(year: etree._Element) -> None:
    year.text = "2024-2025"


def staged_in_lower_case(document: etree._Element) -> list[etree._Element]:
    names = {f"{{{uwlr.LG}}}{name}_{turn}" for name in uwlr.STAGED for turn in ("verzoek", "antwoord")}
    return [document] if document.tag in names else []


def capitalise(message: etree._Element) -> None:
    name = etree.QName(message)
    message.tag = etree.QName(name.namespace, name.localname.capitalize()).text


def own_results(document: etree._Element) -> list[etree._Element]:
    typed = document.iter(f"{{{uwlr.LR}}}anderresultaat")
    return [result for result in typed if result.get(f"{{{uwlr.XSI}}}type") == "v:Voortgang"]


def as_score(result: etree._Element) -> None:
    result.getparent().replace(result, uwlr.node(uwlr.LR, "score", "1"))


DIFFERENCES = (
    Difference("years after the official list", uwlr.PROFILES, unlisted_years, list_year),
    Difference("staged names without capital", ("lvs", "narrow"), staged_in_lower_case, capitalise),
    Difference("our type of anderresultaat", ("results",), own_results, as_score),
)
# Identity constraints of the official pupil files are loaded as they are: inert, so no difference.


def assert_same_verdict(name: str, document: etree._Element) -> None:
    """Equal verdicts; where a named difference applies, refused officially and equal once rewritten."""
    applicable = [
        difference for difference in DIFFERENCES if name in difference.schemas and list(difference.places(document))
    ]
    names = [difference.name for difference in applicable]
    twin = document
    if applicable:
        assert not official(name).validate(document), f"no difference any more: {names}"
        twin = copy.deepcopy(document)
    for difference in applicable:
        for element in list(difference.places(twin)):
            difference.rewrite(element)
    verdict, expected = ours(name).validate(document), official(name).validate(twin)
    assert verdict == expected, report(name, document, names)


def report(name: str, document: etree._Element, applied: list[str]) -> str:
    """What each side has against the document, for a failing test only."""
    return "\n".join(
        [
            f"{name}, differences applied: {applied}",
            f"ours: {ours(name).error_log}",
            f"official: {official(name).error_log}",
            etree.tostring(document, encoding="unicode")[:4000],
        ]
    )


def assert_wider_variants_accept(document: etree._Element) -> None:
    """2.3 takes what 2.2 takes, and tolerant takes what 2.3 takes."""
    verdicts = [ours(name).validate(document) for name in ("results", "results_2_3", "results_tolerant")]
    assert verdicts == sorted(verdicts)


# --- results ---------------------------------------------------------------------------------------


@thorough
@given(st.data())
def test_drawn_deliveries_get_the_official_verdict(data: st.DataObject) -> None:
    document = data.draw(uwlr.deliveries())
    assert ours("results").validate(document), ours("results").error_log
    assert_same_verdict("results", document)
    damaged = data.draw(uwlr.one_change(document))
    assert_same_verdict("results", damaged)
    assert_wider_variants_accept(damaged)
    assert ours("results").validate(uwlr.enveloped(damaged)) == ours("results").validate(damaged)


@settings(thorough, max_examples=50)
@given(uwlr.deliveries(result_kinds=("progress", "score")))
def test_drawn_progress_is_ours_alone(document: etree._Element) -> None:
    assert ours("results").validate(document), ours("results").error_log
    assert_same_verdict("results", document)


def test_every_change_to_a_complete_delivery_gets_the_official_verdict() -> None:
    complete = uwlr.delivery(uwlr.Fullest())
    assert ours("results").validate(complete), ours("results").error_log
    for document in uwlr.every_change(complete):
        assert_same_verdict("results", document)
        assert_wider_variants_accept(document)


def test_every_change_to_progress_gets_the_verdict_of_the_official_schema_with_our_type_added() -> None:
    complete = uwlr.delivery(uwlr.Fullest(start=1), ("progress",))
    assert ours("results").validate(complete), ours("results").error_log
    added = together((uwlr.LR, OFFICIAL / RESULTS_FILE), (uwlr.VOORTGANG, OURS / "progress.xsd"))
    for document in uwlr.every_change(complete):
        verdict, expected = ours("results").validate(document), added.validate(document)
        assert verdict == expected, etree.tostring(document, encoding="unicode")


@pytest.mark.parametrize("name", ["definitions", "authorisation", "results"])
def test_every_change_to_a_small_document_gets_the_official_verdict(name: str) -> None:
    complete = {
        "definitions": uwlr.test_definitions(uwlr.Fullest()),
        "authorisation": uwlr.authorisation(uwlr.Fullest()),
        "results": uwlr.node(uwlr.LR, "leerresultaten_bevestiging"),
    }[name]
    assert ours(name).validate(complete), ours(name).error_log
    for document in uwlr.every_change(complete):
        assert_same_verdict(name, document)


# --- pupil data ------------------------------------------------------------------------------------


@thorough
@given(st.data())
def test_drawn_pupil_messages_get_the_official_verdict_in_every_profile(data: st.DataObject) -> None:
    document = data.draw(uwlr.pupil_messages())
    damaged = data.draw(uwlr.one_change(document))
    for profile in uwlr.PROFILES:
        assert_same_verdict(profile, document)
        assert_same_verdict(profile, damaged)
        assert ours(profile).validate(uwlr.enveloped(damaged)) == ours(profile).validate(damaged)


@pytest.mark.parametrize("profile", uwlr.PROFILES)
def test_every_change_to_a_complete_pupil_message_gets_the_official_verdict(profile: str) -> None:
    complete = [
        uwlr.pupil_message(uwlr.Fullest(start), profile, name)
        for name in uwlr.pupil_message_names(profile)
        for start in ((0, 1, 2) if name.endswith("_antwoord") else (0, 1))
    ]
    complete += [uwlr.pupil_data(uwlr.Fullest(start), profile) for start in (1, 3)]
    for message in complete:
        assert ours(profile).validate(message), ours(profile).error_log
    for document in uwlr.every_change(*complete):
        assert_same_verdict(profile, document)


@pytest.mark.parametrize(
    "name", ["jaargroep", "geslacht", "etniciteit", "land", "gewicht", "gewicht_nieuw", "rol", "instellingsnummer"]
)
def test_code_lists_hold_the_official_codes(name: str) -> None:
    """Tries every text of one or two signs, the known roles and the lengths around the limits."""
    signs = string.ascii_uppercase + string.digits + "?"
    candidates = [*signs, *map("".join, itertools.product(signs, repeat=2)), *uwlr.ROLES]
    candidates += ["TAL", "0,3", "1,2", "0.00", "0.25", "0.40", "0.70", "0.90", "0.30", "123456", "1234567"]
    document = uwlr.pupil_data(uwlr.Fullest(start=1), "edexml")
    for code in candidates:
        for element in document.iter(f"{{{uwlr.LG}}}{name}"):
            element.text = code
        assert_same_verdict("edexml", document)


ADDITION = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:g="{namespace}" targetNamespace="urn:x">
  <xs:import namespace="{namespace}"/>
  <xs:complexType name="Block"><xs:complexContent><xs:extension base="g:ToevoegingsBlokType">
    <xs:attribute name="more" type="xs:int"/>
  </xs:extension></xs:complexContent></xs:complexType>
</xs:schema>"""


def addition() -> etree._Element:
    block = etree.Element(f"{{{uwlr.LG}}}blok", nsmap={"x": "urn:x"})
    block.set(f"{{{uwlr.XSI}}}type", "x:Block")
    uwlr.fill(block, [uwlr.node(uwlr.LG, "code", "c"), uwlr.node(uwlr.LG, "omschrijving", "t")])
    return uwlr.node(uwlr.LG, "toevoegingen", block)


def test_every_change_to_pupil_data_with_additions_of_a_known_type_gets_the_official_verdict(tmp_path: Path) -> None:
    (tmp_path / "addition.xsd").write_text(ADDITION.format(namespace=uwlr.LG))
    official_file = OFFICIAL / "UWLR_Leerlinggegevens_v2p2.xsd"
    theirs, own = (
        together((uwlr.LG, file), ("urn:x", tmp_path / "addition.xsd"))
        for file in (official_file, OURS / "pupils_edexml.xsd")
    )
    data = uwlr.pupil_data(uwlr.Fullest(), "edexml")
    data.find(f".//{{{uwlr.LG}}}schooljaar").text = "2024-2025"
    data.find(f"{{{uwlr.LG}}}school").append(addition())
    for moment in list(data.iter(f"{{{uwlr.LG}}}mutatiedatum")):
        if moment.getparent().tag != f"{{{uwlr.LG}}}vestiging":
            moment.addprevious(addition())
    assert own.validate(data), own.error_log
    for document in uwlr.every_change(data):
        if not unlisted_years(document):
            assert own.validate(document) == theirs.validate(document), etree.tostring(document)


@pytest.mark.parametrize("start", range(3))
@pytest.mark.parametrize("profile", uwlr.PROFILES)
def test_every_option_of_every_pupil_message_is_accepted(profile: str, start: int) -> None:
    for name in uwlr.pupil_message_names(profile):
        complete = uwlr.pupil_message(uwlr.Fullest(start), profile, name)
        assert ours(profile).validate(complete), ours(profile).error_log
        for other in uwlr.PROFILES:
            assert_same_verdict(other, complete)


@pytest.mark.parametrize("name", ["StructuurFault", "LeerlingenFault", "LeerkrachtenFault"])
@pytest.mark.parametrize("profile", uwlr.PROFILES)
def test_every_change_to_a_declared_fault_gets_the_official_verdict(profile: str, name: str) -> None:
    parts = {"faultcode": "Client.OngeldigBericht", "faultstring": "t", "faultactor": "urn:x"}
    detail = uwlr.node(None, "detail", uwlr.node("urn:x", "anything"))
    fault = uwlr.node(uwlr.LG, name, [uwlr.node(None, *part) for part in parts.items()], detail)
    assert ours(profile).validate(fault), ours(profile).error_log
    for document in uwlr.every_change(fault):
        assert_same_verdict(profile, document)


@settings(thorough, max_examples=60)
@given(st.data())
def test_an_edexml_file_gets_the_verdict_of_the_same_pupil_data(data: st.DataObject) -> None:
    document = uwlr.pupil_data(uwlr.Drawn(data.draw), "edexml")
    damaged = data.draw(uwlr.one_change(document))
    if damaged.tag != f"{{{uwlr.LG}}}leerlinggegevens" or None in {
        etree.QName(element).namespace for element in damaged.iter(etree.Element)
    }:
        return  # a root or an element that stripping the namespace would repair
    assert ours("edexml_file").validate(uwlr.without_namespace(damaged)) == ours("edexml").validate(damaged)
