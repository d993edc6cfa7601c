"""The rules that pupil data are judged by, beside the ones on XML and envelope in `rules`.

Schema errors are warnings here: what real administrations send is often out of order or has empty elements, and can
be read by name all the same. Words never hold a value of a message.
"""

from __future__ import annotations

from connectors.uwlr.rules import ERROR, LEERLING_ONGELDIG, ONGELDIG_BERICHT, RULES, UNKNOWN_NAME, WARNING, Rule
from models.schema.records import Finding

_CLAUSE = "UWLR 2.2 Leerlinggegevens"

PUPIL_RULES = {
    rule.id: rule
    for rule in (
        Rule(
            "roster.root",
            _CLAUSE,
            ERROR,
            ONGELDIG_BERICHT,
            "Dit is geen bestand of antwoord met leerlinggegevens.",
            "This is no file or answer with pupil data.",
            "Geef een EDEXML-bestand of een antwoord op een van de vier Haal-verzoeken.",
            "Give an EDEXML file, or an answer to one of the four Haal requests.",
        ),
        Rule(
            "roster.fault",
            "SOAP 1.1, 4.4",
            ERROR,
            ONGELDIG_BERICHT,
            "Dit is een foutmelding (Fault), geen antwoord met leerlinggegevens.",
            "This is a Fault, not an answer with pupil data.",
            "Lees de foutmelding en herhaal de vraag.",
            "Read the fault and ask again.",
        ),
        Rule(
            "roster.part",
            _CLAUSE,
            ERROR,
            ONGELDIG_BERICHT,
            "Dit is één deel van een getrapte overdracht; alleen het geheel kan worden opgeslagen.",
            "This is one part of a staged transfer; only the whole can be stored.",
            "Haal de leerlinggegevens in één keer op, of alle drie de delen.",
            "Fetch the pupil data in one go, or all three parts.",
        ),
        Rule(
            "roster.schema",
            _CLAUSE,
            WARNING,
            None,
            "Het element {element} is niet volgens het schema ({count} keer); gelezen op naam.",
            "The element {element} is not as the schema has it ({count} times); read by name.",
            "Meld dit aan de leverancier van de leerlingadministratie.",
            "Report this to the supplier of the pupil administration.",
        ),
        Rule(
            "roster.unknown-element",
            _CLAUSE,
            WARNING,
            None,
            "Het element {element} hoort hier niet ({count} keer) en is niet gelezen.",
            "The element {element} does not belong here ({count} times) and was not read.",
            "Controleer de naam van het element en het gekozen profiel.",
            "Check the name of the element and the profile that was chosen.",
        ),
        Rule(
            "roster.school-year",
            _CLAUSE,
            ERROR,
            ONGELDIG_BERICHT,
            "Het schooljaar ontbreekt of heeft niet de vorm 2026-2027.",
            "The school year is missing or does not have the form 2026-2027.",
            "Vul schooljaar met twee opeenvolgende jaren.",
            "Fill in schooljaar with two consecutive years.",
        ),
        Rule(
            "roster.created",
            _CLAUSE,
            WARNING,
            None,
            "De aanmaakdatum is geen geldig tijdstip; de volgorde van aankomst telt.",
            "The aanmaakdatum is no valid moment; the order of arrival counts.",
            "Schrijf de aanmaakdatum als 2026-11-23T08:00:00.",
            "Write the aanmaakdatum as 2026-11-23T08:00:00.",
        ),
        Rule(
            "roster.created-future",
            _CLAUSE,
            ERROR,
            ONGELDIG_BERICHT,
            "De aanmaakdatum ligt meer dan een dag in de toekomst.",
            "The aanmaakdatum is more than a day in the future.",
            "Zet de klok van de leerlingadministratie goed.",
            "Set the clock of the pupil administration right.",
        ),
        Rule(
            "roster.key-missing",
            _CLAUSE,
            WARNING,
            None,
            "{element} heeft geen sleutel ({count} keer) en is overgeslagen.",
            "{element} has no key ({count} times) and was left out.",
            "Geef elk element in de leerlingadministratie een sleutel.",
            "Give every element in the pupil administration a key.",
        ),
        Rule(
            "roster.key-twice",
            _CLAUSE,
            ERROR,
            ONGELDIG_BERICHT,
            "Dezelfde sleutel staat bij meer dan één {element} ({count} keer).",
            "The same key stands at more than one {element} ({count} times).",
            "Geef elk element in de leerlingadministratie een eigen sleutel.",
            "Give every element in the pupil administration a key of its own.",
        ),
        Rule(
            "roster.teacher-twice",
            _CLAUSE,
            WARNING,
            None,
            "Dezelfde sleutel staat bij meer dan één {element} ({count} keer); de eerste telt.",
            "The same key stands at more than one {element} ({count} times); the first counts.",
            "Geef elke leerkracht in de leerlingadministratie een eigen sleutel.",
            "Give every teacher in the pupil administration a key of their own.",
        ),
        Rule(
            "roster.eckid-twice",
            _CLAUSE,
            ERROR,
            LEERLING_ONGELDIG,
            "Dezelfde eckid staat bij meer dan één {element} ({count} keer).",
            "The same eckid stands at more than one {element} ({count} times).",
            "Controleer de ECK iD's in de leerlingadministratie.",
            "Check the ECK iDs in the pupil administration.",
        ),
        Rule(
            "roster.group-key-shared",
            _CLAUSE,
            WARNING,
            None,
            "Een groep en een samengestelde groep hebben dezelfde sleutel ({count} keer).",
            "A group and a composed group have the same key ({count} times).",
            "Geef elke groep in de leerlingadministratie een eigen sleutel.",
            "Give every group in the pupil administration a key of its own.",
        ),
        Rule(
            "roster.group-undefined",
            _CLAUSE,
            WARNING,
            None,
            "{element} verwijst naar een groep die het bestand niet heeft ({count} keer).",
            "{element} refers to a group that the roster does not have ({count} times).",
            "Neem alle groepen op in groepen.",
            "Put all groups in groepen.",
        ),
        Rule(
            "roster.location-undefined",
            _CLAUSE,
            WARNING,
            None,
            "{element} verwijst naar een vestiging die het bestand niet heeft ({count} keer).",
            "{element} refers to a location that the roster does not have ({count} times).",
            "Neem alle vestigingen op in vestigingen.",
            "Put all locations in vestigingen.",
        ),
    )
}


def pupil_finding(
    rule_id: str,
    *,
    element: str = "",
    count: int = 1,
    path: str | None = None,
    line: int | None = None,
    column: int | None = None,
) -> Finding:
    """A finding by a rule of this module or of `rules`; `element` is a name of the schema, never a value."""
    rule = PUPIL_RULES.get(rule_id) or RULES[rule_id]
    name_nl, name_en = (element, element) if element else UNKNOWN_NAME
    dutch = {"element": name_nl, "count": count, "expected": "-"}
    english = {**dutch, "element": name_en}
    return Finding(
        rule=rule.id,
        level=rule.level,
        clause=rule.clause,
        message_nl=rule.nl.format(**dutch),
        message_en=rule.en.format(**english),
        remedy=rule.remedy.format(**dutch),
        remedy_en=rule.remedy_en.format(**english),
        path=path,
        line=line,
        column=column,
        fault=rule.fault if rule.level == ERROR else None,
    )
