"""The expected format of values by element, for remedies that say more than "see the schema"."""

from __future__ import annotations

from connectors.uwlr import names

_WHOLE = (
    "een geheel getal van 0 of meer, alleen cijfers, zoals 17",
    "a whole number from 0 on, digits only, such as 17",
)
_GRADE = ("een getal van 1 tot en met 10, met een punt, zoals 7.5", "a number from 1 to 10, with a point, such as 7.5")
_COLOUR = ("een geheel getal van 0 tot en met 255", "a whole number from 0 to 255")
_DECIMAL = ("een getal met een punt als decimaalteken, zoals 1.5", "a number with a point, such as 1.5")
_KEY = ("een tekst van 1 tot 256 tekens", "a text of 1 to 256 characters")
_NAME = ("een tekst van 1 tot 128 tekens, of laat het element weg", "a text of 1 to 128 characters, or leave it out")
_TERM = ("een tekst van 1 tot 256 tekens, of laat het element weg", "a text of 1 to 256 characters, or leave it out")
_COUNT = (
    "een geheel getal van 0 tot en met 2147483647, alleen cijfers",
    "a whole number from 0 to 2147483647, digits only",
)
_URI = ("een adres (URI) zonder spaties", "an address (URI) without spaces")
_SEE_SCHEMA = ("wat het schema daar toestaat", "what the schema allows there")
_FILLED = ("een tekst die niet leeg is", "a text that is not empty")

# By local name of the element or attribute; UWLR 2.2 C.1, C.3, C.4 in our own words: (Dutch, English), used after
# "Schrijf" and "Write".
FORMS: dict[str, tuple[str, str]] = {
    "score": _WHOLE,
    "beginnormwaarde": _WHOLE,
    "eindnormwaarde": _WHOLE,
    "schoolcijfer_vanaf": _GRADE,
    "schoolcijfer_totenmet": _GRADE,
    "rood_code": _COLOUR,
    "groen_code": _COLOUR,
    "blauw_code": _COLOUR,
    "transparantie": ("een getal van 0.00 tot en met 1.00", "a number from 0.00 to 1.00"),
    "wegingsfactor": _DECIMAL,
    "tijd": (
        "seconden als getal met een punt, of in Voortgang een duur als PT1H20M",
        "seconds as a number with a point, or in Voortgang a duration such as PT1H20M",
    ),
    "vaardigheidsscore": _DECIMAL,
    **dict.fromkeys(names.OSO_INTERVAL, _DECIMAL),
    **dict.fromkeys(names.OSO_COUNTS, _COUNT),
    **dict.fromkeys(names.PROGRESS_COUNTS, _WHOLE),
    "codevaardigheidsschaal": _FILLED,
    "codereferentiescore": _FILLED,
    "codevergelijkingsgroep": _FILLED,
    "waarde": _FILLED,
    "kwalificatie": _FILLED,
    "toetsonderdeelvolgnummer": ("een geheel getal van 1 of meer", "a whole number from 1 on"),
    "schooljaar": (
        "twee opeenvolgende jaren in gewone cijfers (0-9), zoals 2026-2027",
        "two years in a row in plain digits (0-9), such as 2026-2027",
    ),
    "brincode": ("twee cijfers en twee hoofdletters, zoals 99XX", "two digits and two capitals, such as 99XX"),
    "dependancecode": ("twee cijfers, zoals 00", "two digits, such as 00"),
    "aanmaakdatum": ("een moment als 2026-11-20T08:15:30+01:00", "a moment such as 2026-11-20T08:15:30+01:00"),
    "afnamedatum": ("een bestaande dag als 2026-11-19", "an existing day such as 2026-11-19"),
    "xsdversie": ("de versie van het schema, zoals 2.2", "the version of the schema, such as 2.2"),
    "leerlingid": _KEY,
    "eckid": _KEY,
    "schoolkey": _KEY,
    "toetscode": _KEY,
    "toetsonderdeelcode": _KEY,
    "resultaatverwerkerid": _TERM,
    "infourl": _TERM,
    "versie": _TERM,
    "leerjaar": _TERM,
    "vakgebied": _TERM,
    "ingang": _TERM,
    "toetscategorie": _TERM,
    "toetsniveau": _TERM,
    "toetsnaam": _NAME,
    "toetsonderdeelnaam": _NAME,
    "auteur": _NAME,
    "commentaar": _NAME,
    "omschrijving": _NAME,
    "term": ("een tekst van 1 tot 64 tekens", "a text of 1 to 64 characters"),
    "status": ("niet-begonnen, bezig of afgerond", "niet-begonnen, bezig or afgerond"),
    "key": _KEY,
    "niveau": ("een geheel getal, zoals 0", "a whole number, such as 0"),
    "vocabulaire": _URI,
    "vocabulairelocatie": _URI,
}


def form_of(name: str) -> tuple[str, str]:
    """The format of the values of an element or attribute, in Dutch and in English."""
    return FORMS.get(name, _SEE_SCHEMA)
