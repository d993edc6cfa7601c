"""The couplings screen for an administrator: does every source deliver, what was refused, whose results wait."""

from __future__ import annotations

from typing import Any

import dash
import flask
from dash import html

from dashboard.auth import request
from dashboard.pages.couplings.actions import register as register_actions
from dashboard.pages.couplings.panels import parked_panel, pending_rosters_panel, refused_panel, subjects_panel
from dashboard.pages.couplings.table import late_notes, source_table
from dashboard.pages.shell import page
from dashboard.text.translate import _, moment, n_
from dashboard.ui.signs import attrs, note
from models.access.people import PupilName, pupil_names
from models.access.viewer import Viewer
from models.ingest import identity
from models.ingest.connection_overview import ConnectionOverview, connection_overview
from models.ingest.identity import ParkedIdentifier
from models.results.subject_mapping import UnmappedTerm, mapped_terms, unmapped_terms
from models.results.subjects import SubjectMapping
from models.schema import clock, database


def title(**_parts: object) -> str:
    """The title of the window."""
    return _("Couplings") + " – Rondblik"


def layout(**_query: object) -> list[Any]:
    """The whole page; a sentence for who is no administrator, the frame without data where nobody looks."""
    viewer = request.viewer() if flask.has_request_context() else None
    if viewer is None:
        return page("couplings", _frame([]))
    if not viewer.may_administer:
        return page("couplings", _not_yours())
    return page("couplings", _frame(content(viewer)))


def register(app: dash.Dash) -> None:
    """The callbacks of the page."""
    register_actions(app, content)


def _frame(children: list[Any]) -> list[Any]:
    return [
        html.Div(id="couplings-done", **attrs(role="status", aria_live="polite")),
        html.Div(children, id="couplings-content"),
    ]


def _not_yours() -> list[Any]:
    return [
        html.Div(html.Div(html.H1(_("Couplings"))), className="head"),
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


def content(viewer: Viewer) -> list[Any]:
    """Everything on the page, read anew."""
    state, parked, names, open_subjects, lines = _read(viewer)
    return [
        html.Div(html.Div([html.H1(_("Couplings")), html.P(_headline(state))]), className="head"),
        *late_notes(state),
        html.Section(
            [
                html.Header([html.H2(_("Sources")), html.P(_("As of {moment}", moment=moment(clock.now_us())))]),
                html.Div(source_table(state), className="tw"),
            ],
            className="card mt flush",
        ),
        html.Div(
            [
                refused_panel(state),
                parked_panel(parked, names, state),
                subjects_panel(open_subjects, lines, state),
            ],
            className="c3 mt",
        ),
        *pending_rosters_panel(state),
    ]


def _read(
    viewer: Viewer,
) -> tuple[ConnectionOverview, list[ParkedIdentifier], list[PupilName], list[UnmappedTerm], list[SubjectMapping]]:
    context = request.context()
    with database.read_transaction(context.engine) as connection:
        return (
            connection_overview(connection, viewer),
            identity.parked(connection, viewer, context.cipher),
            pupil_names(connection, viewer),
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
