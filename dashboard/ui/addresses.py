"""Numbers of pupils and classes in addresses: each with the number of its school, as in /leerling/1-12 and klas=1-3.

Every school counts its pupils and classes from 1, so a number alone names another pupil in another school.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import flask

NUMBER = r"(?:[0-9]{1,9}-)?[0-9]{1,9}"
PUPIL_PATHS = ("/leerling/", "/gesprek/")
IN_QUERY = ("klas", "leerling")  # the parameters that hold numbers of a school
IN_PATH = "pupil_id"  # as the templates of pages call it
_NUMBER = re.compile(r"(?:([0-9]{1,9})-)?([0-9]{1,9})", re.ASCII)


def number(own: int) -> str:
    """A number of the viewer's school as an address states it."""
    school = _school()
    return str(own) if school is None else f"{school}-{own}"


def numbers(several: Iterable[int]) -> str:
    """Several of them, with commas."""
    return ",".join(number(one) for one in several)


def read_number(value: object) -> int | None:
    """A number of the viewer's school; None where it is none, or names another school."""
    found, school = _NUMBER.fullmatch(value) if isinstance(value, str) else None, _school()
    if found is None or (found[1] and school is not None and int(found[1]) != school):
        return None
    return int(found[2])


def read_numbers(value: object) -> list[int]:
    """The numbers of the viewer's school in a text with commas, or in a list of texts."""
    found = (read_number(piece) for piece in _pieces(value))
    return [one for one in found if one is not None]


def names_other_school(asked: Mapping[str, object]) -> bool:
    """Whether the parts of an address name a pupil or class of a school that the viewer does not look at."""
    found = (_NUMBER.fullmatch(piece) for key in (IN_PATH, *IN_QUERY) for piece in _pieces(asked.get(key)))
    return any(one is not None and one[1] and int(one[1]) != _school() for one in found)


def complete(path: str, query: list[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """The same address with the viewer's school in every number that has none: so a bookmark always names it."""
    folder = next((one for one in PUPIL_PATHS if path.startswith(one)), None)
    if folder is not None:
        path = folder + _complete(path.removeprefix(folder))
    return path, [(key, _complete(value) if key in IN_QUERY else value) for key, value in query]


def _complete(text: str) -> str:
    return ",".join(number(int(one)) if re.fullmatch(r"[0-9]{1,9}", one, re.ASCII) else one for one in text.split(","))


def _pieces(value: object) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    return [piece for text in texts if isinstance(text, str | int) for piece in str(text).split(",")]


def _school() -> int | None:
    """The school of who looks, as the guard set it; None where nobody does."""
    persona = flask.g.get("persona") if flask.has_request_context() else None
    school: int | None = None if persona is None else persona.school_id
    return school
