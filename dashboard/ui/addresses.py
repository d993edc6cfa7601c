"""Addresses of pages that other modules link to, and the numbers of pupils and classes in addresses.

A page that nothing else links to states its address in its own module. Every school counts its pupils and classes
from 1, so a number in an address comes with the number of its school, as in /leerling/1-12 and klas=1-3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import flask

HOME = "/"
CLASSES = "/groep"
BOARD = "/digibord"
MY_PUPILS = "/leerlingen"
HANDOVER = f"{MY_PUPILS}/overdracht"
SIGNALS = "/signalen"
CONNECTIONS = "/koppelingen"
ACCESSIBILITY = "/toegankelijkheid"
VENDOR = "/toets"
SANDBOXES = f"{VENDOR}/proef"
CHECK_RESULTS = f"{VENDOR}/uitslag"
REQUIREMENTS = f"{VENDOR}/eisen"
PUPIL = "/leerling"
TALK_SHEET = "/gesprek"
BEGIN = "/begin"  # with a one-time code
SIGN_IN = "/aanmelden"
SIGN_IN_BACK = f"{SIGN_IN}/terug"  # where an identity provider sends the browser back to
PASSWORD = f"{SIGN_IN}/wachtwoord"  # of a local account
INVITATIONS = "/uitnodiging"  # with the code of one
CHOOSE_ROLE = "/rol"
ACCOUNTS = "/accounts"
ACCESS_LOG = "/inzage"
RETENTION = "/bewaren"
PUPIL_DATA = "/leerlinggegevens"
OWN_PAGE = "/mijn-resultaten"  # without a number: who looks decides whose
SIGN_OUT, SIGNED_OUT = "/afmelden", "/afgemeld"
EVERYWHERE = "overal"  # the button that signs out in every browser
SWITCH_USER = "/persona"  # where the form of the menu is sent to

NUMBER = r"(?:[0-9]{1,9}-)?[0-9]{1,9}"
IN_QUERY = ("klas", "leerling")  # the parameters that hold numbers of a school
IN_PATH = "pupil_id"  # the variable of page templates that holds one
_NUMBER = re.compile(r"(?:([0-9]{1,9})-)?([0-9]{1,9})", re.ASCII)
_PUPIL_FOLDERS = (f"{PUPIL}/", f"{TALK_SHEET}/")


def pupil_href(pupil_id: int) -> str:
    """The page of a pupil."""
    return f"{PUPIL}/{number(pupil_id)}"


def talk_sheet_href(pupil_id: int) -> str:
    """The talk sheet of a pupil."""
    return f"{TALK_SHEET}/{number(pupil_id)}"


def class_href(class_id: int) -> str:
    """The class page with one class chosen."""
    return f"{CLASSES}?klas={number(class_id)}"


def number(local_id: int) -> str:
    """The number of a pupil or class of the viewer's school, as an address states it."""
    school = _school()
    return str(local_id) if school is None else f"{school}-{local_id}"


def numbers(local_ids: Iterable[int]) -> str:
    """Numbers of the viewer's school, separated by commas."""
    return ",".join(number(local_id) for local_id in local_ids)


def read_number(value: object) -> int | None:
    """A number of the viewer's school; None where the value is no number or names another school."""
    match, school = _NUMBER.fullmatch(value) if isinstance(value, str) else None, _school()
    if match is None or (match[1] and school is not None and int(match[1]) != school):
        return None
    return int(match[2])


def read_numbers(value: object) -> list[int]:
    """The numbers of the viewer's school in a text with commas, or in a list of texts."""
    local_ids = (read_number(piece) for piece in _pieces(value))
    return [local_id for local_id in local_ids if local_id is not None]


def names_other_school(address: Mapping[str, object]) -> bool:
    """Whether the variables and parameters of an address name a pupil or class of another school than the viewer's."""
    matches = (_NUMBER.fullmatch(piece) for key in (IN_PATH, *IN_QUERY) for piece in _pieces(address.get(key)))
    return any(match is not None and match[1] and int(match[1]) != _school() for match in matches)


def complete(path: str, query: list[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """The same address with the viewer's school in every number that has none, so that a bookmark always names it."""
    folder = next((item for item in _PUPIL_FOLDERS if path.startswith(item)), None)
    if folder is not None:
        path = folder + _complete(path.removeprefix(folder))
    return path, [(key, _complete(value) if key in IN_QUERY else value) for key, value in query]


def _complete(text: str) -> str:
    return ",".join(
        number(int(piece)) if re.fullmatch(r"[0-9]{1,9}", piece, re.ASCII) else piece for piece in text.split(",")
    )


def _pieces(value: object) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    return [piece for text in texts if isinstance(text, str | int) for piece in str(text).split(",")]


def _school() -> int | None:
    """The school of the viewer, as the guard set it; None where nobody is signed in."""
    user = flask.g.get("user") if flask.has_request_context() else None
    school: int | None = None if user is None else user.school_id
    return school
