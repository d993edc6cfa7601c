"""The levels of checks: which rule belongs to which, and how far the reading of a document came."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from connectors.uwlr.rules import BEHAVIOUR_RULES, ERROR, RULES, Stage
from models.schema.records import Finding, Text


class Level(IntEnum):
    """The levels of checks, in the order in which they are passed."""

    WELL_FORMED = 1
    ENVELOPE = 2
    SCHEMA = 3
    KEYS = 4
    BUSINESS = 5
    BEHAVIOUR = 6

    @property
    def id(self) -> str:
        """The name in JSON and JUnit."""
        return self.name.lower().replace("_", "-")


LEVEL_TITLES = {
    Level.WELL_FORMED: Text("Welgevormd", "Well-formed"),
    Level.ENVELOPE: Text("Envelop en header", "Envelope and header"),
    Level.SCHEMA: Text("XSD", "XSD"),
    Level.KEYS: Text("Sleutels en verwijzingen", "Keys and references"),
    Level.BUSINESS: Text("Inhoudelijke regels", "Business rules"),
    Level.BEHAVIOUR: Text("Gedrag", "Behaviour"),
}

_LEVELS_OF_STAGES = {
    Stage.BYTES: Level.WELL_FORMED,
    Stage.ENVELOPE: Level.ENVELOPE,
    Stage.HEADER: Level.ENVELOPE,
    Stage.CUSTOMER: Level.ENVELOPE,
    Stage.KEY: Level.ENVELOPE,
    Stage.PAYLOAD: Level.ENVELOPE,
    Stage.SCHEMA: Level.SCHEMA,
}  # every later stage: business rules
_LEVELS_OF_RULES = {
    "roster.root": Level.ENVELOPE,
    "roster.fault": Level.ENVELOPE,
    "roster.part": Level.ENVELOPE,
    "roster.schema": Level.SCHEMA,
    "roster.unknown-element": Level.SCHEMA,
    "roster.key-missing": Level.KEYS,
    "roster.key-twice": Level.KEYS,
    "roster.teacher-twice": Level.KEYS,
    "roster.eckid-twice": Level.KEYS,
    "roster.group-key-shared": Level.KEYS,
    "roster.group-undefined": Level.KEYS,
    "roster.location-undefined": Level.KEYS,
    "las.staged-differs": Level.KEYS,
    "las.personal-number": Level.BUSINESS,
    "las.personal-number-key": Level.BUSINESS,
}
# After an error at one of these stages nothing is left to read for the later levels.
_UNREADABLE = frozenset({Stage.BYTES, Stage.ENVELOPE, Stage.PAYLOAD})


def level_of(rule_id: str) -> Level:
    """The level that a rule belongs to."""
    level = _LEVELS_OF_RULES.get(rule_id)
    if level is not None:
        return level
    if rule_id in BEHAVIOUR_RULES:
        return Level.BEHAVIOUR
    if rule_id.startswith("key."):
        return Level.KEYS
    rule = RULES.get(rule_id)
    if rule is None or rule.stage is None:
        return Level.BUSINESS
    return _LEVELS_OF_STAGES.get(rule.stage, Level.BUSINESS)


def reached_level(findings: Iterable[Finding]) -> Level:
    """The last level that the reading of a document reached; of errors, only those of some rules stop it."""
    errors = [finding.rule for finding in findings if finding.level == ERROR]
    if any(level_of(rule) is Level.WELL_FORMED for rule in errors):
        return Level.WELL_FORMED
    if any(rule.startswith("roster.") for rule in errors if level_of(rule) is Level.ENVELOPE) or any(
        rule in RULES and RULES[rule].stage in _UNREADABLE for rule in errors
    ):
        return Level.ENVELOPE
    return Level.SCHEMA if any(level_of(rule) is Level.SCHEMA for rule in errors) else Level.BUSINESS
