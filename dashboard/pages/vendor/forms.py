"""The two forms of the start page for vendors: upload a message, have an address called."""

from __future__ import annotations

from dash import dcc

from dashboard.pages.vendor.requests import KINDS, MAX_CONTENTS, PROFILES, too_large
from dashboard.text.translate import _
from dashboard.ui.components import Field, Radios, Select
from dashboard.ui.elements import html
from dashboard.ui.signs import note
from models.schema import clock


def upload_form() -> html.Div:
    """The upload of a single file."""
    return html.Div(
        [
            html.Label(  # labels the field; it opens the file dialog itself, so the field must not
                dcc.Upload(
                    id="upload",
                    children=html.Div(
                        [
                            html.Span(_("Choose a file"), className="btn"),
                            html.Small(_("or drop it here: XML, or a zip with XML")),
                        ]
                    ),
                    className="drop",
                    disable_click=True,  # and no `accept`: the field drops what does not match without a word
                )
            ),
            html.Div(note("fa", "cross", html.P(too_large())), id="upload-large", role="alert", hidden=True),
            dcc.Store(id="upload-most", storage_type="memory", data=MAX_CONTENTS),
            dcc.Store(id="upload-small", storage_type="memory"),
            html.P(_("4 MB at most; larger files on the command line, see below."), className="xs t3"),
        ]
    )


def endpoint_form() -> html.Div:
    """The form with the address to call, the school and the key."""
    return html.Div(
        [
            _text("url", _("Address"), placeholder="https://uwlr.voorbeeld.nl/soap"),
            Radios(
                id="endpoint-kind",
                data=[{"value": item, "label": _kind_word(item)} for item in KINDS],
                label=_("What is at this address"),
                value=KINDS[0],
                className="f",
            ),
            html.Div(
                [
                    _text("brin", _("BRIN of the test school"), placeholder="99XX"),
                    _text("dependance", _("Location"), value="00"),
                    _text("schoolkey", _("or a school key")),
                    _text("school_year", _("School year"), value=_present_year()),
                ],
                className="pair",
            ),
            html.Div(
                [
                    _text("customer_code", "Klantcode"),
                    _text("customer_name", "Klantnaam"),
                    _secret("key", "Autorisatiesleutel"),
                    Select(
                        id="endpoint-profile",
                        label=_("Profile (LAS only)"),
                        data=[{"value": item, "label": _profile_word(item)} for item in PROFILES],
                        value=PROFILES[0],
                        className="f",
                    ),
                ],
                className="pair",
            ),
            html.Div(html.Button(_("Call this address"), id="endpoint-call", className="btn"), className="acts"),
        ],
        className="form",
    )


def _text(name: str, label: str, value: str = "", placeholder: str | None = None) -> Field:
    return Field(
        id=f"endpoint-{name}",
        label=label,
        value=value,
        placeholder=placeholder,
        className="f",
    )


def _secret(name: str, label: str) -> Field:
    """A field whose value the browser neither shows nor stores."""
    return Field(
        id=f"endpoint-{name}",
        label=label,
        value="",
        reveal=_("Show what is typed"),
        className="f",
    )


def _present_year() -> str:
    return clock.school_year(clock.today())


def _kind_word(kind: str) -> str:
    return {"las": _("a LAS, with pupil data"), "publisher": _("a publisher, with results")}[kind]


def _profile_word(profile: str) -> str:
    return {"edexml": _("EDEXML (the usual one)"), "lvs": "LVS", "narrow": _("narrow")}[profile]
