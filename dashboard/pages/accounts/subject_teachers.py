"""The panel about subject teachers: whether the school has them, who they are, and which subjects they see."""

from __future__ import annotations

from typing import Any

from dashboard.pages.accounts.switch import switch_form
from dashboard.text.translate import _, n_
from dashboard.text.words import class_in_sentence, subject_word, subjects_word
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.fields import select_field
from dashboard.ui.plain_table import plain_table
from dashboard.ui.signs import card, hidden, note, state
from models.results.own_subjects import SubjectTeacher
from models.results.subjects import SUBJECTS


def subject_teachers_card(marked: bool, found: list[SubjectTeacher]) -> html.Section:
    """The panel; a subject teacher without a known subject comes first."""
    ordered = sorted(found, key=lambda teacher: not teacher.lacks)
    return card(
        _("Subject teachers"),
        [_mark(marked), *_lacking(found), _table(ordered), *([_form(ordered)] if found else [])],
        className="mt",
        id="subject-teachers",
    )


def _mark(marked: bool) -> html.Form:
    """Whether teachers have a subject at this school, and the button that changes it."""
    about = _(
        "A subject teacher sees the results of the own subjects alone; as mentor or class teacher of a class, all of "
        "that class. The pupil list says who is one (VAK, or a description such as docent wiskunde). In secondary "
        "schools it often does not: switch this on there, and everybody is one whom the pupil list does not call "
        "mentor or class teacher. Whoever has the role of mentor in the list of accounts sees classes whole."
    )
    on = _("All teachers of this school are subject teachers, unless the pupil list says mentor or class teacher.")
    off = _("Only whom the pupil list calls so is a subject teacher.")
    return switch_form("vakschool", about, on if marked else off, marked)


def _lacking(found: list[SubjectTeacher]) -> list[Any]:
    """How many see names and no results until somebody sets their subject."""
    number = sum(teacher.lacks for teacher in found)
    if not number:
        return []
    words = n_(
        "Of {number} teacher no subject is known: they see their pupils by name, and no results. Set it below.",
        "Of {number} teachers no subject is known: they see their pupils by name, and no results. Set it below.",
        number,
    )
    return [html.Div(note("wa", "lock", html.P(words)), className="mt")]


def _table(found: list[SubjectTeacher]) -> Any:
    if not found:
        return html.P(_("Nobody is a subject teacher now."), className="t2 sm")
    heads = [_("Name"), _("Classes"), _("Subjects by the pupil list"), _("Subjects set here")]
    return plain_table(_("Subject teachers"), heads, [_row(teacher) for teacher in found])


def _row(teacher: SubjectTeacher) -> list[Any]:
    classes = ", ".join(class_in_sentence(name) for name in teacher.classes)
    given = [_removal(teacher, subject) for subject in SUBJECTS if subject in teacher.given]
    missing = [state("wa", "lock", _("no subject known"))] if teacher.lacks else []
    return [teacher.name, classes, subjects_word(teacher.by_roster) or "–", html.Div([*given, *missing] or "–")]


def _removal(teacher: SubjectTeacher, subject: str) -> html.Form:
    """A subject that was set, with the button that takes it back."""
    words = [_("Remove"), hidden(f" {subject_word(subject)}, {teacher.name}")]
    button = html.Button(words, type="submit", name="weg", value=f"{teacher.id} {subject}", className="btn q small")
    return html.Form(
        [subject_word(subject), " ", button],
        action=f"{addresses.ACCOUNTS}/vak/weg",
        method="POST",
    )


def _form(found: list[SubjectTeacher]) -> html.Details:
    people = [html.Option(teacher.name, value=str(teacher.id)) for teacher in found]
    ordered = sorted(SUBJECTS, key=subject_word)
    subjects = [html.Option(subject_word(subject), value=subject) for subject in ordered]
    return html.Details(
        [
            html.Summary(_("Set a subject"), className="btn q"),
            html.Form(
                [
                    *select_field(_("Teacher"), "leraar", "subject-teacher", people),
                    *select_field(_("Subject"), "vak", "taught-subject", subjects),
                    html.Button(_("Save"), type="submit", className="btn pri"),
                ],
                action=f"{addresses.ACCOUNTS}/vak",
                method="POST",
                className="form",
            ),
        ],
        className="fold_",
        id="set-subject",
    )
