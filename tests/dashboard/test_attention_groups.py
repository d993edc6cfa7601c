"""The attention groups and the counts by the norm are the same on every screen, and recomputed by SQL."""

from __future__ import annotations

import json
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from dashboard.text.words import attention_group_word
from dashboard.ui import addresses
from models.classroom.attention import AttentionGroup
from models.classroom.signal_resolutions import ResolutionAction
from models.schema import database
from models.schema.records import Kind
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_group_filters import SCORE, more_rows
from tests.dashboard.test_teacher_pages import PATH, known_signals, order, post
from tests.dashboard.test_web import as_persona, group_callback, shown_page
from tests.dashboard.test_why import nodes_of, table_of, words

# Below the norm are sums under 60 and the levels IV and V; Letterlab sends no norm.
BELOW = """
SELECT i.pupil_id, count(*) AS with_norm,
       sum(CASE WHEN r.kind = :oso AND (r.detail LIKE '%"value": "IV"%' OR r.detail LIKE '%"value": "V"%') THEN 1
                WHEN r.kind = :score AND r.score < 600000 THEN 1 ELSE 0 END) AS below
FROM results r JOIN identifiers i ON i.school_id = r.school_id AND i.id = r.identifier_id
WHERE r.school_id = 1 AND r.part_id = 0 AND r.score IS NOT NULL AND r.taken_on >= '2026-08-01'
  AND ((r.kind = :score AND r.source_id = :sums) OR r.kind = :oso)
GROUP BY i.pupil_id
"""


def counted(store: Store) -> dict[int, str]:
    """The counts of each pupil by SQL, in the words of the screens."""
    parameters = {"oso": int(Kind.OSO), "score": int(Kind.SCORE), "sums": school.SUMS}
    with database.read_transaction(store.engine) as connection:
        rows = connection.execute(text(BELOW), parameters).all()
    return {row.pupil_id: f"{row.below} van {row.with_norm} onder de norm" for row in rows}


def groups_of_matrix(client: FlaskClient, **filters: object) -> dict[int, tuple[str, str]]:
    """The group and the counts of each pupil on the class page."""
    found: dict[int, tuple[str, str]] = {}
    for body in nodes_of(table_of(group_callback(client, klas=["1"], **filters).json), "Tbody"):
        group = body["props"]["data-group"]
        for row in nodes_of(body, "Tr")[1:]:
            found[int(row["props"]["data-pupil"])] = (group, words(nodes_of(nodes_of(row, "Th"), "Small")))
    return found


def page(client: FlaskClient, path: str, search: str = "") -> Any:
    """The components of a page."""
    return json.loads(shown_page(client, path, search))["response"]["_pages_content"]["children"]


def test_every_screen_gives_a_pupil_the_same_group_and_counts(web: flask.Flask, known_school: Store) -> None:
    client, by_sql = as_persona(web, "hanna"), counted(known_school)
    shown = groups_of_matrix(client)
    assert len(shown) == len(school.NAMES)
    listed = {
        int(row["props"]["data-pupil"]): words(nodes_of(row, "Th"))
        for row in nodes_of(page(client, "/leerlingen", "?klas=1"), "Tr")
        if "data-pupil" in row["props"]
    }
    for pupil, (group, beside) in shown.items():
        counts = by_sql.get(pupil, "geen scores met een norm")
        assert beside.startswith(counts)
        word = attention_group_word(AttentionGroup(group))
        assert f"{word} · {counts}" in listed[pupil]
        placement = next(
            node for node in nodes_of(page(client, addresses.pupil_href(pupil)), "P")
            if node["props"].get("id") == "placement"
        )  # fmt: skip
        assert words(placement).startswith(f"{word} · dit schooljaar {counts}")
        assert placement["props"]["data-group"] == group
    sheet = shown_page(client, addresses.talk_sheet_href(1))
    assert f"{attention_group_word(AttentionGroup(shown[1][0]))}: dit schooljaar {by_sql[1]}" in sheet


def test_who_is_on_or_above_the_norm_has_no_two_of_the_last_four_scores_below_it(
    web: flask.Flask, known_school: Store
) -> None:
    for group, counts in groups_of_matrix(as_persona(web, "hanna")).values():
        if group in ("on_norm", "far_above"):  # nobody in the known school has more than four scores with a norm
            assert int(counts.partition(" ")[0]) < 2


