"""What a button of the teachers' pages asks for: settle signals, write notes, set goals, dates and thresholds.

Each is a form that comes back to its page, which says how it went. The guard has looked at the session and at where
the request is from; what a viewer may do is decided by the models.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import flask
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from dashboard.auth import audit_trail, request
from dashboard.pages.pupil import side_panels
from dashboard.pages.signals import due_form, resolution_forms, threshold_form
from dashboard.text.signal_words import threshold_word
from dashboard.text.translate import _
from dashboard.text.typed_days import typed_day
from dashboard.ui import addresses
from dashboard.ui.filters import current_school_year
from models.access.audit import Event, SetForClass, WroteAbout
from models.access.people import class_list
from models.access.viewer import Viewer
from models.classroom.class_state import present_signals
from models.classroom.class_thresholds import THRESHOLDS, ThresholdRefused, set_thresholds
from models.classroom.goals import GoalRefused, set_due_date, set_goal
from models.classroom.notes import (
    MAX_NOTE_LENGTH,
    NoteKind,
    NoteRefused,
    close_agreement,
    correct_note,
    withdraw_note,
    write_note,
)
from models.classroom.signal_resolutions import ResolutionRefused, resolve_signal
from models.classroom.signals import SignalRule
from models.classroom.timeline import subject_materials_of
from models.results.scales import HUGEST_SCORE, parse_decimal
from models.results.subject_materials import subject_material_of_key
from models.schema import database
from models.schema.records import SCALE

MAX_NAME = 400
_SCORE = re.compile(r"[0-9]{1,7}(?:[.,][0-9]{1,4})?", re.ASCII)
_RETURN_PATHS = (addresses.CLASSES, addresses.SIGNALS, addresses.MY_PUPILS, f"{addresses.PUPIL}/{addresses.NUMBER}")
_BACK = re.compile(rf"(?:{'|'.join(_RETURN_PATHS)})(?:[?/][\x21-\x7e]*)?", re.ASCII)


def register(server: flask.Flask) -> None:
    """The routes."""
    post = ["POST"]
    server.add_url_rule(resolution_forms.PATH, "settle_signals", resolve_signals, methods=post)
    server.add_url_rule(f"{side_panels.GOAL_PATH}/<int(max=2147483647):pupil_id>", "save_goal", save_goal, methods=post)
    note_path = f"{side_panels.NOTE_PATH}/<int(max=2147483647):pupil_id>"
    server.add_url_rule(note_path, "save_note", save_note, methods=post)
    server.add_url_rule(f"{note_path}/<int(max=2147483647):note_id>", "change_note", change_note, methods=post)
    server.add_url_rule(f"{due_form.PATH}/<int(max=2147483647):class_id>", "save_due", save_due, methods=post)
    server.add_url_rule(
        f"{threshold_form.PATH}/<int(max=2147483647):class_id>", "save_thresholds", save_thresholds, methods=post
    )


def resolve_signals() -> ResponseReturnValue:
    """Settle signals, or open them again."""
    viewer = teaching_viewer()
    order = resolution_forms.read_resolution_request(flask.request.form.get(resolution_forms.FIELD))
    if order is None or any(
        about.rule not in [rule.value for rule in SignalRule] for about, _evidence in order.signals
    ):
        flask.abort(400)
    targets, context = {about for about, _evidence in order.signals}, request.context()

    def save() -> None:
        with database.read_transaction(context.engine, viewer.school_id) as connection:
            year = current_school_year(class_list(connection, viewer))
            present = present_signals(connection, viewer, targets, year, context.options.holidays)
        if not targets <= present:
            raise WrongInput(_("This signal no longer exists."))
        with database.write_transaction(context.engine, viewer.school_id) as connection:
            for about, evidence in order.signals:
                resolve_signal(connection, viewer, about, evidence, order.action)

    pupil_ids = {target.pupil_id for target in targets if target.pupil_id is not None}
    return saved(
        save, (ResolutionRefused, WrongInput), _("Settled. It comes back when there are new data."), order.back,
        WroteAbout(f"signal {order.action.value}", tuple(sorted(pupil_ids))),
    )  # fmt: skip


def save_thresholds(class_id: int) -> ResponseReturnValue:
    """Set the thresholds of a class."""
    viewer, form, context = teaching_viewer(), flask.request.form, request.context()
    shown = dict(zip(THRESHOLDS, flask.request.args.get(threshold_form.SHOWN, "").split(","), strict=False))
    changed = {
        name: form[name].strip() for name in THRESHOLDS if name in form and form[name].strip() != shown.get(name)
    }

    def save() -> None:
        if not all(re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) for text in changed.values()):
            raise ThresholdRefused("number")
        with database.write_transaction(context.engine, viewer.school_id) as connection:
            set_thresholds(connection, viewer, class_id, {name: int(text) for name, text in changed.items()})

    sentence = _("The thresholds are saved; they hold for all teachers of the class.")
    return saved(save, (ThresholdRefused,), sentence, form.get("terug"), SetForClass("thresholds", class_id))


def save_goal(pupil_id: int) -> ResponseReturnValue:
    """Set or end the goal of a pupil in a material."""
    viewer, form, context = teaching_viewer(), flask.request.form, request.context()
    ending = "weg" in form
    subject_material = subject_material_of_key(form.get("weg" if ending else "materiaal", ""))

    def save() -> None:
        value = None if ending else _score(form.get("waarde", ""))
        due_on = None if ending else read_day(form.get("dag", ""))
        if subject_material is None or len(subject_material.material) > MAX_NAME:
            raise GoalRefused
        with database.write_transaction(context.engine, viewer.school_id) as connection:
            if not ending and subject_material not in subject_materials_of(connection, viewer, pupil_id):
                raise WrongInput(_("The pupil has no score in this material."))
            set_goal(connection, viewer, pupil_id, subject_material, value, due_on)

    sentence = _("The goal has ended.") if ending else _("The goal is saved.")
    event = WroteAbout("goal ended" if ending else "goal set", (pupil_id,))
    return saved(save, (GoalRefused, WrongInput), sentence, addresses.pupil_href(pupil_id), event)


def save_note(pupil_id: int) -> ResponseReturnValue:
    """Write a note about a pupil, or say that an agreement is done."""
    viewer, form, context = teaching_viewer(), flask.request.form, request.context()
    done = form.get("klaar")

    def save() -> None:
        with database.write_transaction(context.engine, viewer.school_id) as connection:
            if done is not None:
                close_agreement(connection, viewer, _whole(done))
                return
            write_note(
                connection,
                context.cipher,
                viewer,
                pupil_id,
                NoteKind.AGREEMENT if form.get("soort") == "agreement" else NoteKind.NOTE,
                form.get("tekst", ""),
                restricted=form.get("voor") == "besloten",
                until_on=read_day(form.get("dag", "")),
            )

    sentence = _("The agreement is done.") if done is not None else _("The note is saved.")
    event = WroteAbout("agreement settled" if done is not None else "note written", (pupil_id,))
    return saved(save, (NoteRefused, WrongInput), sentence, addresses.pupil_href(pupil_id), event)


def change_note(pupil_id: int, note_id: int) -> ResponseReturnValue:
    """Correct or withdraw a note, as its author."""
    viewer, form, context = teaching_viewer(), flask.request.form, request.context()
    withdrawing = "intrekken" in form

    def save() -> None:
        with database.write_transaction(context.engine, viewer.school_id) as connection:
            if withdrawing:
                withdraw_note(connection, viewer, pupil_id, note_id)
                return
            correct_note(
                connection,
                context.cipher,
                viewer,
                pupil_id,
                note_id,
                form.get("tekst", ""),
                restricted=form.get("voor") == "besloten",
                until_on=read_day(form.get("dag", "")),
            )

    sentence = _("The note is withdrawn.") if withdrawing else _("The note is corrected.")
    event = WroteAbout("note withdrawn" if withdrawing else "note corrected", (pupil_id,))
    return saved(save, (NoteRefused, WrongInput), sentence, addresses.pupil_href(pupil_id), event)


def save_due(class_id: int) -> ResponseReturnValue:
    """Agree by when a class is to have finished a test, or take that back."""
    viewer, form, context = teaching_viewer(), flask.request.form, request.context()
    test, _blank, rest = form.get("toets", "").partition(" ")
    what, _blank, back = rest.partition(" ")

    def save() -> None:
        due_on = None if what == "weg" else read_day(form.get("dag", ""))
        if what not in ("weg", "zet") or (what == "zet" and due_on is None):
            raise WrongInput(_("Type a day as 13-11-2026."))
        with database.write_transaction(context.engine, viewer.school_id) as connection:
            set_due_date(connection, viewer, class_id, _whole(test), due_on)

    sentence = _("The date is removed.") if what == "weg" else _("The date is saved.")
    return saved(save, (GoalRefused,), sentence, back, SetForClass("due date", class_id))


class WrongInput(Exception):
    """Something typed in is not what it must be; `sentence` says what to type."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def read_day(text: str) -> str | None:
    """A day as people type it, 13-11-2026 or 2026-11-13; None where nothing is typed. Raises WrongInput."""
    if not text.strip():
        return None
    day = typed_day(text)
    if day is None:
        raise WrongInput(_("Type a day as 13-11-2026."))
    return day


