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
    return ",".join(number(item) for item in several)


def read_number(value: object) -> int | None:
    """A number of the viewer's school; None where it is none, or names another school."""
    match, school = _NUMBER.fullmatch(value) if isinstance(value, str) else None, _school()
    if match is None or (match[1] and school is not None and int(match[1]) != school):
        return None
    return int(match[2])


def read_numbers(value: object) -> list[int]:
    """The numbers of the viewer's school in a text with commas, or in a list of texts."""
    generator = (read_number(piece) for piece in _pieces(value))
    return [item for item in generator if item is not None]


def names_other_school(asked: Mapping[str, object]) -> bool:
    """Whether the parts of an address name a pupil or class of a school that the viewer does not look at."""
    generator = (_NUMBER.fullmatch(piece) for key in (IN_PATH, *IN_QUERY) for piece in _pieces(asked.get(key)))
    return any(match is not None and match[1] and int(match[1]) != _school() for match in generator)


def complete(path: str, query: list[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """The same address with the viewer's school in every number that has none: so a bookmark always names it."""
    folder = next((item for item in PUPIL_PATHS if path.startswith(item)), None)
    if folder is not None:
        path = folder + _complete(path.removeprefix(folder))
    return path, [(key, _complete(value) if key in IN_QUERY else value) for key, value in query]


def _complete(text: str) -> str:
    return ",".join(
        number(int(item)) if re.fullmatch(r"[0-9]{1,9}", item, re.ASCII) else item for item in text.split(",")
    )


def _pieces(value: object) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    return [piece for text in texts if isinstance(text, str | int) for piece in str(text).split(",")]


def _school() -> int | None:
    """The school of who looks, as the guard set it; None where nobody does."""
    user = flask.g.get("persona") if flask.has_request_context() else None
    school: int | None = None if user is None else user.school_id
    return school
