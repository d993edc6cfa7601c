"""The thresholds of a class, shared by its teachers: each with its default and its last change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.text.signal_words import threshold_word
from dashboard.text.translate import _, at_moment
from dashboard.text.words import class_in_sentence
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.fields import number_field
from dashboard.ui.signs import KEEP_DRAFT, card
from models.access.people import ClassRef
from models.access.viewer import Viewer
from models.classroom.class_thresholds import THRESHOLDS, Change
from models.classroom.thresholds import Threshold, Thresholds

PATH, SHOWN = f"{addresses.SIGNALS}/drempels", "getoond"


def threshold_panel(
    viewer: Viewer, class_ref: ClassRef, limits: Thresholds, changed: Sequence[Change], back: str
) -> html.Section:
    """The thresholds of a class; its teachers can change them."""
    by_name = {change.name: change for change in changed}
    rows = [_row(viewer, limit, limits[limit], by_name.get(name)) for name, limit in THRESHOLDS.items()]
    body: Any = rows
    if viewer.teaches:
        button = html.Button(
            _("Save thresholds"),
            type="submit",
            name="terug",
            value=f"{back}?klas={addresses.number(class_ref.id)}",
            className="btn pri",
        )
        fields = [*rows, html.Div(button, className="acts")]
        body = [html.Form(fields, action=_action(class_ref, limits), method="POST", **KEEP_DRAFT)]
    return card(
        _("Thresholds of {name}", name=class_in_sentence(class_ref.name)),
        [html.Details([html.Summary(_("See the thresholds"), className="btn q"), *body], className="limits")],
        _("All teachers of the class share them."),
        id=f"limits-{class_ref.id}",
    )


def _action(class_ref: ClassRef, limits: Thresholds) -> str:
    """The address of the form with the values that it shows, so that only changed values overwrite a colleague's."""
    return f"{PATH}/{class_ref.id}?{SHOWN}={','.join(str(limits[limit]) for limit in THRESHOLDS.values())}"


def _row(viewer: Viewer, limit: Threshold, value: int, change: Change | None) -> html.Div:
    words = _("Default {value}.", value=limit.default)
    if change is not None:
        moment = at_moment(change.set_us)
        words += " " + _("Set to {value} by {name}, {moment}.", value=change.value, name=change.set_by, moment=moment)
    if not viewer.teaches:
        return html.Div([html.Span(threshold_word(limit)), html.B(str(value)), html.Small(words)], className="hb")
    return number_field(threshold_word(limit), limit.name, value, (limit.lowest, limit.highest), words)