def stay_below(store: Store) -> None:
    """Fedde is below the norm three times in a row."""
    more_rows(
        store,
        [
            {**SCORE, "identifier_id": 6, "taken_on": f"2026-11-2{day}", "score": 400_000, "score_text": "40"}
            for day in (0, 4)
        ],
    )


def test_settling_a_signal_leaves_the_pupil_below_the_norm_and_says_who_settled_it(
    web: flask.Flask, known_school: Store
) -> None:
    stay_below(known_school)
    client = as_persona(web, "hanna")
    assert groups_of_matrix(client)[6][0] == "attention"
    for signal in known_signals(known_school):
        if signal.pupil_id == 6:
            post(client, PATH, opdracht=order(signal, ResolutionAction.DISCUSSED))
    assert groups_of_matrix(client)[6][0] == "below"
    by_whom = "Blijft onder de norm, Rekenen · Cijferpad groep 6: Besproken door Hanna Vos"
    for path, search in (
        ("/groep", "?klas=1&stand=onder"), ("/leerlingen", "?klas=1"), ("/leerlingen/overdracht", "?klas=1")
    ):  # fmt: skip
        assert by_whom in words(page(client, path, search)), path
    assert "Besproken door Hanna Vos" in words(page(client, addresses.pupil_href(6)))


@pytest.mark.parametrize(
    ("filters", "about_sums"),
    [
        ({}, True),
        ({"vak": "arithmetic"}, True),
        ({"vak": "spelling"}, False),
        ({"uitgever": "1"}, True),
        ({"uitgever": "2"}, False),
        ({"materiaal": "Letterlab"}, False),
    ],
)
def test_a_filter_limits_the_groups_and_the_signals_too(
    web: flask.Flask, known_school: Store, filters: dict[str, str], about_sums: bool
) -> None:
    stay_below(known_school)
    client = as_persona(web, "hanna")
    group, counts = groups_of_matrix(client, **filters)[6]
    answer = group_callback(client, klas=["1"], **filters).text
    assert ("3 keer op rij onder de norm" in answer) is about_sums
    assert (group == "attention") is about_sums
    assert (
        counts.startswith("4 van 4" if filters.get("uitgever") == "1" else "5 van 5")
        if about_sums
        else counts == ("geen scores met een norm")
    )


def test_the_board_shows_the_whole_class_whatever_group_was_chosen(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    everybody = page(client, "/digibord", "?klas=1")
    assert words(page(client, "/digibord", "?klas=1&status=aandacht")) == words(everybody)
    assert "norm" not in words(everybody)


def test_where_a_filter_does_not_hold_the_page_says_so(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    of_signals = "Signalen gaan over dit en vorig schooljaar"
    assert of_signals not in words(page(client, "/groep", "?klas=1"))
    for stand in ("aandacht", "onder"):
        assert of_signals in words(page(client, "/groep", f"?klas=1&periode=4weken&stand={stand}"))
    about_goal = words(page(client, "/groep", "?klas=1&doel=Breuken+vergelijken"))
    assert "De groepen gaan over hele toetsen, niet over het gekozen doel." in about_goal
    assert "Over dit en vorig schooljaar" in words(page(client, addresses.pupil_href(6)))
    assert "Afspraak van alle vakken" in words(page(client, "/leerlingen", "?klas=1&vak=spelling"))
    assert "van alle vakken" in words(page(client, "/leerlingen/overdracht", "?klas=1&vak=spelling"))


def test_a_publisher_a_subject_and_a_goal_limit_sources_goals_and_hard_parts(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    assert "1 van 1 uitgever leverde deze week" in words(page(client, "/groep", "?klas=1&uitgever=1"))
    topics = [
        node["props"]["data-topic"]
        for node in nodes_of(page(client, "/groep", "?klas=1&doel=Breuken+vergelijken"), "Div")
        if "data-topic" in node["props"]
    ]
    assert topics == ["Breuken vergelijken"]
    goals = {subject: group_callback(client, klas=["1"], vak=subject).json["response"]["doel"]["data"] for subject in
             ("", "arithmetic", "spelling")}  # fmt: skip
    assert [option["label"] for option in goals["spelling"]] == ["Alle doelen"]
    assert {"Breuken vergelijken", "Optellen tot 1000"} <= {option["label"] for option in goals["arithmetic"]}
    assert len(goals[""]) > len(goals["arithmetic"])


def test_the_board_says_which_filters_it_shows(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    assert "Spelling · Letterlab" in words(page(client, "/digibord", "?klas=1&vak=spelling&uitgever=2"))
