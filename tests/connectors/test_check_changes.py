"""What became of every rule in a check, and what changed since the check before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.conformance import las
from connectors.conformance.changes import changes_since
from connectors.conformance.reports import as_json, document_report, endpoint_report
from connectors.conformance.scenarios import LAS, State, run
from connectors.intake import file_loading
from connectors.uwlr.rules import BEHAVIOUR_RULES, PUPIL_RULES, RESULT_RULES, RULES
from models.schema import clock
from tests.connectors.loopback import serving
from tests.connectors.test_conformance import NOVEMBER, Spoil, ask_las, endpoint, spoiled, with_fault
from tests.uwlr.messages import message

CHANGES = ("new", "mended", "still", "tested", "untested")


@pytest.fixture(autouse=True)
def _november() -> Iterator[None]:
    with clock.fixed(NOVEMBER):
        yield


def unspoiled(_: bytes, reply: Any) -> Any:
    return reply


def check_las(spoil: Spoil, *ids: str) -> dict[str, Any]:
    """The report of a simulated LAS with something wrong in its answers."""
    chosen = [scenario for scenario in las.SCENARIOS if not ids or scenario.id in ids]
    with serving(spoiled(ask_las, spoil)) as peer:
        outcomes = run(las.LasSession(endpoint(peer.url)), chosen)
    return as_json(endpoint_report("https://las.example/", LAS, outcomes))


def check_file(data: bytes) -> dict[str, Any]:
    (verdict,) = file_loading.check_upload("bericht.xml", data, "strict")
    return as_json(document_report(verdict.name, verdict.findings, verdict.fault, verdict.problem, verdict.form))


def changed(previous: dict[str, Any], report: dict[str, Any]) -> dict[str, set[str]]:
    """The ids of what changed, scenarios behind a hash."""
    changes = changes_since(previous, report)
    return {
        kind: {item["id"] if item["what"] == "rule" else f"#{item['id']}" for item in changes[kind]} for kind in CHANGES
    }


# -- an endpoint -----------------------------------------------------------------------------------------------


def test_a_fault_of_an_endpoint_is_new_then_still_there_then_mended() -> None:
    right, wrong = check_las(unspoiled), check_las(with_fault("Client.Anders"))
    broken = {"fault.code"}
    refusals = {f"#{scenario.id}" for scenario in las.SCENARIOS if scenario.refuses}
    assert changed(right, right) == {kind: set() for kind in CHANGES}
    first = changed(right, wrong)
    assert (first["new"], first["mended"], first["still"]) == (broken | refusals, set(), set())
    again = changed(wrong, wrong)
    assert (again["still"], again["new"], again["mended"]) == (broken | refusals, set(), set())
    mended = changed(wrong, right)
    assert (mended["mended"], mended["new"], mended["still"]) == (broken | refusals, set(), set())
    (item,) = [item for item in changes_since(wrong, right)["mended"] if item["what"] == "rule"]
    assert item == {"what": "rule", "id": "fault.code", "before": "failed", "now": "passed"}
    assert changes_since(wrong, right)["made"] == wrong["made"]


def test_what_is_tested_for_the_first_time_and_no_more_is_said() -> None:
    one, all_of_them = check_las(unspoiled, "las.all-in-one"), check_las(unspoiled)
    more = changed(one, all_of_them)
    assert {"#las.wrong-key", "#las.garbage", "fault.code", "las.no-changes"} <= more["tested"]
    assert (more["new"], more["mended"], more["still"], more["untested"]) == (set(), set(), set(), set())
    less = changed(all_of_them, one)
    assert (less["untested"], less["tested"]) == (more["tested"], set())


def test_a_rule_and_a_scenario_of_one_id_are_two_things() -> None:
    one = check_las(unspoiled, "las.no-changes")
    kinds = [(item["what"], item["now"]) for item in changes_since({}, one)["tested"] if item["id"] == "las.no-changes"]
    assert sorted(kinds) == [("rule", "passed"), ("scenario", "passed")]


def test_of_an_endpoint_only_rules_that_were_applied_have_passed() -> None:
    states = check_las(unspoiled, "las.all-in-one")["rules"]
    assert list(states) == list(RULES)
    tested = {rule for rule, state in states.items() if state != State.NOT_TESTED.value}
    assert tested >= PUPIL_RULES.keys() | {"answer.status", "endpoint.slow", "las.no-data", "xml.charset"}
    assert tested & RESULT_RULES.keys() == {"xml.charset"}
    others = {rule for rule in BEHAVIOUR_RULES if rule.startswith(("fault.", "publisher.", "sender."))}
    assert tested & (others | {"las.no-changes", "las.changes-lost", "las.staged-differs"}) == set()


def test_where_nothing_answers_no_rule_about_answers_has_passed() -> None:
    outcomes = run(las.LasSession(endpoint("http://127.0.0.1:9/")), las.SCENARIOS)
    states = as_json(endpoint_report("https://las.example/", LAS, outcomes))["rules"]
    assert states["endpoint.no-answer"] == "failed"
    assert {states[rule] for rule in ("answer.status", "fault.code", "roster.schema", "xml.charset")} == {"not_tested"}


# -- a file ------------------------------------------------------------------------------------------------------


def test_a_message_passes_the_rules_that_a_file_can_break_and_no_others() -> None:
    states = check_file(message())["rules"]
    passed = {rule for rule, state in states.items() if state == "passed"}
    assert {"score.decimal", "key.test-defined", "xml.cut-off", "xsd.order"} <= passed
    untested = {"header.missing", "soap.body", "header.key", "pupil.unknown", "result.moved", "message.rate"}
    assert {states[rule] for rule in untested} == {"not_tested"}
    assert passed & (PUPIL_RULES.keys() | BEHAVIOUR_RULES.keys()) == set()


def test_a_message_that_cannot_be_read_leaves_all_later_rules_untested() -> None:
    good, cut = check_file(message()), check_file(message()[:-40])
    changes = changed(good, cut)
    assert changes["new"] == {"xml.cut-off"}
    assert {"score.decimal", "key.test-defined", "xsd.order"} <= changes["untested"]
    assert changed(cut, good)["mended"] == {"xml.cut-off"}
    assert changed(cut, good)["tested"] == changes["untested"]


def test_a_warning_that_comes_and_goes_is_a_change_too() -> None:
    plain, odd = check_file(message()), check_file(message(toetsnaam="  "))
    assert changed(plain, odd)["new"] == {"test.name-blank"}
    assert changed(odd, odd)["still"] == {"test.name-blank"}
    assert changed(odd, plain)["mended"] == {"test.name-blank"}
