"""A vendor's sandbox: the account to configure, nine situations to show, and the messages as they arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import dash
import flask
from dash import Input, Output, State, dcc

from dashboard.auth import request
from dashboard.auth.callbacks import with_viewer
from dashboard.pages.page import Body, Page
from dashboard.pages.vendor.arrivals import arrivals_panel
from dashboard.pages.vendor.parts import (
    FULL,
    OFTEN,
    button_form,
    command_line,
    field_code,
    no_longer_there,
    read_token,
    test_aid_notice,
    token_of_path,
    too_many_checks,
)
from dashboard.pages.vendor.situations import fault_line, news, situations_panel
from dashboard.text.translate import _, day_name, long_moment
from dashboard.ui import addresses
from dashboard.ui.components import Field
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, note, sign
from models.access.viewer import Viewer
from models.sandbox import sandboxes, situations
from models.sandbox.sandboxes import Sandbox
from models.schema import clock

EVERY_MS = 2_000
QUIET_TICKS = 450  # a quarter of an hour
MAX_CODE = 20
SERVICE = "receive.sandbox_service"


@dataclass(frozen=True, slots=True)
class _PageState:
    """The state that the page shows, and the tick at which it changed last."""

    mark: str
    at: int


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Test address")


def frame() -> Body:
    """The page without data."""
    return Body(_frame(None))


def layout(_viewer: Viewer, /, token: object = None, niet: object = None, **_query: object) -> Body:
    """The whole page of a sandbox; a sentence where there is none. Whoever has the token may see it."""
    sandbox = _find(read_token(token))
    if sandbox is None:
        return Body(no_longer_there(_("This test address does not exist (any more)"), _gone()))
    notices = [too_many_checks(own=niet == OFTEN)] if niet in (OFTEN, FULL) else []
    return Body(_frame(sandbox, notices))


def _gone() -> str:
    return _("It was erased, or it has expired. Nothing of it was kept.")


def _find(token: str | None) -> Sandbox | None:
    context = request.context()
    return None if token is None else sandboxes.find_sandbox(context.engine, context.cipher, token)


# -- what stands still -----------------------------------------------------------------------------------------


def _frame(sandbox: Sandbox | None, notices: Sequence[Any] = ()) -> list[Any]:
    live = _live(sandbox, 0) if sandbox is not None else _LiveContent()
    news = [
        html.P(live.news, id="room-news", role="status", **attrs(aria_live="polite")),
        html.Button(_("Resume updates"), id="room-resume", className="btn", hidden=True),
    ]
    return [
        _head(sandbox),
        *notices,
        test_aid_notice(),
        *([_account(sandbox)] if sandbox is not None else []),
        html.Div(news, className="live mt"),
        html.Div(
            [
                html.Div(live.situations, id="room-situations"),
                html.Div([_fault(live.fault), command_line()], className="stack"),
            ],
            className="cols mt",
        ),
        html.Div(live.came, id="room-came", className="mt"),
        *([_end(sandbox)] if sandbox is not None else []),
        dcc.Interval(id="room-tick", interval=EVERY_MS, disabled=sandbox is None),
        dcc.Store(id="room-seen", storage_type="memory", data=live.seen),
    ]


def _head(sandbox: Sandbox | None) -> html.Div:
    until = _("kept until {day}, longer with every message", day=_day(sandbox)) if sandbox is not None else ""
    actions = []
    if sandbox is not None:
        path = f"{addresses.SANDBOXES}/{sandbox.account.token}"
        actions = [
            button_form(f"{path}/bekijk", _("Look as a teacher"), class_name="btn pri"),
            button_form(f"{path}/rapport", _("Report")),
        ]
    name = sandbox.account.customer_name if sandbox is not None else ""
    return html.Div(
        [
            html.Div(
                [
                    html.A([sign("back"), _("Test your connection")], href=addresses.VENDOR, className="back"),
                    html.H1(_("Test address")),
                    html.P(" · ".join(item for item in (name, until) if item)),
                ]
            ),
            html.Div(actions, className="acts"),
        ],
        className="head",
    )


def _day(sandbox: Sandbox) -> str:
    return day_name(clock.from_us(sandbox.keep_until_us).astimezone(clock.AMSTERDAM).date().isoformat())


def _account(sandbox: Sandbox) -> html.Section:
    """The account to configure in the vendor's system, and the pupils to send results of."""
    account = sandbox.account
    address = request.service_address(flask.url_for(SERVICE, token=account.token))
    wsdl = f"{address}?wsdl"
    location = _("location (dependancecode)")
    fields = (
        (_("Address"), field_code(address)),
        ("Klantnaam", field_code(account.customer_name)),
        ("WSDL", html.A(wsdl, href=wsdl, target="_blank", rel="noopener noreferrer")),
        ("Klantcode", field_code(account.customer_code)),
        ("BRIN", [field_code(account.brin), f" {location} ", field_code("00"), " / ", field_code("01")]),
        ("Autorisatiesleutel", field_code(account.key)),
    )
    pairs = [part for name, value in fields for part in (html.Dt(name), html.Dd(value))]
    return html.Section(
        [
            html.Header([html.H2(_("Fill this in in your own system")), html.P(_("UWLR 2.1, 2.2 and 2.3"))]),
            html.Dl(pairs, className="dl"),
            _pupils(sandbox),
        ],
        className="card",
        id="account",
    )


