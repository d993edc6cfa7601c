"""Reads the requests of vendors: validated input for the worker, or a refusal with a sentence."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.pages.vendor.parts import printable
from dashboard.text.translate import _
from models.ingest.schools import BRIN
from models.schema import clock
from models.schema.urls import address_problem

LARGEST_FILE = 4_000_000
MAX_CONTENTS = LARGEST_FILE * 4 // 3 + 200  # characters of the data URL of a file
KINDS = ("publisher", "las")
PROFILES = ("edexml", "lvs", "narrow")
# The fields of the form, with their maximum length.
MOST = {
    "url": 2000,
    "brin": 4,
    "dependance": 2,
    "schoolkey": 256,
    "school_year": 9,
    "customer_code": 64,
    "customer_name": 64,
    "key": 64,
}
FIELDS = ("kind", "profile", *MOST)
TARGET = ("kind", "profile", "url", "brin", "dependance", "schoolkey")  # what makes two calls comparable
_LOCATION = re.compile(r"[0-9]{1,2}")
_YEAR = re.compile(r"([12][0-9]{3})-([12][0-9]{3})")


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A validated request: its title, what is checked (runs of the same target are compared), and the input."""

    title: str
    target: str
    payload: bytes


class Refused(Exception):
    """The request is refused; the sentence says how to correct it."""


def too_large() -> str:
    """The sentence about a file that is too large."""
    return _("This file is larger than 4 MB; check it on the command line.")


def read_upload(contents: object, name: object) -> CheckRequest:
    """An uploaded file, a data URL with base64; its target is its name. Raises Refused."""
    if not isinstance(contents, str) or "," not in contents:
        raise Refused(_("This file cannot be read."))
    if len(contents) > MAX_CONTENTS:
        raise Refused(too_large())
    try:
        data = base64.b64decode(contents.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise Refused(_("This file cannot be read.")) from None
    if len(data) > LARGEST_FILE:
        raise Refused(too_large())
    if not data.strip():
        raise Refused(_("This file is empty."))
    title = printable(name, 120) or _("uploaded file")
    return CheckRequest(title, title, data)


def read_endpoint(values: Mapping[str, object]) -> CheckRequest:
    """A call to an address, as JSON; its target is the address with the school. Raises Refused."""
    texts = {name: _text(values.get(name)) for name in FIELDS}
    if any(len(texts[name]) > limit for name, limit in MOST.items()):
        raise Refused(_("One of the fields is too long."))
    _check_address(texts["url"])
    if texts["kind"] not in KINDS or texts["profile"] not in PROFILES:
        raise Refused(_("Choose what is at this address."))
    _check_school(texts)
    for name, word in (("customer_code", "klantcode"), ("customer_name", "klantnaam"), ("key", "autorisatiesleutel")):
        if not texts[name]:
            raise Refused(_("Fill in the {field}.", field=word))
    target = json.dumps({name: texts[name] for name in TARGET})
    return CheckRequest(texts["url"].partition("?")[0][:200], target, json.dumps(texts).encode())


def _text(value: object) -> str:
    """The text of a field; a value that is too long or no text is kept invalid and never truncated."""
    if not isinstance(value, str):
        return ""
    plain = value.strip()
    return plain if plain.isprintable() else ""


def _check_address(url: str) -> None:
    if not url or address_problem(url) is not None:
        raise Refused(_("Write the address as https://host/path, without a name or password in it."))


def _check_school(texts: dict[str, str]) -> None:
    texts["brin"] = texts["brin"].upper()
    if bool(texts["brin"]) == bool(texts["schoolkey"]):
        raise Refused(_("Name the test school by its BRIN, or by a school key; not by both."))
    if texts["brin"] and not BRIN.fullmatch(texts["brin"]):
        raise Refused(_("A BRIN is two digits and two letters, such as 99XX."))
    texts["dependance"] = texts["dependance"] or "00"
    if not _LOCATION.fullmatch(texts["dependance"]):
        raise Refused(_("A location is two digits, such as 00."))
    texts["school_year"] = texts["school_year"] or clock.school_year(clock.today())
    years = _YEAR.fullmatch(texts["school_year"])
    if years is None or int(years[2]) != int(years[1]) + 1:
        raise Refused(_("A school year is two years that follow each other, such as 2026-2027."))
