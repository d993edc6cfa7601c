"""The page of a school leader: per class how many pupils are in each attention group, and nobody by name."""

from __future__ import annotations

from typing import Any

from dashboard.auth import request
from dashboard.pages.page import Body, Page
from dashboard.text.translate import _
from dashboard.text.words import attention_group_word, class_word
from dashboard.ui.elements import html
from dashboard.ui.plain_table import plain_table
from dashboard.ui.signs import attrs, card, note
from models.access.viewer import Viewer
from models.classroom.attention import AttentionGroup
from models.classroom.school_figures import FEWEST, ClassFigures, school_figures
from models.schema import database

PATH = "/schooloverzicht"


def title(**_address: object) -> str:
    """The title of the page."""
    return _("School overview")


def frame() -> Body:
    """The page without data."""
    return Body([])


def reads_figures(viewer: Viewer) -> bool:
    """For school leaders."""
    return viewer.reads_figures


def refusal() -> Body:
    """The page for everybody else."""
    sentence = html.P([html.B(_("This page is for school leaders only."))])
    return Body([html.Div(html.Div(html.H1(title())), className="head"), note("", "lock", sentence)])


def layout(viewer: Viewer, /, **_query: object) -> Body:
    """The whole page."""
    context = request.context()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        figures = school_figures(connection, viewer, context.options.holidays)
    about = _(
        "How many pupils of each class need attention this school year, or are below, on or above the norm. A class of "
        "fewer than {number} pupils has no figures.",
        number=FEWEST,
    )
    if not viewer.reads_results:
        about += " " + _("Names and results of pupils stay with their teachers.")
    head = html.Div(
        [
            html.Div([html.H1(title()), html.P(about, className="t2")]),
            html.Div(html.Button(_("Print"), className="btn", **attrs(data_print="true")), className="acts"),
        ],
        className="head",
    )
    return Body([head, card(_("Per class"), [_table(figures)], id="school-figures")])


def _table(figures: list[ClassFigures]) -> Any:
    if not figures:
        return html.P(_("The pupil list has not come in yet."), className="t2 sm")
    heads = [_("Class"), _("Pupils"), *(attention_group_word(group) for group in AttentionGroup)]
    return plain_table(_("Per class"), heads, [_row(item) for item in figures])


def _row(figures: ClassFigures) -> list[str]:
    name, number = class_word(figures.class_ref.name), str(figures.class_ref.pupils)
    if figures.groups is None:
        return [name, number, *(_("too few pupils") for _group in AttentionGroup)]
    return [name, number, *(str(figures.groups[group]) for group in AttentionGroup)]


PAGE = Page(
    "school_overview", PATH, title, layout, frame, may_see=reads_figures, refusal=refusal, in_menu_of=reads_figures
)
