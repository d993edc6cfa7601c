"""What the standard requires, clause by clause, read from `rules/clauses.toml`.

A clause has the name by which rules and scenarios cite it. `connectors.conformance.requirements` adds what tests it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from models.schema.records import Text


class Part(StrEnum):
    """The sections of the list of clauses, in order."""

    XML = "xml"
    SOAP = "soap"
    ACCOUNT = "account"
    RESULTS = "results"
    DEFINITIONS = "definitions"
    PROCESSING = "processing"
    PUPILS = "pupils"
    IDENTIFIERS = "identifiers"
    OWN = "own"


PART_TITLES = {
    Part.XML: Text("XML en HTTP", "XML and HTTP"),
    Part.SOAP: Text("SOAP en servicebeschrijving", "SOAP and service description"),
    Part.ACCOUNT: Text("Wie mag verzenden", "Who may send"),
    Part.RESULTS: Text("Het bericht met resultaten", "The message with results"),
    Part.DEFINITIONS: Text("Toetsen, normen en OSO", "Tests, norms and OSO"),
    Part.PROCESSING: Text("Wat verzender en ontvanger doen", "What sender and receiver do"),
    Part.PUPILS: Text("Leerlinggegevens", "Pupil data"),
    Part.IDENTIFIERS: Text("Leerlingen herkennen, en privacy", "Identifying pupils, and privacy"),
    Part.OWN: Text("Afspraken naast de standaard", "Agreements beside the standard"),
}


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause; `also` are ids of rules and scenarios that test it but cite another one.

    `untested` is why nothing tests it, or what the tests leave out.
    """

    name: str
    part: Part
    requires: Text
    also: tuple[str, ...] = ()
    untested: Text | None = None

    @property
    def anchor(self) -> str:
        """Its name as it stands in an address."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def parse_clauses(toml: str) -> dict[str, Clause]:
    """The clauses in the text of a TOML file, by name; raises ValueError for a table that is not a complete clause."""
    return {name: _clause(name, table) for name, table in tomllib.loads(toml).items()}


def _clause(name: str, table: dict[str, object]) -> Clause:
    texts = {key: table.pop(key, None) for key in ("nl", "en", "untested", "untested_en")}
    part, also = table.pop("part", None), table.pop("also", [])
    if table:
        raise ValueError(f"clause {name}: an unknown key")
    if not isinstance(also, list) or not all(isinstance(item, str) for item in also):
        raise ValueError(f"clause {name}: also is no list of ids")
    requires = _text(name, texts["nl"], texts["en"])
    if requires is None:
        raise ValueError(f"clause {name}: no text")
    untested = _text(name, texts["untested"], texts["untested_en"])
    return Clause(name, Part(str(part)), requires, tuple(also), untested)


def _text(name: str, nl: object, en: object) -> Text | None:
    if nl is None and en is None:
        return None
    if not (isinstance(nl, str) and isinstance(en, str) and nl and en):
        raise ValueError(f"clause {name}: a text in one language only")
    return Text(nl, en)


CLAUSES = parse_clauses((resources.files("connectors.uwlr.rules") / "clauses.toml").read_text(encoding="utf-8"))
