"""Signals, thresholds, goals, notes and the talk sheet: what the pages show to whom, and what their forms do."""

from __future__ import annotations

import json
import re

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dashboard.pages.signals.resolution_forms import PATH, read_resolution_request, resolution_form
from dashboard.server import actions
from dashboard.text import translate
from models.access.viewer import Role, Viewer
from models.classroom.class_state import class_state
from models.classroom.class_thresholds import THRESHOLDS, thresholds_of
from models.classroom.holidays import read_holidays
from models.classroom.notes import NoteKind, Readers, write_note
from models.classroom.signal_resolutions import ResolutionAction
from models.classroom.signals import Signal, drop, stuck
from models.schema import clock, database
from models.schema.tables import class_thresholds, due_dates, goals, notes, results, signal_marks
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_web import HERE, OWN, as_persona, shown_page

HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")


def post(client: FlaskClient, path: str, **form: str) -> tuple[int, str]:
    """Send a form; its status and where it leads."""
    answer = client.post(path, data=form, base_url=HERE, headers=OWN)
    return answer.status_code, answer.headers.get("Location", "")


def known_signals(store: Store) -> list[Signal]:
    """The signals of class 6a."""
    with clock.fixed(school.NOW), database.read_transaction(store.engine) as connection:
        state = class_state(connection, HANNA, [school.CLASS_A], school.YEAR, read_holidays())
    return list(state.signals)


def order(signal: Signal, action: ResolutionAction = ResolutionAction.SEEN, back: str = "/signalen?klas=1") -> str:
    """What the button of a signal sends."""
    return str(resolution_form([signal], action, back).children.value)


def rows(store: Store, table: object) -> int:
    """How many rows a table holds."""
    with database.read_transaction(store.engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)  # type: ignore[call-overload]


# -- signals -----------------------------------------------------------------------------------------------------


def test_every_signal_stands_with_its_rule_threshold_and_evidence(web: flask.Flask) -> None:
    shown = shown_page(as_persona(web, "hanna"), "/signalen")
    assert "Lars Boon" in shown
    assert "58 schooldagen niets gemaakt." in shown
    assert "Regel: 10 schooldagen niets gemaakt, terwijl minstens de helft van de groep wel werkte." in shown
    assert "Breuken vergelijken: 9 van 10 leerlingen onder de norm." in shown
    assert "Regel: minstens 40 % onder de norm, als minstens 5 leerlingen het maakten." in shown


def test_a_settled_signal_says_by_whom_and_can_be_opened_again(web: flask.Flask, known_school: Store) -> None:
    client, signal = as_persona(web, "hanna"), known_signals(known_school)[0]
    status, where = post(client, PATH, opdracht=order(signal, ResolutionAction.DISCUSSED))
    assert (status, where) == (303, "/signalen?klas=1")
    shown = shown_page(client, "/signalen")
    assert "Afgehandeld. Het komt terug als er nieuwe gegevens zijn." in shown
    assert "Lars Boon" not in shown
    assert "Afgehandeld. Het komt" not in shown_page(client, "/signalen")  # said once
    settled = shown_page(client, "/signalen", "?toestand=klaar")
    assert "Besproken door Hanna Vos, vandaag om 8:12." in settled
    assert "Op of boven de norm" in shown_page(client, "/groep")
    post(client, PATH, opdracht=order(signal, ResolutionAction.REOPENED))
    assert "Lars Boon" in shown_page(client, "/signalen")