def _pupils(sandbox: Sandbox) -> html.Details:
    """The fictitious pupils, the same in both locations."""
    rows = [
        html.Tr(
            [
                html.Th(pupil.first_name, scope="row"),
                html.Td(field_code(str(pupil.las_key)), **attrs(data_l="leerlingid")),
                html.Td(field_code(str(pupil.eck_id)), **attrs(data_l="eckid")),
            ]
        )
        for pupil in sandboxes.pupils_of(sandbox.id)
    ]
    head = html.Thead(html.Tr([html.Th(item, scope="col") for item in (_("Pupil"), "leerlingid", "eckid")]))
    return html.Details(
        [
            html.Summary([sign("chev"), _("Ten made-up pupils, with leerlingid and ECK iD")]),
            html.P(
                _("The same in both locations. Send results with a leerlingid, an ECK iD or both."), className="sm t2"
            ),
            html.Table([head, html.Tbody(rows)], className="pupils stk"),
        ],
        className="fold mt",
        id="pupils",
    )


def _fault(line: str) -> html.Section:
    """The panel that requests a fault, with the field for its code; it is not replaced while messages arrive."""
    return html.Section(
        [
            html.Header(html.H2(_("Trigger a fault"))),
            html.P(
                _("The answer to the next message is a fault with a code of four digits, for your own screen to show."),
                className="sm t2",
            ),
            html.Div(
                html.Button(_("Return a fault for the next message"), id="room-provoke", className="btn"),
                className="acts mt",
            ),
            html.P(line, id="room-fault", className="sm mt"),
            html.Div(
                [
                    Field(
                        id="room-code",
                        label=_("The code on your screen"),
                        value="",
                        className="f grow",
                    ),
                    html.Button(_("Confirm"), id="room-confirm", className="btn"),
                ],
                className="acts mt",
            ),
            html.Div(id="room-said", className="mt", role="status"),
        ],
        className="card",
        id="fault",
    )


def _end(sandbox: Sandbox) -> html.Details:
    """The button that erases the sandbox, behind a confirmation."""
    words = _("Address, key, messages, results and reports are erased at once and cannot be restored.")
    return html.Details(
        [
            html.Summary([sign("chev"), _("Erase this test address")]),
            html.P(words, className="sm"),
            button_form(
                f"{addresses.SANDBOXES}/{sandbox.account.token}/wissen", _("Yes, erase everything"), "cross", "btn stop"
            ),
        ],
        className="fold mt",
        id="erase",
    )


# -- what lives ------------------------------------------------------------------------------------------------

_LIVE = (
    ("room-situations", "children"),
    ("room-came", "children"),
    ("room-fault", "children"),
    ("room-news", "children"),
    ("room-seen", "data"),
    ("room-tick", "disabled"),
    ("room-resume", "hidden"),
)


class _LiveContent(NamedTuple):
    """The values of the outputs of _LIVE."""

    situations: Any = None
    came: Any = None
    fault: Any = ""
    news: Any = ""
    seen: Any = None
    stopped: bool = True
    resume_hidden: bool = True


def _live(sandbox: Sandbox, ticks: int) -> _LiveContent:
    """Everything that changes while messages arrive, read now."""
    arrivals = sandboxes.arrivals(request.context().engine, sandbox)
    progress = situations.progress(sandbox, arrivals)
    return _LiveContent(
        situations_panel(sandbox, arrivals, progress),
        arrivals_panel(arrivals, sandbox.came),
        fault_line(sandbox, arrivals),
        news(arrivals, progress),
        {"mark": _state_digest(sandbox), "at": ticks},
        stopped=False,
    )


