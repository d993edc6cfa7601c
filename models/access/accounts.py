"""Accounts of people who sign in, their roles at schools, and the invitations by which they get them.

An account is a subject at an issuer. It has no right by itself, whatever the issuer says of it: a role comes from an
invitation of an administrator, or from a mail address of the roster where the provider is the school's own.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, select, update

from models.access.people import full_name, pupil_names
from models.access.viewer import AccessDenied, Role, Viewer, check_administers
from models.schema import clock
from models.schema.collation import collation_key
from models.schema.database import insert_or
from models.schema.encryption import PiiCipher
from models.schema.tables import account_roles, accounts, invitations, schools, sessions, teachers

LOCAL = "local"  # the issuer of accounts of this program
INVITATION_DAYS = 14
DAY_US = 24 * 3600 * clock.SECOND_US
INVITED_ROLES = (Role.TEACHER, Role.MENTOR, Role.STAND_IN, Role.SUPPORT, Role.ADMINISTRATOR, Role.LEADER, Role.BOARD)
LINKED_TO_PUPIL = (Role.PUPIL, Role.PARENT)  # invited where the school shows the page with own results
LINKED_ROLES = (Role.TEACHER, Role.MENTOR)  # which see nothing without a link to the roster
BY_MAIL = "mail"  # who granted a role that came with a mail address of the roster
MAX_NAME, MAX_MAIL = 200, 320


@dataclass(frozen=True, slots=True)
class AccountRole:
    """What an account is to a school."""

    id: int
    account_id: int
    school_id: int
    school: str
    role: Role
    teacher_id: int | None
    pupil_id: int | None


@dataclass(frozen=True, slots=True)
class SchoolAccount:
    """A role at the administrator's school, with whose it is.

    `in_roster`: the name of the teacher or pupil whom the role is linked to.
    """

    role_id: int
    name: str
    role: Role
    in_roster: str | None
    granted_by: str
    granted_us: int
    signed_in_us: int


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that was not used yet."""

    id: int
    school_id: int
    school: str
    name: str
    role: Role
    teacher_id: int | None
    by_mail: bool
    until_us: int
    pupil_id: int | None = None


