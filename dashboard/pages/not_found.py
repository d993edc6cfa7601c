"""The page for an address that is not there."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from dashboard.pages.shell import page
from dashboard.text.translate import _
from dashboard.ui import addresses
from dashboard.ui.signs import note


def layout(**_parts: object) -> list[Any]:
    """A sentence and the way back."""
    return page(
        "",
        [
            html.Div(html.Div(html.H1(_("There is no such page"))), className="head"),
            note(
                "",
                "search",
                html.P(
                    [
                        _("The address is not right or has changed."),
                        " ",
                        dcc.Link(_("To the classes"), href=addresses.CLASSES),
                    ]
                ),
            ),
        ],
    )
