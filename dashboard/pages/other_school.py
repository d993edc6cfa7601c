"""The page for an address of another school than the one that is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
from dash import dcc, html

from dashboard.auth import request
from dashboard.pages.shell import page
from dashboard.text.translate import _
from dashboard.ui import addresses
from dashboard.ui.signs import note
from models.access.people import school_name
from models.schema import database

Layout = Callable[..., Any]


def of_own_school(layout: Layout) -> Layout:
    """`layout`, for addresses of the viewer's own school only: pupil 12 of another school is another pupil."""

    def shown(**asked: object) -> Any:
        if flask.has_request_context() and request.viewer() is not None and addresses.names_other_school(asked):
            return elsewhere()
        return layout(**asked)

    return shown


def elsewhere() -> list[Any]:
    """That the address is of another school, who looks now, and the way on."""
    viewer = request.viewer()
    assert viewer is not None
    with database.read_transaction(request.context().engine) as connection:
        school = school_name(connection, viewer)
    who = _("You look as {name} of {school}.", name=viewer.name, school=school or _("another school"))
    return page(
        "",
        [
            html.Div(html.Div(html.H1(_("This address is of another school"))), className="head"),
            note(
                "",
                "lock",
                html.P(
                    [
                        html.B(who),
                        " ",
                        _("The same number is another pupil or class there, so nothing is shown here."),
                        " ",
                        dcc.Link(_("To the classes"), href="/groep"),
                    ]
                ),
            ),
        ],
    )
