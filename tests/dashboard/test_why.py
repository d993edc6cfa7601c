"""Every number of the class screen says where it comes from, to who may see it, and the page stays light."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import asdict
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, text

from models.schema import database, tables
from models.schema.records import Kind, Norm, Status, Term, TestDefinition
from tests import encrypted
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.markup import Shown, shown
from tests.dashboard.test_web import CALLBACK, HERE, OWN, as_persona, group_callback, shown_page

SUMS, SPELLING, QUESTIONS = school.SUMS_FIELD.key, school.SPELL_FIELD.key, school.QUESTIONS_FIELD.key
LEVELS = school.LEVELS_FIELD.key
MAX_BYTES = 15 * 1024


def ask(client: FlaskClient, asked: object) -> Shown:
    """What the server answers to a number that was chosen."""
    body = {
        "output": "..why-told.children...why.opened..",
        "outputs": [{"id": "why-told", "property": "children"}, {"id": "why", "property": "opened"}],
        "inputs": [{"id": "why-asked", "property": "data", "value": asked}],
        "changedPropIds": ["why-asked.data"],
    }
    return shown(client.post(CALLBACK, json=body, base_url=HERE, headers=OWN))


def told(web: flask.Flask, user: str = "hanna", **asked: object) -> list[Any]:
    """The panel that opens, as nodes; fails where none opens."""
    answer = ask(as_persona(web, user), {"search": "?klas=1", "at": 1, **asked})
    assert answer.status_code == 200
    found = answer.json["response"]
    assert found["why"]["opened"] is True
    nodes: list[Any] = found["why-told"]["children"]
    return nodes


def words(node: object) -> str:
    """The text of some nodes."""
    if isinstance(node, dict):
        return words(node["props"].get("children"))
    if isinstance(node, list):
        return re.sub(r"\s+", " ", " ".join(words(item) for item in node)).strip()
    return "" if node is None else str(node)


def nodes_of(node: object, kind: str) -> list[Any]:
    """All nodes of a kind within some nodes."""
    if isinstance(node, list):
        return [found for item in node for found in nodes_of(item, kind)]
    if not isinstance(node, dict):
        return []
    return [*([node] if node["type"] == kind else []), *nodes_of(node["props"].get("children"), kind)]


def facts(nodes: list[Any]) -> dict[str, str]:
    """The facts of a panel; of several with one name the last."""
    several = nodes_of(nodes, "Dt"), nodes_of(nodes, "Dd")
    return {words(name): words(value) for name, value in zip(*several, strict=True)}


def listed(nodes: list[Any], name: str) -> dict[str, str]:
    """The pupils of a list with what is said of each."""
    found = [node for node in nodes_of(nodes, "Ul") if node["props"].get("data-list") == name]
    rows = [row["props"]["children"] for item in found for row in nodes_of(item, "Li")]
    return {words(pupil): words(reading) for pupil, reading in rows}


# -- what is told ------------------------------------------------------------------------------------------------


def test_a_score_says_where_it_comes_from(web: flask.Flask) -> None:
    nodes = told(web, kind="cell", pupil="1", column=SUMS)
    assert facts(nodes) == {
        "Leermiddel": "Cijferpad groep 6",
        "Uitgever": "Cijferpad",
        "Toets": "Toets blok 3",
        "Niveau volgens de uitgever": "onvoldoende",
        "Norm": "onvoldoende 0–59, voldoende 60–79, goed 80–100",
        "Omrekening": "geen",
        "Gemaakt op": "vr 13 nov 2026",
        "Ontvangen": "di 24 nov 2026, 6:30",
        "Gestuurd via": "UWLR 2.2, bericht 1",
    }
    assert words(nodes_of(nodes, "H3")) == "Aïsha Bouzid · Rekenen · Cijferpad groep 6"
    assert "1 ander resultaat in deze periode" in words(nodes)
    links = [node["props"]["href"] for node in nodes_of(nodes, "Link") + nodes_of(nodes, "A")]
    assert links == ["/leerling/1-1", "https://cijferpad.example/toets"]


def test_the_conversion_is_what_the_source_advises(web: flask.Flask, known_school: Store) -> None:
    with database.write_transaction(known_school.engine) as connection:
        body = json.loads(
            str(connection.scalar(text("SELECT body FROM test_definitions WHERE id = 2 AND school_id = 1")))
        )
        for band, (low, high) in zip(body["norm"]["bands"], (("1", "5.4"), ("5.5", "7.4"), ("7.5", "10")), strict=True):
            band |= {"grade_from": low, "grade_to": high}
        change = text("UPDATE test_definitions SET body = :body WHERE id = 2 AND school_id = 1")
        connection.execute(change, {"body": json.dumps(body)})
    assert (
        facts(told(web, kind="cell", pupil="3", column=SUMS))["Omrekening"] == "5,5 tot en met 7,4 volgens de uitgever"
    )


def test_a_zero_is_told_as_a_zero(web: flask.Flask) -> None:
    assert "De uitgever stuurde zelf 0;" in words(told(web, kind="cell", pupil="10", column=SUMS))


def test_a_sum_of_parts_says_that_it_is_one(web: flask.Flask) -> None:
    reading = words(told(web, kind="cell", pupil="3", column=QUESTIONS))
    assert "De uitgever stuurt geen totaal." in reading
    assert "van 4 onderdelen" in reading or "van 3 onderdelen" in reading


def test_a_score_of_a_goal_is_that_of_the_part(web: flask.Flask) -> None:
    search = "?klas=1&doel=Breuken+vergelijken"
    nodes = told(web, kind="cell", pupil="1", column=SUMS, search=search)
    assert facts(nodes)["Onderdeel"] == "Breuken vergelijken"
    assert "De uitgever stuurde zelf 2;" in words(nodes)


def test_a_cell_without_a_score_says_why_and_from_which_record(web: flask.Flask) -> None:
    found = facts(told(web, kind="cell", pupil="7", column=SPELLING))
    assert found["Status"] == "bezig"
    assert (found["Toets"], found["Voortgang"], found["Stand van"]) == ("Week 47", "12 van 40 opgaven", "18 nov")
    assert found["Uitgever"] == "Letterlab het laatst vandaag om 6:30."


def test_a_mean_says_who_counts_and_who_does_not_and_why(web: flask.Flask) -> None:
    nodes = told(web, kind="mean", column=SUMS)
    counted, left_out = listed(nodes, "counted"), listed(nodes, "left-out")
    scores = {i: item for i, item in enumerate(school.SUMS_BLOCK_3) if item is not None}
    assert [int(item.split(" · ")[0]) for item in counted.values()] == list(scores.values())
    assert counted["Jonas ter Horst"] == "0 · onvoldoende"
    assert left_out == {"Kyra Ramdin": "afgerond zonder score", "Lars Boon": "nog geen resultaat"}
    reading = words(nodes)
    assert "63,7 · gemiddelde van 10 van 12" in reading
    assert round(sum(scores.values()) / len(scores), 1) == 63.7
    assert "alleen uit scores van dezelfde toets in dezelfde versie" in reading
    assert facts(nodes)["Toets"] == "Toets blok 3"
    assert facts(nodes)["Uitgever"] == "Cijferpad het laatst di 24 nov om 6:30."


def test_a_mean_counts_only_the_pupils_of_the_filters(web: flask.Flask) -> None:
    everybody = told(web, kind="mean", column=SUMS)
    few = told(web, kind="mean", column=SUMS, search="?klas=1&status=norm")
    assert len(listed(few, "counted")) < len(listed(everybody, "counted"))
    shown = group_callback(as_persona(web, "hanna"), klas=["1"], status="norm").json
    names = set(listed(few, "counted")) | set(listed(few, "left-out"))
    assert names == {
        words(nodes_of(node, "Link"))
        for node in nodes_of(table_of(shown), "Th")
        if node["props"].get("className") == "pin"
    } - {""}


def test_a_group_says_its_rule_its_thresholds_and_its_pupils(web: flask.Flask) -> None:
    page = group_callback(as_persona(web, "hanna"), klas=["1"]).json["response"]["group-content"]["children"]
    cards = [node["props"] for node in nodes_of(page, "Div") if "data-count" in node["props"]]
    counts = {card["data-group"]: int(card["data-count"]) for card in cards}
    assert len(counts) == 5
    assert sum(counts.values()) == 12
    for attention_group, count in counts.items():
        nodes = told(web, kind="group", group=attention_group)
        assert len(listed(nodes, "pupils")) == count
        assert facts(nodes)["Telt mee"] == f"{count} van de 12 getoonde leerlingen"
    assert "minder dan 3 scores met een norm" in words(told(web, kind="group", group="few"))
    reading = words(told(web, kind="group", group="attention"))
    assert "minstens 15 % van de puntenschaal" in reading
    assert "10 schooldagen niets gemaakt" in reading


def test_the_thresholds_of_a_group_are_those_of_the_class(web: flask.Flask, known_school: Store) -> None:
    with database.write_transaction(known_school.engine) as connection:
        row = {"school_id": 1, "class_id": 1, "name": "few_totals", "value": 4}
        connection.execute(insert(tables.metadata.tables["class_thresholds"]), [_threshold(row)])
    assert "minder dan 4 scores met een norm" in words(told(web, kind="group", group="few"))


def _threshold(row: dict[str, object]) -> dict[str, object]:
    """The row with what the table wants beside it."""
    columns = tables.metadata.tables["class_thresholds"].c.keys()
    return {key: value for key, value in ({"set_by": "Hanna Vos", "set_us": 1} | row).items() if key in columns}


def test_the_scores_behind_the_group_of_a_pupil_are_named(web: flask.Flask) -> None:
    nodes = told(web, kind="scores", pupil="1")
    rows = [words(node) for node in nodes_of(nodes, "Li")]
    assert "Rekenen · Cijferpad groep 6 · Toets blok 3 · 13 nov 58 · onvoldoende" in rows
    assert "Rekenen · Peillijn · Rekenen M6 · 2 nov 212 · niveau II" in rows
    assert len(rows) == 3


def test_a_hard_part_says_who_made_it_and_who_is_below(web: flask.Flask) -> None:
    part = "Klok: digitale tijd"
    nodes = told(web, kind="topic", topic=part, field=SUMS)
    rights = [max(item // 10 - 1, 0) for item in school.SUMS_BLOCK_3 if item is not None]
    below = [right for right in rights if right < 6]
    assert sorted(int(item.split(" · ")[0]) for item in listed(nodes, "below").values()) == sorted(below)
    found = facts(nodes)
    assert found["Gemaakt door"] == f"{len(rights)} van de 12 getoonde leerlingen"
    assert found["Onder de norm"] == f"{len(below)} van {len(rights)}"
    assert (found["Toets"], found["Gemaakt op"]) == ("Toets blok 3", "13 nov")
    assert "minstens 40 % onder de norm" in found["Signaal"]


def test_a_hard_part_is_told_from_the_scores_within_the_period(web: flask.Flask, known_school: Store) -> None:
    part, search = "Klok: digitale tijd", "?klas=1&periode=2026-11-01_2026-11-20"
    before = told(web, kind="topic", topic=part, field=SUMS, search=search)
    assert listed(before, "below")["Aïsha Bouzid"] == "4 · onvoldoende"
    with database.write_transaction(known_school.engine) as connection:
        change = text(
            "INSERT INTO results (school_id, source_id, key, kind, identifier_id, test_id, definition_id, part_id, "
            "taken_on, score, score_text, school_year, created_us, digest64, delivery_id) "
            "SELECT school_id, source_id, 'again', kind, identifier_id, test_id, definition_id, part_id, "
            "'2026-11-24', 90000, '9', school_year, created_us, digest64, delivery_id "
            "FROM results WHERE school_id = 1 AND identifier_id = 1 AND test_id = 2 AND part_id = 5"
        )
        assert connection.execute(change).rowcount == 1
    after = told(web, kind="topic", topic=part, field=SUMS, search=search)
    assert (facts(after), listed(after, "below")) == (facts(before), listed(before, "below"))
    assert "Aïsha Bouzid" not in listed(told(web, kind="topic", topic=part, field=SUMS), "below")


def test_a_bar_of_progress_says_who_is_done_busy_and_not_begun(web: flask.Flask) -> None:
    nodes = told(web, kind="progress", progress="4")
    assert len(listed(nodes, "done")) == 10
    assert listed(nodes, "busy") == {"Guusje de Wilde": "12 van 40 opgaven"}
    assert listed(nodes, "not-begun") == {"Lars Boon": "0 van 40 opgaven"}
    found = facts(nodes)
    assert found["Uitgever"].startswith("Letterlab")
    assert found["Stuurt geen voortgang"] == "Cijferpad, Peillijn, Vraagstuk, Stiltewerk"


def test_a_bar_of_another_material_than_the_filter_is_not_shown(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    for material, number in (("Letterlab", 1), ("Peillijn", 0)):
        answer = group_callback(client, klas=["1"], materiaal=material).json
        bars = nodes_of(answer["response"]["group-content"]["children"], "Div")
        assert sum("data-progress" in bar["props"] for bar in bars) == number
    gone = told(web, kind="progress", progress="4", search="?klas=1&materiaal=Peillijn")
    assert words(gone) == "Dit getal is er niet meer."


def test_the_line_over_the_sources_says_of_each_when_and_how_much(web: flask.Flask) -> None:
    nodes = told(web, kind="coverage")
    heads, lists = [words(node) for node in nodes_of(nodes, "H4")], nodes_of(nodes, "Dl")
    by_name = {head: facts([item]) for head, item in zip(heads, lists, strict=True)}
    assert list(by_name) == [
        "Cijferpad werkt", "Letterlab werkt", "Peillijn werkt", "Vraagstuk werkt", "Stiltewerk 14 keer mislukt",
        "Schoolregister werkt",
    ]  # fmt: skip
    totals = sum(item is not None for several in (school.SUMS_BLOCK_2, school.SUMS_BLOCK_3) for item in several) + 1
    assert by_name["Cijferpad werkt"] == {
        "Laatst gelukt": "di 24 nov 6:30",
        "Laatste poging": "vandaag 7:30",
        "Volgende poging": "vandaag 14:00",
        "Gegevens": f"{totals} scores van de getoonde leerlingen",
        "Achterstand": "de nieuwste gegevens kwamen 2 dagen geleden binnen",
    }
    assert by_name["Stiltewerk 14 keer mislukt"]["Achterstand"] == "er zijn nog geen gegevens binnen"


def test_what_the_period_hides_is_told_by_pupil(web: flask.Flask) -> None:
    nodes = told(web, kind="hidden")
    assert listed(nodes, "pupils") == {"Bente van der Laan": "1 resultaat"}


def test_the_panel_speaks_english(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    client.get("/groep?taal=en", base_url=HERE)
    answer = ask(client, {"kind": "mean", "column": SUMS, "search": "?klas=1"})
    assert "mean of 10 of 12" in words(answer.json["response"]["why-told"]["children"])


# -- to whom -----------------------------------------------------------------------------------------------------

EVERY = (
    {"kind": "cell", "pupil": "1", "column": SUMS},
    {"kind": "mean", "column": SUMS},
    {"kind": "group", "group": "attention"},
    {"kind": "group", "group": "few"},
    {"kind": "scores", "pupil": "1"},
    {"kind": "hidden"},
    {"kind": "topic", "topic": "Klok: digitale tijd", "field": SUMS},
    {"kind": "progress", "progress": "4"},
    {"kind": "coverage"},
)


@pytest.mark.parametrize("asked", EVERY, ids=lambda item: str(item["kind"]))
@pytest.mark.parametrize("search", ["?klas=1", "?klas=1,2", "", "?klas=2"])
def test_nothing_of_another_class_is_told(web: flask.Flask, asked: dict[str, str], search: str) -> None:
    answer = ask(as_persona(web, "joris"), {**asked, "search": search})
    assert answer.status_code in (200, 204)
    names = [name for first, _prefix, last in school.NAMES for name in (first, last)]
    shown = json.dumps(answer.json, ensure_ascii=False) if answer.status_code == 200 else ""
    assert not [name for name in names if name in shown]


@pytest.mark.parametrize("asked", EVERY, ids=lambda item: str(item["kind"]))
def test_without_a_session_nothing_is_told(web: flask.Flask, asked: dict[str, str]) -> None:
    assert ask(web.test_client(), {**asked, "search": "?klas=1"}).status_code == 401


def test_who_has_no_class_is_told_nothing(web: flask.Flask, known_school: Store) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE teacher_groups SET to_us = 1 WHERE teacher_id = 1"))
    client = as_persona(web, "hanna")
    assert [ask(client, {**asked, "search": "?klas=1"}).status_code for asked in EVERY] == [204] * len(EVERY)


ODD = [
    None, True, 7, -1, 3.5, "", "x" * 5000, "1 OR 1=1", "'; DROP TABLE pupils; --", ["1", None, {"a": 1}],
    {"id": 1}, [[["1"]]], "\u0661", "<script>alert(1)</script>", "9" * 40, "?" + "a=1&" * 500, "\x00\ud800", "%ff%00",
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_odd_question_is_harmless(web: flask.Flask, odd: object) -> None:
    client = as_persona(web, "joris")
    answers = [ask(client, odd)]
    names = ("kind", "search", "pupil", "column", "group", "field", "topic", "progress", "at")
    answers += [ask(client, {**asked, "search": "?klas=2", name: odd}) for asked in EVERY for name in names]
    assert {answer.status_code for answer in answers} <= {200, 204}
    assert not [answer for answer in answers if "Bouzid" in answer.text or "alert(1)" in answer.text]


def test_a_number_that_is_gone_is_a_sentence(web: flask.Flask) -> None:
    asked = (
        {"kind": "cell", "pupil": "101", "column": SUMS}, {"kind": "cell", "pupil": "1", "column": "x"},
        {"kind": "mean", "column": "x"}, {"kind": "group", "group": "x"}, {"kind": "scores", "pupil": "101"},
        {"kind": "topic", "topic": "x", "field": SUMS}, {"kind": "progress", "progress": "99"},
    )  # fmt: skip
    assert {words(told(web, **item)) for item in asked} == {"Dit getal is er niet meer."}


# -- the page ----------------------------------------------------------------------------------------------------


def table_of(answer: Any) -> Any:
    """The matrix in the answer to the filters."""
    tables_found = nodes_of(answer["response"]["group-content"]["children"], "Table")
    return next(item for item in tables_found if item["props"].get("id") == "matrix")


def test_every_number_of_the_page_can_be_asked(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    answer = group_callback(client, klas=["1"]).json
    table = table_of(answer)
    with_value = [node for node in nodes_of(table, "Td") if "data-value" in node["props"]]
    assert len(with_value) > 30
    assert all(len(nodes_of(item, "Button")) == 1 for item in with_value)
    with_mean = [node for node in nodes_of(table, "Td") if "data-mean" in node["props"]]
    assert len(with_mean) == 3
    assert all(len(nodes_of(item, "Button")) == 1 for item in with_mean)
    buttons = nodes_of(answer["response"]["group-content"]["children"], "Button")
    asking = [button for button in buttons if "data-why" in button["props"]]
    assert {item["props"]["data-why"] for item in asking} == {
        "cell", "mean", "group", "topic", "progress", "coverage", "hidden", "scores",
    }  # fmt: skip
    assert {item["props"]["aria-describedby"] for item in asking} == {"why-hint"}
    frame = shown_page(client, "/groep", "?klas=1")
    assert '"id": "why-hint"' in frame


def test_the_class_page_stays_light(web: flask.Flask, known_school: Store) -> None:
    fill_to_25_by_7(known_school)
    client = as_persona(web, "hanna")
    for view in ("vak", "materiaal"):
        answer = group_callback(client, klas=["1"], weergave=view)
        table = table_of(answer.json)
        cells = [node for node in nodes_of(table, "Td") if "data-pupil" in node["props"]]
        assert len(cells) == 25 * 7
        assert sum("data-value" in cell["props"] for cell in cells) >= 160
        size = len(gzip.compress(answer.data, 6))
        assert size <= MAX_BYTES, f"{view}: {size} bytes"


def test_the_number_of_pupils_that_are_shown_is_told(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    for status, words in ((None, "12 leerlingen"), ("aandacht", "1 leerling")):
        answer = group_callback(client, klas=["1"], **({"status": status} if status else {})).json
        assert answer["response"]["shown-pupils"]["children"] == words


NEWCOMERS = (
    ("Noor", "Jansen"), ("Sem", "Bakker"), ("Yara", "Visser"), ("Ravi", "Meijer"), ("Tess", "Kowalski"),
    ("Omar", "Willems"), ("Lotte", "Dekker"), ("Bram", "Brouwer"), ("Inès", "Haddad"), ("Koen", "Vos"),
    ("Fleur", "Peters"), ("Milan", "Smit"), ("Sofie", "Özdemir"),
)  # fmt: skip


def fill_to_25_by_7(store: Store) -> None:
    """Thirteen more pupils and three more materials; a score of everybody in nearly every column, no two alike."""
    bands = school.BANDS
    more = {
        7: (school.SPELL, TestDefinition(Term("L9"), name="Leestaak 9", subject=Term("bl"), norm=Norm(bands))),
        8: (school.LEVELS, TestDefinition(Term("T4"), name="Taaltoets 4", subject=Term("ta"), norm=Norm(bands))),
        9: (school.QUESTIONS, TestDefinition(Term("W2"), name="Werelddelen", subject=Term("ak"), norm=Norm(bands))),
    }
    pupils = [*range(1, 13), *range(201, 214)]
    table = tables.metadata.tables
    with database.write_transaction(store.engine) as connection:
        names = [(201 + place, *name) for place, name in enumerate(NEWCOMERS)]
        connection.execute(
            insert(table["pupils"]),
            [{"school_id": 1, "id": i, "first_name": a, "prefix": "", "last_name": b} for i, a, b in names],
        )
        connection.execute(
            insert(table["memberships"]),
            [
                {"school_id": 1, "pupil_id": i, "group_id": 1, "year_group": "6", "from_us": school.us("2026-08-17")}
                for i in range(201, 214)
            ],
        )
        connection.execute(
            insert(table["identifiers"]),
            [
                encrypted.identifier(store.cipher, 1, i, f"L1{i:04}")
                | {"pupil_id": i, "matched_by": "roster", "parked_because": None}
                for i in range(201, 214)
            ],
        )  # fmt: skip
        connection.execute(
            insert(table["tests"]),
            [
                {"school_id": 1, "id": i, "source_id": s, "code": definition.code.text, "version": ""}
                for i, (s, definition) in more.items()
            ],
        )
        connection.execute(
            insert(table["test_definitions"]),
            [
                {
                    "school_id": 1,
                    "id": i,
                    "source_id": s,
                    "digest": hashlib.md5(str(i).encode()).digest(),
                    "code": definition.code.text,
                    "name": definition.name,
                    "subject_term": definition.subject.text if definition.subject else None,
                    "material": f"Materiaal {i}",
                    "body": json.dumps(asdict(definition)),
                    "newest_us": school.us("2026-11-24"),
                }
                for i, (s, definition) in more.items()
            ],
        )
        rows = school._Rows()
        school.DEFINITIONS.update(more)
        try:
            for place, pupil in enumerate(pupils):
                for definition in (2, 4, 5, 7, 8, 9):
                    if (pupil, definition) in {(203, 7), (205, 9)} or (pupil < 200 and definition < 7):
                        continue
                    value = (place * 37 + definition * 11) % 90 + (place % 10) / 10
                    for week in range(2):
                        day = f"2026-11-{1 + (place * 3 + definition * 5 + week) % 22:02}"
                        rows.add(pupil, definition, day, **school.number(value + week))
                if pupil > 200:
                    for part in range(4, 8):
                        rows.add(pupil, 6, "2026-11-20", part=part, **school.number((place + part) % 3))
                    rows.add(pupil, 4, "2026-11-18", Kind.PROGRESS, status=int(Status.DONE), offered=40, made=40)
        finally:
            for item in more:
                del school.DEFINITIONS[item]
        found = [row | {"key": f"m{i}", "digest64": 100_000 + i} for i, row in enumerate(rows.rows)]
        connection.execute(insert(table["results"]), found)
