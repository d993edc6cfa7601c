"""The situations that a vendor shows at a test address: what to do for each, and how far the vendor is.

How far follows from the list of arrivals alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.sandbox.sandboxes import Arrival, Sandbox
from models.schema.records import Text

LARGE = 1_000
MAX_RESENDS = 2  # of the same bytes after a refusal that sending again cannot mend
DONE, FAILED, BUSY, WAITING = "done", "failed", "busy", "waiting"
FIRST, AGAIN, CORRECTION, SCHOOLS = "first", "again", "correction", "schools"
WRONG_KEY, WRONG_VERSION, UNKNOWN_PUPIL, LARGE_BATCH, SHOWN_FAULT = "key", "version", "pupil", "large", "fault"
REFUSALS = {
    WRONG_KEY: ("header.key", "header.customer"),
    WRONG_VERSION: ("version.unsupported", "version.missing"),
    UNKNOWN_PUPIL: ("pupil.unknown", "pupil.conflict"),
}

CONFIRMED = Text("een bevestiging", "a confirmation")


@dataclass(frozen=True, slots=True)
class Task:
    """What to do for a situation, the clause of the standard that it is about, and what must come of it."""

    clause: str
    title: Text
    words: Text
    expected: Text = CONFIRMED


# In the order in which a vendor goes through them.
TASKS = {
    FIRST: Task(
        "UWLR 2.2 BrengLeerresultaten",
        Text("Eerste levering", "First delivery"),
        Text(
            "Stuur een bericht met resultaten van een of meer van de tien leerlingen.",
            "Send a message with results of one or more of the ten pupils.",
        ),
    ),
    AGAIN: Task(
        "UWLR 2.2.1 leerresultatenoverdracht",
        Text("Hetzelfde bericht nog eens", "The same message again"),
        Text(
            "Stuur hetzelfde bericht ongewijzigd nog een keer. Er wordt niets dubbel opgeslagen.",
            "Send the same message once more, unchanged. Nothing is stored twice.",
        ),
    ),
    CORRECTION: Task(
        "UWLR 2.2 kResultaat",
        Text("Correctie van een score", "Correction of a score"),
        Text(
            "Stuur een resultaat nog eens met dezelfde key, een andere score en een latere aanmaakdatum. "
            "De nieuwe score telt.",
            "Send a result once more with the same key, another score and a later aanmaakdatum. The new score counts.",
        ),
    ),
    SCHOOLS: Task(
        "UWLR 2.2.1 systeemautorisatie",
        Text("Twee vestigingen", "Two locations"),
        Text(
            "Stuur een bericht voor vestiging 00 en een voor vestiging 01.",
            "Send one message for location 00 and one for location 01.",
        ),
    ),
    WRONG_KEY: Task(
        "UWLR 2.2.1 fouten",
        Text("Verkeerde sleutel", "Wrong key"),
        Text(
            "Stuur een bericht met een andere autorisatiesleutel. "
            "U krijgt een fout: zet de juiste sleutel terug voor u verder stuurt.",
            "Send a message with another autorisatiesleutel. You get a fault: put the right key back, then send on.",
        ),
        Text("een Fault, en daarna niet steeds hetzelfde bericht", "a Fault, and not the same message again and again"),
    ),
    WRONG_VERSION: Task(
        "UWLR 2.2 xsdversie",
        Text("Verkeerde versie", "Wrong version"),
        Text(
            "Stuur een bericht met xsdversie 1.0. U krijgt een fout: stuur het niet ongewijzigd opnieuw.",
            "Send a message with xsdversie 1.0. You get a fault: do not send it again unchanged.",
        ),
        Text(
            "Client.XsdVersieOngeldig, en daarna niet steeds hetzelfde bericht",
            "Client.XsdVersieOngeldig, and not the same message again and again",
        ),
    ),
    UNKNOWN_PUPIL: Task(
        "UWLR 2.2.1 fouten",
        Text("Onbekende leerling", "Unknown pupil"),
        Text(
            "Stuur een resultaat van een leerlingid die niet in de lijst staat. U krijgt een fout.",
            "Send a result of a leerlingid that is not in the list. You get a fault.",
        ),
        Text(
            "Client.LeerlingOngeldig, en daarna niet steeds hetzelfde bericht",
            "Client.LeerlingOngeldig, and not the same message again and again",
        ),
    ),
    LARGE_BATCH: Task(
        "UWLR 2.2.1 leerresultatenoverdracht",
        Text("Groot bericht", "Large message"),
        Text(
            f"Stuur een bericht met {f'{LARGE:,}'.replace(',', '.')} resultaten of meer.",
            f"Send one message with {LARGE:,} results or more.",
        ),
    ),
    SHOWN_FAULT: Task(
        "UWLR 2.2.1 fouten",
        Text("Een fout die uw gebruiker te zien krijgt", "A fault that your user gets to see"),
        Text(
            "Roep een fout op, lees de code op uw eigen scherm en vul die in. "
            "Stuur het bericht daarna ongewijzigd opnieuw.",
            "Let a fault come, read the code on your own screen and fill it in. "
            "Then send the message again, unchanged.",
        ),
        Text("de code, en daarna een bevestiging", "the code, and then a confirmation"),
    ),
}


@dataclass(frozen=True, slots=True)
class Situation:
    """How far a situation is, and the arrival that says so."""

    key: str
    state: str
    arrival_id: int | None = None


def progress(sandbox: Sandbox, arrivals: Sequence[Arrival]) -> list[Situation]:
    """The situations in the order of TASKS, as the arrivals tell them."""
    new = [arrival for arrival in arrivals if arrival.accepted and not arrival.repeated]
    situations: dict[str, Situation] = {
        FIRST: _first(FIRST, new),
        AGAIN: _first(AGAIN, [arrival for arrival in arrivals if arrival.accepted and arrival.repeated]),
        CORRECTION: _first(CORRECTION, [arrival for arrival in new if arrival.counts.get("changed", 0)]),
        SCHOOLS: _both_schools(sandbox, new),
        LARGE_BATCH: _first(LARGE_BATCH, [arrival for arrival in new if arrival.counts.get("results", 0) >= LARGE]),
        SHOWN_FAULT: _shown_fault(sandbox, arrivals),
    }
    for key, rules in REFUSALS.items():
        situations[key] = _refusal(key, rules, arrivals)
    return [situations[key] for key in TASKS]


def _first(key: str, fitting: Sequence[Arrival]) -> Situation:
    return Situation(key, DONE, fitting[0].id) if fitting else Situation(key, WAITING)


def _both_schools(sandbox: Sandbox, new: Sequence[Arrival]) -> Situation:
    for school_id in (sandbox.school_id, sandbox.second_school_id):
        if not any(arrival.school_id == school_id for arrival in new):
            return Situation(SCHOOLS, BUSY if new else WAITING)
    second = next(arrival for arrival in new if arrival.school_id == sandbox.second_school_id)
    return Situation(SCHOOLS, DONE, second.id)


def _refusal(key: str, rules: Sequence[str], arrivals: Sequence[Arrival]) -> Situation:
    """A refusal that must come, and after which the same bytes must not come again and again."""
    first: dict[bytes, int] = {}
    resent: dict[bytes, int] = {}
    for arrival in arrivals:
        if arrival.digest not in first:
            if any(arrival.broke(rule) for rule in rules):
                first[arrival.digest] = arrival.id
        elif not arrival.accepted:
            resent[arrival.digest] = resent.get(arrival.digest, 0) + 1
    if not first:
        return Situation(key, WAITING)
    for digest, arrival_id in first.items():
        if resent.get(digest, 0) > MAX_RESENDS:
            return Situation(key, FAILED, arrival_id)
    return Situation(key, DONE, next(iter(first.values())))


def _shown_fault(sandbox: Sandbox, arrivals: Sequence[Arrival]) -> Situation:
    """The Fault that we provoke: the vendor shows it to its user, and sends the same bytes again later."""
    faulted = next((arrival for arrival in reversed(arrivals) if arrival.provoked), None)
    if faulted is None:
        return Situation(SHOWN_FAULT, BUSY if sandbox.armed else WAITING)
    sent_again = any(
        arrival.id > faulted.id and arrival.digest == faulted.digest and arrival.accepted for arrival in arrivals
    )
    return Situation(SHOWN_FAULT, DONE if sent_again and sandbox.shown else BUSY, faulted.id)
