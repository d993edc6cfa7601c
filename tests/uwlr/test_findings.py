"""Findings beside the one of each rule (test_rules): where they stand, what else brings them about, what does not."""

from __future__ import annotations

import pytest

from connectors.intake.judge import Judgement
from connectors.uwlr.agreement import Agreement
from connectors.uwlr.names import XSI
from models.schema.records import Verdict
from models.schema.terms import SenderTerms
from tests.uwlr.messages import message, result_xml
from tests.uwlr.test_rules import content, judged

CYRILLIC_A = "\u0430"


def rules_of(judgement: Judgement) -> set[str]:
    return {finding.rule for finding in judgement.findings}


def places(judgement: Judgement, rule: str) -> list[tuple[int | None, int | None, str | None]]:
    return [(finding.line, finding.column, finding.path) for finding in judgement.findings if finding.rule == rule]


# -- versions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agreed", "dutch", "english"),
    [
        (("2.3",), "2.3", "2.3"),
        (("2.2", "2.3"), "2.2 of 2.3", "2.2 or 2.3"),
        (("2.1", "2.2", "2.3"), "2.1, 2.2 of 2.3", "2.1, 2.2 or 2.3"),
    ],
)
def test_who_sends_another_version_is_told_which_were_agreed(agreed: tuple[str, ...], dutch: str, english: str) -> None:
    (finding,) = judged(message(xsdversie="2.0"), "strict", Agreement(SenderTerms(versions=agreed))).findings
    assert finding.rule == "version.unsupported"
    assert finding.message_nl == f"Deze xsdversie is niet afgesproken; afgesproken is {dutch}."
    assert finding.message_en == f"This xsdversie was not agreed; agreed is {english}."
    assert (finding.remedy, finding.remedy_en) == (f"Stuur versie {dutch}.", f"Send version {english}.")


# -- two results of the same ---------------------------------------------------------------------------------


def test_a_result_that_comes_twice_is_told_at_the_second_and_both_are_kept() -> None:
    judgement = judged(message(results=result_xml("r1", "7") + result_xml("r2", "8")), "strict")
    assert [path for _, _, path in places(judgement, "result.twice")] == [
        '/leerresultaten_verzoek/toetsafnames/toetsafname/resultaten/resultaat[@key="r2"]'
    ]
    assert judgement.batch is not None
    assert judgement.batch.count == 2


@pytest.mark.parametrize(
    "other",
    [
        result_xml("r2", "7", afnamedatum="2026-11-09"),
        result_xml("r2", "7", part="P1"),
        result_xml("r2", "7", toetscode="T2"),
        result_xml("r2", "7").replace("</toetscode>", "</toetscode><versie>2</versie>"),
        result_xml("r2", "7").replace("<score>7</score>", "<osoresultaat/>"),
        result_xml("r1", "7"),
    ],
)
def test_results_of_another_day_part_test_version_or_kind_are_no_twins(other: str) -> None:
    tests = (
        "<toets><toetscode>T2</toetscode><toetsonderdelen><toetsonderdeel>"
        "<toetsonderdeelvolgnummer>1</toetsonderdeelvolgnummer><toetsonderdeelcode>P1</toetsonderdeelcode>"
        "</toetsonderdeel></toetsonderdelen></toets>"
    )
    assert "result.twice" not in rules_of(judged(message(results=result_xml("r1", "7") + other, tests=tests), "strict"))


def test_the_same_of_another_pupil_is_no_twin() -> None:
    data = message(results=result_xml("r1", "7")).decode()
    sitting = data[data.index("<toetsafname>") : data.index("</toetsafnames>")]
    other = sitting.replace("L1", "L2").replace('"r1"', '"r2"')
    assert judged(data.replace(sitting, sitting + other).encode(), "strict").findings == []
    again = sitting.replace('"r1"', '"r2"')
    assert rules_of(judged(data.replace(sitting, sitting + again).encode(), "strict")) == {"result.twice"}


def test_a_few_of_many_twins_are_told() -> None:
    judgement = judged(message(results="".join(result_xml(f"r{n}", "7") for n in range(12_000))), "strict")
    assert len(places(judgement, "result.twice")) == 5
    assert judgement.verdict is Verdict.WARN


# -- numbers -------------------------------------------------------------------------------------------------


