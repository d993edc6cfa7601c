"""The page of a count or an erasure: what would go and the form that confirms it, or what went and its certificate."""

from __future__ import annotations

from typing import Any

import dash

from dashboard.auth import request
from dashboard.pages.job_outcome import is_waiting, outcome_body, register_outcome
from dashboard.pages.page import Body, Page, administers
from dashboard.pages.pupil_data.actions import ERASURES, certificate_href, find_request, is_erased
from dashboard.pages.vendor.parts import read_token
from dashboard.text.erasure_words import erased_kinds
from dashboard.text.translate import _, at_moment, language, whole
from dashboard.ui import addresses
from dashboard.ui.elements import Link, html
from dashboard.ui.fields import text_field
from dashboard.ui.matrix_table import pupil_word
from dashboard.ui.plain_table import plain_table
from dashboard.ui.signs import card, note, sign
from models.access.people import pupil_name
from models.access.viewer import Viewer
from models.ingest import page_requests
from models.ingest.page_requests import RequestState
from models.schema import database

NAME = "erasure"


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Erasing a pupil")


def frame() -> Body:
    """The page without data, also the page for who is no administrator: that there is no such request."""
    return outcome_body(NAME, [_head(), _gone()], None)


def layout(viewer: Viewer, /, token: object = None, **_query: object) -> Body:
    """The whole page."""
    known = read_token(token)
    found = find_request(viewer, known)
    return outcome_body(NAME, _content(viewer, known, found), found)


def register(app: dash.Dash) -> None:
    """The callback of the page: shows the outcome when the worker has finished."""
    register_outcome(app, NAME, ERASURES, find_request, _content)


def _content(viewer: Viewer, token: str | None, found: RequestState | None) -> list[Any]:
    if found is None or token is None:
        return [_head(), _gone()]
    if is_erased(found):
        return _erased(token, found.report or {})
    if found.state == page_requests.FAILED:
        sentence = (found.error_nl if language() == "nl" else found.error_en) or ""
        return [_head(), note("fa", "cross", html.P(sentence), role="alert")]
    if found.report is None or is_waiting(found):
        counts = found.kind == page_requests.COUNT_ERASURE
        words = _("One moment: it is being counted.") if counts else _("One moment: the pupil is being erased.")
        return [_head(), note("", "busy", html.P(words))]
    return _counted(viewer, token, found.report)


def _head(sentence: str = "") -> html.Div:
    back = Link([sign("back"), _("All data about a pupil")], href=addresses.PUPIL_DATA, className="back")
    return html.Div(html.Div([back, html.H1(title()), html.P(sentence)]), className="head")


def _gone() -> html.Div:
    return note("", "search", html.P(_("This does not exist (any more).")))


def _counted(viewer: Viewer, token: str, report: dict[str, Any]) -> list[Any]:
    """What would go, and the form that has it erased."""
    with database.read_transaction(request.context().engine, viewer.school_id) as connection:
        pupil = pupil_name(connection, viewer, int(report["pupil"]))
    if pupil is None:
        return [_head(), _gone()]
    name = pupil_word(pupil)
    moment = at_moment(report["moment_us"])
    counted = _("Counted {moment}. Nothing was erased yet.", moment=moment)
    form = html.Form(
        [
            text_field(_("Type the name of the pupil: {name}", name=name), "naam", required=True),
            html.Div(html.Button(_("Erase for good"), type="submit", className="btn pri")),
        ],
        action=f"{ERASURES}/{token}",
        method="POST",
        className="form narrow_ mt",
    )
    warning = _("This cannot be undone. Save all data first if the pupil or the parents ask for it.")
    return [
        _head(f"{name} · {_('Number {number} in Rondblik', number=pupil.id)}"),
        card(_("What is deleted"), [_table(report), html.P(counted, className="sm t2 mt")], id="counted"),
        card(_("Erase"), [html.P(warning), form], className="mt", id="confirm"),
    ]


def _erased(token: str, report: dict[str, Any]) -> list[Any]:
    moment = at_moment(report["moment_us"])
    words = _("Pupil {number} was erased, {moment}.", number=report["pupil"], moment=moment)
    traces = _("The files of the database may still hold traces. The operator runs `rondblik person purge` for those.")
    save = html.A(_("Save the certificate"), href=certificate_href(token), className="btn pri")
    return [
        _head(),
        note("ok", "check", html.P([html.B(words)])),
        *([] if report["purged"] else [note("wa", "flag", html.P(traces))]),
        card(
            _("What was erased"),
            [
                _table(report),
                html.P(_("Save the certificate now: this page is there for 14 days."), className="sm t2 mt"),
                html.Div(save, className="acts mt"),
            ],
            className="mt",
            id="erased",
        ),
    ]


def _table(report: dict[str, Any]) -> Any:
    """How much of each kind of which there is any."""
    counts = report["counts"]
    rows = [[words, whole(counts[table])] for table, words in erased_kinds().items() if counts.get(table)]
    return plain_table(_("What is deleted"), [_("What"), _("How much")], rows)


PAGE = Page(
    name=NAME,
    path=f"{ERASURES}/<token>",
    title=title,
    layout=layout,
    frame=frame,
    may_see=administers,
    refusal=frame,
    section="access_log",
    register=register,
)