def _state_digest(sandbox: Sandbox) -> str:
    """A text that differs whenever there is something new to show."""
    return f"{sandbox.came}.{int(sandbox.armed)}.{int(sandbox.shown)}"


def _read_page_state(data: object) -> _PageState:
    mark, at = (data.get("mark"), data.get("at")) if isinstance(data, dict) else (None, None)
    return _PageState(mark if isinstance(mark, str) else "", _count(at))


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else 0


def register(app: dash.Dash) -> None:
    """The callbacks of the page; the token in the address identifies the sandbox."""
    path, tick = State("_pages_location", "pathname"), State("room-tick", "n_intervals")

    @app.callback(
        *(Output(*item) for item in _LIVE),
        Input("room-tick", "n_intervals"),
        Input("room-resume", "n_clicks"),
        path,
        State("room-seen", "data"),
        prevent_initial_call=True,
    )
    def on_tick(ticks: object, _clicks: object, path: object, page_state: object) -> Any:
        return _on_tick(
            _count(ticks), path, _read_page_state(page_state), resumed=dash.ctx.triggered_id == "room-resume"
        )

    @app.callback(
        *(Output(*item, allow_duplicate=True) for item in _LIVE),
        Output("room-said", "children"),
        Input("room-provoke", "n_clicks"),
        path,
        tick,
        prevent_initial_call=True,
    )
    @with_viewer()
    def on_provoke(_viewer: Viewer, clicks: object, path: object, ticks: object) -> Any:
        sandboxes.arm_fault(request.context().engine, _pressed(clicks, path))
        return *_live(_pressed(clicks, path), _count(ticks)), None

    @app.callback(
        *(Output(*item, allow_duplicate=True) for item in _LIVE),
        Output("room-said", "children", allow_duplicate=True),
        Input("room-confirm", "n_clicks"),
        Input("room-code", "n_submit"),
        State("room-code", "value"),
        path,
        tick,
        prevent_initial_call=True,
    )
    @with_viewer()
    def on_confirm(_viewer: Viewer, clicks: object, enters: object, code: object, path: object, ticks: object) -> Any:
        pressed = _count(clicks) + _count(enters)
        sandbox = _pressed(pressed, path)
        right = sandboxes.confirm_shown(request.context().engine, sandbox, _read_code(code))
        return *_live(_pressed(pressed, path), _count(ticks)), _notice(right, sandbox)


def _on_tick(ticks: int, path: object, page_state: _PageState, *, resumed: bool) -> _LiveContent:
    """What is new, if anything; after a quiet period the page stops polling and says so."""
    sandbox, same = _find(token_of_path(path, addresses.SANDBOXES)), dash.no_update
    if sandbox is None:
        return _LiveContent(note("", "search", html.P(_gone())), None, "", _gone(), {"mark": "", "at": ticks})
    if resumed or _state_digest(sandbox) != page_state.mark:
        return _live(sandbox, ticks)
    if ticks - page_state.at >= QUIET_TICKS:
        return _LiveContent(same, same, same, _quiet(), same, resume_hidden=False)
    raise dash.exceptions.PreventUpdate


def _quiet() -> str:
    return _(
        "Nothing came in for a while; this page has not been updated since {moment}.",
        moment=long_moment(clock.now_us()),
    )


def _pressed(clicks: object, path: object) -> Sandbox:
    """The sandbox whose button was clicked."""
    sandbox = _find(token_of_path(path, addresses.SANDBOXES))
    if sandbox is None or not _count(clicks):
        raise dash.exceptions.PreventUpdate
    return sandbox


def _read_code(code: object) -> str:
    return code if isinstance(code, str) and code.isascii() and len(code) <= MAX_CODE else ""


def _notice(right: bool, sandbox: Sandbox) -> html.Div:
    if right:
        return note("ok", "check", html.P(_("That is the right code.")))
    if sandbox.code is None or sandbox.armed:
        return note("wa", "bang", html.P(_("No fault was sent yet.")))
    return note("wa", "bang", html.P(_("That is not the code that was sent last.")))


PAGE = Page("sandbox", f"{addresses.SANDBOXES}/<token>", title, layout, frame, section="vendor", register=register)