def oso(inside: str, references: str = "") -> bytes:
    score = f"<oso:toetsscore>{inside}</oso:toetsscore>" if inside else ""
    element = (
        '<osoresultaat xmlns:oso="http://www.edustandaard.nl/oso_gegevensset/1.2/dossier">'
        f"{score}{references}</osoresultaat>"
    )
    return message().replace(b"<score>7</score>", element.encode())


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        ("<gemaakt>5</gemaakt><goed>6</goed>", "result.counts"),
        ("<aangeboden>5</aangeboden><gemaakt>6</gemaakt>", "result.counts"),
        ("<aangeboden>5</aangeboden><goed>6</goed>", "result.counts"),
        ("<aangeboden>5</aangeboden><gemaakt>5</gemaakt><goed>5</goed>", None),
        ("<aangeboden>0</aangeboden><gemaakt>0</gemaakt><goed>0</goed>", None),
        ("<gemaakt>0</gemaakt><goed>1</goed>", "result.counts"),
    ],
)
def test_more_right_than_made_is_told_of_progress_too(made: str, rule: str | None) -> None:
    data = (
        f'<anderresultaat xmlns:v="urn:rondblik:voortgang:1" xmlns:i="{XSI}" i:type="v:Voortgang">'
        "<v:status>bezig</v:status>" + made.replace("</", "</v:").replace("<a", "<v:a").replace("<g", "<v:g")
    )
    judgement = judged(message().replace(b"<score>7</score>", f"{data}</anderresultaat>".encode()), "strict")
    assert rules_of(judgement) == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("inside", "rule"),
    [
        ("<oso:aantalopgaven>0</oso:aantalopgaven><oso:aantalgoed>0</oso:aantalgoed>", None),
        ("<oso:aantalopgaven>0</oso:aantalopgaven><oso:aantalgoed>1</oso:aantalgoed>", "result.counts"),
        ("<oso:aantalgoed>0</oso:aantalgoed>", None),
        ("<oso:tijd>0</oso:tijd>", None),
        ("<oso:tijd>12.3333333333</oso:tijd>", None),
        ("<oso:tijd>-0.5</oso:tijd>", "oso.bound"),
        ("<oso:tijd>100000001</oso:tijd>", "oso.bound"),
        ("<oso:vaardigheidsscore>-0.5</oso:vaardigheidsscore>", None),
        ("<oso:vaardigheidsscore>0.12340000</oso:vaardigheidsscore>", None),
        ("<oso:vaardigheidsscore>99999999999999.99999</oso:vaardigheidsscore>", "oso.decimals"),
        (f"<oso:vaardigheidsscore>0.{'3' * 99}</oso:vaardigheidsscore>", "oso.bound"),
        (
            "<oso:betrouwbaarheidsinterval><oso:bivlaag>-2</oso:bivlaag><oso:bivhoog>-2.0</oso:bivhoog>"
            "</oso:betrouwbaarheidsinterval>",
            None,
        ),
        (
            "<oso:betrouwbaarheidsinterval><oso:bivlaag>-1</oso:bivlaag><oso:bivhoog>-2</oso:bivhoog>"
            "</oso:betrouwbaarheidsinterval>",
            "oso.interval",
        ),
    ],
)
def test_the_numbers_of_an_osoresultaat_are_held_against_each_other(inside: str, rule: str | None) -> None:
    assert rules_of(judged(oso(inside), "strict")) == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("weight", "noted"), [("-1", True), ("-0.5", True), ("-0", False), ("-0.0", False), ("0", False)]
)
def test_a_weight_below_zero_is_told(weight: str, noted: bool) -> None:
    data = message().replace(b"<toetsnormering>", f"<toetsnormering><wegingsfactor>{weight}</wegingsfactor>".encode())
    assert rules_of(judged(data, "strict")) == ({"norm.weight-negative"} if noted else set())


# -- texts ---------------------------------------------------------------------------------------------------


def reference(value: str, qualification: str = "goed") -> str:
    return (
        "<oso:referentiescore><oso:codereferentiescore>DLE</oso:codereferentiescore>"
        "<oso:codevergelijkingsgroep>Landelijk</oso:codevergelijkingsgroep>"
        f"<oso:waarde>{value}</oso:waarde><oso:kwalificatie>{qualification}</oso:kwalificatie></oso:referentiescore>"
    )


@pytest.mark.parametrize("acting", ["=1+1", "&lt;script>", "a\u202eb", "@SUM(1)", "'); DROP TABLE x;--", "a&#13;b"])
def test_texts_that_act_are_told_of_an_osoresultaat_too(acting: str) -> None:
    for data in (
        oso("", reference(acting)),
        oso("", reference("12", acting)),
        oso(f"<oso:codevaardigheidsschaal>{acting}</oso:codevaardigheidsschaal>"),
    ):
        assert rules_of(judged(data, "strict")) == {"text.control"}
    progress = content("good-progress").replace(
        b"<vg:status>", f"<andere_score>{acting}</andere_score><vg:status>".encode()
    )
    assert rules_of(judged(progress, "strict")) == {"text.control"}


