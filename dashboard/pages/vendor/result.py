"""The page of a check: six levels, findings with remedies, excerpts and scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash
from dash import Input, Output, State, dcc

from dashboard.auth import request
from dashboard.pages.page import Body, Page
from dashboard.pages.vendor.changes import changes_panel
from dashboard.pages.vendor.exchanges import document_panel
from dashboard.pages.vendor.findings import excerpts_panel, findings_panel, scenarios_panel
from dashboard.pages.vendor.parts import (
    command_line,
    no_longer_there,
    read_token,
    requirements_link,
    test_aid_notice,
    token_of_path,
)
from dashboard.pages.vendor.words import RESULT_LOOKS, counts_word, level_explained, level_word, result_word
from dashboard.text.translate import _, at_moment, language
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, note, sign, state
from models.access.viewer import Viewer
from models.ingest import page_requests
from models.ingest.page_requests import RequestState

EVERY_MS = 2_000
MAX_TICKS = 450  # a quarter of an hour
Report = Mapping[str, Any]


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Outcome of the check")


def frame() -> Body:
    """The page without data."""
    return Body(_frame([], waiting=False))


def layout(_viewer: Viewer, /, token: object = None, proef: object = None, **_query: object) -> Body:
    """The whole page of a check; `proef` is the sandbox that it is about. Whoever has the token may see it."""
    request_token = read_token(token)
    request_state = _find(request_token)
    if request_state is None or request_token is None:
        sentence = _("It was erased, or it has expired.")
        return Body(no_longer_there(_("This outcome does not exist (any more)"), sentence))
    children = content(request_state, request_token, read_token(proef))
    return Body(_frame(children, waiting=not _is_over(request_state)))


def register(app: dash.Dash) -> None:
    """The callback of the page: shows the report when the worker has finished."""

    @app.callback(
        Output("result-content", "children"),
        Output("result-said", "children"),
        Output("result-tick", "disabled"),
        Input("result-tick", "n_intervals"),
        State("_pages_location", "pathname"),
        State("_pages_location", "search"),
        prevent_initial_call=True,
    )
    def on_tick(ticks: object, path: object, search: object) -> Any:
        return _on_tick(ticks, token_of_path(path, addresses.CHECK_RESULTS), _sandbox_of(search))


def _on_tick(ticks: object, token: str | None, sandbox_token: str | None) -> tuple[Any, ...]:
    request_state = _find(token)
    if request_state is None or token is None:
        raise dash.exceptions.PreventUpdate
    if _is_over(request_state):
        return content(request_state, token, sandbox_token), _("The outcome is ready."), True
    if isinstance(ticks, int) and ticks >= MAX_TICKS:
        long = _("This takes long. Open the page again later; the outcome is kept.")
        return [_head(request_state, sandbox_token), test_aid_notice(), note("", "clock", html.P(long))], long, True
    raise dash.exceptions.PreventUpdate


def _sandbox_of(search: object) -> str | None:
    prefix = "?proef="
    return read_token(search.removeprefix(prefix)) if isinstance(search, str) and search.startswith(prefix) else None


def _find(token: str | None) -> RequestState | None:
    context = request.context()
    request_state = None if token is None else page_requests.find(context.engine, context.cipher, token)
    return (
        None if request_state is None or request_state.school_id is not None else request_state
    )  # a request of a school is not open to who has the token


def _is_over(request_state: RequestState) -> bool:
    return request_state.state in (page_requests.DONE, page_requests.FAILED)


def _frame(children: Sequence[Any], *, waiting: bool) -> list[Any]:
    return [
        html.Div(id="result-said", className="vh", role="status", **attrs(aria_live="polite")),
        html.Div(children, id="result-content"),
        dcc.Interval(id="result-tick", interval=EVERY_MS, disabled=not waiting),
    ]


# -- content -------------------------------------------------------------------------------------------------


def content(request_state: RequestState, token: str, sandbox_token: str | None) -> list[Any]:
    """Everything on the page of a check."""
    head = _head(request_state, sandbox_token)
    if request_state.state == page_requests.FAILED:
        return [head, test_aid_notice(), _failed(request_state)]
    if request_state.report is None:
        return [head, test_aid_notice(), _waiting(request_state)]
    report = request_state.report
    return [
        head,
        test_aid_notice(),
        html.Div(
            [
                html.Div(
                    [
                        _levels(report),
                        *changes_panel(report),
                        *findings_panel(report, request_state.excerpts),
                        *excerpts_panel(report, request_state.excerpts),
                        *document_panel(request_state.exchanges),
                        *scenarios_panel(report, request_state.exchanges),
                    ],
                    className="stack",
                ),
                html.Div([_requirements(), _files(token), command_line()], className="stack"),
            ],
            className="cols mt",
        ),
    ]


def _head(request_state: RequestState, sandbox_token: str | None) -> html.Div:
    kind = {
        page_requests.MESSAGE: _("an uploaded file"),
        page_requests.ENDPOINT: _("an address that was called"),
        page_requests.SANDBOX: _("a test address"),
    }.get(request_state.kind, "")
    requested = _("started {moment}", moment=at_moment(request_state.created_us))
    back = (
        html.A(
            [sign("back"), _("Back to the test address")],
            href=f"{addresses.SANDBOXES}/{sandbox_token}",
            className="back",
        )
        if sandbox_token is not None
        else html.A([sign("back"), _("Test your connection")], href=addresses.VENDOR, className="back")
    )
    again = html.A(
        _("Check again"),
        href=f"{addresses.SANDBOXES}/{sandbox_token}" if sandbox_token is not None else addresses.VENDOR,
        className="btn pri",
    )
    return html.Div(
        [
            html.Div(
                [back, html.H1(_("Outcome of the check")), html.P(" · ".join((request_state.title, kind, requested)))]
            ),
            html.Div(again if _is_over(request_state) else None, className="acts"),
        ],
        className="head",
    )


def _waiting(request_state: RequestState) -> html.Div:
    busy = request_state.state == page_requests.BUSY
    sentence = _("The check is running.") if busy else _("The check begins in a moment.")
    return note(
        "",
        "busy" if busy else "clock",
        html.P(
            [html.B(sentence), " ", _("This page shows the outcome as soon as it is ready; you need not do anything.")]
        ),
    )


def _failed(request_state: RequestState) -> html.Div:
    sentence = (request_state.error_nl if language() == "nl" else request_state.error_en) or ""
    return note(
        "fa",
        "cross",
        html.P(
            [
                html.B(_("The check could not be done.")), " ", sentence, " ",
                html.A(_("Change what you filled in and check again"), href=addresses.VENDOR),
            ]
        ),
        role="alert",
    )  # fmt: skip


def _levels(report: Report) -> html.Section:
    """The headline, and under it the six levels."""
    levels = report.get("levels", ())
    return html.Section(
        [
            html.Header([html.H2(headline(report), id="headline"), html.P(_subtitle(report))]),
            html.Ol([_level(number, item, report) for number, item in enumerate(levels, 1)], className="lv"),
        ],
        className="card",
        id="levels",
    )


def headline(report: Report) -> str:
    """The conclusion of a report."""
    counts = counts_word(int(report.get("errors", 0)), int(report.get("warnings", 0)))
    if counts:
        return counts[0].upper() + counts[1:]
    return _("Nothing could be tested") if report.get("state") == "not_tested" else _("Everything is good")


def _subtitle(report: Report) -> str:
    parts = []
    if report.get("fault"):
        parts.append(_("A receiver refuses this with {fault}.", fault=report["fault"]))
    documents = int(report.get("documents", 1))
    if documents > 1:
        parts.append(
            _(
                "{number} documents; shown is {name}, the one with the most.",
                number=documents,
                name=report.get("title", ""),
            )
        )
    return " ".join(parts)


def _level(number: int, item: Mapping[str, Any], report: Report) -> html.Li:
    name, what = str(item.get("level")), str(item.get("state"))
    kind, icon = RESULT_LOOKS.get(what, ("no", "info"))
    small = counts_word(int(item.get("errors", 0)), int(item.get("warnings", 0)))
    if what == "not_tested":
        small = _why_not(name, report)
    return html.Li(
        [
            html.Span(str(number), className="no_"),
            html.Div([html.B(level_word(name)), html.Small(level_explained(name))]),
            html.Div([state(kind, icon, result_word(what)), *([html.Small(small)] if small else [])], className="r"),
        ],
        **attrs(data_check=name, data_state=what),
    )


def _why_not(level: str, report: Report) -> str:
    if report.get("outcomes"):
        return _("no message came")
    if level == "behaviour":
        return _("only at an address")
    return _("not reached")


def _requirements() -> html.Section:
    """The way to the clauses that were tested."""
    words = _("Each clause of the standard, with the rules that test it and how they went in your last check.")
    return html.Section(
        [
            html.Header(html.H2(_("What the standard requires"))),
            html.P(words, className="sm t2"),
            html.Div(requirements_link(_("All requirements"), className="btn"), className="acts mt"),
        ],
        className="card",
    )


def _files(token: str) -> html.Section:
    """The report as files to keep."""
    links = [
        html.A(
            words,
            href=f"{addresses.CHECK_RESULTS}/{token}/rapport.{kind}",
            download=f"uwlr-toets.{kind}",
            className="btn",
        )
        for kind, words in (("html", "HTML"), ("json", "JSON"), ("xml", "JUnit"))
    ]
    return html.Section(
        [
            html.Header(html.H2(_("Keep the report"))),
            html.P(_("For people, for programs, and for your build pipeline."), className="sm t2"),
            html.Div(links, className="acts mt"),
        ],
        className="card",
        id="files",
    )


PAGE = Page(
    "check_result", f"{addresses.CHECK_RESULTS}/<token>", title, layout, frame, section="vendor", register=register
)