class InvitationRefused(Exception):
    """An invitation cannot be made; `reason` is name, role, teacher, pupil or mail."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# -- signing in ------------------------------------------------------------------------------------------------


def subject_digest(cipher: PiiCipher, issuer: str, subject: str) -> bytes:
    """By which an account is found; the subject itself is not kept."""
    return cipher.digest("account", f"{issuer}\0{subject}")


def signed_in(connection: Connection, cipher: PiiCipher, issuer: str, subject: str, name: str) -> int:
    """The account of a subject at an issuer, made where it is new; its name and time are those of now."""
    now = clock.now_us()
    values = {"name": name[:MAX_NAME], "signed_in_us": now}
    new = insert_or(connection, accounts).values(
        issuer=issuer, subject_digest=subject_digest(cipher, issuer, subject), made_us=now, **values
    )
    query = new.on_conflict_do_update(index_elements=["subject_digest"], set_=values).returning(accounts.c.id)
    return int(connection.scalar(query) or 0)


def active() -> ColumnElement[bool]:
    """The condition that a role is one now."""
    return account_roles.c.ended_us.is_(None)


def is_role_now(connection: Connection, role_id: int) -> bool:
    """Whether a role of an account has not ended; for work that was asked for in that role a while ago."""
    return bool(connection.scalar(select(exists().where(account_roles.c.id == role_id, active()))))


def roles_of(connection: Connection, account_id: int) -> list[AccountRole]:
    """What an account is now, by school."""
    rows = connection.execute(
        select(account_roles, schools.c.name.label("school"))
        .join(schools, schools.c.id == account_roles.c.school_id)
        .where(account_roles.c.account_id == account_id, active())
        .order_by(account_roles.c.school_id, account_roles.c.id)
    )
    return [
        AccountRole(
            row.id, row.account_id, row.school_id, row.school or "", Role(row.role), row.teacher_id, row.pupil_id
        )
        for row in rows
    ]


def find_invitation(connection: Connection, code: str) -> Invitation | None:
    """The invitation with this code, where it can still be used."""
    return next(iter(_invitations(connection, invitations.c.code_digest == _digest(code))), None)


def _invitations(connection: Connection, condition: ColumnElement[bool]) -> list[Invitation]:
    rows = connection.execute(
        select(invitations, schools.c.name.label("school"))
        .join(schools, schools.c.id == invitations.c.school_id)
        .where(condition, invitations.c.ended_us.is_(None), invitations.c.until_us >= clock.now_us())
        .order_by(invitations.c.id)
    )
    return [
        Invitation(
            row.id, row.school_id, row.school or "", row.name, Role(row.role), row.teacher_id,
            row.mail_digest is not None, row.until_us, row.pupil_id,
        )
        for row in rows
    ]  # fmt: skip


def accept(connection: Connection, account_id: int, invitation: Invitation) -> bool:
    """Give an account the role of an invitation; False where somebody used or withdrew it meanwhile."""
    own = (invitations.c.id == invitation.id, invitations.c.ended_us.is_(None))
    now = clock.now_us()
    query = update(invitations).where(*own).values(ended_us=now).returning(invitations.c.invited_by)
    invited_by = connection.scalar(query)
    if invited_by is None:
        return False
    linked = (invitation.teacher_id, invitation.pupil_id)
    _grant(connection, account_id, invitation.school_id, invitation.role, linked, invited_by)
    return True


def accept_by_mail(
    connection: Connection, cipher: PiiCipher, account_id: int, mail: str, school_ids: Collection[int]
) -> None:
    """Give an account the roles that belong to its mail address, at schools whose own provider vouches for it.

    Those are the invitations to that address, and the only teacher of the roster who has it.
    """
    digest = _mail_digest(cipher, mail)
    to_mail = and_(invitations.c.mail_digest == digest, invitations.c.school_id.in_(school_ids))
    for invitation in _invitations(connection, to_mail):
        accept(connection, account_id, invitation)
    for school_id in school_ids:
        of_school = (teachers.c.school_id == school_id, func.lower(teachers.c.email) == mail.strip().lower())
        teacher_ids = connection.scalars(select(teachers.c.id).where(*of_school)).all()
        if len(teacher_ids) == 1 and not _was_given(connection, school_id, teacher_ids[0]):
            _grant(connection, account_id, school_id, Role.TEACHER, (teacher_ids[0], None), BY_MAIL)


def _was_given(connection: Connection, school_id: int, teacher_id: int) -> bool:
    """Whether a teacher is or was linked to an account: what an administrator ended does not come back by itself."""
    linked = (account_roles.c.school_id == school_id, account_roles.c.teacher_id == teacher_id)
    return bool(connection.scalar(select(exists().where(*linked))))


def _grant(
    connection: Connection, account_id: int, school_id: int, role: Role, linked: tuple[int | None, int | None], by: str
) -> None:
    """Give a role, linked to a teacher or a pupil, unless the account has it."""
    teacher_id, pupil_id = linked
    same = (
        account_roles.c.account_id == account_id,
        account_roles.c.school_id == school_id,
        account_roles.c.role == role.value,
        account_roles.c.teacher_id.is_not_distinct_from(teacher_id),
        account_roles.c.pupil_id.is_not_distinct_from(pupil_id),
        active(),
    )
    if not connection.scalar(select(exists().where(*same))):
        connection.execute(
            insert(account_roles).values(
                account_id=account_id, school_id=school_id, role=role.value, teacher_id=teacher_id, pupil_id=pupil_id,
                granted_by=by, granted_us=clock.now_us(),
            )
        )  # fmt: skip


def make_administrator(connection: Connection, account_id: int, school_id: int, by: str) -> None:
    """Make an account an administrator of a school; for the operator's command."""
    _grant(connection, account_id, school_id, Role.ADMINISTRATOR, (None, None), by)