@pytest.mark.parametrize("value", ["-2", "-0.5", "+3", "++", "--", "+", "-", "&lt;1F", "95%", "IV", "1,5"])
def test_a_value_below_zero_or_a_mark_does_not_act(value: str) -> None:
    assert judged(oso("", reference(value, value)), "strict").findings == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<toetsnormering>", '<toetsnormering vocabulaire="urn:x" vocabulairelocatie="file:///etc/passwd">'),
        ("<norm>", '<toetsniveau vocabulairelocatie="http://x.example/">1F</toetsniveau><norm>'),
        ("<score>", '<versie vocabulairelocatie="file:///x">1</versie><score>'),
    ],
)
def test_every_address_of_a_vocabulary_is_looked_at(old: str, new: str) -> None:
    judgement = judged(message().replace(old.encode(), new.encode(), 1), "strict")
    assert rules_of(judgement) == {"test.vocabulary-location"}
    assert all(line is not None for line, _, _ in places(judgement, "test.vocabulary-location"))


@pytest.mark.parametrize("other", ["t1", "\u03a41", "\u04221", "\uff34\uff11"])
def test_codes_that_look_alike_are_told(other: str) -> None:
    tests = f"<toets><toetscode>{other}</toetscode></toets>"
    assert "text.lookalike" in rules_of(judged(message(tests=tests), "strict"))
    data = message(tests=tests.replace(other, "T2")).replace(
        b"<toetscode>T2</toetscode>",
        "<toetscode>T2</toetscode><toetsonderdelen>{}{}</toetsonderdelen>".format(
            *(
                f"<toetsonderdeel><toetsonderdeelvolgnummer>{number}</toetsonderdeelvolgnummer>"
                f"<toetsonderdeelcode>{code}</toetsonderdeelcode></toetsonderdeel>"
                for number, code in enumerate(("T1", other), 1)
            )
        ).encode(),
    )
    assert rules_of(judged(data, "strict")) == {"text.lookalike"}


@pytest.mark.parametrize(("item", "other"), [("la1", "LA1"), ("la1", f"l{CYRILLIC_A}1"), ("abc", "\u0430\u0432\u0441")])
def test_pupils_whose_keys_look_alike_are_told_and_kept_apart(item: str, other: str) -> None:
    data = message(leerlingid=item).decode()
    sitting = data[data.index("<toetsafname>") : data.index("</toetsafnames>")]
    second = sitting.replace(item, other).replace('"r1"', '"r2"')
    judgement = judged(data.replace(sitting, sitting + second).encode(), "strict")
    assert rules_of(judgement) == {"text.lookalike"}
    assert places(judgement, "text.lookalike")[-1][2] == (
        "/leerresultaten_verzoek/toetsafnames/toetsafname[2]/leerlingid"
    )
    assert judgement.batch is not None
    assert len(judgement.batch.pupils) == 2


# -- places --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [("score", "7"), ("leerlingid", "L1"), ("toetsnaam", "Toets 1"), ("schooljaar", "2026-2027"), ("term", "O")],
)
def test_a_comment_within_a_value_is_told_at_its_place(name: str, text: str) -> None:
    value = f"<{name}>{text}</{name}>"
    data = message().decode().replace(value, f"<{name}>{text}\n <!-- x --></{name}>".replace("\n ", ""), 1)
    data = data.replace("<school>", "<!-- y -->\n<school>")
    (location,) = places(judged(data.encode(), "strict"), "xml.comment-in-text")
    line = next(number for number, item in enumerate(data.splitlines(), 1) if "<!-- x" in item)
    assert location[:2] == (line, data.splitlines()[line - 1].index("<!-- x") + 1)
    assert location[2] is not None
    assert location[2].endswith(f"/{name}")


def test_each_of_some_comments_gets_its_own_place() -> None:
    data = message(scores=["7<!--a--><!--c-->", "8", "9<!--b-->"])
    locations = places(judged(data, "strict"), "xml.comment-in-text")
    assert [column for _, column, _ in locations] == [data.index(b"<!--a") + 1, data.index(b"<!--b") + 1]


def test_a_pointer_to_a_schema_is_told_where_it_stands() -> None:
    hint = f'<toetsen xmlns:i="{XSI}" i:schemaLocation="urn:x http://127.0.0.1/x.xsd">'
    data = message().replace(b"<toetsen>", hint.encode())
    (location,) = places(judged(data, "strict"), "xml.schema-location")
    assert location == (1, data.index(b"<toetsen") + 1, "/leerresultaten_verzoek/toetsen")


def test_a_text_about_schemas_points_to_none() -> None:
    assert judged(message(toetsnaam="Over xsi:schemaLocation"), "strict").findings == []
