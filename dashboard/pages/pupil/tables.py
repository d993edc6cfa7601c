"""The series as tables: every sitting with its score, band, parts and provenance."""

from __future__ import annotations

from typing import Any

from dash import dcc

from dashboard.pages.pupil.series import in_subject_order, level_state
from dashboard.text.translate import _, day_name, n_
from dashboard.text.words import short_test, subject_word
from dashboard.ui.charts import markers
from dashboard.ui.components import Popover
from dashboard.ui.elements import html
from dashboard.ui.matrix_table import value
from dashboard.ui.signs import attrs, sign
from models.classroom.timeline import MaterialSeries, PupilTimeline, Sitting


def series_tables(timeline: PupilTimeline) -> list[Any]:
    """A table per series; the first is open."""
    marks = markers(timeline.series)
    return [
        html.Header(
            [
                html.H2(_("The same numbers in a table")),
                html.P(_("Choose a number to see where it comes from."), className="noprint"),
            ]
        ),
        *(
            _twin(series, marks[series.key], index == 0)
            for index, series in enumerate(in_subject_order(timeline.series))
        ),
        *([] if timeline.series else [html.P(_("There are no scores in this period."), className="t2 sm")]),
    ]


def _twin(series: MaterialSeries, mark: str, is_open: bool) -> html.Details:
    return html.Details(
        [
            html.Summary(
                [
                    sign("chev"),
                    html.I(className=f"mark {mark}", **attrs(aria_hidden="true")),
                    html.B(subject_word(series.subject_material.subject)),
                    html.Span(series.subject_material.material, className="t2"),
                    html.Small(
                        n_("{number} measurement", "{number} measurements", len(series.sittings)), className="t3"
                    ),
                ]
            ),
            html.Div(
                html.Table(
                    [
                        html.Caption(
                            f"{subject_word(series.subject_material.subject)}, {series.subject_material.material}",
                            className="vh",
                        ),
                        html.Thead(
                            html.Tr(
                                [
                                    html.Th(_("Test date"), scope="col"),
                                    html.Th(_("Test"), scope="col"),
                                    html.Th(_("Score"), scope="col", className="n"),
                                    html.Th(_("Level according to the source"), scope="col"),
                                    html.Th(_("Parts"), scope="col"),
                                ]
                            )
                        ),
                        html.Tbody([_row(sitting) for sitting in reversed(series.sittings)]),
                    ],
                    className="ct nr stk",
                ),
                className="tw",
            ),
        ],
        className="twin",
        open=is_open,
        **attrs(data_series=series.key),
    )


def _row(sitting: Sitting) -> html.Tr:
    reading = sitting.total.reading
    marks: dict[str, Any] = {
        "data-sitting": sitting.key,
        "data-value": reading.text or "",
        "data-state": reading.missing.value if reading.missing else "",
    }
    return html.Tr(
        [
            html.Td(day_name(sitting.taken_on), **attrs(data_l=_("Test date"))),
            html.Th(short_test(sitting.name), scope="row", title=sitting.name, **attrs(data_l=_("Test"))),
            html.Td(explained(f"{sitting.key}_0", value(reading)), className="n", **attrs(data_l=_("Score"))),
            html.Td([level_state(reading), *_remarks(sitting)], **attrs(data_l=_("Level according to the source"))),
            html.Td(_to_parts(sitting), **attrs(data_l=_("Parts"))),
        ],
        **{key: text for key, text in marks.items() if text},
    )


def explained(index: str, shown: Any) -> html.Button:
    """A number that opens its provenance in the panel of `number_panel`; `index` identifies it."""
    words = html.Span(_("Where does this number come from?"), className="vh")
    return html.Button([shown, words], className="num", **attrs(data_explained=index, aria_haspopup="dialog"))


def number_panel() -> list[Any]:
    """The store with the number that was clicked, and the panel with its provenance.

    The script moves the anchor of the panel (`.numplace`) to the number. The focus goes to the answer, which may hold
    nothing to focus; Escape closes it from there.
    """
    words = _("Where does this number come from?")
    answer = html.Div(id="number-told", role="dialog", tabIndex=-1, **attrs(aria_label=words, data_autofocus="true"))
    return [
        dcc.Store(id="number-asked", storage_type="memory"),
        Popover(answer, id="number", opened=False, className="pop how"),
    ]


def _remarks(sitting: Sitting) -> list[Any]:
    words = []
    if sitting.total.derived:
        words.append(_("sum of parts"))
    if sitting.total.duplicate:
        words.append(_("possibly double"))
    if sitting.late:
        words.append(_("received later"))
    return [html.Small(f" · {word}", className="t3") for word in words]


def _to_parts(sitting: Sitting) -> Any:
    if not sitting.parts:
        return html.Span(_("none"), className="t3")
    words = n_("{number} part", "{number} parts", len(sitting.parts))
    return html.Button(
        [words, html.Span(f" · {short_test(sitting.name)}", className="vh")],
        className="btn q small",
        **attrs(data_parts=sitting.key),
    )
