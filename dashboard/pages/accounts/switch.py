"""A form that switches something of the school on or off."""

from __future__ import annotations

from dashboard.text.translate import _
from dashboard.ui import addresses
from dashboard.ui.elements import html


def switch_form(end: str, about: str, state: str, on: bool) -> html.Form:
    """What it is `about`, the `state` in words, and the button that changes it; `end` is that of its address."""
    action = _("Switch off") if on else _("Switch on")
    button = html.Button(action, type="submit", name="aan", value="" if on else "ja", className="btn")
    return html.Form(
        [
            html.P(about, className="sm t2"),
            html.P(html.B(state), className="sm"),
            html.Div(button, className="acts mt"),
        ],
        action=f"{addresses.ACCOUNTS}/{end}",
        method="POST",
    )
