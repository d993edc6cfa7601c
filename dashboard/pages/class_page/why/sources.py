"""Explains the progress bars and the coverage line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.pages.class_page.progress_panel import shown_tests
from dashboard.pages.class_page.why.parts import Explanation, facts, pupil_list, rule, source_facts
from dashboard.pages.connections.table import last_try_word, next_try_word, source_status
from dashboard.text.translate import _, age, minutes, moment, n_, short_day
from dashboard.text.words import missing_word, short_test, subject_word
from dashboard.ui.class_view import ClassView
from dashboard.ui.elements import html
from models.access.people import PupilName
from models.ingest.freshness import SourceState
from models.results.progress import PupilProgress
from models.results.scales import Missing
from models.schema.records import Status


def explain_progress(view: ClassView, test_id: int | None) -> Explanation:
    """Which pupils finished a test, are busy or have not begun, and of which nothing is known."""
    overview = view.overview
    tests = shown_tests(overview, view.filters.subject, view.filters.material)
    test = next((test for test in tests if test.test_id == test_id), None)
    if test is None:
        return None
    everything = [progress for progress_records in overview.progress.values() for progress in progress_records]
    records = {progress.row.pupil_id: progress for progress in everything if progress.row.test_id == test_id}
    name = overview.catalogue.definitions[test.definition_id].name
    sending = {progress.row.source_id for progress in everything}
    return [
        html.H3(f"{test.subject_material.material} · {short_test(name)}"),
        rule(
            _("Of each pupil the newest progress record of this test; nothing is added up."),
            _("Whom it is for: the year groups of pupils with a progress record, as far as they take the subject."),
            _("Time is never added up across publishers."),
        ),
        facts(
            [
                (_("Counted"), _("{done} of {all} done", done=test.done, all=len(test.audience))),
                (_("Subject"), subject_word(test.subject_material.subject)),
                (_("As of"), short_day(test.taken_on)),
                (_("Time worked"), _time_words(test.worked_ms)),
                *source_facts(view, sending),
                (_("Sends no progress"), ", ".join(_silent(view, sending))),
            ]
        ),
        *_lists([pupil for pupil in overview.pupils if pupil.id in test.audience], records),
    ]


def _time_words(timed: Sequence[int]) -> str:
    if not timed:
        return ""
    mean = _("on average {time} per pupil", time=minutes(sum(timed) / len(timed)))
    return f"{mean} · " + n_("of {number} pupil", "of {number} pupils", len(timed))


def _silent(view: ClassView, sending: set[int]) -> list[str]:
    return [
        source.name
        for source in view.overview.sources
        if source.role == "publisher" and source.active and not source.stopped and source.id not in sending
    ]


def _lists(pupils: Sequence[PupilName], records: dict[int, PupilProgress]) -> list[Any]:
    groups = (
        (_("done"), Status.DONE, "done"),
        (missing_word(Missing.BUSY), Status.BUSY, "busy"),
        (missing_word(Missing.NOT_BEGUN), Status.NOT_BEGUN, "not-begun"),
    )
    lists: list[Any] = []
    for title, status, name in groups:
        rows = [
            (pupil, _made(records[pupil.id]))
            for pupil in pupils
            if pupil.id in records and records[pupil.id].status is status
        ]
        lists += pupil_list(title.capitalize(), rows, name)
    unknown = [(pupil, "") for pupil in pupils if pupil.id not in records]
    return lists + pupil_list(_("Nothing is known"), unknown, "unknown")


def _made(progress: PupilProgress) -> str:
    if progress.offered is None:
        return ""
    return _(
        "{made} of {offered} exercises",
        made=progress.made if progress.made is not None else "?",
        offered=progress.offered,
    )


# -- the sources ---------------------------------------------------------------------------------------------


def explain_coverage(view: ClassView) -> Explanation:
    """Each source of the school: state, last success, last and next attempt, records and the age of its data."""
    return [
        html.H3(_("Sources and how they deliver")),
        rule(
            _("A source delivered this week when it answered in the last seven days."),
            _("It is late when it did not, or when its last try failed."),
        ),
        *(piece for source in view.sources for piece in _source(view, source)),
    ]


def _source(view: ClassView, source: SourceState) -> list[Any]:
    rows = [
        (_("Last success"), moment(source.last_success_us) if source.last_success_us is not None else _("never")),
        (_("Last try"), last_try_word(source)),
        (_("Next try"), next_try_word(source)),
        (_("Records"), _records(view, source)),
        (_("Lag"), _lag(source)),
    ]
    return [html.H4([source.name, " ", source_status(source)]), facts(rows)]


def _lag(source: SourceState) -> str:
    """The age of the data, in words."""
    if source.last_data_us is None:
        return _("no data came in yet")
    return _("the newest data came in {age}", age=age(source.last_data_us))


def _records(view: ClassView, source: SourceState) -> str:
    """How many records of the pupils shown this source has in the period."""
    pupils = len(view.overview.pupils)
    if source.role != "publisher":
        return n_("{number} pupil", "{number} pupils", pupils)
    class_data, period = view.state.class_data, view.overview.period
    scores = sum(
        total.source_id == source.id
        for pupil in view.overview.pupils
        for total in class_data.all_totals(pupil.id, period)
    )
    progress = sum(
        record.row.source_id == source.id
        for pupil in view.overview.pupils
        for record in view.overview.progress.get(pupil.id, ())
    )
    words = n_("{number} score of the pupils shown", "{number} scores of the pupils shown", scores)
    return words + (", " + n_("{number} progress record", "{number} progress records", progress) if progress else "")
