"""Generated messages for measuring: 600 pupils a school, 40 tests of 4 parts with 5 bands, random keys."""

from __future__ import annotations

import random
import uuid
from pathlib import Path

PUPILS, TESTS, PARTS = 600, 40, 4
RESULTS_A_PUPIL = TESTS * (PARTS + 1)
BANDS = (("V", 0, 20), ("IV", 21, 40), ("III", 41, 60), ("II", 61, 80), ("I", 81, 100))


def pupil_key(number: int) -> str:
    """The LAS key of a pupil."""
    return f"L{number:06d}"


def eck_id(number: int) -> str:
    """A made-up ECK iD."""
    return f"https://ketenid.nl/201703/{number:0128x}"


def _norm(name: str) -> str:
    bands = "".join(
        f"<norm><term>{term}</term><beginnormwaarde>{low}</beginnormwaarde><eindnormwaarde>{high}</eindnormwaarde></norm>"
        for term, low, high in BANDS
    )
    return f"<{name}>{bands}</{name}>"


def _tests() -> str:
    tests = []
    for test in range(TESTS):
        parts = "".join(
            f"<toetsonderdeel><toetsonderdeelvolgnummer>{part}</toetsonderdeelvolgnummer>"
            f"<toetsonderdeelcode>P{part}</toetsonderdeelcode>{_norm('toetsonderdeelnormering')}</toetsonderdeel>"
            for part in range(1, PARTS + 1)
        )
        tests.append(
            f"<toets><toetscode>T{test:03d}</toetscode><toetsnaam>Toets {test}</toetsnaam>"
            f"<vakgebied>{'Spelling' if test % 2 else 'Rekenen en wiskunde'}</vakgebied>{_norm('toetsnormering')}"
            f"<toetsonderdelen>{parts}</toetsonderdelen></toets>"
        )
    return "".join(tests)


def write(
    path: Path, results: int, *, seed: int = 1, brin: str = "99XX", first_pupil: int = 0, hour: int = 10, plus: int = 0
) -> None:
    """Write a message of `results` results in a SOAP envelope to `path`.

    Of one `seed` the keys are the same; `hour` is that of its aanmaakdatum, and `plus` is added to every score.
    """
    rng = random.Random(seed)
    with path.open("w") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            '<leerresultaten_verzoek xmlns="http://www.edustandaard.nl/leerresultaten/2/leerresultaten"><school>'
            f"<schooljaar>2026-2027</schooljaar><brincode>{brin}</brincode>"
            f"<aanmaakdatum>2026-11-20T{hour:02}:00:00+01:00</aanmaakdatum><xsdversie>2.2</xsdversie></school><toetsafnames>"
        )
        left, pupil = results, first_pupil
        while left > 0:
            file.write(
                f"<toetsafname><leerlingid>{pupil_key(pupil)}</leerlingid><eckid>{eck_id(pupil)}</eckid><resultaten>"
            )
            for number in range(min(left, RESULTS_A_PUPIL)):
                test, part = divmod(number, PARTS + 1)
                code = f"<toetsonderdeelcode>P{part}</toetsonderdeelcode>" if part else ""
                file.write(
                    f'<resultaat key="{uuid.UUID(int=rng.getrandbits(128))}">'
                    f"<afnamedatum>2026-{9 + test % 3:02d}-{1 + test % 20:02d}</afnamedatum>"
                    f"<toetscode>T{test:03d}</toetscode>{code}"
                    f"<score>{(rng.randrange(101) + plus) % 101}</score></resultaat>"
                )
            file.write("</resultaten></toetsafname>")
            left -= RESULTS_A_PUPIL
            pupil += 1
        file.write(f"</toetsafnames><toetsen>{_tests()}</toetsen></leerresultaten_verzoek></s:Body></s:Envelope>")
