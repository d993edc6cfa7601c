"""What stands around every page: the header with its menus, and where the content begins."""

from __future__ import annotations

from typing import Any

import flask
from dash import dcc, html

from dashboard.auth import request
from dashboard.text.translate import LANGUAGES, _, language
from dashboard.text.words import role_word
from dashboard.ui.signs import attrs, hidden, note, sign
from models.access.people import school_name
from models.access.viewer import Role
from models.schema import database

LANGUAGE_NAMES = {"nl": "Nederlands", "en": "English"}


def page(active: str, children: Any, bar: Any = None) -> list[Any]:
    """A whole page: header, an optional filter bar, the content; `active` names the menu entry."""
    bars = [*_test_school(), *([bar] if bar is not None else [])]
    shown = children if isinstance(children, list) else [children]
    return [header(active), *bars, html.Main([*_flash_message(), *shown], id="main", className="page"), footer()]


def footer() -> html.Footer:
    """Under every page: where the accessibility statement is."""
    return html.Footer(dcc.Link(_("Accessibility"), href="/toegankelijkheid"), className="foot")


def _flash_message() -> list[Any]:
    """How what was asked on the page before went; the script gives it the focus when it appears."""
    found = request.take_flash()
    if found is None:
        return []
    sentence, well = found
    told = note("ok" if well else "fa", "check" if well else "cross", html.P(sentence), role="status")
    return [html.Div(told, id="told", tabIndex=-1, **attrs(data_well="true" if well else "false"))]


def header(active: str) -> html.Header:
    """Brand, menu, and who looks."""
    return html.Header(
        [
            dcc.Link(
                [html.I(className="logo", **attrs(aria_hidden="true")), "Rondblik"],
                href=_entries()[0][1],
                className="brand",
            ),
            html.Nav(_menu(active), **attrs(aria_label=_("Main menu"))),
            _who(),
            html.Details(
                [
                    html.Summary([sign("menu"), _("Menu")], className="btn q"),
                    html.Nav([*_menu(active), _choices()], className="pop", **attrs(aria_label=_("Main menu"))),
                ],
                className="burger",
            ),
        ],
        className="top",
    )


def _test_school() -> list[Any]:
    """That what is shown is of a test room, and the way back to it."""
    user = request.current_user() if flask.has_request_context() else None
    if user is None or user.sandbox is None:
        return []
    sentence = _("The pupils are made up; their results came in at your test address.")
    return [
        html.Div(
            html.Form(
                [
                    html.P([sign("info"), html.Span([html.B(_("You look at a test school.")), " ", sentence])]),
                    html.Button([sign("back"), _("Back to the test address")], type="submit", className="btn"),
                ],
                action=f"/toets/proef/{user.sandbox}/terug",
                method="POST",
            ),
            className="proofbar",
        )
    ]


def _entries() -> list[tuple[str, str, str]]:
    """The menu entries of who looks: name, address, words."""
    viewer = request.viewer() if flask.has_request_context() else None
    pupils = [("pupils", "/leerlingen", _("My pupils"))] if viewer is not None and viewer.teaches else []
    couplings = [("couplings", "/koppelingen", _("Couplings"))] if viewer is not None and viewer.may_administer else []
    school = [
        ("group", "/groep", _("Classes")),
        *pupils,
        ("signals", "/signalen", _("Signals")),
        ("materials", "/leermiddelen", _("Materials")),
        *couplings,
    ]
    test = [("vendor", "/toets", _("Test your coupling"))]
    if viewer is not None and viewer.role is Role.VENDOR:
        return test
    return [*school, *test] if viewer is not None and viewer.may_test else school


def _menu(active: str) -> list[Any]:
    return [
        dcc.Link(text, href=href, className="here" if name == active else "")
        if name != active
        else html.Span(dcc.Link(text, href=href), className="here", **attrs(aria_current="page"))
        for name, href, text in _entries()
    ]


def _who() -> html.Details:
    user = request.current_user() if flask.has_request_context() else None
    school = None
    if user is not None:
        with database.read_transaction(request.context().engine) as connection:
            school = school_name(connection, user.viewer)
    name = user.name if user is not None else ""
    role = " · ".join(part for part in (role_word(user.role) if user else "", school) if part)
    return html.Details(
        [
            html.Summary(
                [html.Span([html.B(name), html.Span(role)]), sign("chev"), hidden(_("Look as, language, colours"))]
            ),
            html.Div(_choices(), className="pop"),
        ],
        className="who",
        id="who",
    )


def _choices() -> html.Div:
    """The personas of the demo, the languages and the colour schemes."""
    present = request.current_user() if flask.has_request_context() else None
    if present is None:
        return html.Div()
    options = request.context().options
    dark = request.scheme() == "dark"
    users = [
        html.Form(
            html.Button(
                [html.B(user.name), html.Span(role_word(user.role))],
                type="submit",
                name="persona",
                value=user.key,
                className="pick",
                **attrs(aria_current="true" if user == present else None),
            ),
            action="/persona",
            method="POST",
        )
        for user in options.users
    ]
    return html.Div(
        [
            *([html.P(_("Look as"), className="xs t3"), *users] if len(users) > 1 else []),
            html.P(_("Language"), className="xs t3"),
            html.Div(
                [
                    html.Button(
                        LANGUAGE_NAMES[item],
                        className="pick",
                        lang=item,
                        **attrs(data_keep=f"{request.LANGUAGE_COOKIE}={item}"),
                        **attrs(aria_current="true" if item == language() else None),
                    )
                    for item in LANGUAGES
                ],
                className="two",
            ),
            html.P(_("Colours"), className="xs t3"),
            html.Div(
                [
                    html.Button(
                        word,
                        className="pick",
                        **attrs(data_keep=f"{request.SCHEME_COOKIE}={value}"),
                        **attrs(aria_current="true" if (value == "dark") == dark else None),
                    )
                    for value, word in (("light", _("Light")), ("dark", _("Dark")))
                ],
                className="two",
            ),
        ],
        className="choices",
    )
