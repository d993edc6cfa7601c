"""The connections page of an administrator: state of the sources, refused messages, results without a pupil."""

from __future__ import annotations

from typing import Any

import dash

from dashboard.auth import audit_trail, request
from dashboard.pages.connections.actions import register as register_actions
from dashboard.pages.connections.own_actions import NEW
from dashboard.pages.connections.panels import SHOWN, parked_panel, pending_rosters_panel, refused_panel, subjects_panel
from dashboard.pages.connections.table import (
    agreements_note,
    disk_notes,
    drafts_note,
    late_notes,
    origin_note,
    source_table,
)
from dashboard.pages.page import Body, Page, administers
from dashboard.text.translate import _, moment, n_
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, note
from models.access.viewer import Viewer
from models.ingest import identity
from models.ingest.connection_overview import ConnectionOverview, connection_overview
from models.ingest.identity import ParkedIdentifier
from models.ingest.link_candidates import MOST, Candidate, LinkablePupil, link_candidates, linkable_pupils
from models.results.subject_mapping import UnmappedTerm, mapped_terms, unmapped_terms
from models.results.subjects import SubjectMapping
from models.schema import clock, database


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Connections")


def frame() -> Body:
    """The page without data."""
    return _body([])


def layout(viewer: Viewer, /, **_query: object) -> Body:
    """The whole page."""
    return _body(content(viewer))


def register(app: dash.Dash) -> None:
    """The callbacks of the page."""
    register_actions(app, content)


def _body(children: list[Any]) -> Body:
    status = html.Div(id="couplings-done", **attrs(role="status", aria_live="polite"))
    return Body([status, html.Div(children, id="couplings-content")])


def refusal() -> Body:
    """The page for who is no administrator."""
    children = [
        html.Div(html.Div(html.H1(_("Connections"))), className="head"),
        note(
            "",
            "lock",
            html.P(
                [
                    html.B(_("This page is for administrators only.")),
                    " ",
                    _("Ask the administrator of your school when a source does not deliver."),
                ]
            ),
        ),
    ]
    return Body(children)


def content(viewer: Viewer) -> list[Any]:
    """Everything on the page, with the current state."""
    state, parked, pupils, candidates, open_subjects, lines = _read(viewer)
    return [
        html.Div(
            [
                html.Div([html.H1(_("Connections")), html.P(_headline(state))]),
                html.A(_("Add a connection"), href=NEW, className="btn pri"),
            ],
            className="head",
        ),
        *disk_notes(),
        *late_notes(state),
        *drafts_note(state),
        html.Section(
            [
                html.Header([html.H2(_("Sources")), html.P(_("As of {moment}", moment=moment(clock.now_us())))]),
                html.Div(source_table(state), className="tw"),
                *origin_note(state),
                *agreements_note(state),
            ],
            className="card mt flush",
        ),
        html.Div(
            [
                refused_panel(state),
                parked_panel(parked, pupils, candidates, state),
                subjects_panel(open_subjects, lines, state),
            ],
            className="c3 mt",
        ),
        *pending_rosters_panel(state),
    ]


def _read(
    viewer: Viewer,
) -> tuple[
    ConnectionOverview,
    list[ParkedIdentifier],
    list[LinkablePupil],
    dict[int, tuple[Candidate, ...]],
    list[UnmappedTerm],
    list[SubjectMapping],
]:
    context = request.context()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        parked = identity.parked(connection, viewer, context.cipher)
        candidates = link_candidates(connection, viewer, [item.id for item in parked[:SHOWN]])
        # Only who may be meant is in the page; others come as their name is typed.
        named = {item.pupil_id for several in candidates.values() for item in several[:MOST]}
        linkable = linkable_pupils(connection, viewer, context.cipher, named) if named else []
        audit_trail.looked("links of pupils", [item.pupil.id for item in linkable])
        return (
            connection_overview(connection, viewer),
            parked,
            linkable,
            candidates,
            unmapped_terms(connection, viewer),
            mapped_terms(connection, viewer),
        )


def _headline(state: ConnectionOverview) -> str:
    publishers = [
        row.state for row in state.rows if row.state.role == "publisher" and row.state.active and not row.state.stopped
    ]
    fresh = sum(publisher.delivered_this_week for publisher in publishers)
    line = n_(
        "{fresh} of {number} publisher delivered this week.",
        "{fresh} of {number} publishers delivered this week.",
        len(publishers),
        fresh=fresh,
    )
    late = ", ".join(row.state.name for row in state.rows if row.state.late)
    return line + " " + _("{names}: your attention is needed.", names=late) if late else line


PAGE = Page(
    name="connections",
    path=addresses.CONNECTIONS,
    title=title,
    layout=layout,
    frame=frame,
    may_see=administers,
    refusal=refusal,
    in_menu_of=administers,
    register=register,
)