# -- for administrators ----------------------------------------------------------------------------------------


def accounts_of_school(connection: Connection, viewer: Viewer) -> list[SchoolAccount]:
    """Who has which role at the administrator's school now, by name. Raises AccessDenied."""
    check_administers(viewer)
    rows = connection.execute(
        select(
            account_roles.c.id, account_roles.c.role, account_roles.c.granted_by, account_roles.c.granted_us,
            account_roles.c.pupil_id, accounts.c.name, accounts.c.signed_in_us, teachers.c.first_name,
            teachers.c.prefix, teachers.c.last_name,
        )
        .join(accounts, accounts.c.id == account_roles.c.account_id)
        .outerjoin(teachers, _teacher_of_role)
        .where(account_roles.c.school_id == viewer.school_id, active())
    ).all()  # fmt: skip
    names = {} if all(row.pupil_id is None for row in rows) else _names_of_pupils(connection, viewer)
    school_accounts = [
        SchoolAccount(
            row.id, row.name, Role(row.role),
            names.get(row.pupil_id) or full_name(row.first_name, row.prefix, row.last_name),
            row.granted_by, row.granted_us, row.signed_in_us,
        )
        for row in rows
    ]  # fmt: skip
    return sorted(school_accounts, key=lambda account: (collation_key(account.name), account.role_id))


def _names_of_pupils(connection: Connection, viewer: Viewer) -> dict[int | None, str | None]:
    return {pupil.id: pupil.name for pupil in pupil_names(connection, viewer)}


_teacher_of_role = and_(teachers.c.school_id == account_roles.c.school_id, teachers.c.id == account_roles.c.teacher_id)


def open_invitations(connection: Connection, viewer: Viewer) -> list[Invitation]:
    """The invitations of the administrator's school that were not used yet. Raises AccessDenied."""
    check_administers(viewer)
    return _invitations(connection, invitations.c.school_id == viewer.school_id)


def teacher_names(connection: Connection, viewer: Viewer) -> list[tuple[int, str]]:
    """Number and name of the teachers in the roster of the administrator's school. Raises AccessDenied."""
    check_administers(viewer)
    columns = (teachers.c.id, teachers.c.first_name, teachers.c.prefix, teachers.c.last_name)
    rows = connection.execute(select(*columns).where(teachers.c.school_id == viewer.school_id))
    names = [(row.id, full_name(row.first_name, row.prefix, row.last_name) or f"#{row.id}") for row in rows]
    return sorted(names, key=lambda teacher: collation_key(teacher[1]))


@dataclass(frozen=True, slots=True)
class Invited:
    """Whom an administrator invites, and who of the roster that is or whom they look at.

    `mail`: where the school's own provider may vouch for the address.
    """

    name: str
    role: Role
    teacher_id: int | None = None
    mail: str = ""
    pupil_id: int | None = None


def invite(connection: Connection, cipher: PiiCipher, viewer: Viewer, invited: Invited) -> str:
    """Make an invitation to the administrator's school; returns its code, which is not kept.

    Raises AccessDenied or InvitationRefused.
    """
    check_administers(viewer)
    name, mail = invited.name.strip(), invited.mail.strip()
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise InvitationRefused("name")
    to_pupil = invited.role in LINKED_TO_PUPIL and shows_own_page(connection, viewer)
    if invited.role not in INVITED_ROLES and not to_pupil:
        raise InvitationRefused("role")
    if to_pupil is (invited.pupil_id is None) or (
        to_pupil and invited.pupil_id not in _names_of_pupils(connection, viewer)
    ):
        raise InvitationRefused("pupil")
    known = {teacher_id for teacher_id, _name in teacher_names(connection, viewer)}
    if (invited.teacher_id is None and invited.role in LINKED_ROLES) or (
        invited.teacher_id is not None and (to_pupil or invited.teacher_id not in known)
    ):
        raise InvitationRefused("teacher")
    if mail and ("@" not in mail or len(mail) > MAX_MAIL):
        raise InvitationRefused("mail")
    code, now = secrets.token_urlsafe(32), clock.now_us()
    connection.execute(
        insert(invitations).values(
            school_id=viewer.school_id, code_digest=_digest(code), name=name, role=invited.role.value,
            mail_digest=_mail_digest(cipher, mail) if mail else None, teacher_id=invited.teacher_id,
            pupil_id=invited.pupil_id, invited_by=viewer.name, invited_us=now, until_us=now + INVITATION_DAYS * DAY_US,
        )
    )  # fmt: skip
    return code


