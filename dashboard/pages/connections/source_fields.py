"""The fields of a source that is fetched from: their words, which a form needs, and which are folded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from dashboard.pages.connections.own_parts import choice
from dashboard.text.translate import _
from dashboard.ui.elements import html
from dashboard.ui.fields import secret_field, text_field
from dashboard.ui.signs import sign
from models.ingest.own_connections import LAS, PUBLISHER, SECRETS, Kind

Form = Literal["soap", "https", "las"]
FORMS: tuple[Form, ...] = ("soap", "https", "las")
NAME = "naam"
MAX_LENGTH = 2000  # of what is typed in a field
_HEADER = ("header_name", "header_value")
_REQUEST = ("school_year", "xsd_version", "dataset_id")
# What a form shows at once, and what is folded.
_FIELDS: dict[Form, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "soap": (
        ("address", "customer_code", "customer_name", "key"),
        ("policy", "every", *_REQUEST, *_HEADER),
    ),
    "https": (("address", *_HEADER), ("policy", "every")),
    "las": (("address", "customer_code", "customer_name", "key"), ("profile", "staged", "every", *_REQUEST, *_HEADER)),
}


def kind_of(form: Form) -> Kind:
    """The kind of connection that a form is of."""
    return LAS if form == "las" else PUBLISHER


def form_of(kind: Kind, values: Mapping[str, str]) -> Form:
    """The form of a source."""
    return "las" if kind == LAS else "https" if values.get("how") == "https" else "soap"


def field_names(form: Form) -> tuple[str, ...]:
    """The fields of a form, but for the name."""
    shown, folded = _FIELDS[form]
    return (*shown, *folded)


def label(name: str) -> str:
    """What a field is called."""
    return {
        NAME: _("Name"),
        "name": _("Name"),  # as the schema has it
        "how": _("Way of fetching"),
        "address": _("Address"),
        "customer_code": "Klantcode",
        "customer_name": "Klantnaam",
        "key": "Autorisatiesleutel",
        "header_name": _("Name of the HTTP header"),
        "header_value": _("Value of the HTTP header"),
        "policy": _("Which messages are accepted"),
        "every": _("Minutes between two times of fetching"),
        "school_year": _("School year"),
        "xsd_version": _("Version of UWLR"),
        "dataset_id": "Datasetid",
        "profile": _("Profile"),
        "staged": _("How pupils are fetched"),
    }.get(name, name)


def fields(form: Form, values: Mapping[str, str], kept: frozenset[str], name: str | None) -> list[Any]:
    """The fields of a form with what was typed before; of secrets only whether there is one. `name` None: is fixed."""
    shown, folded = _FIELDS[form]
    own = [] if name is None else [text_field(label(NAME), NAME, name, required=True)]
    return [
        *own,
        *(_field(form, item, values, kept) for item in shown),
        html.Details(
            [
                html.Summary([sign("chev"), _("More settings")]),
                html.Div([_field(form, item, values, kept) for item in folded], className="form"),
            ],
            className="fold",
        ),
    ]


def _field(form: Form, name: str, values: Mapping[str, str], kept: frozenset[str]) -> Any:
    value = values.get(name, "")
    options = _choices(name)
    if options is not None:
        return choice(f"source-{name}", name, label(name), options, value or next(iter(options)))
    if name in SECRETS:
        kept_word = _("Filled in before and not shown. Leave it empty to keep it.") if name in kept else None
        return secret_field(label(name), name, kept_word)
    return text_field(label(name), name, value, required=name == "address", description=_hint(form, name))


def _choices(name: str) -> dict[str, str] | None:
    """The values of a field with a fixed choice, the usual one first; None for any other field."""
    return {
        "policy": {
            "strict": _("Only messages that follow the standard exactly"),
            "tolerant": _("Also messages that deviate from it in known ways"),
        },
        "profile": {"edexml": _("EDEXML (the usual one)"), "lvs": "LVS", "narrow": _("narrow")},
        "staged": {"no": _("all at once"), "yes": _("in three steps: groups, pupils, teachers")},
    }.get(name)


def _hint(form: Form, name: str) -> str | None:
    """What to type in a field, where its name does not say it."""
    return {
        "address": _("As the supplier gave it, beginning with https://"),
        "customer_code": _("As the supplier knows your school or Rondblik. Leave it empty where it needs none.")
        if form == "soap"
        else _("As the supplier gave it for Rondblik."),
        "header_name": _("Only where the supplier asks for one, such as Authorization."),
        "every": _("Empty: 1440, once a day.") if form == "las" else _("Empty: 60, every hour."),
        "school_year": _("Empty: the present one. Else as 2026-2027."),
        "xsd_version": _("Empty: 2.2."),
        "dataset_id": _("Only where the supplier asks for one."),
    }.get(name)
