"""A refused message for the administrator of its school, with personal fields masked, and its replay."""

from __future__ import annotations

from typing import Any

import dash

from dashboard.auth import request
from dashboard.pages.connections.refused_message_actions import PATH, replay_form
from dashboard.pages.job_outcome import outcome_body, register_outcome
from dashboard.pages.page import Body, Page, administers
from dashboard.pages.vendor.findings import excerpt_key, excerpts_panel
from dashboard.pages.vendor.parts import finding_state, place_of, read_token, remedy_of, sentence_of
from dashboard.text.translate import _, language, n_
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, note, sign
from models.access.viewer import Viewer
from models.ingest import page_requests
from models.ingest.page_requests import RequestState

NAME = "refused"


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Refused message")


def frame() -> Body:
    """The page without data, also the page for who is no administrator: that there is no such message."""
    return outcome_body(NAME, content(None), None)


def layout(viewer: Viewer, /, token: object = None, **_query: object) -> Body:
    """The whole page; a sentence where the viewer's school has no such message."""
    request_state = _find(viewer, read_token(token))
    return outcome_body(NAME, content(request_state), request_state)


def register(app: dash.Dash) -> None:
    """The callback of the page: shows the outcome when the worker has finished."""
    register_outcome(app, NAME, PATH, _find, lambda _viewer, _token, request_state: content(request_state))


def _find(viewer: Viewer, token: str | None) -> RequestState | None:
    """The request with this token, where it is of the viewer's school."""
    context = request.context()
    if token is None:
        return None
    request_state = page_requests.find(context.engine, context.cipher, token)
    return request_state if request_state is not None and request_state.school_id == viewer.school_id else None


def content(request_state: RequestState | None) -> list[Any]:
    """Everything on the page."""
    if request_state is None:
        return [_head(""), note("", "search", html.P(_("This message does not exist (any more).")))]
    head = _head(_("Message {number}", number=request_state.title))
    if request_state.state == page_requests.FAILED:
        sentence = (request_state.error_nl if language() == "nl" else request_state.error_en) or ""
        return [head, note("fa", "cross", html.P(sentence), role="alert")]
    report = request_state.report
    if report is None:
        return [head, note("", "busy", html.P(_("One moment: the message is being fetched.")))]
    return [
        head,
        *(_outcome(report) if request_state.kind == page_requests.REPLAY else _message(report, request_state.excerpts)),
    ]


def _head(sentence: str) -> html.Div:
    back = html.A([sign("back"), _("Connections")], href=f"{addresses.CONNECTIONS}#refused", className="back")
    return html.Div(html.Div([back, html.H1(_("Refused message")), html.P(sentence)]), className="head")


def _message(report: dict[str, Any], excerpts: dict[str, str]) -> list[Any]:
    """What was wrong, with the text around it marked, the whole message, and the button that replays it."""
    more = [] if report.get("whole") else [html.P(_("Only the beginning is shown."), className="sm t2")]
    around = excerpts_panel(report, excerpts, _("The message around it"))
    located = {key for key in excerpts if key != "message"}
    others = [item for item in report.get("findings", ()) if excerpt_key(item) not in located]
    whole = html.Pre(excerpts.get("message", ""), tabIndex=0, role="region", **attrs(aria_label=_("Refused message")))
    return [
        html.Section(
            [
                html.Header([html.H2(str(report.get("fault"))), html.P(_("Personal data is masked"))]),
                *([html.Ul([_finding(item) for item in others], className="ls")] if others else []),
                *(excerpt for section in around for excerpt in section.children[1:]),
                html.Details(
                    [html.Summary([sign("chev"), _("The whole message")]), whole, *more],
                    className="fold",
                    open=not around,
                ),
                html.P(
                    _(
                        "Have you fixed what was wrong on your side, such as a pupil list or a setting? Then have the "
                        "message checked again."
                    ),
                    className="sm t2 mt",
                ),
                html.Div(replay_form(int(report["delivery"])), className="acts mt"),
            ],
            className="card excerpt",
        )
    ]


def _finding(item: dict[str, Any]) -> html.Li:
    return html.Li(
        [
            finding_state(item),
            html.P(html.B(sentence_of(item))),
            html.P(remedy_of(item)),
            html.Small(place_of(item)),
        ]
    )


def _outcome(report: dict[str, Any]) -> list[Any]:
    """The outcome of a replay."""
    if report.get("accepted"):
        stored = n_("{number} result is stored.", "{number} results are stored.", int(report.get("results", 0)))
        return [note("ok", "check", html.P([html.B(_("The message is accepted now.")), " ", stored]))]
    items = [_finding(item) for item in report.get("findings", ())]
    return [
        note("fa", "cross", html.P([html.B(_("It is refused again.")), " ", str(report.get("fault"))])),
        html.Section(html.Ul(items, className="ls"), className="card mt"),
    ]


PAGE = Page(
    name="refused_message",
    path=f"{PATH}/<token>",
    title=title,
    layout=layout,
    frame=frame,
    may_see=administers,
    refusal=frame,
    section="connections",
    register=register,
)
