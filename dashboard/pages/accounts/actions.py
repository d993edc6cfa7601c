"""What the buttons of the page of accounts do: invite, end a role, let somebody stand in, say who reads what."""

from __future__ import annotations

import re
from collections.abc import Callable

import flask
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from dashboard.auth import audit_trail, request
from dashboard.text.translate import _
from dashboard.text.typed_days import typed_day
from dashboard.ui import addresses
from models.access import accounts, stand_ins
from models.access.accounts import INVITATION_DAYS, InvitationRefused, Invited
from models.access.audit import Administered
from models.access.stand_ins import StandInRefused
from models.access.viewer import AccessDenied, Role, Viewer
from models.results import own_subjects
from models.schema.database import write_transaction

_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


def register(server: flask.Flask) -> None:
    """The routes."""
    post = ["POST"]
    server.add_url_rule(addresses.ACCOUNTS, "invite", invite, methods=post)
    server.add_url_rule(f"{addresses.ACCOUNTS}/intrekken", "withdraw_invitation", withdraw, methods=post)
    server.add_url_rule(f"{addresses.ACCOUNTS}/einde", "end_role", end_role, methods=post)
    server.add_url_rule(f"{addresses.ACCOUNTS}/afmelden", "end_sessions", end_sessions, methods=post)
    server.add_url_rule(f"{addresses.ACCOUNTS}/invallen", "give_stand_in", give_stand_in, methods=post)
    server.add_url_rule(f"{addresses.ACCOUNTS}/invallen/einde", "end_stand_in", end_stand_in, methods=post)
    server.add_url_rule(f"{addresses.ACCOUNTS}/leerlingpagina", "show_own_page", show_own_page, methods=post)
    server.add_url_rule(f"{addresses.ACCOUNTS}/schoolleiders", "let_leaders_read", let_leaders_read, methods=post)
    server.add_url_rule(f"{addresses.ACCOUNTS}/vakschool", "mark_subject_school", mark_subject_school, methods=post)
    server.add_url_rule(f"{addresses.ACCOUNTS}/vak", "set_taught_subject", set_subject, methods=post)
    server.add_url_rule(f"{addresses.ACCOUNTS}/vak/weg", "unset_taught_subject", unset_subject, methods=post)


def invite() -> ResponseReturnValue:
    """Make an invitation and say its address, once."""
    form, context = flask.request.form, request.context()
    teacher, pupil = form.get("leraar", ""), form.get("leerling", "")
    role = next((role for role in Role if role.value == form.get("rol")), Role.VENDOR)
    invited = Invited(
        form.get("naam", ""),
        role,
        _number(teacher) if teacher else None,
        form.get("mail", ""),
        _number(pupil) if pupil else None,
    )
    try:
        viewer = _administrator()
        with write_transaction(context.engine, viewer.school_id) as connection:
            code = accounts.invite(connection, context.cipher, viewer, invited)
    except InvitationRefused as refused:
        request.flash(_problem(refused.reason) + " " + _("Nothing was changed."), well=False)
    else:
        about = () if invited.pupil_id is None else (invited.pupil_id,)
        audit_trail.record(Administered("invitation made", invited.teacher_id or 0, about))
        origin = context.options.public_origin or flask.request.host_url.rstrip("/")
        sentence = _(
            "Send this address to {name}; it works once, within {days} days: {address}",
            name=invited.name.strip(),
            days=INVITATION_DAYS,
            address=f"{origin}{addresses.INVITATIONS}/{code}",
        )
        request.flash(sentence)
    return flask.redirect(addresses.ACCOUNTS, 303)


def withdraw() -> ResponseReturnValue:
    """Withdraw an invitation."""
    return _change(accounts.withdraw, "invitation withdrawn", _("The invitation is withdrawn."))


def end_role() -> ResponseReturnValue:
    """End a role from the next request on."""
    return _change(accounts.end_role, "role ended", _("The role has ended."))


def end_sessions() -> ResponseReturnValue:
    """Sign somebody out in every browser; who still may can sign in again."""
    sentence = _("Signed out in every browser. Whoever has the role can sign in again; to prevent that, end the role.")
    return _change(accounts.end_sessions, "sessions ended", sentence)


def give_stand_in() -> ResponseReturnValue:
    """Let somebody see a class until and including a day."""
    form, context, viewer = flask.request.form, request.context(), _administrator()
    role_id, class_id = _number(form.get("wie", "")), _number(form.get("groep", ""))
    try:
        with write_transaction(context.engine, viewer.school_id) as connection:
            number = stand_ins.give(connection, viewer, role_id, class_id, typed_day(form.get("tot", "")) or "")
    except StandInRefused as refused:
        request.flash(_stand_in_problem(refused.reason) + " " + _("Nothing was changed."), well=False)
    else:
        audit_trail.record(Administered("stand-in given", number))
        request.flash(_("Saved. From the day after on the class is no longer shown."))
    return flask.redirect(addresses.ACCOUNTS, 303)


