"""The page of what a school recorded about a connection: mandate, processor agreement, purpose, data, and terms."""

from __future__ import annotations

import re
from typing import Any

from dashboard.auth import request
from dashboard.pages.connections.own_actions import AGREEMENTS, agreement_href
from dashboard.pages.connections.own_parts import head
from dashboard.pages.connections.table import source_status
from dashboard.pages.page import Body, Page, administers
from dashboard.text.agreement_words import field_word, missing_words
from dashboard.text.category_words import category_words
from dashboard.text.translate import _, day_name
from dashboard.text.words import term_word
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.fields import text_field
from dashboard.ui.signs import card, note
from models.access.viewer import Viewer
from models.ingest.agreements import agreements_of
from models.ingest.freshness import SourceState, source_states
from models.ingest.processing import delivered_by
from models.schema import database
from models.schema.terms import Agreement, PupilRetention

_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Mandate and agreement")


def frame() -> Body:
    """The page without data, also the page for who is no administrator: that there is no such connection."""
    missing = html.P(_("This connection does not exist (any more)."))
    return Body([head(title(), ""), note("", "search", missing)])


def layout(viewer: Viewer, /, source: object = None, **_query: object) -> Body:
    """The whole page; a sentence where the viewer's school has no such connection."""
    number = int(source) if isinstance(source, str) and _NUMBER.fullmatch(source) else 0
    with database.read_transaction(request.context().engine, viewer.school_id) as connection:
        state = next((item for item in source_states(connection, viewer) if item.id == number), None)
        if state is None:
            return frame()
        agreement = agreements_of(connection, viewer).get(number, Agreement())
        derived = category_words(state.role, *delivered_by(connection, viewer, number))
    if agreement.configured:
        about = _("This is in the configuration file, and is changed by whoever looks after the server.")
        shown = [html.P(about, className="sm t2"), _facts(_agreed(agreement, derived))]
    else:
        shown = [_form(number, agreement, derived)]
    return Body(
        [
            head(state.name, missing_words(agreement) or _("Everything is filled in.")),
            card(title(), shown, id="agreement"),
            card(_("What holds besides"), [_facts(_terms(viewer, state))], className="mt", id="terms"),
        ]
    )


def _agreed(agreement: Agreement, derived: str) -> list[tuple[str, Any]]:
    days = {name: day and day_name(day) for name in ("mandate_on", "agreement_on") if (day := getattr(agreement, name))}
    texts = {"mandate": agreement.mandate, "purpose": agreement.purpose, "categories": agreement.categories or derived}
    names = ("mandate", "mandate_on", "agreement_on", "purpose", "categories")
    return [(field_word(name), (texts | days).get(name) or _("not filled in yet")) for name in names]


def _form(number: int, agreement: Agreement, derived: str) -> html.Form:
    return html.Form(
        [
            text_field(
                field_word("mandate"), "mandate", agreement.mandate or "",
                description=_("A role or an organisation, such as the board; no name is needed."),
            ),
            text_field(
                field_word("mandate_on"), "mandate_on", _typed(agreement.mandate_on), placeholder=_("dd-mm-yyyy")
            ),
            text_field(
                field_word("agreement_on"), "agreement_on", _typed(agreement.agreement_on), placeholder=_("dd-mm-yyyy")
            ),
            text_field(
                field_word("purpose"), "purpose", agreement.purpose or "",
                description=_("Such as: following the progress of pupils and adapting lessons to it."),
            ),
            text_field(
                field_word("categories"), "categories", agreement.categories or "",
                description=_("Empty: {derived}.", derived=derived),
            ),
            html.Div(html.Button(_("Save"), type="submit", className="btn pri"), className="acts"),
        ],
        action=agreement_href(number),
        method="POST",
        className="form narrow_",
    )  # fmt: skip


def _typed(day: str | None) -> str:
    """A day as people type it."""
    return "" if day is None else "-".join(reversed(day.split("-")))


def _terms(viewer: Viewer, state: SourceState) -> list[tuple[str, Any]]:
    """How long what came from the source is stored, and where it is stopped."""
    options = request.context().options
    pupils = options.pupil_retention.get(viewer.school_id, PupilRetention())
    kept = [
        (_("Pupils who left, with all their results, notes and goals"), pupils.left_days, _("{term} after they left"))
    ]
    if state.role != "las":
        came = _("{term} after they came in")
        kept.append((_("Results that belong to no pupil"), pupils.unmatched_days, came))
    messages = options.retention
    return [
        *((words, html.A(how.format(term=term_word(days)), href=addresses.RETENTION)) for words, days, how in kept),
        (_("Refused messages, as they came"), term_word(messages.refused_days)),
        (_("Accepted messages, as they came"), term_word(messages.accepted_days)),
        (_("Status"), [source_status(state), " ", html.A(_("Stop or resume"), href=addresses.CONNECTIONS)]),
    ]


def _facts(facts: list[tuple[str, Any]]) -> html.Dl:
    return html.Dl([part for name, words in facts for part in (html.Dt(name), html.Dd(words))], className="dl sm")


PAGE = Page(
    "agreement",
    f"{AGREEMENTS}/<source>",
    title,
    layout,
    frame,
    may_see=administers,
    refusal=frame,
    section="connections",
)
