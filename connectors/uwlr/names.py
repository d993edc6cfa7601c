"""Names of the standard: namespaces, element names, versions."""

from __future__ import annotations

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
LR = "http://www.edustandaard.nl/leerresultaten/2/leerresultaten"
LG = "http://www.edustandaard.nl/leerresultaten/2/leerlinggegevens"
AUT = "http://www.edustandaard.nl/leerresultaten/2/autorisatie"
OSO = "http://www.edustandaard.nl/oso_gegevensset/1.2/dossier"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
# Attributes that refer to a schema, as expat reports them with "}" between namespace and name.
SCHEMA_HINTS = frozenset({f"{XSI}}}schemaLocation", f"{XSI}}}noNamespaceSchemaLocation"})
SCHEMA_HINT_BYTES = b"chemaLocation"  # in both names; a message without it has no such attribute

# Our own: the extension type for progress (docs/voortgang.md) and the pull of results (docs/pull.md).
VOORTGANG = "urn:rondblik:voortgang:1"
OPHALEN = "urn:rondblik:leerresultaten-ophalen:1"

# Elements with the fields that they are read into and written from, in the order of the schema.
# The whole numbers of a Voortgang, and fields of `records.Progress`:
PROGRESS_COUNTS = {"aangeboden": "offered", "gemaakt": "made", "goed": "correct"}
# The texts of a toetsscore (OSO 1.2) before its interval, those of the interval, and fields of `records.OsoResult`:
OSO_COUNTS = {"aantalopgaven": "exercises", "aantalgoed": "correct", "aantalfout": "wrong", "aantalgelezen": "read"}
OSO_TEXTS = {
    **OSO_COUNTS,
    "tijd": "seconds",
    "vaardigheidsscore": "skill",
    "codevaardigheidsschaal": "skill_scale",
}
OSO_INTERVAL = {"bivlaag": "interval_low", "bivhoog": "interval_high"}
# A referentiescore, and fields of `records.ReferenceScore`:
OSO_REFERENCE = {
    "codereferentiescore": "code",
    "codevergelijkingsgroep": "group",
    "waarde": "value",
    "kwalificatie": "qualification",
}

VERZOEK = f"{{{LR}}}leerresultaten_verzoek"
BEVESTIGING = f"{{{LR}}}leerresultaten_bevestiging"
OPHALEN_ANTWOORD = f"{{{OPHALEN}}}leerresultaten_ophalen_antwoord"
OPHALEN_VERZOEK = f"{{{OPHALEN}}}leerresultaten_ophalen_verzoek"
GEEN_WIJZIGINGEN = "geenwijzigingen"
GEEN_GEGEVENS = "geengegevens"

# The element in which SOAP libraries (such as that of PHP) write each entry of an array, with `key` and `value`.
MAP_ITEM = "item"

ENVELOPE = f"{{{SOAP}}}Envelope"
HEADER = f"{{{SOAP}}}Header"
BODY = f"{{{SOAP}}}Body"
FAULT = f"{{{SOAP}}}Fault"

VOCABULARY_VAKGEBIEDEN = "http://purl.edustandaard.nl/concept/328cc12a-87b2-41c4-aef8-853595f9f9dd"

# xsdversie -> the schema by which a message is judged. 2.0 is read as 2.1, with a finding that says so.
VERSIONS = {
    "2.0": "entry_results.xsd",
    "2.1": "entry_results.xsd",
    "2.2": "entry_results.xsd",
    "2.2.1": "entry_results.xsd",
    "2.3": "entry_results_2_3.xsd",
}
DEFAULT_SCHEMA = "entry_results.xsd"
TOLERANT_SCHEMA = "entry_results_tolerant.xsd"


def may_follow_body(tag: str) -> bool:
    """Whether an element with this tag may stand behind the Body: in a namespace of its own (SOAP 1.1, 4)."""
    return tag.startswith("{") and not tag.startswith(f"{{{SOAP}}}")


def local(tag: str) -> str:
    """The name of an element or attribute without its namespace."""
    return tag.rpartition("}")[2]


def lr(name: str) -> str:
    """The tag of a results element."""
    return f"{{{LR}}}{name}"
