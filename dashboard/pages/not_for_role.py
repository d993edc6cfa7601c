"""The page for who may not see it by their role: what the role is for, and who can show what is asked."""

from __future__ import annotations

from dashboard.pages.page import Body
from dashboard.text.translate import _
from dashboard.ui import addresses
from dashboard.ui.elements import Link, html
from dashboard.ui.signs import note
from models.access.viewer import Role


def body(role: Role) -> Body:
    """What a page with results of pupils is to a role that sees none."""
    purpose, who = _sentences(role)
    words = [html.B(purpose), " ", who, " ", Link(_("To your start page"), href=addresses.HOME)]
    heading = html.Div(html.Div(html.H1(_("This is not part of your role"))), className="head")
    return Body([heading, note("", "lock", html.P(words))])


def _sentences(role: Role) -> tuple[str, str]:
    """What a role is for, and who can show more."""
    if role is Role.VENDOR:
        return (
            _("You are a vendor: you test a connection with made-up pupils, and see nothing of a school."),
            _("Schools see their own results."),
        )
    if role in (Role.PUPIL, Role.PARENT):
        return (
            _("You see the page with your own results, or those of your child."),
            _("A teacher can tell you more."),
        )
    if role is Role.LEADER:
        return (
            _("You are a school leader: you see figures per class, and neither names nor results of pupils."),
            _("A teacher of the class or learning support can show them; an administrator can let leaders read them."),
        )
    if role is Role.BOARD:
        return (
            _("You are of the board: you see figures per school, and neither names nor results of pupils."),
            _("The school can show more."),
        )
    return (
        _("You are an administrator: you see to connections, accounts and pupil lists, and see no results of pupils."),
        _("A teacher of the class or learning support can show them."),
    )
