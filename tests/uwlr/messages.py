"""Small result messages of our own, as bytes, with whatever a test wants to be different."""

from __future__ import annotations

from datetime import date, timedelta

DAYS = 100  # of a school year, before its tests begin to repeat
LR = "http://www.edustandaard.nl/leerresultaten/2/leerresultaten"


def result_xml(key: str, score: str, *, toetscode: str = "T1", afnamedatum: str = "2026-11-10", part: str = "") -> str:
    """One resultaat with a score."""
    onderdeel = f"<toetsonderdeelcode>{part}</toetsonderdeelcode>" if part else ""
    return (
        f'<resultaat key="{key}"><afnamedatum>{afnamedatum}</afnamedatum><toetscode>{toetscode}</toetscode>'
        f"{onderdeel}<score>{score}</score></resultaat>"
    )


def message(
    *,
    scores: list[str] | None = None,
    results: str | None = None,
    leerlingid: str = "L1",
    brin: str = "99XX",
    schooljaar: str = "2026-2027",
    aanmaakdatum: str = "2026-11-11T00:05:46",
    xsdversie: str = "2.2",
    toetsnaam: str = "Toets 1",
    tests: str = "",
) -> bytes:
    """A bare leerresultaten_verzoek of one pupil: test T1 with bands O (0-5) and V (6-10), each score a day earlier."""
    rows = results
    if rows is None:
        last = date(2026, 11, 10)
        rows = "".join(
            result_xml(f"r{number + 1}", score, afnamedatum=f"{last - timedelta(days=number % DAYS)}")
            for number, score in enumerate(scores or ["7"])
        )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><leerresultaten_verzoek xmlns="{LR}"><school>'
        f"<schooljaar>{schooljaar}</schooljaar><brincode>{brin}</brincode>"
        f"<aanmaakdatum>{aanmaakdatum}</aanmaakdatum><xsdversie>{xsdversie}</xsdversie></school>"
        f"<toetsafnames><toetsafname><leerlingid>{leerlingid}</leerlingid><resultaten>{rows}</resultaten>"
        "</toetsafname></toetsafnames><toetsen><toets><toetscode>T1</toetscode>"
        f"<toetsnaam>{toetsnaam}</toetsnaam><toetsnormering>"
        "<norm><term>O</term><beginnormwaarde>0</beginnormwaarde><eindnormwaarde>5</eindnormwaarde></norm>"
        "<norm><term>V</term><beginnormwaarde>6</beginnormwaarde><eindnormwaarde>10</eindnormwaarde></norm>"
        f"</toetsnormering></toets>{tests}</toetsen></leerresultaten_verzoek>"
    ).encode()
