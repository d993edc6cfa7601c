"""The rules that messages and endpoints are judged by, read from the TOML files beside this module.

`results.toml` has the rules for messages with results, `pupils.toml` those for pupil data and `behaviour.toml` those
on how an endpoint behaves. A new rule is a table in one of them. What the schemas of the standard say is one family
(`xsd.*`, reported by the validator); whatever else is refused or warned about has a rule of its own. Texts never hold
a value of a message.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import IntEnum
from importlib import resources
from typing import Any

from connectors.uwlr.agreement import STRICT, Agreement
from connectors.uwlr.forms import form_of
from models.schema.records import Finding

ERROR, WARNING, INFO = "error", "warning", "info"
LEVELS = (ERROR, WARNING, INFO)
# Stands in for the name of an element that our schemas do not have: the sender made it up, so it may be personal data.
UNKNOWN_NAME = ("(onbekende naam)", "(unknown name)")

ONGELDIG_BERICHT = "Client.OngeldigBericht"
SCORE_ONGELDIG = "Client.ScoreOngeldig"
NORMERING_ONGELDIG = "Client.ToetsNormeringOngeldig"
ELD_ONGELDIG = "Client.EldResultaatOngeldig"
LEERLING_ONGELDIG = "Client.LeerlingOngeldig"
XSD_VERSIE_ONGELDIG = "Client.XsdVersieOngeldig"
AUTORISATIE_ONGELDIG = "Client.AutorisatieOngeldig"
KLANT_ONGELDIG = "Client.OngeldigeKlantIdentificatie"
VOCABULAIRE_ONGELDIG = "Client.VocabulaireTermOngeldig"
INTERNE_FOUT = "Server.InterneFout"
TIJDELIJK_NIET = "Server.TijdelijkNietBeschikbaar"
VERSION_MISMATCH = "VersionMismatch"
MUST_UNDERSTAND = "MustUnderstand"

# The fault codes of UWLR; SOAP adds two of its own.
FAULTS = (
    ONGELDIG_BERICHT,
    KLANT_ONGELDIG,
    AUTORISATIE_ONGELDIG,
    VOCABULAIRE_ONGELDIG,
    XSD_VERSIE_ONGELDIG,
    LEERLING_ONGELDIG,
    NORMERING_ONGELDIG,
    SCORE_ONGELDIG,
    ELD_ONGELDIG,
    INTERNE_FOUT,
    TIJDELIJK_NIET,
)
_FAULT_CODES = frozenset({*FAULTS, VERSION_MISMATCH, MUST_UNDERSTAND})


class Stage(IntEnum):
    """The order of checks: of all errors in a message the earliest stage gives the fault."""

    BYTES = 1
    ENVELOPE = 2
    HEADER = 3
    CUSTOMER = 4
    KEY = 5
    PAYLOAD = 6
    SCHEMA = 7
    VERSION = 8
    BOUNDS = 9
    SCHOOL = 10
    CREATED = 11
    VOCABULARY = 12
    PUPIL = 13
    NORM = 14
    SCORE = 15


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `tolerant` is its level for senders marked tolerant, `level` that for all others.

    `stage` is when it is checked; only rules for messages with results have one. `tolerated` says how the message was
    read where the rule did not refuse it. `needs_receiver`: no message breaks it by itself, only one that is sent to a
    receiver, which knows its sender, its earlier messages and the pupils of its school.
    """

    id: str
    clause: str
    level: str
    nl: str
    en: str
    remedy: str
    remedy_en: str
    fault: str | None = None
    tolerant: str | None = None
    tolerated: str | None = None
    tolerated_en: str | None = None
    stage: Stage | None = None
    needs_receiver: bool = False

    def level_under(self, agreement: Agreement) -> str:
        """What breaking it means for one sender: error, warning or info."""
        if agreement.terms.refuses(self.id):
            return ERROR
        return self.tolerant if self.tolerant is not None and agreement.terms.tolerates(self.id) else self.level


