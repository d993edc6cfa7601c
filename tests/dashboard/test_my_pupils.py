"""Mijn leerlingen and the hand-over page: every number recomputed from the known school, and nobody else's pupils."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, text

from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.server.wsgi import create_app
from dashboard.ui.my_pupils_view import CONTROLS, MAX_CLASSES_AT_FIRST, read_my_pupils_filters
from models.access.people import ClassRef
from models.access.viewer import Role, Viewer
from models.classroom.goals import set_due_date, set_goal
from models.classroom.notes import NoteKind, Readers, close_agreement, write_note
from models.schema import database, tables
from models.schema.records import Kind, Status
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.markup import Shown, shown
from tests.dashboard.test_web import CALLBACK, HERE, OWN, as_persona, shown_page

IB = DemoUser("ilse", "Ilse Kramer", Role.SUPPORT, None, school.SCHOOL)
VENDOR = DemoUser("vera", "Vera Bos", Role.VENDOR, None, school.SCHOOL)
MINE, HANDOVER = "/leerlingen", "/leerlingen/overdracht"
SECRET, OPEN_NOTE, AGREED = "Thuis is het onrustig.", "Leest graag over paarden.", "Elke dag tien minuten rekenen."
# By hand, after `with_signals`: Fedde has 40, 55 and 49 (under 60), Guusje and Lars have not finished week 47 in time,
# and Lars made nothing of Letterlab, where work is set ready.
SIGNALS = {6: 1, 7: 1, 12: 2}


@pytest.fixture
def web(known_school: Store) -> flask.Flask:
    """The web app on the known school, with learning support and a vendor among who look."""
    options = AppOptions(demo=True, users=(*PERSONAS, IB, VENDOR))
    return create_app(known_school.engine, known_school.cipher, options)


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every component of a page, with its properties."""
    if isinstance(tree, list):
        for item in tree:
            yield from nodes(item)
    elif isinstance(tree, dict):
        if "props" in tree:
            yield {"type": tree.get("type"), **tree["props"]}
        for value in tree.values():
            yield from nodes(value)


def words(tree: Any) -> str:
    """The text of a part of a page."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, list):
        return " ".join(" ".join(map(words, tree)).split())
    if isinstance(tree, dict):
        return words(tree.get("props", tree).get("children"))
    return ""


TWO_YEARS = "?klas=1&periode=tweejaar"


def page_of(web: flask.Flask, key: str, search: str = "", path: str = MINE) -> list[dict[str, Any]]:
    """The components that somebody gets for an address."""
    return list(nodes(json.loads(shown_page(as_persona(web, key), path, search))))


def cells(page: list[dict[str, Any]]) -> dict[tuple[int, str], dict[str, Any]]:
    """The cells of the table by pupil and subject."""
    found = [item for item in page if item["type"] == "Td" and "data-subject" in item]
    return {(int(item["data-pupil"]), item["data-subject"]): item for item in found}


def pupils(page: list[dict[str, Any]]) -> list[int]:
    """The pupils that the page shows, in order."""
    return [int(item["data-pupil"]) for item in page if item["type"] in ("Tr", "Article") and "data-pupil" in item]


def card_of(page: list[dict[str, Any]], name: str) -> tuple[str, str]:
    """The answer and the address of one of the three questions."""
    box = next(item for item in page if item.get("id") == f"question-{name}")
    answer = next(words(node["children"]) for node in nodes(box["children"]) if node["type"] == "Small")
    return answer, str(box["children"]["props"]["href"])


def rows(store: Store, sql: str) -> list[Any]:
    """The rows of a query of the test's own."""
    with database.read_transaction(store.engine) as connection:
        return list(connection.execute(text(sql)))


def also_teaches(store: Store, teacher: int, group: int) -> None:
    """Link a teacher to one more group."""
    with database.write_transaction(store.engine) as connection:
        connection.execute(
            insert(tables.teacher_groups).values(
                school_id=school.SCHOOL, teacher_id=teacher, group_id=group, from_us=school.us("2026-08-17")
            )
        )


def viewer_of(key: str) -> Viewer:
    """Who a persona is."""
    return next(user.viewer for user in (*PERSONAS, IB) if user.key == key)


