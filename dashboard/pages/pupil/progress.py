"""The progress of a pupil, for the sources that send it: status, exercises and time, never summed over sources."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dashboard.text.translate import _, minutes, n_, short_day
from dashboard.text.words import MISSING_SIGNS, missing_word, short_test
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, sign, state
from models.classroom.timeline import PupilTimeline
from models.results.progress import PupilProgress
from models.results.scales import Missing
from models.results.subject_materials import SubjectMaterial
from models.schema.collation import collation_key
from models.schema.records import Status

_SIGNS = {Status.NOT_BEGUN: "notbegun", Status.BUSY: "busy", Status.DONE: "check"}


def pupil_progress(timeline: PupilTimeline, of_class: Collection[SubjectMaterial]) -> list[Any]:
    """The newest progress of each test, newest first; for other materials whether their source sends progress.

    `of_class`: the materials with progress in the classes of the pupil.
    """
    ordered = sorted(
        timeline.progress, key=lambda progress: (progress.row.taken_on, progress.row.test_id), reverse=True
    )
    with_progress = {_material(progress.subject_material) for progress in ordered}
    sending = with_progress | {_material(subject_material) for subject_material in of_class}
    subject_materials = {series.subject_material for series in timeline.series}
    names = timeline.catalogue.material_names(subject_materials)
    without = {
        names[subject_material]: _material(subject_material) in sending
        for subject_material in subject_materials
        if _material(subject_material) not in with_progress
    }
    states = {True: Missing.NOT_SET, False: Missing.NOT_DELIVERED}
    words = [
        html.P(
            [sign(MISSING_SIGNS[states[sends]]), " ", html.B(name), ": ", missing_word(states[sends])],
            className="sm t2",
        )
        for name, sends in sorted(without.items(), key=lambda item: collation_key(item[0]))
    ]
    return [
        html.Header([html.H2(_("Progress and time"))]),
        *(progress_record(timeline, progress) for progress in ordered),
        *words,
    ]


def _material(subject_material: SubjectMaterial) -> tuple[str, int]:
    return subject_material.material, subject_material.source_id


def progress_record(timeline: PupilTimeline, progress: PupilProgress) -> html.Div:
    """What one test states: status, exercises, time, and on which day that was so."""
    name = timeline.catalogue.definitions[progress.row.definition_id].name
    status = {Status.NOT_BEGUN: _("not begun"), Status.BUSY: _("in progress"), Status.DONE: _("done")}[progress.status]
    facts = [
        _(
            "{made} of {offered} exercises",
            made=progress.made if progress.made is not None else "?",
            offered=progress.offered,
        )
        if progress.offered is not None
        else "",
        n_("{number} right", "{number} right", progress.correct) if progress.correct is not None else "",
        minutes(progress.worked_ms)
        if progress.worked_ms is not None and not (progress.status is Status.NOT_BEGUN and progress.worked_ms == 0)
        else "",
        _("as of {day}", day=short_day(progress.row.taken_on)),
    ]
    share = 100 * (progress.made or 0) / progress.offered if progress.offered else None
    track = [html.Span(html.I(style={"width": f"{share:.0f}%"}), className="tr")] if share is not None else []
    return html.Div(
        [
            html.Span(f"{progress.subject_material.material} · {short_test(name)}", title=name),
            state("no", _SIGNS[progress.status], status),
            *track,
            html.Small(" · ".join(fact for fact in facts if fact)),
        ],
        className="hb",
        **attrs(
            data_progress=str(progress.row.test_id),
            data_worked=str(progress.worked_ms) if progress.worked_ms is not None else None,
        ),
    )
