"""Where the bars of progress and the line over the sources come from."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.pages.class_page.progress_panel import shown_tests
from dashboard.pages.class_page.why.parts import Told, facts, pupil_list, rule, source_facts
from dashboard.pages.couplings.table import last_try_word, next_try_word, source_status
from dashboard.text.translate import _, age, minutes, moment, n_, short_day
from dashboard.text.words import missing_word, subject_word
from dashboard.ui.class_view import ClassView
from models.access.people import PupilName
from models.ingest.freshness import SourceState
from models.results.progress import PupilProgress
from models.results.scales import Missing
from models.schema.records import Status


def explain_progress(view: ClassView, test_id: int | None) -> Told:
    """Who is done with a test, who is busy, who has not begun, and of whom nothing is known."""
    overview = view.overview
    tests = shown_tests(overview, view.filters.subject, view.filters.material)
    test = next((one for one in tests if one.test_id == test_id), None)
    if test is None:
        return None
    everything = [one for several in overview.progress.values() for one in several]
    records = {one.row.pupil_id: one for one in everything if one.row.test_id == test_id}
    name = overview.catalogue.definitions[test.definition_id].name
    timed = [one.worked_ms for one in records.values() if one.worked_ms is not None]
    sending = {one.row.source_id for one in everything}
    return [
        html.H3(f"{test.subject_material.material} · {name}"),
        rule(
            _("Of each pupil the newest progress record of this test; nothing is summed."),
            _("Time is never summed over publishers."),
        ),
        facts(
            [
                (_("Counted"), _("{done} of {all} done", done=test.done, all=len(overview.pupils))),
                (_("Subject"), subject_word(test.subject_material.subject)),
                (_("As of"), short_day(test.taken_on)),
                (_("Time worked"), _time_words(timed)),
                *source_facts(view, sending),
                (_("Sends no progress"), ", ".join(_silent(view, sending))),
            ]
        ),
        *_lists(overview.pupils, records),
    ]


def _time_words(timed: list[int]) -> str:
    if not timed:
        return ""
    mean = _("on average {time} per pupil", time=minutes(sum(timed) / len(timed)))
    return f"{mean} · " + n_("of {number} pupil", "of {number} pupils", len(timed))


def _silent(view: ClassView, sending: set[int]) -> list[str]:
    return [
        one.name
        for one in view.overview.sources
        if one.role == "publisher" and one.active and not one.stopped and one.id not in sending
    ]


def _lists(pupils: tuple[PupilName, ...], records: dict[int, PupilProgress]) -> list[Any]:
    groups = (
        (_("done"), Status.DONE, "done"),
        (missing_word(Missing.BUSY), Status.BUSY, "busy"),
        (missing_word(Missing.NOT_BEGUN), Status.NOT_BEGUN, "not-begun"),
    )
    found: list[Any] = []
    for title, status, name in groups:
        rows = [
            (one, _made(records[one.id])) for one in pupils if one.id in records and records[one.id].status is status
        ]
        found += pupil_list(title.capitalize(), rows, name)
    unknown = [(one, "") for one in pupils if one.id not in records]
    return found + pupil_list(_("Nothing is known"), unknown, "unknown")


def _made(one: PupilProgress) -> str:
    if one.offered is None:
        return ""
    return _("{made} of {offered} exercises", made=one.made if one.made is not None else "?", offered=one.offered)


# -- the sources ---------------------------------------------------------------------------------------------


def explain_coverage(view: ClassView) -> Told:
    """Each source of the school: how it goes, last success, last and next try, records, and how old its data are."""
    return [
        html.H3(_("Sources and how they deliver")),
        rule(
            _("A source delivered this week when it answered in the last seven days."),
            _("It is late when it did not, or when its last try failed."),
        ),
        *(piece for one in view.overview.sources for piece in _source(view, one)),
    ]


def _source(view: ClassView, one: SourceState) -> list[Any]:
    rows = [
        (_("Last success"), moment(one.last_success_us) if one.last_success_us is not None else _("never")),
        (_("Last try"), last_try_word(one)),
        (_("Next try"), next_try_word(one)),
        (_("Records"), _records(view, one)),
        (_("Lag"), _lag(one)),
    ]
    return [html.H4([one.name, " ", source_status(one)]), facts(rows)]


def _lag(one: SourceState) -> str:
    """How old the data are, in words."""
    if one.last_data_us is None:
        return _("no data came in yet")
    return _("the newest data came in {age}", age=age(one.last_data_us))


def _records(view: ClassView, one: SourceState) -> str:
    """How much of the pupils shown is there of this source in the period."""
    pupils = len(view.overview.pupils)
    if one.role != "publisher":
        return n_("{number} pupil", "{number} pupils", pupils)
    seen, period = view.state.class_data, view.overview.period
    scores = sum(
        total.source_id == one.id for pupil in view.overview.pupils for total in seen.all_totals(pupil.id, period)
    )
    progress = sum(
        record.row.source_id == one.id
        for pupil in view.overview.pupils
        for record in view.overview.progress.get(pupil.id, ())
    )
    words = n_("{number} score of the pupils shown", "{number} scores of the pupils shown", scores)
    return words + (", " + n_("{number} progress record", "{number} progress records", progress) if progress else "")