def with_signals(store: Store) -> None:
    """A third low score for Fedde, and a day by which week 47 was to be finished."""
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        connection.execute(
            text(
                "INSERT INTO results (school_id, source_id, key, kind, identifier_id, test_id, definition_id, part_id, "
                "taken_on, score, score_text, school_year, created_us, digest64, delivery_id) VALUES "
                f"(1, 1, 'low', {int(Kind.SCORE)}, 6, 1, 1, 0, '2026-06-10', 400000, '40', '2025-2026', "
                f"{school.us('2026-06-10')}, 8, 1)"
            )
        )
        set_due_date(connection, viewer_of("hanna"), school.CLASS_A, 4, "2026-11-19")


def write(store: Store, key: str, pupil: int, kind: NoteKind, words_: str, **more: Any) -> int:
    """Write a note as somebody."""
    viewer = viewer_of(key)
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        return write_note(connection, store.cipher, viewer, pupil, kind, words_, **more)


# -- the rows and the sparklines -------------------------------------------------------------------------------

OF_SUMS = """
SELECT i.pupil_id, r.score, r.score_text, r.taken_on, r.absence FROM results r
JOIN identifiers i ON i.school_id = r.school_id AND i.id = r.identifier_id
JOIN memberships m ON m.school_id = i.school_id AND m.pupil_id = i.pupil_id AND m.group_id = 1 AND m.to_us IS NULL
WHERE r.source_id = 1 AND r.part_id = 0 ORDER BY r.taken_on
"""


def test_a_sparkline_draws_the_scores_of_the_store_and_the_numbers_stand_beside_it(
    web: flask.Flask, known_school: Store
) -> None:
    found = rows(known_school, OF_SUMS)
    scores: dict[int, list[Decimal]] = {}
    for row in found:
        if row.score is not None:
            scores.setdefault(row.pupil_id, []).append(Decimal(row.score) / 10_000)
    low, high = Decimal(0), max(max(score) for score in scores.values())  # Jonas has two zeros
    shown = cells(page_of(web, "hanna", TWO_YEARS))
    for pupil, several in scores.items():
        cell = shown[pupil, "arithmetic"]
        assert [Decimal(item) for item in cell["data-line"].split(",")] == several
        assert (cell["data-bound"], cell["data-material"]) == ("60", "Cijferpad groep 6")
        if len(several) == 1:  # one point is no line
            assert not [node for node in nodes(cell["children"]) if node["type"] == "Img"]
            continue
        assert drawn(image(cell)) == [height(item, low, high) for item in several]
        assert dotted(image(cell)) == height(Decimal(60), low, high)
    newest = {row.pupil_id: row for row in found}
    for pupil, row in newest.items():
        assert shown[pupil, "arithmetic"].get("data-value") == row.score_text
        assert shown[pupil, "arithmetic"]["data-date"] == row.taken_on


def image(cell: dict[str, Any]) -> dict[str, Any]:
    """The sparkline of a cell."""
    return next(node for node in nodes(cell["children"]) if node["type"] == "Img")


def svg_of(img: dict[str, Any]) -> ElementTree.Element:
    """The drawing behind an image; it asks nothing of a server."""
    assert img["src"].startswith("data:image/svg+xml,")
    return ElementTree.fromstring(unquote(img["src"].partition(",")[2]))


def drawn(img: dict[str, Any]) -> list[Decimal]:
    """The heights of the points: the line, and the dot that stands on the last only."""
    tree = svg_of(img)
    (dot,) = (element for element in tree if element.tag.endswith("circle"))
    lines = [
        element.get("d", "")
        for element in tree
        if element.tag.endswith("path") and element.get("stroke-dasharray") is None
    ]
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", lines[0]) if lines else [(dot.get("cx"), dot.get("cy"))]
    assert points[-1] == (dot.get("cx"), dot.get("cy"))
    return [Decimal(y) for _x, y in points]


def dotted(img: dict[str, Any]) -> Decimal | None:
    """The height of the dotted line."""
    found = [element.get("d", "") for element in svg_of(img) if element.get("stroke-dasharray") is not None]
    return Decimal(re.fullmatch(r"M0 ([\d.]+)H112", found[0])[1]) if found else None  # type: ignore[index]


