"""The progress of a class per material, for the sources that send progress."""

from __future__ import annotations

from typing import Any

from dashboard.text.translate import _, minutes, n_, short_day
from dashboard.text.words import part_word, short_test
from dashboard.ui.audiences import audience_of_test, years_of_audience
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, num, sign
from models.classroom.class_overview import ClassOverview
from models.results.progress import TestProgress, class_progress
from models.results.subject_materials import matches
from models.schema.collation import collation_key

TESTS_PER_MATERIAL = 2


def progress_panel(overview: ClassOverview, subject: str | None, material: str | None) -> html.Section:
    """The progress panel: the newest tests of each material that sends progress, and the names of the others."""
    chosen = shown_tests(overview, subject, material)
    names = overview.catalogue.material_names({progress.subject_material for progress in chosen})
    bars = [_bar(overview, progress, names[progress.subject_material]) for progress in chosen]
    return html.Section(
        [
            html.Header(
                [
                    html.H2(_("Progress per material")),
                    html.P(_("Dark is done, light is in progress. Time is never added up across publishers.")),
                ]
            ),
            *([html.Div(bars, className="p3")] if bars else []),
            *_silent(overview, subject, material),
        ],
        className="card mt",
        id="progress",
    )


def shown_tests(overview: ClassOverview, subject: str | None, material: str | None) -> list[TestProgress]:
    """The newest tests of each material that sends progress."""
    chosen: dict[tuple[str, int], list[TestProgress]] = {}
    for progress in class_progress(overview.progress, audience_of_test(overview)):
        tests = chosen.setdefault((progress.subject_material.material, progress.subject_material.source_id), [])
        if matches(progress.subject_material, subject, material) and len(tests) < TESTS_PER_MATERIAL:
            tests.append(progress)
    return [progress for progress_records in chosen.values() for progress in progress_records]


def _bar(overview: ClassOverview, progress: TestProgress, material: str) -> html.Div:
    everyone, years = len(progress.audience), years_of_audience(overview, progress.audience)
    full_name = overview.catalogue.definitions[progress.definition_id].name
    name = short_test(full_name)
    if overview.part is not None:
        name = f"{name} · {part_word(overview.part)}"
    words = [
        n_("{number} in progress", "{number} in progress", progress.busy) if progress.busy else "",
        n_("{number} not begun", "{number} not begun", progress.not_begun) if progress.not_begun else "",
        n_("nothing is known of {number} pupil", "nothing is known of {number} pupils", progress.without)
        if progress.without
        else "",
        _("on average {time} per pupil", time=minutes(sum(progress.worked_ms) / len(progress.worked_ms)))
        if progress.worked_ms
        else "",
        _("as of {day}", day=short_day(progress.taken_on)),
    ]
    return html.Div(
        [
            html.Span(" · ".join(filter(None, (material, name, years))), title=full_name),
            num("progress", html.B(_("{done} of {all} done", done=progress.done, all=everyone)), name),
            html.Span([_track(progress.done, everyone), _track(progress.busy, everyone)], className="tr"),
            html.Small(" · ".join(word for word in words if word)),
        ],
        className="hb",
        **attrs(data_progress=str(progress.test_id), data_done=str(progress.done), data_busy=str(progress.busy)),
    )


def _track(part: int, whole: int) -> html.I:
    return html.I(style={"width": f"{100 * part / whole if whole else 0:.1f}%"})


def _silent(overview: ClassOverview, subject: str | None, material: str | None) -> list[Any]:
    """The materials whose source sends no progress."""
    of_classes = {
        subject_material for pupil in overview.pupils for subject_material in overview.delivered[pupil.id].progress
    }
    sending = {(subject_material.material, subject_material.source_id) for subject_material in of_classes}
    subject_materials = [
        subject_material
        for subject_material in overview.subject_materials
        if matches(subject_material, subject, material)
    ]
    called = overview.catalogue.material_names(subject_materials)
    names = sorted(
        {
            called[subject_material]
            for subject_material in subject_materials
            if (subject_material.material, subject_material.source_id) not in sending
        },
        key=collation_key,
    )
    if not names:
        return []
    return [
        html.P(
            [sign("nodeliver"), " ", html.B(", ".join(names)), ": ", _("source does not deliver this")],
            className="sm t2 silent",
        )
    ]
