"""The due dates of tests of a class, set by its teachers."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from dashboard.text.translate import _, day_name
from dashboard.text.words import class_in_sentence, short_test, subject_word, years_word
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.fields import text_field
from dashboard.ui.markup import block
from dashboard.ui.signs import KEEP_DRAFT, card
from models.access.people import ClassRef
from models.access.viewer import Viewer
from models.classroom.class_state import ClassState
from models.classroom.signals import DueDate
from models.results.subject_materials import SubjectMaterial

PATH = f"{addresses.SIGNALS}/datum"
MAX_TESTS = 40


def due_panel(viewer: Viewer, class_ref: ClassRef, state: ClassState, back: str) -> html.Section:
    """The due dates of a class, with a form for its teachers."""
    names = test_names(state, class_ref.id)
    rows = [
        _row(viewer, due, names.get(due.test_id) or _words(due.subject_material, due.test), back)
        for due in state.due_dates
        if due.class_id == class_ref.id
    ]
    empty = [] if rows else [html.P(_("No date is agreed. No source sends any."), className="t2 sm")]
    form = [_form(class_ref.id, names, back)] if viewer.teaches and names else []
    return card(
        _("Dates of {name}", name=class_in_sentence(class_ref.name)),
        [*empty, block(html.Ul(rows, className="ls")) if rows else None, *form],
        id=f"due-{class_ref.id}",
    )


def test_names(state: ClassState, class_id: int) -> dict[int, str]:
    """The tests of a class by id, newest first: material, name, and the year groups if not all of the class."""
    class_data = state.class_data
    members = class_data.of_class(class_id)
    newest: dict[int, tuple[str, str]] = {}
    years: dict[int, set[str | None]] = defaultdict(set)
    for member in members:
        tests = [
            (scored_test.test_id, scored_test.definition_id, scored_test.subject_material, scored_test.taken_on)
            for scored_tests in class_data.totals.get(member.id, {}).values()
            for scored_test in scored_tests
        ]
        tests += [
            (progress.row.test_id, progress.row.definition_id, progress.subject_material, progress.row.taken_on)
            for progress in class_data.progress.get(member.id, ())
        ]
        for test_id, definition_id, subject_material, day in tests:
            name = class_data.catalogue.definitions[definition_id].name
            years[test_id].add(member.year_group)
            if day > newest.get(test_id, ("", ""))[0]:
                newest[test_id] = (day, _words(subject_material, name))
    ordered = sorted(newest.items(), key=lambda item: (item[1][0], item[0]), reverse=True)
    of_class = {member.year_group for member in members}
    return {
        test_id: words if years[test_id] >= of_class else f"{words} · {years_word(years[test_id])}"
        for test_id, (_day, words) in ordered[:MAX_TESTS]
    }


def _words(subject_material: SubjectMaterial, test: str) -> str:
    return f"{subject_word(subject_material.subject)} · {subject_material.material} · {short_test(test)}"


def _row(viewer: Viewer, due: DueDate, words: str, back: str) -> html.Li:
    stop = html.Form(
        html.Button(_("Remove the date"), type="submit", name="toets", value=f"{due.test_id} weg {back}",
                    className="btn q small"),
        action=f"{PATH}/{due.class_id}",
        method="POST",
    )  # fmt: skip
    who = _("set by {name}", name=due.set_by)
    return html.Li(
        [
            words,
            ": ",
            html.B(day_name(due.due_on)),
            html.Small(f" {who}", className="t3"),
            stop if viewer.teaches else None,
        ]
    )


def _form(class_id: int, names: dict[int, str], back: str) -> Any:
    return html.Details(
        [
            html.Summary(_("Agree a date"), className="btn q"),
            html.Form(
                [
                    html.Label(_("Test"), htmlFor=f"due-test-{class_id}", className="lab"),
                    block(html.Select(
                        [html.Option(words, value=f"{test_id} zet {back}") for test_id, words in names.items()],
                        name="toets", id=f"due-test-{class_id}", className="native",
                    )),
                    text_field(_("Finish by"), "dag", required=True, placeholder=_("dd-mm-yyyy")),
                    html.Button(_("Save date"), type="submit", className="btn pri"),
                ],
                action=f"{PATH}/{class_id}",
                method="POST",
                className="form",
                **KEEP_DRAFT,
            ),
        ],
        className="fold_",
    )  # fmt: skip