def height(value: Decimal, low: Decimal, high: Decimal) -> Decimal:
    """Where a value stands in a drawing of 38 high, with 5 kept free above and below."""
    return (33 - (value - low) / (high - low) * 28).quantize(Decimal("0.1"))


def test_a_sparkline_says_in_one_sentence_what_it_shows_and_has_the_colours_of_the_scheme(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    for scheme, series in (("light", "#22303d"), ("dark", "#dfe5ea")):
        client.set_cookie("kleur", scheme, domain="localhost")
        shown = cells(list(nodes(json.loads(shown_page(client, MINE, TWO_YEARS)))))
        assert series in unquote(image(shown[2, "arithmetic"])["src"])
    assert image(shown[2, "arithmetic"])["alt"] == (
        "Rekenen bij Cijferpad groep 6, 3 scores: 64, 81, 84; de norm is 60."
    )
    assert image(shown[1, "spelling"])["alt"] == "Spelling bij Letterlab, 2 scores: 66,5; 71,5."
    assert (image(shown[2, "arithmetic"])["width"], image(shown[2, "arithmetic"])["height"]) == (112, 38)


def test_a_material_without_a_norm_has_no_dotted_line_and_no_level(web: flask.Flask) -> None:
    cell = cells(page_of(web, "hanna"))[1, "spelling"]
    assert dotted(image(cell)) is None
    assert "data-bound" not in cell
    assert words(cell["children"]).split(" ")[0] == "71,5"
    assert "geen norm" in words(cell["children"])


def test_value_level_and_growth_are_words_and_growth_needs_three_scores(web: flask.Flask) -> None:
    shown = cells(page_of(web, "hanna", TWO_YEARS))
    assert words(shown[1, "arithmetic"]) == ("58 · 13 nov onvoldoende nog geen trend, 2 van 3")
    assert words(shown[2, "arithmetic"]) == "84 · 13 nov goed stijgt: 64, 81, 84"
    signs = [node["className"] for node in nodes(shown[2, "arithmetic"]["children"]) if node["type"] == "I"]
    assert signs == ["sg sg-above", "sg sg-up"]


def test_a_missing_value_is_its_word_and_a_zero_is_a_zero(web: flask.Flask) -> None:
    shown = cells(page_of(web, "hanna"))
    assert "Img" not in [node["type"] for node in nodes(shown[12, "spelling"]["children"])]
    reading = {key: (shown[key].get("data-state"), words(shown[key]["children"])) for key in shown}
    assert reading[12, "spelling"] == ("not_begun", "niet begonnen")
    assert reading[7, "spelling"] == ("busy", "bezig 12 van 40 opgaven")
    assert reading[12, "arithmetic"] == ("no_result", "nog geen resultaat")
    assert reading[7, "unmapped"][1].startswith("niet aangeboden")
    assert reading[11, "arithmetic"][1].startswith("afgerond zonder score")
    assert "laatste score 66, 1 okt" in reading[11, "arithmetic"][1]
    assert reading[10, "arithmetic"][1].startswith("0 · 13 nov onvoldoende")
    assert reading[4, "spelling"][1].startswith("0 ")
    for state, sentence in reading.values():
        assert state is None or not re.match(r"0\b", sentence)


def test_the_head_names_the_material_with_the_most_scores_and_its_scale(web: flask.Flask) -> None:
    heads = [
        words(item["children"]) for item in page_of(web, "hanna") if item["type"] == "Th" and item["scope"] == "col"
    ]
    assert heads == [
        "Leerling op groep en naam",
        "Signalen",
        "Afspraak",
        "Rekenen Cijferpad groep 6 · zelfde norm, 0–100 · en nog 1 leermiddel",
        "Spelling Letterlab · eigen puntentelling",
        "Vak nog niet toegewezen Vraagstuk · eigen puntentelling",
    ]


def test_scores_on_another_scale_are_no_part_of_the_line(web: flask.Flask, known_school: Store) -> None:
    with database.write_transaction(
        known_school.engine
    ) as connection:  # Cas was offered V1 after all, and X for the rest
        connection.execute(
            text(
                "INSERT INTO results (school_id, source_id, key, kind, identifier_id, test_id, definition_id, part_id, "
                "taken_on, score, score_text, school_year, created_us, digest64, delivery_id) "
                "SELECT school_id, source_id, key || 'x', kind, identifier_id, test_id, definition_id, part_id, "
                "'2026-11-23', score, score_text, school_year, created_us, digest64, delivery_id FROM results "
                "WHERE identifier_id = 1 AND source_id = 4 AND part_id = (SELECT id FROM parts WHERE code = 'V1')"
            )
        )
    cell = cells(page_of(web, "hanna"))[1, "unmapped"]
    assert cell["data-line"] == "2"  # 2 of 2, after 7.5 of 10
    assert "andere puntentelling" in words(cell["children"])


def test_a_mentor_sees_the_pupils_of_all_own_classes_and_each_is_judged_within_the_own_class(
    web: flask.Flask, known_school: Store
) -> None:
    also_teaches(known_school, school.TEACHER_A, 2)
    page = page_of(web, "noa")
    assert pupils(page) == [*range(1, 13), 101, 102, 103]
    assert "15 leerlingen uit 2 groepen." in words(next(item for item in page if item.get("id") == "mine-intro"))
    shown = cells(page)
    assert shown[101, "arithmetic"]["data-value"] == "88"
    assert shown[102, "arithmetic"]["data-state"] == "no_result"
    assert shown[102, "spelling"]["data-state"] == "not_delivered"  # the other class has Letterlab, this one has not
    assert "groep 6b" in words(next(item for item in page if item["type"] == "Tr" and item.get("data-pupil") == "101"))


def test_learning_support_begins_with_the_first_classes_and_teachers_with_all_of_theirs() -> None:
    classes = [ClassRef(place, f"{place}a", school.YEAR, "", False, "", 25) for place in range(1, 9)]
    teacher, support = Viewer(1, Role.TEACHER, 1), Viewer(1, Role.SUPPORT)
    assert read_my_pupils_filters(teacher, classes, {}).class_ids == tuple(range(1, 9))
    assert read_my_pupils_filters(support, classes, {}).class_ids == tuple(range(1, 1 + MAX_CLASSES_AT_FIRST))
    assert read_my_pupils_filters(support, classes, {"klas": "8,2"}).class_ids == (8, 2)
    assert read_my_pupils_filters(support, classes, {"klas": []}).class_ids == (1, 2, 3)


def test_open_signals_are_counted_per_pupil_and_lead_to_the_pupil(web: flask.Flask, known_school: Store) -> None:
    with_signals(known_school)
    page = page_of(web, "hanna")
    counts = {
        int(row["data-pupil"]): next(
            int(cell["data-signals"]) for cell in nodes(row["children"]) if "data-signals" in cell
        )
        for row in page
        if row["type"] == "Tr" and "data-pupil" in row
    }
    assert counts == dict.fromkeys(range(1, 13), 0) | SIGNALS
    links = [item for item in page if item["type"] == "Link" and item.get("className") == "st be"]
    assert [link["href"] for link in links] == [f"/leerling/1-{pupil}" for pupil in SIGNALS]
    assert words(links[-1]["children"]) == "2 open : signalen van Lars Boon"


def test_the_newest_agreement_stands_in_its_row(web: flask.Flask, known_school: Store) -> None:
    write(known_school, "hanna", 1, NoteKind.AGREEMENT, AGREED, until_on="2026-12-18")
    write(known_school, "hanna", 2, NoteKind.AGREEMENT, AGREED, until_on="2026-11-20")
    done = write(known_school, "hanna", 3, NoteKind.AGREEMENT, AGREED)
    write(known_school, "ilse", 4, NoteKind.AGREEMENT, SECRET, readers=Readers.RESTRICTED, until_on="2026-12-24")
    write(known_school, "hanna", 5, NoteKind.NOTE, OPEN_NOTE)
    with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        close_agreement(connection, viewer_of("hanna"), done)
    page = page_of(web, "hanna")
    found = [words(item["children"]) for item in page if item.get("className") == "t2 ag"]
    assert found[:6] == [
        "Afspraak loopt tot 18 dec",
        "Afspraak liep tot 20 nov",
        "Afspraak afgerond op 26 nov",
        "vertrouwelijke afspraak",
        "– geen afspraak",
        "– geen afspraak",
    ]
    assert not [item for item in (SECRET, OPEN_NOTE, "24 dec") if item in json.dumps(page, ensure_ascii=False)]


# -- the filters -----------------------------------------------------------------------------------------------

OUTPUTS = (
    "mine-content.children", "mine-query.data", "mine-vak.data", "mine-periode.data",
    *(f"mine-{name}.value" for name in CONTROLS),
)  # fmt: skip


def mine_callback(client: FlaskClient, query: str = "", **values: object) -> Shown:
    """The answer to the controls of the bar; a control that is not named stands at its default."""
    body = {
        "output": f"..{'...'.join(OUTPUTS)}..",
        "outputs": [dict(zip(("id", "property"), item.split("."), strict=True)) for item in OUTPUTS],
        "inputs": [
            {"id": "mine-asked", "property": "data", "value": None},
            *({"id": f"mine-{name}", "property": "value", "value": values.get(name, "")} for name in CONTROLS),
        ],
        "state": [{"id": "mine-query", "property": "data", "value": query}],
        "changedPropIds": ["mine-klas.value"],
    }
    return shown(client.post(CALLBACK, json=body, base_url=HERE, headers=OWN))


def test_the_controls_end_up_in_the_address_and_the_address_gives_the_same_rows(web: flask.Flask) -> None:
    client = as_persona(web, "ilse")
    chosen = {"klas": ["1"], "periode": "tweejaar", "vak": "spelling", "signalen": "met"}
    answer = mine_callback(client, "?vraag=stof", **chosen).json["response"]
    query = answer["mine-query"]["data"]
    assert query == "?klas=1-1&periode=tweejaar&vak=spelling&signalen=met&vraag=stof"
    again = list(nodes(json.loads(shown_page(client, MINE, query))))
    assert pupils(again) == pupils(list(nodes(answer["mine-content"]))) == [12]
    controls = {
        item["id"]: item["value"] for item in again if str(item.get("id")).startswith("mine-") and "value" in item
    }
    assert controls == {f"mine-{name}": value for name, value in chosen.items()}


@pytest.mark.parametrize("odd", [None, True, 7, "x" * 5000, ["1", None], {"a": 1}, "<script>", "9" * 40, "٣"])
def test_odd_filters_are_the_default_and_never_another_class(web: flask.Flask, odd: object) -> None:
    client = as_persona(web, "joris")
    for name in CONTROLS:
        answer = mine_callback(client, **{name: odd})
        assert answer.status_code == 200
        assert "Bouzid" not in answer.text


def test_the_period_bounds_line_value_and_growth_and_says_what_it_hides(web: flask.Flask) -> None:
    both, year = page_of(web, "hanna", TWO_YEARS), page_of(web, "hanna")
    assert cells(both)[2, "arithmetic"]["data-line"] == "64,81,84"
    assert cells(year)[2, "arithmetic"]["data-line"] == "81,84"
    assert "nog geen trend, 2 van 3" in words(cells(year)[2, "arithmetic"])
    hidden = next(item for item in year if item.get("id") == "hidden-by-period")
    assert "De periode verbergt 1 resultaat van deze leerlingen." in words(hidden["children"])
    assert not [item for item in both if item.get("id") == "hidden-by-period"]


def test_what_the_period_hides_is_of_the_subject_and_once_for_a_pupil_of_two_classes(
    web: flask.Flask, known_school: Store
) -> None:
    with database.write_transaction(known_school.engine) as connection:
        plus = {"school_id": 1, "school_year": school.YEAR, "location": "", "composed": True}
        connection.execute(insert(tables.classes), [{**plus, "id": 9, "name": "Plus", "year_groups": "6"}])
        connection.execute(insert(tables.groups), [{**plus, "id": 9, "key": "plus", "name": "Plus", "class_id": 9}])
        member = {"school_id": 1, "pupil_id": 2, "group_id": 9, "from_us": 1}
        connection.execute(insert(tables.memberships), [member])
    also_teaches(known_school, school.TEACHER_A, 9)
    for search, number in (("", 1), ("&vak=arithmetic", 1), ("&vak=spelling", 0)):
        page = page_of(web, "hanna", f"?klas=1,9&periode=jaar{search}")
        notes = [words(item["children"]) for item in page if item.get("id") == "hidden-by-period"]
        assert [note.split(" resulta")[0] for note in notes] == ["De periode verbergt 1"] * number


def test_without_an_open_signal_are_the_others(web: flask.Flask, known_school: Store) -> None:
    with_signals(known_school)
    assert pupils(page_of(web, "hanna", "?klas=1&signalen=zonder")) == [1, 2, 3, 4, 5, 8, 9, 10, 11]
    assert pupils(page_of(web, "hanna", "?klas=1&signalen=met&vak=arithmetic")) == [6]
    assert pupils(page_of(web, "hanna", "?klas=1&signalen=met&vak=spelling")) == [7, 12]
    empty = page_of(web, "joris", "?klas=2&signalen=met")
    assert "Er zijn geen leerlingen met deze filters." in words(next(o for o in empty if o.get("id") == "mine-empty"))


# -- the three questions ---------------------------------------------------------------------------------------


def test_whom_to_urge_on_is_who_has_an_open_signal(web: flask.Flask, known_school: Store) -> None:
    with_signals(known_school)
    page = page_of(web, "hanna")
    answer, href = card_of(page, "signals")
    assert answer == f"{len(SIGNALS)} leerlingen met een open signaal"
    assert href == "/leerlingen?klas=1-1&signalen=met"
    chosen = page_of(web, "hanna", href.partition("?")[2].join(("?", "")))
    assert pupils(chosen) == list(SIGNALS)
    assert card_of(chosen, "signals")[0] == answer  # of the classes, whatever is filtered
    intro = words(next(item for item in chosen if item.get("id") == "mine-intro"))
    assert "Getoond: met een open signaal, 3 van 12." in intro
    assert card_of(chosen, "signals")[1] == "/leerlingen?klas=1-1"  # pressed again: everybody


def test_what_is_hard_is_the_part_that_most_of_who_made_it_scored_below_the_norm_on(
    web: flask.Flask, known_school: Store
) -> None:
    made = rows(
        known_school,
        "SELECT r.score FROM results r JOIN parts p ON p.school_id = r.school_id AND p.id = r.part_id "
        "JOIN identifiers i ON i.id = r.identifier_id AND i.school_id = r.school_id "
        "WHERE p.code = 'B3-3' AND i.pupil_id <= 12",
    )
    below = sum(row.score <= 50_000 for row in made)  # the lowest band is 0 to 5
    answer, href = card_of(page_of(web, "hanna"), "topics")
    assert answer == f"Breuken vergelijken, bij {below} van {len(made)} die het maakten"
    assert href == "/leerlingen?klas=1-1&vraag=stof"
    page = page_of(web, "hanna", "?klas=1&vraag=stof")
    topics = [(item["data-topic"], item["data-below"], item["data-made"]) for item in page if "data-topic" in item]
    assert topics[0] == ("Breuken vergelijken", str(below), str(len(made)))
    assert [name for name, *_counts in topics] == ["Breuken vergelijken", "Klok: digitale tijd"]
    assert pupils(page) == list(range(1, 13))
    named = next(item for item in page if item.get("data-topic") == "Klok: digitale tijd")
    names = [words(node["children"]) for node in nodes(named["children"]) if node["type"] == "Link"]
    assert len(names) == int(topics[1][1])
    assert "Jonas ter Horst" in names


def test_who_is_ready_is_who_finished_all_that_is_set_ready(web: flask.Flask, known_school: Store) -> None:
    finished = [place + 1 for place, score in enumerate(school.SPELL_WEEK) if score is not None]
    answer, href = card_of(page_of(web, "hanna"), "ready")
    assert answer == (f"Letterlab: bij {len(finished)} van 12 is alles af · van 3 leermiddelen is dat niet bekend")
    assert pupils(page_of(web, "hanna", "?" + href.partition("?")[2])) == finished
    with database.write_transaction(known_school.engine) as connection:  # one more week, which Aïsha has not finished
        one_more_week(connection)
    again = page_of(web, "hanna", "?klas=1&vraag=klaar")
    assert pupils(again) == finished[1:]
    line = next(item for item in again if "data-material" in item and "data-set" in item)
    assert (line["data-material"], line["data-done"], line["data-set"]) == ("Letterlab", "9", "12")
    panel = words(next(item for item in again if item.get("id") == "mine-ready"))
    assert "Cijferpad groep 6, Peillijn, Vraagstuk : uitgever stuurt dit niet" in panel


def one_more_week(connection: Any) -> None:
    """A progress record of a test of its own, begun and not finished."""
    connection.execute(text("INSERT INTO tests (school_id, id, source_id, code, version) VALUES (1, 90, 2, 'W48', '')"))
    connection.execute(
        text(
            "INSERT INTO results (school_id, source_id, key, kind, identifier_id, test_id, definition_id, part_id, "
            "taken_on, status, offered, made, school_year, created_us, digest64, delivery_id) VALUES "
            f"(1, 2, 'w48', {int(Kind.PROGRESS)}, 1, 90, 4, 0, '2026-11-25', {int(Status.BUSY)}, 40, 3, "
            f"'2026-2027', {school.us('2026-11-25')}, 9, 2)"
        )
    )


def test_without_progress_nobody_is_called_ready_or_not(web: flask.Flask) -> None:
    assert card_of(page_of(web, "joris"), "ready")[0] == "geen uitgever meldt hoe ver leerlingen zijn"
    assert card_of(page_of(web, "joris"), "signals")[0] == "niemand heeft een open signaal"
    assert card_of(page_of(web, "joris"), "topics")[0] == "er valt geen onderdeel met een norm van de uitgever op"


# -- the hand-over ---------------------------------------------------------------------------------------------


def person(page: list[dict[str, Any]], pupil: int) -> dict[str, Any]:
    """The part of the hand-over about one pupil."""
    return next(item for item in page if item["type"] == "Article" and item["data-pupil"] == str(pupil))


def test_the_hand_over_holds_scores_goals_signals_agreements_and_says_what_it_is_of(
    web: flask.Flask, known_school: Store
) -> None:
    write(known_school, "hanna", 12, NoteKind.AGREEMENT, AGREED, until_on="2026-12-18")
    write(known_school, "hanna", 12, NoteKind.NOTE, OPEN_NOTE)
    with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        set_goal(connection, viewer_of("hanna"), 2, school.SUMS_FIELD, 900_000, "2027-01-29")
    page = page_of(web, "hanna", TWO_YEARS, HANDOVER)
    assert pupils(page) == list(range(1, 13))
    lars, bente = words(person(page, 12)), words(person(page, 2))
    for sentence in (AGREED, OPEN_NOTE, "tot 18 dec", "58 schooldagen niets gemaakt.", "nog geen resultaat"):
        assert sentence in lars
    table = {node["data-field"]: node for node in nodes(person(page, 2)["children"]) if "data-field" in node}
    assert list(table) == [
        subject_material.key
        for subject_material in (school.SUMS_FIELD, school.LEVELS_FIELD, school.SPELL_FIELD, school.QUESTIONS_FIELD)
    ]
    sums = words(table[school.SUMS_FIELD.key])
    for part in ("84", "13 nov · Toets blok 3", "goed", "stijgt", "90 voor 29 jan, gesteld door Hanna Vos"):
        assert part in sums
    assert "niveau III" in words(table[school.LEVELS_FIELD.key])
    assert "Er staat geen signaal open." in bente
    made = words(next(item for item in page if item.get("id") == "handover-made"))
    assert made == (
        "Rondblik · De Wissel · schooljaar 2026-2027 · groep 6a · Dit en vorig schooljaar · Alle vakken · "
        "alle leerlingen · gemaakt do 26 nov 2026, 8:12 door Hanna Vos"
    )


def test_the_hand_over_follows_the_filters_and_the_pupils_that_are_named(web: flask.Flask) -> None:
    page = page_of(web, "hanna")
    link = next(item["href"] for item in page if item["type"] == "Link" and item["href"].startswith(HANDOVER))
    assert link == f"{HANDOVER}?klas=1-1"
    chosen = page_of(web, "hanna", "?klas=1&signalen=met&vak=spelling", HANDOVER)
    assert pupils(chosen) == [12]
    assert "Spelling · met een open signaal" in words(next(o for o in chosen if o.get("id") == "handover-made"))
    assert pupils(page_of(web, "hanna", "?klas=1&leerling=3,1", HANDOVER)) == [1, 3]
    assert pupils(page_of(web, "ilse", "?leerling=102", HANDOVER)) == [102]  # the class follows from the pupil


def test_a_restricted_note_is_only_counted_but_for_learning_support_on_the_screen(
    web: flask.Flask, known_school: Store
) -> None:
    write(known_school, "ilse", 1, NoteKind.NOTE, SECRET, readers=Readers.RESTRICTED)
    own = "Ik maak mij zorgen."
    write(known_school, "hanna", 1, NoteKind.NOTE, own, readers=Readers.RESTRICTED)
    read_by_teacher = words(person(page_of(web, "hanna", "?klas=1&leerling=1", HANDOVER), 1))
    assert "Er zijn 2 vertrouwelijke notities." in read_by_teacher
    assert SECRET not in read_by_teacher
    assert own not in read_by_teacher  # paper goes from hand to hand, also what one wrote oneself
    support = person(page_of(web, "ilse", "?klas=1&leerling=1", HANDOVER), 1)
    assert SECRET in words(support)
    assert "vertrouwelijk: komt niet op papier" in words(support)
    hidden = [node for node in nodes(support["children"]) if node.get("className") == "secret"]
    assert {SECRET, own} == {found for item in hidden for found in (SECRET, own) if found in words(item)}
    counted = next(node for node in nodes(support["children"]) if "data-restricted" in node)
    assert (counted["data-restricted"], counted["className"]) == ("2", "sm t2 paper")


def test_the_last_notes_stand_there_and_of_older_ones_how_many(web: flask.Flask, known_school: Store) -> None:
    for number in range(7):
        write(known_school, "hanna", 1, NoteKind.NOTE, f"Notitie nummer {number}.")
    write(known_school, "hanna", 1, NoteKind.AGREEMENT, AGREED)
    found = words(person(page_of(web, "hanna", "?klas=1&leerling=1", HANDOVER), 1))
    assert [number for number in range(7) if f"Notitie nummer {number}." in found] == [2, 3, 4, 5, 6]
    assert AGREED in found
    assert "en 2 oudere" in found


# -- who may see what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("search", ["?klas=1", "?klas=1,2", "?leerling=1", "?klas=2&leerling=1", "?klas=3"])
@pytest.mark.parametrize("path", [MINE, HANDOVER])
def test_pupils_of_another_class_are_never_seen(web: flask.Flask, known_school: Store, path: str, search: str) -> None:
    write(known_school, "hanna", 1, NoteKind.NOTE, OPEN_NOTE)
    shown = shown_page(as_persona(web, "joris"), path, search)
    assert not [last for _first, _prefix, last in school.NAMES if last in shown]
    assert "Anders" not in shown
    assert OPEN_NOTE not in shown


@pytest.mark.parametrize("key", ["sam", "vera"])
@pytest.mark.parametrize("path", [MINE, HANDOVER])
def test_an_administrator_or_vendor_gets_a_sentence_no_pupils_and_no_notes(
    web: flask.Flask, known_school: Store, path: str, key: str
) -> None:
    write(known_school, "hanna", 1, NoteKind.AGREEMENT, AGREED)
    client = as_persona(web, key)
    shown = shown_page(client, path, "?klas=1")
    assert "Dit hoort niet bij uw rol" in shown
    assert "Bouzid" not in shown
    assert AGREED not in shown
    answer = mine_callback(client, klas=["1"])
    assert (answer.status_code, answer.text) == (204, "")


def test_the_menu_names_the_page_for_who_teaches(web: flask.Flask) -> None:
    for key, there in (("hanna", True), ("noa", True), ("ilse", True), ("sam", False), ("vera", False)):
        links = [item.get("href") for item in page_of(web, key, path="/") if item["type"] == "Link"]
        assert (MINE in links) is there, key