def end_stand_in() -> ResponseReturnValue:
    """Let somebody see a class no longer, from the next request on."""
    return _change(stand_ins.end, "stand-in ended", _("Standing in has ended."))


def show_own_page() -> ResponseReturnValue:
    """Show pupils and parents the page with own results from now on, or do not."""
    return _switch(
        accounts.show_own_page,
        ("own page shown", _("The page for pupils and parents is on. Invite them below.")),
        ("own page hidden", _("The page for pupils and parents is off.")),
    )


def let_leaders_read() -> ResponseReturnValue:
    """Let school leaders read the names and results of all pupils from now on, or figures only."""
    return _switch(
        accounts.let_leaders_read,
        ("leaders read results", _("School leaders read names and results from now on.")),
        ("leaders read figures", _("School leaders read figures only from now on.")),
    )


def mark_subject_school() -> ResponseReturnValue:
    """Mark the school as one where teachers have a subject, or no longer."""
    on = _("Saved. Who teaches sees the own subjects from now on; look below who has none yet.")
    off = _("Saved. Only whom the pupil list calls a subject teacher sees the own subjects alone.")
    return _switch(own_subjects.mark_subject_school, ("subject school marked", on), ("subject school unmarked", off))


def _switch(
    change: Callable[[Connection, Viewer, bool], None], on: tuple[str, str], off: tuple[str, str]
) -> ResponseReturnValue:
    """Switch something of the school on or off; of each the action for the audit log, and what the page says."""
    switched_on, viewer = flask.request.form.get("aan") == "ja", _administrator()
    with write_transaction(request.context().engine, viewer.school_id) as connection:
        change(connection, viewer, switched_on)
    action, sentence = on if switched_on else off
    audit_trail.record(Administered(action, 0))
    request.flash(sentence)
    return flask.redirect(addresses.ACCOUNTS, 303)


def set_subject() -> ResponseReturnValue:
    """Let a subject teacher see a subject."""
    form = flask.request.form
    about = (form.get("leraar", ""), form.get("vak", ""))
    return _change_subject(own_subjects.set_subject, about, "taught subject set", _("The subject is set."))


def unset_subject() -> ResponseReturnValue:
    """Let a subject teacher see a subject no longer."""
    teacher, _blank, subject = flask.request.form.get("weg", "").partition(" ")
    sentence = _("The subject is removed.")
    return _change_subject(own_subjects.unset_subject, (teacher, subject), "taught subject removed", sentence)


def _change_subject(
    change: Callable[[Connection, Viewer, int, str], None], about: tuple[str, str], action: str, sentence: str
) -> ResponseReturnValue:
    viewer, teacher_id = _administrator(), _number(about[0])
    try:
        with write_transaction(request.context().engine, viewer.school_id) as connection:
            change(connection, viewer, teacher_id, about[1])
    except AccessDenied:
        request.flash(_("Choose a teacher and a subject.") + " " + _("Nothing was changed."), well=False)
    else:
        audit_trail.record(Administered(action, teacher_id))
        request.flash(sentence)
    return flask.redirect(addresses.ACCOUNTS, 303)


def _stand_in_problem(reason: str) -> str:
    return {
        "role": _("Choose who stands in."),
        "class": _("Choose a class."),
        "day": _("Type the last day as 13-11-2026: today or later, in this school year."),
    }[reason]


def _change(change: Callable[[Connection, Viewer, int], None], action: str, sentence: str) -> ResponseReturnValue:
    number, viewer = _number(flask.request.form.get("nummer", "")), _administrator()
    try:
        with write_transaction(request.context().engine, viewer.school_id) as connection:
            change(connection, viewer, number)
    except AccessDenied:
        refusal = _("This no longer exists, or it is the last administrator of the school.")
        request.flash(refusal + " " + _("Nothing was changed."), well=False)
    else:
        audit_trail.record(Administered(action, number))
        request.flash(sentence)
    return flask.redirect(addresses.ACCOUNTS, 303)


def _administrator() -> Viewer:
    viewer = request.viewer()
    if viewer is None or not viewer.may_administer:
        flask.abort(403)
    return viewer


def _number(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 0


def _problem(reason: str) -> str:
    return {
        "name": _("Type the name of the person you invite."),
        "role": _("Choose a role."),
        "teacher": _("A teacher or mentor is somebody in the pupil list; choose who."),
        "pupil": _("A pupil or parent is linked to one pupil, and nobody else is; choose whom."),
        "mail": _("This is not a mail address."),
    }[reason]
