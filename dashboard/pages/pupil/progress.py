"""What a pupil worked through, for the sources that send it: status, exercises, time; never summed over sources."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dash import html

from dashboard.text.translate import _, minutes, n_, short_day
from dashboard.text.words import MISSING_SIGNS, missing_word
from dashboard.ui.signs import attrs, sign, state
from models.classroom.timeline import PupilTimeline
from models.results.progress import PupilProgress
from models.results.scales import Missing
from models.results.subject_materials import SubjectMaterial
from models.schema.records import Status

_SIGNS = {Status.NOT_BEGUN: "notbegun", Status.BUSY: "busy", Status.DONE: "check"}


def pupil_progress(timeline: PupilTimeline, of_class: Collection[SubjectMaterial]) -> list[Any]:
    """The newest record of each test, newest first; of the other materials whether their source sends any.

    `of_class`: what the sources send progress of for the classes of the pupil.
    """
    ordered = sorted(timeline.progress, key=lambda one: (one.row.taken_on, one.row.test_id), reverse=True)
    own = {_material(one.subject_material) for one in ordered}
    sending = own | {_material(one) for one in of_class}
    fields = {lane.subject_material for lane in timeline.series}
    names = timeline.catalogue.material_names(fields)
    without = {names[one]: _material(one) in sending for one in fields if _material(one) not in own}
    states = {True: Missing.NOT_SET, False: Missing.NOT_DELIVERED}
    words = [
        html.P(
            [sign(MISSING_SIGNS[states[sends]]), " ", html.B(name), ": ", missing_word(states[sends])],
            className="sm t2",
        )
        for name, sends in sorted(without.items())
    ]
    return [html.Header([html.H2(_("Progress and time"))]), *(_record(timeline, one) for one in ordered), *words]


def _material(field: SubjectMaterial) -> tuple[str, int]:
    return field.material, field.source_id


def _record(timeline: PupilTimeline, one: PupilProgress) -> html.Div:
    name = timeline.catalogue.definitions[one.row.definition_id].name
    status = {Status.NOT_BEGUN: _("not begun"), Status.BUSY: _("in progress"), Status.DONE: _("done")}[one.status]
    facts = [
        _("{made} of {offered} exercises", made=one.made if one.made is not None else "?", offered=one.offered)
        if one.offered is not None
        else "",
        n_("{number} right", "{number} right", one.correct) if one.correct is not None else "",
        minutes(one.worked_ms) if one.worked_ms is not None else "",
        _("as of {day}", day=short_day(one.row.taken_on)),
    ]
    share = 100 * (one.made or 0) / one.offered if one.offered else None
    track = [html.Span(html.I(style={"width": f"{share:.0f}%"}), className="tr")] if share is not None else []
    return html.Div(
        [
            html.Span(f"{one.subject_material.material} · {name}"),
            state("no", _SIGNS[one.status], status),
            *track,
            html.Small(" · ".join(fact for fact in facts if fact)),
        ],
        className="hb",
        **attrs(
            data_progress=str(one.row.test_id),
            data_worked=str(one.worked_ms) if one.worked_ms is not None else None,
        ),
    )
