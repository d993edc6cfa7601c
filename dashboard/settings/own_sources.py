"""Sources that a school adds on the page: what was typed becomes the same settings as those of config.yaml.

What is wrong with a field is said with the sentence of that file. Files of this machine (folders, certificates,
templates) are for the operator alone, and addresses must be on the public internet (`resolver`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from connectors.conformance.addresses import safe_address
from connectors.transport.http_client import Limits, Resolve
from dashboard.settings.loading import MISSING, problem_of
from dashboard.settings.polls import ScheduledPoll, las_settings, publisher_settings
from dashboard.settings.schema import Las, Publisher
from models.ingest.own_connections import LAS, SourceSettings, Values
from models.schema.records import SchoolRef
from models.schema.terms import RetentionPolicy

_ID = "own"  # the id of the schema; such a source has another key
_ACCOUNT = ("key", "customer_code", "customer_name")
_OF_BOTH = ("address", "xsd_version", "dataset_id", "school_year", "every")
_OF_KIND = {"soap": ("policy",), "https": ("policy",), LAS: ("profile",)}
# Where the schema names what the form has in a field of another name.
_FIELDS = {"headers": "header_name", "kind": "how", "authorisation": "key"}


class FieldProblem(Exception):
    """A field that is not filled in well, by its name, and what is wrong with it, in both languages."""

    def __init__(self, field_name: str, sentence_nl: str, sentence_en: str) -> None:
        super().__init__(sentence_en)
        self.field_name, self.sentence_nl, self.sentence_en = field_name, sentence_nl, sentence_en


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What holds for every source of this installation."""

    limits: Limits = field(default_factory=Limits)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    allow_loopback: bool = False


def own_poll(settings: SourceSettings, school: SchoolRef, surroundings: Surroundings) -> ScheduledPoll:
    """How a source that a school added is polled; raises FieldProblem where a field is not filled in well."""
    source = read_source(settings)
    resolve = resolver(surroundings.allow_loopback)
    if isinstance(source, Las):
        return ScheduledPoll(las_settings(source, school, surroundings.limits, resolve), source.every)
    limits, retention = surroundings.limits, surroundings.retention
    return ScheduledPoll(publisher_settings(source, school, limits, retention, resolve), source.every)


def read_source(settings: SourceSettings) -> Las | Publisher:
    """What was typed as a section of config.yaml; raises FieldProblem."""
    kind = LAS if settings.kind == LAS else settings.values.get("how", "")
    typed = {name: text.strip() for name, text in settings.values.items() if text.strip()}
    if "address" not in typed:
        raise FieldProblem("address", *MISSING)
    read: dict[str, Any] = {name: typed[name] for name in (*_OF_BOTH, *_OF_KIND.get(kind, ())) if name in typed}
    read |= {"id": _ID, "name": settings.name, "headers": _headers(typed)}
    if kind == LAS or (kind == "soap" and any(name in typed for name in _ACCOUNT)):
        read["authorisation"] = {name: typed.get(name, "") for name in _ACCOUNT}
    model: Callable[..., Las | Publisher] = Las if kind == LAS else Publisher
    if kind == LAS:
        read["staged"] = typed.get("staged") == "yes"
    else:
        read["kind"] = "" if kind == "folder" else kind  # a folder of this machine is for the operator
    try:
        return model(**read)
    except ValidationError as wrong:
        path, nl, en = problem_of(wrong)
        raise FieldProblem(_field_of(path), nl, en) from None


def resolver(allow_loopback: bool) -> Resolve:
    """Gives the literal address of a URL that may be called; raises AddressRefused for any other."""
    return lambda url: safe_address(url, allow_loopback).connect_to


def _headers(typed: Mapping[str, str]) -> Values:
    name, value = typed.get("header_name"), typed.get("header_value")
    return {name or "": value or ""} if name or value else {}


def _field_of(path: tuple[int | str, ...]) -> str:
    """The field of the form that a path of the schema is about; that of an address where it is about the whole."""
    if not path:
        return "address"
    last = str(path[-1]) if path[0] == "authorisation" else str(path[0])
    return _FIELDS.get(last, last)
