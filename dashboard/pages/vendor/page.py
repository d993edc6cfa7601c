"""The start page for vendors: upload a message, have an address called, or create a sandbox to send to."""

from __future__ import annotations

from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State, dcc

from dashboard.auth import request
from dashboard.auth.callbacks import with_viewer
from dashboard.pages.page import Body, Page, tests_connections
from dashboard.pages.vendor.forms import endpoint_form, upload_form
from dashboard.pages.vendor.parts import (
    FULL,
    OFTEN,
    button_form,
    command_line,
    requirements_link,
    test_aid_notice,
    too_many_checks,
)
from dashboard.pages.vendor.requests import FIELDS, CheckRequest, Refused, read_endpoint, read_upload
from dashboard.text.translate import _, n_
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, note
from models.access.viewer import Viewer
from models.ingest import page_requests
from models.ingest.page_requests import PageRequest


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Test your connection")


def frame() -> Body:
    """The page without any notice."""
    return _body([])


def layout(_viewer: Viewer, /, gewist: object = None, niet: object = None, **_query: object) -> Body:
    """The whole page."""
    return _body(_notices(gewist, niet))


def _notices(erased: object, not_now: object) -> list[Any]:
    """The outcome of the form that redirected here."""
    if erased == "1":
        done = _("The test address is erased, with everything that belonged to it.")
        return [note("ok", "check", html.P(done), role="status")]
    reasons = {
        OFTEN: _("You made several test addresses within the hour. Use one of those, or try again in an hour."),
        FULL: _("All test addresses are in use. Try again tomorrow, or ask the administrator."),
    }
    sentence = reasons.get(not_now) if isinstance(not_now, str) else None
    return [] if sentence is None else [note("wa", "clock", html.P(sentence), role="alert")]


def refusal() -> Body:
    """The page for who may not test connections."""
    children = [
        html.Div(html.Div(html.H1(_("Test your connection"))), className="head"),
        note(
            "",
            "lock",
            html.P(
                [
                    html.B(_("This page is for administrators and for vendors of learning materials.")),
                    " ",
                    html.A(_("To your start page"), href=addresses.HOME),
                ]
            ),
        ),
    ]
    return Body(children)


def _body(notices: list[Any]) -> Body:
    lead = _("Check that your learning material exchanges data with schools by the rules of UWLR 2.1 to 2.3.")
    children = [
        html.Div(
            [
                html.Div([html.H1(_("Test your connection")), html.P(lead)]),
                html.Div(requirements_link(_("What the standard requires"), className="btn"), className="acts"),
            ],
            className="head",
        ),
        *notices,
        test_aid_notice(),
        html.Div([_upload(), _endpoint(), _sandbox_panel()], className="ways mt"),
        html.Div(command_line(), className="mt"),
        dcc.Location(id="vendor-go", refresh="callback-nav"),
    ]
    return Body(children)


def _upload() -> html.Section:
    words = _("Every rule is checked; you see the line and column of what is wrong, and how to fix it.")
    return _option_card("1", _("Upload a message"), words, [upload_form(), _field_text("upload-said")])


def _endpoint() -> html.Section:
    words = _("Rondblik calls your address as a school would, rightly and wrongly, and judges what comes back.")
    return _option_card("2", _("Have your address called"), words, [endpoint_form(), _field_text("endpoint-said")])


def _sandbox_panel() -> html.Section:
    words = _("You get an address, a key and ten made-up pupils, and send to it from your own system.")
    steps = (
        _("Nine situations to show, each ticked off as it comes in."),
        _("Look as a teacher at what you sent."),
        n_("Erased by itself after {number} day without a message.",
           "Erased by itself after {number} days without a message.", request.context().options.sandbox_days),
    )  # fmt: skip
    make = button_form(addresses.SANDBOXES, _("Make a test address"), class_name="btn pri")
    return _option_card(
        "3", _("Send to a test address"), words, [html.Ul([html.Li(step) for step in steps], className="dots"), make]
    )


def _option_card(number: str, words: str, lead: str, children: list[Any]) -> html.Section:
    return html.Section(
        [
            html.Header(html.H2([html.Span(number, className="no_", **attrs(aria_hidden="true")), words])),
            html.P(lead, className="sm t2 lead"),
            *children,
        ],
        className="card way",
        id=f"way-{number}",
    )


def _field_text(name: str) -> html.Div:
    return html.Div(id=name, role="status", className="said")


def register(app: dash.Dash) -> None:
    """The callbacks of the page: each queues a request for the worker and goes to its page."""
    app.clientside_callback(
        ClientsideFunction("rondblik", "smallFile"),
        Output("upload-small", "data"),
        Output("upload-large", "hidden"),
        Input("upload", "contents"),
        State("upload-most", "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("vendor-go", "href"),
        Output("upload-said", "children"),
        Input("upload-small", "data"),
        State("upload", "filename"),
        prevent_initial_call=True,
    )
    @with_viewer(tests_connections)
    def on_upload(_viewer: Viewer, contents: object, name: object) -> Any:
        return _submit(page_requests.MESSAGE, contents, lambda: read_upload(contents, name))

    @app.callback(
        Output("vendor-go", "href", allow_duplicate=True),
        Output("endpoint-said", "children"),
        Input("endpoint-call", "n_clicks"),
        *(State(f"endpoint-{name}", "value") for name in FIELDS),
        prevent_initial_call=True,
    )
    @with_viewer(tests_connections)
    def on_endpoint(_viewer: Viewer, clicks: object, *values: object) -> Any:
        return _submit(page_requests.ENDPOINT, clicks, lambda: read_endpoint(dict(zip(FIELDS, values, strict=True))))


def _submit(kind: str, pressed: object, read: Any) -> tuple[Any, Any]:
    """Queue the request and go to its page; a sentence where it is refused."""
    context = request.context()
    if not pressed:
        raise dash.exceptions.PreventUpdate
    try:
        check: CheckRequest = read()
    except Refused as refused:
        return dash.no_update, note("fa", "cross", html.P(str(refused)), role="alert")
    try:
        page_request = PageRequest(
            kind, check.title, check.payload, requested_by=request.vendor_id(), target=check.target
        )
        token = page_requests.submit(context.engine, context.cipher, page_request)
    except page_requests.TooManyRequests as too_many:
        return dash.no_update, too_many_checks(own=too_many.own)
    return f"{addresses.CHECK_RESULTS}/{token}", None


PAGE = Page(
    name="vendor",
    path=addresses.VENDOR,
    title=title,
    layout=layout,
    frame=frame,
    may_see=tests_connections,
    refusal=refusal,
    in_menu_of=tests_connections,
    register=register,
)