def test_a_form_of_the_class_screen_settles_all_signals_of_a_pupil(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    own = [signal for signal in known_signals(known_school) if signal.pupil_id is not None]
    form = resolution_form(own, ResolutionAction.SEEN, "/groep?klas=1")
    assert post(client, PATH, opdracht=str(form.children.value)) == (303, "/groep?klas=1")
    assert rows(known_school, signal_marks) == len(own)
    assert "Niemand vraagt nu aandacht." in shown_page(client, "/groep")


@pytest.mark.parametrize("user", ["joris", "sam"])
def test_nobody_else_settles_sets_or_writes(web: flask.Flask, known_school: Store, user: str) -> None:
    client, signal = as_persona(web, user), known_signals(known_school)[0]
    post(client, PATH, opdracht=order(signal))
    post(client, "/signalen/drempels/1", drop_percent="20")
    post(client, "/leerling/doel/1", materiaal=school.SUMS_FIELD.key, waarde="80")
    post(client, "/leerling/notitie/1", soort="note", tekst="Mag niet")
    for table in (signal_marks, class_thresholds, goals, notes):
        assert rows(known_school, table) == 0
    assert "Bouzid" not in shown_page(client, "/gesprek/1")


@pytest.mark.parametrize(
    "odd", [None, "", "{}", "[]", "[1,2,3]", '["seen",[["drop",1,1,"x","y"]],"/groep"]',
            '["seen",[["nothing",1,null,"x","y"]],"/groep"]', '["later",[],"/groep"]', "x" * 100_000, "[" * 50_000,
            '["seen",[["drop",1,null,"\\ud800","y"]],"/groep"]', '["seen",[["drop",1,null,"x","\\ud800"]],"/groep"]',
            '["seen",[["drop",true,null,"x","y"]],"/groep"]', '["seen",[["drop",99999999999,null,"x","y"]],"/groep"]']
)  # fmt: skip
def test_odd_orders_are_refused_and_change_nothing(web: flask.Flask, known_school: Store, odd: str | None) -> None:
    client = as_persona(web, "hanna")
    form = {} if odd is None else {"opdracht": odd}
    assert client.post(PATH, data=form, base_url=HERE, headers=OWN).status_code in (303, 400, 413)
    assert rows(known_school, signal_marks) == 0


@pytest.mark.parametrize(
    ("rule", "pupil", "class_id", "scope"),
    [
        ("drop", 2, None, school.SUMS_FIELD.key),  # no such signal of this pupil
        ("hard", None, school.CLASS_A, "arithmetic|Cijferpad groep 6|Niets"),
        ("idle", 3, None, "spelling|Onbekend"),
    ],
)
def test_a_signal_that_is_not_there_is_not_settled(
    web: flask.Flask, known_school: Store, rule: str, pupil: int | None, class_id: int | None, scope: str
) -> None:
    client, own = as_persona(web, "hanna"), known_signals(known_school)[0]
    present = json.loads(order(own))
    present[1].append([rule, pupil, class_id, scope, "x"])
    assert post(client, PATH, opdracht=json.dumps(present)) == (303, "/signalen?klas=1")
    assert "Dit signaal is er niet meer. Er is niets veranderd." in shown_page(client, "/signalen")
    assert rows(known_school, signal_marks) == 0


def test_an_order_holds_at_most_sixty_signals(known_school: Store) -> None:
    signal = known_signals(known_school)[0]
    for number, found in ((60, True), (61, False)):
        text = str(resolution_form([signal] * number, ResolutionAction.SEEN, "/signalen").children.value)
        assert (read_resolution_request(text) is not None) is found


def test_every_signal_of_a_class_can_be_settled(web: flask.Flask, known_school: Store) -> None:
    client, signals = as_persona(web, "hanna"), known_signals(known_school)
    assert {signal.pupil_id is None for signal in signals} == {True, False}
    for one in signals:
        post(client, PATH, opdracht=order(one))
    assert rows(known_school, signal_marks) == len(signals)


def test_what_was_told_can_have_the_focus(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    assert '"id":"told"' not in shown_page(client, "/signalen")
    post(client, PATH, opdracht=order(known_signals(known_school)[0]))
    shown = shown_page(client, "/signalen")
    assert re.search(r'"id":\s?"told",\s?"tabIndex":\s?-1', shown)


def test_a_form_from_another_site_is_refused(web: flask.Flask, known_school: Store) -> None:
    client, signal = as_persona(web, "hanna"), known_signals(known_school)[0]
    answer = client.post(
        PATH, data={"opdracht": order(signal)}, base_url=HERE, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert rows(known_school, signal_marks) == 0


@pytest.mark.parametrize(
    "path",
    [
        "https://elders.example/",
        "//elders.example",
        "/groep\\x",
        "javascript:alert(1)",
        "/persona",
        "/groep?a=\r\nb",
        None,
        "",
    ],
)  # fmt: skip
def test_a_form_leads_to_a_page_of_ours_only(path: str | None) -> None:
    assert actions.safe_back(path) == "/groep"


def test_an_order_survives_its_way_through_the_page(known_school: Store) -> None:
    signal = known_signals(known_school)[0]
    resolution_request = read_resolution_request(order(signal, ResolutionAction.AGREED))
    assert resolution_request is not None
    assert (resolution_request.action, resolution_request.signals) == (
        ResolutionAction.AGREED,
        ((signal.target, signal.evidence.key),),
    )
    assert json.loads(order(signal))[0] == "seen"


# -- thresholds --------------------------------------------------------------------------------------------------


def test_thresholds_of_a_class_hold_for_all_its_teachers(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    assert post(client, "/signalen/drempels/1", idle_school_days="40", terug="/signalen?klas=1") == (
        303, "/signalen?klas=1",
    )  # fmt: skip
    for user in ("hanna", "iris"):
        shown = shown_page(as_persona(web, user), "/signalen", "?klas=1")
        assert "Regel: 40 schooldagen niets gemaakt" in shown
        assert "Ingesteld op 40 door Hanna Vos, vandaag om 8:12." in shown


BOUNDS_NL = "Kies voor ‘Niets gemaakt: zoveel schooldagen’ een getal van 3 tot en met 40."


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("1", BOUNDS_NL),
        ("99", BOUNDS_NL),
        *((odd, "Een drempel is een heel getal.") for odd in ("x", "", "-3", "3.5", "²")),
    ],
)
def test_a_threshold_that_cannot_be_changes_nothing_and_says_so(
    web: flask.Flask, known_school: Store, value: str, sentence: str
) -> None:
    client = as_persona(web, "hanna")
    post(client, "/signalen/drempels/1", idle_school_days=value, drop_percent="20", terug="/signalen?klas=1")
    assert rows(known_school, class_thresholds) == 0
    assert f"{sentence} Er is niets veranderd." in shown_page(client, "/signalen")


# -- goals and notes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/signalen/drempels/", "/signalen/datum/", "/leerling/doel/", "/leerling/notitie/"])
def test_a_number_that_nobody_has_is_not_there(web: flask.Flask, path: str) -> None:
    assert post(as_persona(web, "hanna"), path + "9" * 20, tekst="x")[0] == 404


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"soort": "note", "tekst": " "}, "Schrijf eerst iets op."),
        ({"soort": "note", "tekst": "x" * 2001}, "Een notitie heeft hoogstens 2000 tekens."),
        ({"soort": "note", "tekst": "x", "dag": "18-12-2026"}, "Alleen een afspraak heeft een dag"),
        ({"soort": "agreement", "tekst": "x", "dag": "31-02-2027"}, "Schrijf een dag als 13-11-2026."),
    ],
)
def test_a_note_that_is_refused_says_why(web: flask.Flask, form: dict[str, str], sentence: str) -> None:
    client = as_persona(web, "hanna")
    post(client, "/leerling/notitie/1", **form)
    assert sentence in shown_page(client, "/leerling/1")


