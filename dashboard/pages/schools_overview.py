"""The page of a board: the schools that gave it the role in figures, and nobody by name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from dashboard.auth import request
from dashboard.pages.page import Body, Page
from dashboard.text.translate import _, whole
from dashboard.text.words import attention_group_word
from dashboard.ui.elements import Link, html
from dashboard.ui.plain_table import plain_table
from dashboard.ui.signs import attrs, card, note
from models.access.viewer import Viewer
from models.classroom.attention import AttentionGroup
from models.classroom.board_figures import (
    OverseenSchool,
    SchoolFigures,
    groups_of_school,
    overseen_schools,
    school_in_figures,
)
from models.classroom.school_figures import FEWEST
from models.schema import database

PATH = "/scholen"


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Schools")


def frame() -> Body:
    """The page without data."""
    return Body([])


def oversees(viewer: Viewer) -> bool:
    """For a board."""
    return viewer.oversees


def refusal() -> Body:
    """The page for everybody else."""
    sentence = html.P([html.B(_("This page is for boards only."))])
    return Body([html.Div(html.Div(html.H1(title())), className="head"), note("", "lock", sentence)])


def layout(viewer: Viewer, /, school: object = None, **_query: object) -> Body:
    """The schools, and the attention groups of the one that the address names."""
    engine = request.context().engine
    with database.read_transaction(engine, viewer.school_id) as connection:
        schools = [item for item in overseen_schools(connection, viewer) if _speaks_for(item)]
    figures = []
    for item in schools:  # each in a transaction of its own, for the wall between schools holds here too
        with database.read_transaction(engine, item.id) as connection:
            figures.append(school_in_figures(connection, viewer, item))
    chosen = next((item for item in schools if str(item.id) == school), None)
    about = _(
        "The schools that gave you this role, in figures of this school year. Names and results of pupils stay with "
        "their teachers; of fewer than {number} pupils there are no figures.",
        number=FEWEST,
    )
    head = html.Div(
        [
            html.Div([html.H1(title()), html.P(about, className="t2")]),
            html.Div(html.Button(_("Print"), className="btn", **attrs(data_print="true")), className="acts"),
        ],
        className="head",
    )
    groups = []
    if chosen is not None:
        with database.read_transaction(engine, chosen.id) as connection:
            groups = [_groups(connection, viewer, chosen, figures[schools.index(chosen)].pupils)]
    return Body(
        [
            head,
            card(
                _("Per school"),
                [html.P(_("Choose a school for its attention groups."), className="sm t2 noprint"), _table(figures)],
                id="schools",
            ),
            *groups,
        ]
    )


def _speaks_for(school: OverseenSchool) -> bool:
    """Whether the way in which somebody signed in may speak for a school."""
    session = request.current_session()
    return session is None or session.speaks_for(school.id)


def _table(figures: list[SchoolFigures]) -> Any:
    heads = [
        _("School"),
        _("Pupils"),
        _("With results this school year"),
        _("Publishers with results"),
        _("Connections that work"),
        _("Need attention"),
        _("Stopped"),
    ]
    return plain_table(_("Per school"), heads, [_row(item) for item in figures])


def _row(figures: SchoolFigures) -> list[Any]:
    few = _("too few pupils")
    reached = few if figures.with_results is None else whole(figures.with_results)
    counts = (figures.publishers, figures.connected, figures.late, figures.stopped)
    name = Link(figures.school.name, href=f"{PATH}?school={figures.school.id}")
    return [name, whole(figures.pupils), reached, *(whole(count) for count in counts)]


def _groups(connection: Connection, viewer: Viewer, school: OverseenSchool, pupils: int) -> html.Section:
    """How many pupils of one school are in each attention group."""
    counts = groups_of_school(connection, viewer, school, request.context().options.holidays)
    if counts is None:
        shown: Any = html.P(_("too few pupils"), className="t2 sm")
    else:
        together = sum(counts.values())
        rows = [
            [attention_group_word(group), whole(counts[group]), f"{round(100 * counts[group] / together)}%"]
            for group in AttentionGroup
        ]
        shown = plain_table(_("Attention groups"), [_("Group"), _("Pupils"), _("Share")], rows)
    left_out = _("Without the pupils of classes with fewer than {number} pupils.", number=FEWEST)
    about = [html.P(left_out, className="t2 sm mt")] if counts is not None and sum(counts.values()) < pupils else []
    heading = _("Attention groups of {school}", school=school.name)
    return card(heading, [shown, *about], className="mt", id="school-groups")


PAGE = Page("schools_overview", PATH, title, layout, frame, may_see=oversees, refusal=refusal, in_menu_of=oversees)
