"""How a sender behaves at its test address, as scenarios: what `models.rooms` saw, in the words of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.conformance.reports import Report, endpoint_report
from connectors.conformance.rules import behaviour_finding
from connectors.conformance.scenarios import Came, NotTested, Outcome, Scenario, State, Text, state_of
from models import rooms
from models.records import Finding
from models.rooms import Arrival, Room, Situation

SENDER = "sender"
OPERATION = "BrengLeerresultaten"
_EXPECTED = frozenset(rule for rules in rooms.REFUSALS.values() for rule in rules)
_NOT_SEEN = Text("Deze situatie is nog niet getoond op het proefadres.", "This was not shown at the test address yet.")
_CONFIRMED = Text("een bevestiging", "a confirmation")


def _play(_: object) -> list[Finding]:
    """A sender is not called: it sends, and what came is looked at."""
    raise NotTested(_NOT_SEEN)


def _scenario(key: str, clause: str, title: Text, explanation: Text, expected: Text = _CONFIRMED) -> Scenario:
    return Scenario(f"{SENDER}.{key}", clause, title, explanation, expected, _play)


SCENARIOS = {
    rooms.FIRST: _scenario(
        rooms.FIRST,
        "UWLR 2.2 BrengLeerresultaten",
        Text("Gewone levering", "Ordinary delivery"),
        Text("Stuur een bericht met resultaten van een of meer leerlingen.", "Send results of one or more pupils."),
    ),
    rooms.AGAIN: _scenario(
        rooms.AGAIN,
        "UWLR 2.2.1 leerresultatenoverdracht",
        Text("Hetzelfde bericht nog eens", "The same message again"),
        Text(
            "Stuur precies dezelfde bytes nog eens, zoals na een verbroken verbinding.",
            "Send exactly the same bytes again, as after a lost connection.",
        ),
    ),
    rooms.CORRECTION: _scenario(
        rooms.CORRECTION,
        "UWLR 2.2 kResultaat",
        Text("Correctie van een score", "Correction of a score"),
        Text(
            "Stuur een later bericht met dezelfde @key en een andere score.",
            "Send a later message with the same @key and another score.",
        ),
    ),
    rooms.SCHOOLS: _scenario(
        rooms.SCHOOLS,
        "UWLR 2.2.1 systeemautorisatie",
        Text("Twee scholen", "Two schools"),
        Text("Stuur een bericht voor elk van de twee scholen.", "Send a message for each of the two schools."),
    ),
    rooms.WRONG_KEY: _scenario(
        rooms.WRONG_KEY,
        "UWLR 2.2.1 fouten",
        Text("Verkeerde sleutel of klant", "Wrong key or customer"),
        Text("Stuur een bericht met een verkeerde sleutel.", "Send a message with a wrong key."),
        Text("een Fault, en daarna niet steeds hetzelfde bericht", "a Fault, and not the same message again and again"),
    ),
    rooms.WRONG_VERSION: _scenario(
        rooms.WRONG_VERSION,
        "UWLR 2.2 xsdversie",
        Text("Verkeerde versie", "Wrong version"),
        Text("Stuur een bericht met xsdversie 1.0.", "Send a message with xsdversie 1.0."),
        Text("Client.XsdVersieOngeldig, en daarna niet steeds hetzelfde bericht",
             "Client.XsdVersieOngeldig, and not the same message again and again"),
    ),
    rooms.UNKNOWN_PUPIL: _scenario(
        rooms.UNKNOWN_PUPIL,
        "UWLR 2.2.1 fouten",
        Text("Onbekende leerling", "Unknown pupil"),
        Text("Stuur een resultaat van een leerling die de school niet kent.", "Send a result of an unknown pupil."),
        Text("Client.LeerlingOngeldig, en daarna niet steeds hetzelfde bericht",
             "Client.LeerlingOngeldig, and not the same message again and again"),
    ),
    rooms.LARGE_BATCH: _scenario(
        rooms.LARGE_BATCH,
        "UWLR 2.2.1 leerresultatenoverdracht",
        Text("Grote levering", "Large delivery"),
        Text(f"Stuur {rooms.LARGE} resultaten of meer in een bericht.", f"Send {rooms.LARGE} results or more at once."),
    ),
    rooms.SHOWN_FAULT: _scenario(
        rooms.SHOWN_FAULT,
        "UWLR 2.2.1 fouten",
        Text("Een fout die de gebruiker te zien krijgt", "A fault that the user gets to see"),
        Text(
            "Roep een fout op, lees de code in uw eigen systeem, en stuur het bericht daarna ongewijzigd opnieuw.",
            "Ask for a fault, read the code in your own system, and send the same message again, unchanged.",
        ),
        Text("de code, en daarna een bevestiging", "the code, and then a confirmation"),
    ),
}  # fmt: skip
MESSAGES = _scenario(
    "messages",
    "UWLR 2.2 XSD",
    Text("Alle berichten", "All messages"),
    Text(
        "Wat de regels zeggen van alle berichten die binnenkwamen.", "What the rules say of all messages that came in."
    ),
)


def room_report(room: Room, came: Sequence[Arrival]) -> Report:
    """The report of a test room: its nine situations, and what the rules say of all that came in."""
    by_id = {one.id: one for one in came}
    outcomes = [_outcome(one, by_id.get(one.arrival_id or 0)) for one in rooms.progress(room, came)]
    return endpoint_report(room.name, SENDER, [*outcomes, _messages(came)])


def _outcome(situation: Situation, arrival: Arrival | None) -> Outcome:
    scenario = SCENARIOS[situation.key]
    if situation.state in (rooms.WAITING, rooms.BUSY):
        return Outcome(scenario, State.NOT_TESTED, (), 0.0, (), _NOT_SEEN)
    failed = situation.state == rooms.FAILED
    findings = (behaviour_finding("sender.again-and-again"),) if failed else ()
    return Outcome(scenario, State.FAILED if failed else State.PASSED, findings, 0.0, _came(arrival))


def _came(arrival: Arrival | None) -> tuple[Came, ...]:
    if arrival is None:
        return ()
    return (Came(OPERATION, 200 if arrival.accepted else 500, "text/xml", arrival.fault, 0.0),)


def _messages(came: Sequence[Arrival]) -> Outcome:
    """What is wrong with what came in, but for the refusals that the situations ask for."""
    found: dict[tuple[str, str | None], Finding] = {}
    for arrival in came:
        if arrival.provoked or _is_asked_for(arrival):
            continue
        for one in arrival.findings:
            if one["level"] in ("error", "warning"):
                found.setdefault((one["rule"], one.get("path")), Finding(**_complete(one)))
    if not came:
        return Outcome(MESSAGES, State.NOT_TESTED, (), 0.0, (), _NOT_SEEN)
    findings = tuple(found.values())
    return Outcome(MESSAGES, state_of(findings), findings, 0.0, (), examined=True)


def _is_asked_for(arrival: Arrival) -> bool:
    errors = {one["rule"] for one in arrival.findings if one["level"] == "error"}
    return bool(errors) and errors <= _EXPECTED


def _complete(one: dict[str, Any]) -> dict[str, Any]:
    """A finding as an older program may have stored it: without a remedy in English."""
    return {"remedy_en": one.get("remedy", ""), **one}
