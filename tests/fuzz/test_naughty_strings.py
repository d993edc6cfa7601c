"""Strings that break programs, in every text of a message: what is taken in is stored as it was sent."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connectors.intake import push
from connectors.intake.judge import spool
from connectors.intake.push import ReceiverContext
from models.schema import database
from models.schema.encrypted_columns import place
from models.schema.records import Verdict
from models.schema.tables import deliveries, identifiers, parts, results, test_definitions, tests
from tests.fuzz.test_fuzz import ALLOWED
from tests.peers import npm
from tests.peers.service import ACCOUNT
from tests.uwlr.messages import LR

HERE = Path(__file__).parent
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MESSAGE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
    '<autorisatie xmlns="http://www.edustandaard.nl/leerresultaten/2/autorisatie">'
    "<autorisatiesleutel>{sleutel}</autorisatiesleutel><klantcode>{klantcode}</klantcode>"
    "<klantnaam>{klantnaam}</klantnaam></autorisatie></s:Header><s:Body>"
    f'<leerresultaten_verzoek xmlns="{LR}" xmlns:o="http://www.edustandaard.nl/oso_gegevensset/1.2/dossier" '
    'xmlns:v="urn:rondblik:voortgang:1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><school>'
    "<schooljaar>{schooljaar}</schooljaar><brincode>{brincode}</brincode>"
    "<dependancecode>{dependancecode}</dependancecode><aanmaakdatum>{aanmaakdatum}</aanmaakdatum>"
    "<auteur>{auteur}</auteur><xsdversie>{xsdversie}</xsdversie><commentaar>{commentaar}</commentaar></school>"
    "<toetsafnames><toetsafname><leerlingid>{leerlingid}</leerlingid>"
    "<resultaatverwerkerid>{verwerker}</resultaatverwerkerid><resultaten>"
    '<resultaat key="{key}"><afnamedatum>{afnamedatum}</afnamedatum><toetscode>{toetscode}</toetscode>'
    "<versie>{versie}</versie><toetsonderdeelcode>{onderdeel}</toetsonderdeelcode><score>{score}</score>"
    "<infourl>{infourl}</infourl></resultaat>"
    '<resultaat key="o-{number}"><afnamedatum>2026-11-10</afnamedatum><toetscode>{toetscode}</toetscode>'
    "<versie>{versie}</versie><osoresultaat><o:toetsscore><o:aantalgoed>{goed}</o:aantalgoed>"
    "<o:vaardigheidsscore>{vaardigheid}</o:vaardigheidsscore>"
    "<o:codevaardigheidsschaal>{schaal}</o:codevaardigheidsschaal></o:toetsscore><o:referentiescore>"
    "<o:codereferentiescore>{referentie}</o:codereferentiescore>"
    "<o:codevergelijkingsgroep>{groep}</o:codevergelijkingsgroep><o:waarde>{waarde}</o:waarde>"
    "<o:kwalificatie>{kwalificatie}</o:kwalificatie></o:referentiescore></osoresultaat></resultaat>"
    '<resultaat key="v-{number}"><afnamedatum>2026-11-10</afnamedatum><toetscode>{toetscode}</toetscode>'
    '<versie>{versie}</versie><anderresultaat xsi:type="v:Voortgang"><andere_score>{ander}</andere_score>'
    "<v:status>{status}</v:status><v:tijd>{tijd}</v:tijd></anderresultaat></resultaat>"
    "</resultaten></toetsafname><toetsafname><leerlingid>leerling-2</leerlingid><eckid>{eckid}</eckid><resultaten>"
    '<resultaat key="e-{number}"><afnamedatum>2026-11-10</afnamedatum><toetscode>{toetscode}</toetscode>'
    "<versie>{versie}</versie><score>0</score></resultaat></resultaten></toetsafname></toetsafnames><toetsen><toets>"
    '<toetscode vocabulaire="{vocabulaire}" vocabulairelocatie="{locatie}">{toetscode}</toetscode>'
    "<versie>{versie}</versie><toetsnaam>{toetsnaam}</toetsnaam><leerjaar>{leerjaar}</leerjaar>"
    "<vakgebied>{vakgebied}</vakgebied><toetsnormering><toetscategorie>{categorie}</toetscategorie>"
    "<toetsniveau>{niveau}</toetsniveau><wegingsfactor>{weging}</wegingsfactor><norm><term>{term}</term>"
    "<omschrijving>{omschrijving}</omschrijving><beginnormwaarde>{begin}</beginnormwaarde>"
    "<eindnormwaarde>{eind}</eindnormwaarde></norm></toetsnormering><toetshierarchie>"
    '<ingang niveau="{diepte}">{ingang}</ingang></toetshierarchie><toetsonderdelen><toetsonderdeel>'
    "<toetsonderdeelvolgnummer>{volgnummer}</toetsonderdeelvolgnummer>"
    "<toetsonderdeelcode>{onderdeel}</toetsonderdeelcode><toetsonderdeelnaam>{onderdeelnaam}</toetsonderdeelnaam>"
    "</toetsonderdeel></toetsonderdelen></toets></toetsen></leerresultaten_verzoek></s:Body></s:Envelope>"
)
SOUND = {
    "sleutel": ACCOUNT.key, "klantcode": ACCOUNT.customer_code, "klantnaam": ACCOUNT.customer_name,
    "schooljaar": "2026-2027", "brincode": "99XX", "dependancecode": "00", "aanmaakdatum": "2026-11-11T00:05:46",
    "auteur": "Uitgever", "xsdversie": "2.2", "commentaar": "Proef", "leerlingid": "leerling-1", "verwerker": "1",
    "eckid": f"https://ketenid.nl/201703/{'0123456789abcdef' * 8}", "afnamedatum": "2026-11-10", "toetscode": "T1",
    "versie": "1", "onderdeel": "V1", "score": "0", "infourl": "https://uitgever.example/1", "goed": "0",
    "vaardigheid": "0", "schaal": "S", "referentie": "DLE", "groep": "L", "waarde": "0", "kwalificatie": "K",
    "ander": "A", "status": "bezig", "tijd": "PT0S", "vocabulaire": "urn:x", "locatie": "https://terms.example/1",
    "toetsnaam": "Toets", "leerjaar": "6", "vakgebied": "Rekenen", "categorie": "C", "niveau": "N", "weging": "0",
    "term": "O", "omschrijving": "Onvoldoende", "begin": "0", "eind": "10", "diepte": "0", "ingang": "Pluspunt",
    "volgnummer": "1", "onderdeelnaam": "Som",
}  # fmt: skip
FIELDS = ("key", *SOUND)
EVERY = 1 if "RONDBLIK_FUZZ" in os.environ else 8  # each string in one field of eight; `make fuzz` sends all
# What only the kept bytes hold, what finds the sender or the school, and what is stored as a number.
NOT_STORED = {
    "sleutel", "klantcode", "klantnaam", "brincode", "dependancecode", "auteur", "commentaar", "verwerker", "status",
    "tijd",
}  # fmt: skip
# Stored as a number, a depth without end as the largest there is.
COUNTS = {"goed", "diepte", "volgnummer"}
LEAST, MOST = -(2**31), 2**31 - 1
# What any text may stand in, and is accepted (all but a few that are blank, too long or empty).
FREE = {
    "key", "leerlingid", "eckid", "toetscode", "versie", "onderdeel", "infourl", "schaal", "referentie", "groep",
    "waarde", "kwalificatie", "ander", "toetsnaam", "leerjaar", "vakgebied", "categorie", "niveau", "term",
    "omschrijving", "ingang", "onderdeelnaam", "auteur", "commentaar", "verwerker",
}  # fmt: skip
_ESCAPED = {ord(item): f"&#{ord(item)};" for item in "&<>\"'\t\n\r"}


@cache
def naughty() -> tuple[str, ...]:
    """The strings, less those that XML cannot hold."""
    path = npm.installed(HERE) / "blns" / "resources" / "blns.json"
    strings = dict.fromkeys(json.loads(path.read_text(encoding="utf-8")))
    return tuple(string for string in strings if not NOT_XML.search(string))


def filled(number: int, field: str, text: str) -> bytes:
    """The message with a text in one field, and keys of its own."""
    values = {**SOUND, "key": f"r-{number}", field: text}
    escaped = {name: value.translate(_ESCAPED) for name, value in values.items()}
    return MESSAGE.format_map({**escaped, "number": str(number)}).encode()


def leaves(value: Any) -> Iterator[str]:
    """Every text and number in what JSON holds, as text."""
    if isinstance(value, str | int):
        yield str(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from leaves(inner)


def stored(receiver: ReceiverContext, delivery_id: int) -> set[str]:
    """Every text that the store has of the results of a delivery."""
    query = (
        select(results, tests, test_definitions, identifiers, parts.c.code.label("part"))
        .join(tests, tests.c.id == results.c.test_id)
        .join(test_definitions, test_definitions.c.id == results.c.definition_id)
        .join(identifiers, identifiers.c.id == results.c.identifier_id)
        .join(parts, parts.c.id == results.c.part_id, isouter=True)
        .where(results.c.delivery_id == delivery_id)
    )
    found: set[str] = set()
    pupils: set[int] = set()
    with database.read_transaction(receiver.engine) as connection:
        for row in connection.execute(query).all():
            pupils |= {row.eck_id, row.las_id} if row.sealed is None else {row.identifier_id}
            found |= {value for value in row if isinstance(value, str)} | {str(row.correct)}
            for column in (row.body, row.detail):
                found |= set(leaves(json.loads(column))) if column else set()
        for row in connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)):
            found |= {value for value in row if isinstance(value, str)}
        for row in connection.execute(select(identifiers).where(identifiers.c.id.in_(pupils))):
            where = place(identifiers.c.sealed, row.school_id, row.id)
            found.add(receiver.cipher.decrypt(row.sealed, where).decode())
    return found


def test_the_message_itself_is_taken_in_and_every_text_of_it_stored(receiver: ReceiverContext) -> None:
    with spool([filled(0, "key", "r-0")]) as spooled:
        receipt = push.deliver(receiver, spooled)
    assert receipt.verdict is not Verdict.REJECT, receipt.findings
    missing = {field: text for field, text in SOUND.items() if text not in stored(receiver, receipt.delivery_id)}
    assert missing.keys() <= NOT_STORED


@pytest.mark.parametrize("field", FIELDS)
def test_a_naughty_string_is_refused_or_stored_as_it_was_sent(receiver: ReceiverContext, field: str) -> None:
    assert len(naughty()) > 400
    changed, broken, accepted = [], [], 0
    sent = list(enumerate(naughty(), 1))[FIELDS.index(field) % EVERY :: EVERY]
    for number, text in sent:
        with spool([filled(number, field, text)]) as spooled:
            receipt = push.deliver(receiver, spooled)
        if receipt.verdict is Verdict.REJECT:
            if receipt.fault not in ALLOWED:
                broken.append((text, receipt.fault))
            continue
        accepted += 1
        kept = str(max(LEAST, min(int(text), MOST))) if field in COUNTS else text
        if field not in NOT_STORED and kept not in stored(receiver, receipt.delivery_id):
            changed.append(text)
    assert broken == []
    assert changed == []
    assert field not in FREE or accepted > 0.8 * len(sent)  # all but those that are blank, too long or empty
