"""How far a class is per material, for the sources that send it."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.text.translate import _, minutes, n_, short_day
from dashboard.ui.signs import attrs, num, sign
from models.classroom.class_overview import ClassOverview
from models.results.progress import TestProgress, class_progress
from models.results.subject_materials import matches

TESTS_PER_MATERIAL = 2


def progress_panel(overview: ClassOverview, subject: str | None, material: str | None) -> html.Section:
    """The newest tests of each material that sends progress; the others are named."""
    chosen = shown_tests(overview, subject, material)
    names = overview.catalogue.material_names({one.subject_material for one in chosen})
    bars = [_bar(overview, one, names[one.subject_material]) for one in chosen]
    return html.Section(
        [
            html.Header(
                [
                    html.H2(_("Progress per material")),
                    html.P(_("Dark is done, light is in progress. Time is never summed over publishers.")),
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
    for one in class_progress(overview.progress, len(overview.pupils)):
        several = chosen.setdefault((one.subject_material.material, one.subject_material.source_id), [])
        if matches(one.subject_material, subject, material) and len(several) < TESTS_PER_MATERIAL:
            several.append(one)
    return [one for several in chosen.values() for one in several]


def _bar(overview: ClassOverview, one: TestProgress, material: str) -> html.Div:
    everyone = len(overview.pupils)
    name = overview.catalogue.definitions[one.definition_id].name
    if overview.part is not None:
        name = f"{name} · {overview.part}"
    words = [
        n_("{number} in progress", "{number} in progress", one.busy) if one.busy else "",
        n_("{number} not begun", "{number} not begun", one.not_begun) if one.not_begun else "",
        n_("of {number} pupil nothing is known", "of {number} pupils nothing is known", one.without)
        if one.without
        else "",
        _("on average {time} per pupil", time=minutes(sum(one.worked_ms) / len(one.worked_ms)))
        if one.worked_ms
        else "",
        _("as of {day}", day=short_day(one.taken_on)),
    ]
    return html.Div(
        [
            html.Span(f"{material} · {name}"),
            num("progress", html.B(_("{done} of {all} done", done=one.done, all=everyone)), name),
            html.Span([_track(one.done, everyone), _track(one.busy, everyone)], className="tr"),
            html.Small(" · ".join(word for word in words if word)),
        ],
        className="hb",
        **attrs(data_progress=str(one.test_id), data_done=str(one.done), data_busy=str(one.busy)),
    )


def _track(part: int, whole: int) -> html.I:
    return html.I(style={"width": f"{100 * part / whole if whole else 0:.1f}%"})


def _silent(overview: ClassOverview, subject: str | None, material: str | None) -> list[Any]:
    """The materials whose source sends no progress of them."""
    of_classes = {field for one in overview.pupils for field in overview.delivered[one.id].progress}
    sending = {(one.material, one.source_id) for one in of_classes}
    fields = [one for one in overview.subject_materials if matches(one, subject, material)]
    called = overview.catalogue.material_names(fields)
    names = sorted({called[one] for one in fields if (one.material, one.source_id) not in sending})
    if not names:
        return []
    return [
        html.P(
            [sign("nodeliver"), " ", html.B(", ".join(names)), ": ", _("source does not deliver this")],
            className="sm t2 silent",
        )
    ]
