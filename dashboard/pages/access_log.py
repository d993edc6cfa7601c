"""The page of the audit log: who looked at whom in a month, and of one pupil who can see them and who has looked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.auth import request
from dashboard.pages.page import Body, Page
from dashboard.text.audit_words import event_words
from dashboard.text.translate import _, at_moment, day_name, moment, month_name
from dashboard.text.words import class_in_sentence, role_word, subjects_word
from dashboard.ui import addresses
from dashboard.ui.elements import Link, html
from dashboard.ui.matrix_table import pupil_word
from dashboard.ui.plain_table import plain_table
from dashboard.ui.signs import card, note
from models.access.access_review import Access, who_can_see, whole_school_roles
from models.access.accounts import LINKED_TO_PUPIL
from models.access.audit import AuditEntry
from models.access.people import pupil_name
from models.access.viewer import Viewer
from models.results.own_subjects import Subjects, limits_of_teachers
from models.schema import clock, database

MAX_SHOWN = 500
Limits = Mapping[int, Mapping[int, Subjects]]  # by teacher and class
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Who looked")


def frame() -> Body:
    """The page without data."""
    return Body([])


def reviews_access(viewer: Viewer) -> bool:
    """For administrators and learning support."""
    return viewer.reviews_access


def refusal() -> Body:
    """The page for everybody else."""
    return _notice(_("This page is for administrators and learning support only."))


def _notice(sentence: str) -> Body:
    heading = html.Div(html.Div(html.H1(title())), className="head")
    return Body([heading, note("", "lock", html.P([html.B(sentence)]))])


def layout(viewer: Viewer, /, maand: object = None, leerling: object = None, **_query: object) -> Body:
    """The log of a month, this one by default; of a pupil where the address names one."""
    pupil_id = addresses.read_number(leerling) if isinstance(leerling, str) else None
    if pupil_id is not None:
        return _of_pupil(viewer, pupil_id)
    month = maand if isinstance(maand, str) and _MONTH.fullmatch(maand) else clock.today().isoformat()[:7]
    entries = request.context().audit.month(viewer, month, MAX_SHOWN)
    about = _("Every view, saved file and change is recorded here. Nobody can change it afterwards unnoticed.")
    return Body(
        [
            html.Div(html.Div([html.H1(title()), html.P([about, *_beside(viewer)], className="t2")]), className="head"),
            card(month_name(month).capitalize(), [_months(month), _log(entries)], id="access-log"),
        ]
    )


def _beside(viewer: Viewer) -> list[Any]:
    """The pages beside this one: how long all else is stored, for administrators, and all data about a pupil."""
    retention = [" ", Link(_("How long data is stored"), href=addresses.RETENTION)] if viewer.may_administer else []
    return [*retention, " · " if retention else " ", Link(_("All data about a pupil"), href=addresses.PUPIL_DATA)]


def _of_pupil(viewer: Viewer, pupil_id: int) -> Body:
    context = request.context()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        named = pupil_name(connection, viewer, pupil_id)
        access = who_can_see(connection, viewer, pupil_id) if named is not None else []
        limits = limits_of_teachers(connection, viewer)
        whole_school = whole_school_roles(connection, viewer)
    access += [
        Access(user.name, user.role, None, None)
        for user in context.options.users  # without a sign-in; of a demo, or on this machine
        if user.school_id == viewer.school_id and user.role in whole_school
    ]
    if named is None:
        return _notice(_("You may not see this pupil, or there is no such pupil."))
    name = pupil_word(named)
    entries = context.audit.about_pupil(viewer, pupil_id, MAX_SHOWN)
    all_data = Link(
        _("All data about {name}", name=name), href=f"{addresses.PUPIL_DATA}?leerling={addresses.number(pupil_id)}"
    )
    return Body(
        [
            html.Div(
                html.Div([html.H1(name), html.P([Link(title(), href=addresses.ACCESS_LOG), " · ", all_data])]),
                className="head",
            ),
            card(_("Who can see {name} now", name=name), [_access(access, limits)], id="can-see"),
            card(_("Who has looked"), [_log(entries)], className="mt", id="access-log"),
        ]
    )


def _months(month: str) -> html.P:
    """Links to the month before and the next."""
    year, number = int(month[:4]), int(month[5:])
    before = f"{year - (number == 1)}-{(number - 2) % 12 + 1:02}"
    after = f"{year + (number == 12)}-{number % 12 + 1:02}"
    links = [Link(month_name(item), href=f"{addresses.ACCESS_LOG}?maand={item}") for item in (before, after)]
    return html.P([links[0], " · ", links[1]], className="sm noprint")


def _access(access: Sequence[Access], limits: Limits) -> Any:
    rows = [
        [
            item.name,
            role_word(item.role),
            _reach(item, limits),
            "–" if item.until_on is None else day_name(item.until_on),
            "–" if item.since_us is None else moment(item.since_us),
        ]
        for item in access
    ]
    return plain_table(_("Who can see"), [_("Name"), _("Role"), _("By"), _("Until and including"), _("Since")], rows)


def _reach(item: Access, limits: Limits) -> str:
    """Of whom they see results, and of a subject teacher of which subjects."""
    if item.role in LINKED_TO_PUPIL:
        return _("this pupil")
    if item.class_name is None:
        return _("whole school")
    subjects = limits.get(item.teacher_id or 0, {}).get(item.class_id or 0)
    name = class_in_sentence(item.class_name)
    if subjects is None:
        return name
    return f"{name} ({subjects_word(subjects)})" if subjects else _("{name} (the name, no results)", name=name)


def _who(entry: AuditEntry) -> str:
    """The name of who did something; of a pupil or parent, whom the log does not name, what they are."""
    nameless = next((role for role in LINKED_TO_PUPIL if role.value == entry.role), None)
    return entry.user_name or (entry.user_key if nameless is None else f"{role_word(nameless)} ({entry.user_key})")


def _log(entries: Sequence[AuditEntry]) -> Any:
    if not entries:
        return html.P(_("Nobody looked."), className="t2 sm")
    rows = [[at_moment(entry.at_us), _who(entry), event_words(entry.event)] for entry in entries]
    more = [html.P(_("Only the newest {number} are shown.", number=MAX_SHOWN), className="sm t2")]
    table = plain_table(_("Who looked"), [_("When"), _("Who"), _("What")], rows)
    return html.Div([table, *(more if len(entries) == MAX_SHOWN else [])])


PAGE = Page(
    "access_log",
    addresses.ACCESS_LOG,
    title,
    layout,
    frame,
    may_see=reviews_access,
    refusal=refusal,
    in_menu_of=reviews_access,
)
