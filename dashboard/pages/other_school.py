"""The page for an address of another school than the viewer's."""

from __future__ import annotations

from dashboard.auth import request
from dashboard.pages.page import Body
from dashboard.text.translate import _
from dashboard.ui import addresses
from dashboard.ui.elements import Link, html
from dashboard.ui.signs import note
from models.access.people import school_name
from models.access.viewer import Viewer
from models.schema import database


def body(viewer: Viewer) -> Body:
    """That the address is of another school, which school the viewer is at, and the way on."""
    with database.read_transaction(request.context().engine) as connection:
        school = school_name(connection, viewer)
    who = _("You are viewing as {name} of {school}.", name=viewer.name, school=school or _("another school"))
    return Body(
        [
            html.Div(html.Div(html.H1(_("This address belongs to another school"))), className="head"),
            note(
                "",
                "lock",
                html.P(
                    [
                        html.B(who),
                        " ",
                        _("The same number is another pupil or class there, so nothing is shown here."),
                        " ",
                        Link(_("To your start page"), href=addresses.HOME),
                    ]
                ),
            ),
        ],
    )
