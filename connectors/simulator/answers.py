"""What the simulated LAS and publishers answer: bytes in, bytes out, or a Fault."""

from __future__ import annotations

import dataclasses
import io
import os
import zipfile
from datetime import datetime
from pathlib import Path

from connectors.simulator import publishers, questions, requests, school
from connectors.simulator.requests import Fault, ParsedRequest
from connectors.simulator.school import BAKEN, HORIZON
from connectors.uwlr import names
from connectors.uwlr.pupil_messages import NO_CHANGES, NO_DATA, Part
from connectors.uwlr.pupil_writer import write_answer, write_empty_answer
from connectors.uwlr.writer import write_empty_pull_answer, write_message, write_pull_answer
from models.schema import clock
from models.schema.records import Roster

ARCHIVE_PATH, ARCHIVE_TOKEN = "/resultaten.zip", "demo-toetsvolg-99XX"
IN_ONE, STAGED = "leerlinggegevens_verzoek", ("structuur_verzoek", "leerlingen_verzoek", "leerkrachten_verzoek")
_PARTS = {
    IN_ONE: Part.ALL,
    "structuur_verzoek": Part.STRUCTURE,
    "leerlingen_verzoek": Part.PUPILS,
    "leerkrachten_verzoek": Part.TEACHERS,
}


# -- the LAS ---------------------------------------------------------------------------------------------------


def las(body: bytes, now: datetime) -> bytes:
    """The LAS's answer: De Horizon in one, Het Baken staged. It has the present school year and the one before."""
    operations = tuple(f"{{{names.LG}}}{name}" for name in (IN_ONE, *STAGED))
    request = requests.read("las", body, "entry_pupils_edexml.xsd", operations)
    part = _PARTS[request.name]
    if (part is Part.ALL) != (request.school == HORIZON):
        raise Fault("Client.OngeldigBericht", "Deze bewerking is voor deze school niet ingericht.")
    present = clock.school_year(now.astimezone(clock.AMSTERDAM).date())
    before = f"{int(present[:4]) - 1}-{present[:4]}"
    if request.school_year not in (present, before):
        return write_empty_answer(NO_DATA, part)
    if request.since is not None and request.since >= school.roster_changed(request.school, request.school_year, now):
        return write_empty_answer(NO_CHANGES, part)
    roster = _wanted(school.roster(request.school, request.school_year, now), request, part)
    if part is Part.PUPILS and not roster.pupils:
        return write_empty_answer(NO_DATA, part)
    return write_answer(roster, part)


def _wanted(roster: Roster, request: ParsedRequest, part: Part) -> Roster:
    """The pupils or teachers of the groups that a staged request names; a group without key is nobody's group."""
    if part not in (Part.PUPILS, Part.TEACHERS):
        return roster
    return dataclasses.replace(
        roster,
        pupils=tuple(
            pupil
            for pupil in roster.pupils
            if pupil.group in request.groups or _meets(pupil.composed_groups, request.composed)
        ),
        teachers=tuple(
            teacher
            for teacher in roster.teachers
            if _meets(tuple(key for key, _ in teacher.groups), request.groups)
            or _meets(tuple(key for key, _ in teacher.composed_groups), request.composed)
        ),
    )


def _meets(has: tuple[str, ...], wanted: tuple[str | None, ...]) -> bool:
    return any(key in wanted for key in has) or (not has and None in wanted)


# -- publishers ------------------------------------------------------------------------------------------------


def publisher(name: str, body: bytes, now: datetime) -> bytes:
    """A SOAP publisher's answer to HaalLeerresultaten; Leeslijn answers the first question only.

    The others answer a first question with what they had some time ago, and the next with all that came since.
    """
    request = requests.read(name, body, "entry_results.xsd", (names.OPHALEN_VERZOEK,))
    if name == "leeslijn" and request.since is not None:
        raise Fault(requests.UNAVAILABLE, "De dienst is in onderhoud; probeer het later opnieuw.", 503)
    message = None
    if request.school == HORIZON and request.since is None and name != "leeslijn":
        message = publishers.first_message(name, now)
    elif request.school == HORIZON:
        message = publishers.next_message(name, request.since, now)
    if message is None:
        return write_empty_pull_answer(names.GEEN_GEGEVENS if request.since is None else names.GEEN_WIJZIGINGEN)
    return write_pull_answer(message.head, message.results, message.definitions)


def archive(now: datetime) -> bytes:
    """Toetsvolg's documents in a zip; the same bytes as long as nothing was added."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
        for document in publishers.documents("toetsvolg", now):
            at = document.available.timetuple()[:6]
            body = write_message(
                document.message.head, document.message.results, document.message.definitions, envelope=False
            )
            folder.writestr(zipfile.ZipInfo(document.name, at), body, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def drop_exports(inbox: Path, now: datetime) -> int:
    """Put Toetsplein's exports into the drop folder of each school (`inbox/BRIN`); gives how many were new.

    A file keeps the time at which the sender made it: it is not one that is still being written.
    """
    new = 0
    for owner in (HORIZON, BAKEN):
        folder = inbox / str(owner.brin)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for export in questions.exports(owner, now):
            if not (folder / export.name).exists():
                _put(folder / export.name, export)
                new += 1
    return new


def _put(path: Path, export: questions.Export) -> None:
    """Write under a name that no reader looks at, then rename: nobody meets half a file."""
    half = path.with_suffix(".part")
    half.write_bytes(export.body)
    made = export.available.timestamp()
    os.utime(half, (made, made))
    half.replace(path)