def _score(text: str) -> int:
    """A score as people type it, in ten-thousandths. Raises WrongInput."""
    match = _SCORE.fullmatch(text.strip())
    value = parse_decimal(text.replace(",", ".")) if match is not None else None
    if value is None or value > HUGEST_SCORE:
        raise WrongInput(_("Type a number, such as 75 or 7,5."))
    return int(value * SCALE)


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else 0


def teaching_viewer() -> Viewer:
    """Who asks, where that is somebody who works with pupils; else 403."""
    viewer = request.viewer()
    if viewer is None or not viewer.teaches:
        flask.abort(403)
    return viewer


def saved(
    save: Callable[[], None], refusals: tuple[type[Exception], ...], sentence: str, back: str | None, event: Event
) -> ResponseReturnValue:
    """Do it, let the next page say how it went, and go there; a save that fails changes nothing."""
    try:
        save()
    except WrongInput as wrong:
        request.flash(wrong.sentence + " " + _("Nothing was changed."), well=False)
    except NoteRefused as refused:
        request.flash(_refusal(refused.reason) + " " + _("Nothing was changed."), well=False)
    except ThresholdRefused as refused:
        request.flash(_bounds_words(str(refused)) + " " + _("Nothing was changed."), well=False)
    except refusals:
        request.flash(_("You may not do this.") + " " + _("Nothing was changed."), well=False)
    except SQLAlchemyError:
        request.flash(_("Saving did not work.") + " " + _("Nothing was changed."), well=False)
    else:
        audit_trail.record(event)
        request.flash(sentence)
    return flask.redirect(safe_back(back), 303)


def _refusal(reason: str) -> str:
    """Why a note was not written."""
    return {
        "empty": _("Write something first."),
        "long": _("A note holds at most {number} characters.", number=MAX_NOTE_LENGTH),
        "changed": _("This note was corrected, withdrawn or settled in the meantime."),
        "day": _("Only an agreement has a day; type it as 13-11-2026."),
    }.get(reason, _("You may not do this."))


def _bounds_words(name: str) -> str:
    """Why a threshold was not set."""
    if name == "number":
        return _("A threshold is a whole number.")
    if name not in THRESHOLDS:
        return _("You may not do this.")
    limit = THRESHOLDS[name]
    return _(
        "Choose from {lowest} to {highest} for ‘{threshold}’.",
        threshold=threshold_word(limit),
        lowest=limit.lowest,
        highest=limit.highest,
    )


def safe_back(path: str | None) -> str:
    """A page of ours to go back to; the start where it is none."""
    return path if path is not None and _BACK.fullmatch(path) else addresses.CLASSES