def withdraw(connection: Connection, viewer: Viewer, invitation_id: int) -> None:
    """Withdraw an invitation of the administrator's school. Raises AccessDenied."""
    check_administers(viewer)
    own = (
        invitations.c.id == invitation_id,
        invitations.c.school_id == viewer.school_id,
        invitations.c.ended_us.is_(None),
    )
    if connection.execute(update(invitations).where(*own).values(ended_us=clock.now_us())).rowcount == 0:
        raise AccessDenied("there is no such invitation")


def end_role(connection: Connection, viewer: Viewer, role_id: int) -> None:
    """End a role at the administrator's school from the next request on; not that of its last administrator.

    Raises AccessDenied.
    """
    check_administers(viewer)
    of_school = and_(account_roles.c.school_id == viewer.school_id, active())
    role = connection.scalar(select(account_roles.c.role).where(account_roles.c.id == role_id, of_school))
    administers = and_(of_school, account_roles.c.role == Role.ADMINISTRATOR.value)
    administrators = connection.scalar(select(func.count()).select_from(account_roles).where(administers)) or 0
    if role is None or (role == Role.ADMINISTRATOR.value and administrators < 2):
        raise AccessDenied("there is no such role, or it is that of the last administrator")
    ended = {"ended_by": viewer.name, "ended_us": clock.now_us()}
    connection.execute(update(account_roles).where(account_roles.c.id == role_id, of_school).values(**ended))
    connection.execute(update(sessions).where(sessions.c.role_id == role_id).values(role_id=None))


def end_sessions(connection: Connection, viewer: Viewer, role_id: int) -> None:
    """Sign out, in every browser, who looks in this role of the administrator's school; the role stays.

    Raises AccessDenied.
    """
    check_administers(viewer)
    of_school = and_(account_roles.c.id == role_id, account_roles.c.school_id == viewer.school_id, active())
    if connection.scalar(select(account_roles.c.id).where(of_school)) is None:
        raise AccessDenied("there is no such role")
    connection.execute(delete(sessions).where(sessions.c.role_id == role_id))


def shows_own_page(connection: Connection, viewer: Viewer) -> bool:
    """Whether the viewer's school shows pupils and parents the page with own results."""
    return bool(connection.scalar(select(schools.c.own_page).where(schools.c.id == viewer.school_id)))


def show_own_page(connection: Connection, viewer: Viewer, shown: bool) -> None:
    """Show that page from the next request on, or do not; who is linked to whom stays. Raises AccessDenied."""
    check_administers(viewer)
    connection.execute(update(schools).where(schools.c.id == viewer.school_id).values(own_page=shown))


def leaders_read(connection: Connection, viewer: Viewer) -> bool:
    """Whether the viewer's school lets its leaders read the names and results of all pupils."""
    return bool(connection.scalar(select(schools.c.leaders_read).where(schools.c.id == viewer.school_id)))


def let_leaders_read(connection: Connection, viewer: Viewer, allowed: bool) -> None:
    """Let school leaders read them from the next request on, or no longer. Raises AccessDenied."""
    check_administers(viewer)
    connection.execute(update(schools).where(schools.c.id == viewer.school_id).values(leaders_read=allowed))


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def _mail_digest(cipher: PiiCipher, mail: str) -> bytes:
    return cipher.digest("mail", mail.strip().lower())