def test_the_buttons_of_signals_are_told_apart(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    assert ": Lars Boon, Spelling · Letterlab, Niets gemaakt" in shown_page(client, "/signalen")
    assert ": Spelling · Letterlab, Niets gemaakt" in shown_page(client, "/leerling/12")


def test_a_goal_stands_beside_the_lane_in_the_chart_and_in_its_sentence(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    assert "Er is geen doel gesteld. Geen uitgever stuurt een doel mee." in shown_page(client, "/leerling/1")
    post(client, "/leerling/doel/1", materiaal=school.SUMS_FIELD.key, waarde="77,5", dag="18-12-2026")
    shown = shown_page(client, "/leerling/1")
    assert "Het doel is opgeslagen." in shown
    assert "doel 77,5" in shown
    assert "Het doel is 77,5." in shown
    assert "voor vr 18 dec 2026" in shown
    post(client, "/leerling/doel/1", weg=school.SUMS_FIELD.key)
    assert "doel 77,5" not in shown_page(client, "/leerling/1")


@pytest.mark.parametrize(
    ("value", "day"),
    [("1e999999999", ""), ("-5", ""), ("veel", ""), ("7e9", ""), ("80", "31-02-2027"), ("80", "morgen"), ("", "")],
)  # fmt: skip
def test_what_is_no_goal_is_told_in_words(web: flask.Flask, known_school: Store, value: str, day: str) -> None:
    client = as_persona(web, "hanna")
    post(client, "/leerling/doel/1", materiaal=school.SUMS_FIELD.key, waarde=value, dag=day)
    shown = shown_page(client, "/leerling/1")
    assert "Er is niets veranderd." in shown
    assert "Schrijf een" in shown
    assert rows(known_school, goals) == 0


@pytest.mark.parametrize(
    "field", ["arithmetic|Onbekend|1", "spelling|Cijferpad groep 6|1", "arithmetic|Cijferpad groep 6|2"]
)
def test_a_goal_is_set_only_where_the_pupil_has_a_score(web: flask.Flask, known_school: Store, field: str) -> None:
    client = as_persona(web, "hanna")
    post(client, "/leerling/doel/1", materiaal=field, waarde="80")
    shown = shown_page(client, "/leerling/1")
    assert "De leerling heeft geen score bij dit leermiddel. Er is niets veranderd." in shown
    assert rows(known_school, goals) == 0


@pytest.mark.parametrize(("value", "number"), [("0", 1), ("1000000", 1), ("1000001", 0), ("1000000,1", 0), ("-1", 0)])
def test_a_goal_lies_between_nothing_and_a_million(
    web: flask.Flask, known_school: Store, value: str, number: int
) -> None:
    post(as_persona(web, "hanna"), "/leerling/doel/1", materiaal=school.SUMS_FIELD.key, waarde=value)
    assert rows(known_school, goals) == number


def test_a_restricted_note_is_text_for_its_author_and_learning_support_alone(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    post(client, "/leerling/notitie/1", soort="note", tekst="<b>Alleen wij</b>", voor="besloten")
    post(client, "/leerling/notitie/1", soort="agreement", tekst="Twee keer per week oefenen.", dag="18-12-2026")
    shown = shown_page(client, "/leerling/1")
    assert "<b>Alleen wij</b>" in shown  # as text in JSON, never as markup
    assert "Vertrouwelijke notitie" in shown
    for user, reads in (("iris", True), ("joris", False), ("sam", False)):
        assert ("<b>Alleen wij</b>" in shown_page(as_persona(web, user), "/leerling/1")) is reads


def test_the_author_corrects_and_withdraws_a_note_and_others_cannot(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    post(client, "/leerling/notitie/1", soort="note", tekst="Werkt grag alleen.")
    with database.read_transaction(known_school.engine) as connection:
        note_id = connection.scalar(select(notes.c.id))
    address = f"/leerling/notitie/1/{note_id}"
    assert "Verbeteren of intrekken" not in shown_page(as_persona(web, "joris"), "/leerling/1")
    post(as_persona(web, "joris"), address, tekst="Van een ander.")
    post(client, address, tekst="")
    assert "Schrijf eerst iets op. Er is niets veranderd." in shown_page(client, "/leerling/1")
    post(client, address, tekst="Werkt graag alleen.", voor="besloten")
    shown = shown_page(client, "/leerling/1")
    for words in (
        "De notitie is verbeterd.",
        "Werkt graag alleen.",
        "Verbeterd; de eerdere tekst",
        "Werkt grag alleen.",
    ):
        assert words in shown
    assert "Van een ander." not in shown
    post(client, address, intrekken="ja")  # of the earlier text, which is not in force any more
    assert "Deze notitie is intussen verbeterd" in shown_page(client, "/leerling/1")
    with database.read_transaction(known_school.engine) as connection:
        note_id = connection.scalar(select(notes.c.id).where(notes.c.replaced_by.is_(None)))
    post(client, f"/leerling/notitie/1/{note_id}", intrekken="ja")
    shown = shown_page(client, "/leerling/1")
    assert "De notitie is ingetrokken." in shown
    assert "Ingetrokken door de schrijver" in shown
    assert "Werkt graag alleen." not in shown_page(client, "/mijn-leerlingen/overdracht")
    assert "Werkt graag alleen." not in shown_page(as_persona(web, "joris"), "/leerling/1")


def test_of_a_restricted_agreement_others_see_no_day_and_no_button(web: flask.Flask, known_school: Store) -> None:
    support = Viewer(school.SCHOOL, Role.SUPPORT, None, "Els Prins")
    with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        write_note(
            connection, known_school.cipher, support, 1, NoteKind.AGREEMENT, "Geheim.", readers=Readers.RESTRICTED,
            until_on="2026-12-18",
        )  # fmt: skip
    shown = shown_page(as_persona(web, "hanna"), "/leerling/1")
    assert "Alleen de schrijver en de intern begeleider kunnen deze notitie lezen." in shown
    assert not any(words in shown for words in ("Geheim.", "18 dec 2026", "Afspraak afgerond"))


def test_an_agreement_that_one_reads_has_its_day_and_a_button(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    post(client, "/leerling/notitie/1", soort="agreement", tekst="Oefenen.", dag="18-12-2026")
    shown = shown_page(client, "/leerling/1")
    assert all(words in shown for words in ("Oefenen.", "18 dec 2026", "Afspraak afgerond"))


def test_the_talk_sheet_is_in_words_and_names_no_other_pupil(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    post(client, "/leerling/notitie/1", soort="agreement", tekst="Twee keer per week oefenen.", dag="18-12-2026")
    post(client, "/leerling/notitie/1", soort="note", tekst="Geheim", voor="besloten")
    shown = shown_page(client, "/gesprek/1")
    for words in (
        "Gesprek over Aïsha",
        "Wat goed gaat",
        "Waar we op letten",
        "Eigen groei dit jaar",
        "Wat we afspreken",
    ):
        assert words in shown
    assert "Rekenen (Cijferpad groep 6): 76 op 1 okt, 58 op 13 nov; nog geen trend." in shown
    assert "Twee keer per week oefenen. tot vr 18 dec 2026" in shown
    assert "Geheim" not in shown
    assert not any(first in shown for first, _prefix, last in school.NAMES[1:] if last in shown)


def test_a_level_without_a_number_is_told_at_a_talk(web: flask.Flask, known_school: Store) -> None:
    with database.write_transaction(known_school.engine) as connection:
        own = (results.c.source_id == school.LEVELS) & (results.c.identifier_id == 10)
        connection.execute(results.update().where(own).values(score=None, score_text=None))
    shown = shown_page(as_persona(web, "hanna"), "/gesprek/10")
    assert "Rekenen (Peillijn): niveau V (I is het hoogste niveau, V het laagste)." in shown


def test_a_pupil_page_names_the_materials_of_the_class_without_a_score_and_why(web: flask.Flask) -> None:
    shown = shown_page(as_persona(web, "hanna"), "/leerling/12")
    absent = shown[shown.index('"id": "absent"') - 3000 : shown.index('"id": "absent"')]
    for material, state in (("Cijferpad groep 6", "nog geen resultaat"), ("Peillijn", "nog geen resultaat")):
        place = absent.index(material)
        assert state in absent[place : place + 200]
    assert '"id": "absent"' not in shown_page(as_persona(web, "hanna"), "/leerling/1")


def test_a_pupil_page_says_how_many_results_the_period_hides(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    shown = shown_page(client, "/leerling/2", "?periode=4weken")
    assert "De laatste 4 weken" in shown
    assert re.search("De periode verbergt [0-9]+ resultaten van deze leerling.", shown)
    assert "De periode verbergt" not in shown_page(client, "/leerling/2")


def test_filters_behind_the_button_are_told_and_can_be_taken_off(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    shown = shown_page(client, "/groep", "?klas=1&vak=arithmetic&doel=Breuken+vergelijken&status=norm")
    assert "Getoond: Doel: Breuken vergelijken · Leerlingen: Op of boven de norm." in shown
    assert '"href": "/groep?klas=1-1&vak=arithmetic"' in shown
    assert "Getoond:" not in shown_page(client, "/groep", "?klas=1&vak=arithmetic")
    nothing = shown_page(client, "/groep", "?klas=1&doel=Onbekend")
    assert "Geen resultaten met deze filters" in nothing
    assert "Filters wissen" in nothing[nothing.index("Geen resultaten met deze filters") :]


def test_with_several_classes_the_class_stands_beside_each_name(web: flask.Flask) -> None:
    client = as_persona(web, "iris")
    both, item = shown_page(client, "/groep", "?klas=1,2"), shown_page(client, "/groep", "?klas=1")
    for child in ('{"children": "6b · 0 van', '"children": "groep 6a"'):
        assert child in both
        assert child not in item


def test_a_form_of_before_leaves_what_a_colleague_changed_since(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    shown = shown_page(client, "/signalen", "?klas=1")
    action = re.search(r'"action": "(/signalen/drempels/1[?][^"]*)"', shown)
    assert action is not None
    old = {name: str(item.default) for name, item in THRESHOLDS.items()}
    post(client, "/signalen/drempels/1", drop_percent="25")
    post(client, action[1], **{**old, "stuck_times": "4"})
    with database.read_transaction(known_school.engine) as connection:
        thresholds = thresholds_of(connection, HANNA, [school.CLASS_A])[school.CLASS_A]
    assert (thresholds[drop.PERCENT], thresholds[stuck.TIMES]) == (25, 4)


def test_of_several_classes_with_other_thresholds_each_is_told(web: flask.Flask) -> None:
    client = as_persona(web, "iris")
    assert "minder dan 3 scores met een norm" in shown_page(client, "/groep", "?klas=1,2")
    post(as_persona(web, "joris"), "/signalen/drempels/2", few_totals="6")
    shown = shown_page(client, "/groep", "?klas=1,2")
    assert "6a: minder dan 3 scores met een norm · 6b: minder dan 6 scores met een norm" in shown


def test_a_date_is_empty_until_a_teacher_sets_it_and_then_raises_signals(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    shown = shown_page(client, "/signalen", "?klas=1")
    assert "Er is geen datum afgesproken. Geen uitgever stuurt een datum mee." in shown
    assert "is niet af" not in shown
    back = "/signalen?klas=1"
    assert post(client, "/signalen/datum/1", toets=f"2 zet {back}", dag="16-11-2026") == (303, back)
    shown = shown_page(client, "/signalen", "?klas=1")
    assert "Toets blok 3 is niet af. De afspraak was 16 nov." in shown
    assert "ma 16 nov 2026" in shown
    post(client, "/signalen/datum/1", toets=f"2 weg {back}")
    assert "is niet af" not in shown_page(client, "/signalen", "?klas=1")


@pytest.mark.parametrize("order", ["", "2", "2 zet", "x zet /groep", "999 zet /groep", "2 anders /groep"])
def test_a_date_that_cannot_be_changes_nothing(web: flask.Flask, known_school: Store, order: str) -> None:
    client = as_persona(web, "hanna")
    post(client, "/signalen/datum/1", toets=order, dag="" if order == "2 zet" else "16-11-2026")
    assert rows(known_school, due_dates) == 0
    assert "Er is niets veranderd." in shown_page(client, "/signalen")


def test_a_score_that_is_being_checked_is_not_told_at_a_talk(web: flask.Flask, known_school: Store) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(
            results.update()
            .where(results.c.identifier_id == 1, results.c.test_id == 2, results.c.part_id == 0)
            .values(score=9_990_000, score_text="999")
        )
    assert "999" not in shown_page(as_persona(web, "hanna"), "/gesprek/1")


@pytest.mark.parametrize(
    ("typed", "day"),
    [("13-11-2026", "2026-11-13"), ("3/1/2027", "2027-01-03"), ("2026-11-13", "2026-11-13"), (" ", None)],
)
def test_a_day_is_read_as_people_type_it(typed: str, day: str | None) -> None:
    assert actions.read_day(typed) == day


def test_english_pages_have_english_signals(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    client.get("/?taal=en", base_url=HERE)
    shown = shown_page(client, "/signalen")
    assert "58 school days without work." in shown
    assert translate.LANGUAGES == ("nl", "en")