def parse_rules(toml: str) -> dict[str, Rule]:
    """The rules in the text of a TOML file, by id; raises ValueError for a table that is not a complete rule."""
    return {rule_id: _rule(rule_id, table) for rule_id, table in tomllib.loads(toml).items()}


def _rule(rule_id: str, table: dict[str, Any]) -> Rule:
    stage = table.pop("stage", None)
    try:
        rule = Rule(id=rule_id, stage=None if stage is None else Stage[stage.upper()], **table)
    except (KeyError, TypeError) as wrong:
        raise ValueError(f"rule {rule_id}: {wrong}") from None
    if not all(table.values()):
        raise ValueError(f"rule {rule_id}: an empty text")
    if rule.level not in LEVELS or (rule.tolerant is not None and rule.tolerant not in LEVELS):
        raise ValueError(f"rule {rule_id}: an unknown level")
    if rule.fault is not None and rule.fault not in _FAULT_CODES:
        raise ValueError(f"rule {rule_id}: an unknown fault code")
    return rule


def _read(name: str) -> dict[str, Rule]:
    return parse_rules((resources.files(__name__) / name).read_text(encoding="utf-8"))


def merge(*registries: dict[str, Rule]) -> dict[str, Rule]:
    """All rules in one registry; raises ValueError where two have the same id."""
    merged: dict[str, Rule] = {}
    for registry in registries:
        if twice := merged.keys() & registry.keys():
            raise ValueError(f"rules with the same id: {', '.join(sorted(twice))}")
        merged |= registry
    return merged


RESULT_RULES = _read("results.toml")
PUPIL_RULES = _read("pupils.toml")
BEHAVIOUR_RULES = _read("behaviour.toml")
RULES = merge(RESULT_RULES, PUPIL_RULES, BEHAVIOUR_RULES)


def stage_of(rule_id: str) -> Stage:
    """When a rule for messages with results is checked; raises KeyError for any other rule."""
    stage = RULES[rule_id].stage
    if stage is None:
        raise KeyError(rule_id)
    return stage


def finding(
    rule_id: str,
    agreement: Agreement = STRICT,
    *,
    path: str | None = None,
    line: int | None = None,
    column: int | None = None,
    element: str = "",
    expected: str = "",
    fault: str | None = None,
    **words: str | int,
) -> Finding:
    """A finding by rule `rule_id` under an agreement.

    `element` and `expected` are names of the schema, `words` fill the other placeholders of its texts with names,
    codes and counts; none of them is ever a value of a message. Without `element` the texts say that the name is
    unknown.
    """
    rule = RULES[rule_id]
    effective = rule.level_under(agreement)
    form_nl, form_en = form_of(element)
    alternatives = tuple(expected.split(", "))
    common = {
        "expected": expected or "-",
        "expected_nl": _alternatives(alternatives, "of"),
        "expected_en": _alternatives(alternatives, "or"),
        "form_nl": form_nl,
        "form_en": form_en,
        "versions_nl": _alternatives(agreement.terms.versions, "of"),
        "versions_en": _alternatives(agreement.terms.versions, "or"),
        **words,
    }
    name_nl, name_en = (element, element) if element else UNKNOWN_NAME
    message_nl, message_en = rule.nl, rule.en
    if effective != ERROR and rule.tolerated is not None:
        message_nl, message_en = f"{rule.nl} {rule.tolerated}", f"{rule.en} {rule.tolerated_en}"
    dutch, english = {**common, "element": name_nl}, {**common, "element": name_en}
    return Finding(
        rule=rule.id,
        level=effective,
        clause=rule.clause,
        message_nl=message_nl.format(**dutch),
        message_en=message_en.format(**english),
        remedy=rule.remedy.format(**dutch),
        remedy_en=rule.remedy_en.format(**english),
        path=path,
        line=line,
        column=column,
        fault=(fault or rule.fault) if effective == ERROR else None,
    )


def _alternatives(items: tuple[str, ...], conjunction: str) -> str:
    """Versions or names as people list them: 2.1, 2.2 or 2.3."""
    *others, last = items
    return f"{', '.join(others)} {conjunction} {last}" if others else last
