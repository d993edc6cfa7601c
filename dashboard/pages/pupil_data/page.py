"""The page for the rights of a pupil: choose one, save everything that is stored about them, or have it erased.

Learning support saves, for it may read all of that already; an administrator has it erased, by number and name.
"""

from __future__ import annotations

from typing import Any

from dashboard.auth import request
from dashboard.pages.page import Body, Page
from dashboard.pages.pupil_data.actions import count_form, file_href
from dashboard.text.translate import _
from dashboard.ui import addresses
from dashboard.ui.class_links import WITHOUT, class_links, read_class
from dashboard.ui.elements import Link, html
from dashboard.ui.matrix_table import pupil_word
from dashboard.ui.signs import card, note, sign
from models.access.people import PupilName, classes_by_name, names_in_class, pupil_name
from models.access.viewer import Viewer
from models.schema import database


def title(**_address: object) -> str:
    """The title of the page."""
    return _("All data about a pupil")


def frame() -> Body:
    """The page without data."""
    return Body([])


def gives_or_erases(viewer: Viewer) -> bool:
    """For learning support and administrators."""
    return viewer.gives_pupil_files or viewer.may_administer


def refusal() -> Body:
    """The page for everybody else."""
    sentence = html.P([html.B(_("This page is for administrators and learning support only."))])
    return Body([html.Div(html.Div(html.H1(title())), className="head"), note("", "lock", sentence)])


def layout(viewer: Viewer, /, klas: object = None, leerling: object = None, **_query: object) -> Body:
    """A pupil where the address names one, else the choice: first the class, then the pupil."""
    with database.read_transaction(request.context().engine, viewer.school_id) as connection:
        pupil_id = addresses.read_number(leerling)
        chosen = None if pupil_id is None else pupil_name(connection, viewer, pupil_id)
        if chosen is not None:
            return _of_pupil(viewer, chosen)
        classes = classes_by_name(connection, viewer)
        class_ref = read_class(klas, classes)
        without = klas == WITHOUT
        pupils = []
        if class_ref is not None or without:
            pupils = names_in_class(connection, viewer, None if class_ref is None else class_ref.id)
    value = WITHOUT if without else "" if class_ref is None else addresses.number(class_ref.id)
    about = _(
        "A pupil, or their parents, may ask the school for everything that is stored about the pupil, and for its "
        "erasure. Learning support saves the file; an administrator has the data erased."
    )
    missing = [note("", "search", html.P(_("You may not see this pupil, or there is no such pupil.")))]
    choice = [
        html.P(_("Choose a class first."), className="sm t2"),
        class_links(classes, value, lambda number: f"{addresses.PUPIL_DATA}?klas={number}", without=True),
        *([_names(pupils)] if value else []),
    ]
    return Body(
        [
            _head(title(), about),
            *(missing if leerling is not None else []),
            card(_("Whose data"), choice, id="whose-data"),
        ]
    )


def _head(heading: str, about: str, back: bool = False) -> html.Div:
    link = [Link([sign("back"), title()], href=addresses.PUPIL_DATA, className="back")] if back else []
    return html.Div(html.Div([*link, html.H1(heading), html.P(about, className="t2")]), className="head")


def _names(pupils: list[PupilName]) -> Any:
    if not pupils:
        return html.P(_("There is no pupil here."), className="sm t2 mt")
    links = [
        html.Li(Link(pupil_word(pupil), href=f"{addresses.PUPIL_DATA}?leerling={addresses.number(pupil.id)}"))
        for pupil in pupils
    ]
    return html.Ul(links, className="ls mt", id="pupils")


def _of_pupil(viewer: Viewer, pupil: PupilName) -> Body:
    name = pupil_word(pupil)
    number = _("Number {number} in Rondblik", number=pupil.id)
    cards = [_give(pupil.id)] if viewer.gives_pupil_files else [_erase(pupil.id)]
    return Body([_head(name, number, back=True), *cards])


def _give(pupil_id: int) -> html.Section:
    """The two files."""
    about = _(
        "Results with their earlier values, classes, goals, all notes, settled signals, links and accounts. Judge what "
        "the school leaves out before you give the file to anybody, such as a note about somebody else. That you saved "
        "it is recorded."
    )
    links = [
        html.A(words, href=file_href(pupil_id, kind), className="btn pri" if kind == "html" else "btn")
        for kind, words in (("html", _("Save as a page to read")), ("json", _("Save as JSON, for programs")))
    ]
    other = _("An administrator of the school can have the data erased.")
    return card(
        _("Save everything that is stored"),
        [html.P(about), html.Div(links, className="acts mt"), html.P(other, className="sm t2 mt")],
        id="give",
    )


def _erase(pupil_id: int) -> html.Section:
    """What erasing is, and the button that counts what it would delete."""
    about = _(
        "Erasing deletes all results, notes, goals and identifiers of the pupil, and keeps what is still sent about "
        "them out from then on. It cannot be undone. First you see how much it is; nothing is erased yet."
    )
    other = _("Learning support can save everything that is stored for the pupil or the parents.")
    return card(
        _("Erase"),
        [html.P(about), html.Div(count_form(pupil_id), className="acts mt"), html.P(other, className="sm t2 mt")],
        id="erase",
    )


PAGE = Page(
    "pupil_data",
    addresses.PUPIL_DATA,
    title,
    layout,
    frame,
    may_see=gives_or_erases,
    refusal=refusal,
    section="access_log",
)
