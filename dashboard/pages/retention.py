"""The retention page: how long what is stored, and how much of it is deleted now and in the coming month."""

from __future__ import annotations

from dashboard.auth import request
from dashboard.pages.page import Body, Page, administers
from dashboard.text.translate import _, moment, n_, whole
from dashboard.text.words import term_word
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.plain_table import plain_table
from dashboard.ui.signs import card, note
from models.access.viewer import Viewer
from models.ingest import legal_holds, pupil_retention
from models.ingest.legal_holds import LegalHold
from models.ingest.pupil_retention import COMING_DAYS, RetentionReport
from models.schema import database
from models.schema.terms import PupilRetention, RetentionPolicy


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Retention")


def frame() -> Body:
    """The page without data."""
    return Body([])


def refusal() -> Body:
    """The page for who is no administrator."""
    heading = html.Div(html.Div(html.H1(title())), className="head")
    return Body([heading, note("", "lock", html.P([html.B(_("This page is for administrators only."))]))])


def layout(viewer: Viewer, /, **_query: object) -> Body:
    """What is stored how long, what is deleted when, and what is held."""
    context = request.context()
    terms = context.options.pupil_retention.get(viewer.school_id, PupilRetention())
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        report = pupil_retention.report(connection, viewer, terms)
        holds = legal_holds.standing_holds(connection, viewer)
    about = _("Rondblik deletes by itself what is past its time, every day. The terms are in the configuration file.")
    heads = [
        _("What"),
        _("Stored for"),
        _("Deleted today"),
        n_("Within {number} day", "Within {number} days", COMING_DAYS),
    ]
    table = plain_table(title(), heads, _rows(terms, context.options.retention, report))
    return Body(
        [
            html.Div(html.Div([html.H1(title()), html.P(about, className="t2")]), className="head"),
            card(_("What is stored how long"), [table], id="retention"),
            card(_("Held"), _holds(holds, report.held), className="mt", id="held"),
        ]
    )


def _rows(terms: PupilRetention, messages: RetentionPolicy, report: RetentionReport) -> list[list[str]]:
    pupils = [
        _("Pupils who left, with all their results, notes and goals"),
        _("{term} after they left", term=term_word(terms.left_days)),
        whole(report.pupils_due),
        whole(report.pupils_coming),
    ]
    unmatched = [
        _("Results that belong to no pupil"),
        _("{term} after they came in", term=term_word(terms.unmatched_days)),
        whole(report.unmatched_due),
        whole(report.unmatched_coming),
    ]
    return [
        pupils,
        unmatched,
        [_("Refused messages, as they came"), term_word(messages.refused_days), "–", "–"],
        [_("Accepted messages, as they came"), term_word(messages.accepted_days), "–", "–"],
        [_("Who looked at whom"), _("is not deleted"), "–", "–"],
    ]


def _holds(holds: list[LegalHold], held: int) -> list[html.P]:
    """What a legal hold keeps from being deleted; whom it is about is for who placed it to know."""
    if not holds:
        return [html.P(_("Nothing is held."), className="t2 sm")]
    lines = [
        _("The whole school is held since {moment}.", moment=moment(hold.placed_us))
        for hold in holds
        if hold.pupil_id is None
    ]
    of_pupils = sum(hold.pupil_id is not None for hold in holds)
    if of_pupils:
        lines.append(n_("{number} pupil is held.", "{number} pupils are held.", of_pupils))
    if held:
        lines.append(
            n_(
                "{number} of what is past its time stays because of that.",
                "{number} of what is past its time stay because of that.",
                held,
            )
        )
    return [html.P(line) for line in lines]


PAGE = Page(
    "retention",
    addresses.RETENTION,
    title,
    layout,
    frame,
    may_see=administers,
    refusal=refusal,
    section="access_log",
)
