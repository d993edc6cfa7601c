"""What came of trying out a source, in plain words, and the button that takes it in use."""

from __future__ import annotations

from typing import Any

from dashboard.pages.connections.own_actions import OWN, USE
from dashboard.pages.vendor.parts import finding_state, place_of, remedy_of, sentence_of
from dashboard.text.translate import _, language, n_
from dashboard.ui.elements import html
from dashboard.ui.signs import note
from models.ingest import page_requests
from models.ingest.own_connections import LAS, Kind
from models.ingest.page_requests import RequestState

WAITING = (page_requests.WAITING, page_requests.BUSY)


def trial_outcome(number: int, kind: Kind, request_state: RequestState) -> list[Any]:
    """The outcome of a trial of a connection, or that it is under way."""
    if request_state.state in WAITING:
        words = _("One moment: {name} is asked now. Nothing is stored.", name=request_state.title)
        return [note("", "busy", html.P(words), role="status")]
    report = request_state.report
    if report is None:
        sentence = (request_state.error_nl if language() == "nl" else request_state.error_en) or ""
        return [_failed(request_state.title, [html.P(sentence)])]
    if not report.get("works"):
        return [_failed(request_state.title, _refused(report))]
    came = _las_words(report) if kind == LAS else _publisher_words(report)
    return [
        note(
            "ok",
            "check",
            [
                html.P([html.B(_("It works.")), " ", " ".join(came), " ", _("Nothing was stored yet.")]),
                use_form(number),
            ],
            role="status",
        )
    ]


def use_form(number: int) -> html.Form:
    """The button that takes what was tried in use."""
    button = html.Button(_("Take in use"), type="submit", className="btn pri")
    return html.Form(button, action=f"{OWN}/{number}/{USE}", method="POST", className="use")


def _failed(name: str, reasons: list[Any]) -> html.Div:
    start = html.P(html.B(_("It does not work yet with {name}.", name=name)))
    after = html.P(_("Nothing was stored. What you filled in is still below; mend it and try again."))
    return note("fa", "cross", [start, *reasons, after], role="alert")


def _refused(report: dict[str, Any]) -> list[Any]:
    """Why what came cannot be taken in, with what to do."""
    problems = [sentences[0 if language() == "nl" else 1] for sentences in report.get("problems", ())]
    items = [
        html.Li(
            [
                finding_state(item),
                html.P(html.B(sentence_of(item))),
                html.P(remedy_of(item)),
                html.Small(place_of(item)),
            ]
        )
        for item in report.get("findings", ())
    ]
    answered = _(
        "There is an answer, but it cannot be taken in ({fault}). Pass this on to the supplier:",
        fault=report.get("fault"),
    )
    return [
        *([html.P(answered), html.Ul(items, className="ls")] if items else []),
        *(html.P(problem) for problem in problems),
    ]


def _publisher_words(report: dict[str, Any]) -> list[str]:
    """What came from a publisher."""
    results, pupils, known = (int(report.get(name, 0)) for name in ("results", "pupils", "known"))
    if not results:
        return [_("There are no results now.")]
    came = n_("{number} result came", "{number} results came", results)
    of_pupils = n_("of {number} pupil", "of {number} pupils", pupils)
    in_list = n_("{number} of them is in the pupil list.", "{number} of them are in the pupil list.", known)
    refused = int(report.get("refused", 0))
    rest = [n_("{number} document was refused.", "{number} documents were refused.", refused)] if refused else []
    waiting = [_("What is of others waits until the list has them.")] if known < pupils else []
    return [f"{came} {of_pupils};", in_list, *waiting, *rest]


def _las_words(report: dict[str, Any]) -> list[str]:
    """What came from a pupil administration."""
    if report.get("empty"):
        return [_("The pupil administration has no pupils now.")]
    counts = (
        n_("{number} pupil", "{number} pupils", int(report.get("pupils", 0))),
        n_("{number} group", "{number} groups", int(report.get("groups", 0))),
        n_("{number} teacher", "{number} teachers", int(report.get("teachers", 0))),
    )
    return [_("These came: {pupils}, {groups} and {teachers}.", pupils=counts[0], groups=counts[1], teachers=counts[2])]
