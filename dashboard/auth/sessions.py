"""Sessions of browsers, in the database: which user, for how long, and the flash message for the next page.

The database has a digest of the token, which is in the cookie of the browser alone. A request reads its session once,
by its key; when it was last seen is written once a minute, beside the request.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Engine, and_, delete, insert, or_, select, update

from dashboard.auth.later import Later
from models.access.accounts import active
from models.access.people import full_name
from models.access.viewer import Role, Viewer
from models.schema import clock
from models.schema.database import read_transaction, short_write
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.tables import account_roles, accounts, sessions, teachers

MINUTE_US = 60 * clock.SECOND_US


@dataclass(frozen=True, slots=True)
class User:
    """Who looks: an account in one of its roles, a demo user, or the fictitious teacher of a sandbox (its token)."""

    key: str
    name: str
    role: Role
    teacher_id: int | None
    school_id: int
    sandbox: str | None = field(default=None, repr=False)
    role_id: int | None = None
    pupil_id: int | None = None
    leader_reads: bool = False

    @property
    def viewer(self) -> Viewer:
        """The viewer that queries take."""
        return Viewer(
            self.school_id, self.role, self.teacher_id, self.name, self.key, self.role_id, self.pupil_id,
            self.leader_reads,
        )  # fmt: skip


class DemoUser(User):
    """A user without sign-in: of the demo, or whoever sits at the machine where the program was started."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """After how long without a request a session ends, and after how long in any case."""

    idle_minutes: Annotated[int, Field(ge=5, le=24 * 60)] = 240
    total_minutes: Annotated[int, Field(ge=5, le=7 * 24 * 60)] = 720


@dataclass(frozen=True, slots=True)
class Entry:
    """Who enters: a user by key, also as the teacher of a sandbox, or an account in one of its roles."""

    user_key: str
    sandbox_id: int | None = None
    account_id: int | None = None
    role_id: int | None = None
    school_ids: frozenset[int] | None = None  # for which the sign-in may speak; None: for any
    provider: str | None = None  # where they signed in; None: with a local account

    @classmethod
    def of_account(
        cls,
        account_id: int,
        role_id: int | None,
        school_ids: frozenset[int] | None = None,
        provider: str | None = None,
    ) -> Entry:
        """An account, without a role where it has none or has to choose."""
        return cls(f"account-{account_id}", None, account_id, role_id, school_ids, provider)


@dataclass(frozen=True, slots=True)
class Flash:
    """The outcome of a form, for the next page; `details` are texts to copy by their names, which are shown once."""

    sentence: str
    well: bool = True
    details: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it stands in the database; `sandbox_id` is that of the sandbox whose teacher the user looks as.

    `user` is that of an account that has the role of the session still; None for other sessions.
    """

    digest: bytes
    user_key: str
    sandbox_id: int | None
    browser: bytes
    started_us: int
    seen_us: int
    flash: bytes | None
    account_id: int | None
    role_id: int | None
    user: User | None
    school_ids: frozenset[int] | None = None
    provider: str | None = None

    @property
    def entry(self) -> Entry:
        """Who entered."""
        return Entry(self.user_key, self.sandbox_id, self.account_id, self.role_id, self.school_ids, self.provider)

    def speaks_for(self, school_id: int) -> bool:
        """Whether a role at this school can be used: a provider speaks for its own schools alone (ADR 26)."""
        return self.school_ids is None or school_id in self.school_ids

    def is_over(self, limits: SessionLimits) -> bool:
        """Whether it was not used for too long, or began too long ago."""
        now = clock.now_us()
        idle, total = limits.idle_minutes * MINUTE_US, limits.total_minutes * MINUTE_US
        return now - self.seen_us > idle + MINUTE_US or now - self.started_us > total


# The session and, of an account, the role as it is now: a role that ended shows nothing from the next request on.
_WITH_USER = (
    select(
        sessions,
        account_roles.c.school_id,
        account_roles.c.role,
        account_roles.c.teacher_id,
        account_roles.c.pupil_id,
        accounts.c.name,
        teachers.c.first_name,
        teachers.c.prefix,
        teachers.c.last_name,
    )
    .outerjoin(
        account_roles,
        and_(account_roles.c.id == sessions.c.role_id, account_roles.c.account_id == sessions.c.account_id, active()),
    )
    .outerjoin(accounts, accounts.c.id == sessions.c.account_id)
    .outerjoin(
        teachers, and_(teachers.c.school_id == account_roles.c.school_id, teachers.c.id == account_roles.c.teacher_id)
    )
)


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of all processes on this database. `limits`: of schools that have their own."""

    engine: Engine
    cipher: PiiCipher
    later: Later
    default_limits: SessionLimits = field(default_factory=SessionLimits)
    limits: Mapping[int, SessionLimits] = field(default_factory=dict)

    def start(self, entry: Entry, browser: bytes | None = None) -> str:
        """Start a session for who enters; returns its token, of 256 random bits. Sessions that are over are deleted."""
        token, now = secrets.token_urlsafe(32), clock.now_us()
        with short_write(self.engine) as connection:
            connection.execute(delete(sessions).where(self._certainly_over(now)))
            connection.execute(
                insert(sessions).values(
                    digest=_digest(token), user_key=entry.user_key, sandbox_id=entry.sandbox_id,
                    account_id=entry.account_id, role_id=entry.role_id, started_us=now, seen_us=now,
                    browser=browser or secrets.token_bytes(16),
                    school_ids=None if entry.school_ids is None else json.dumps(sorted(entry.school_ids)),
                    provider=entry.provider,
                )
            )  # fmt: skip
        return token

    def _certainly_over(self, now: int) -> Any:
        longest = [self.default_limits, *self.limits.values()]
        idle = max(limits.idle_minutes for limits in longest) + 1
        total = max(limits.total_minutes for limits in longest)
        return or_(sessions.c.seen_us < now - idle * MINUTE_US, sessions.c.started_us < now - total * MINUTE_US)

    def find(self, token: str | None) -> Session | None:
        """The session with this token, over or not, with its user where that is an account."""
        if not token:
            return None
        with read_transaction(self.engine) as connection:
            row = connection.execute(_WITH_USER.where(sessions.c.digest == _digest(token))).one_or_none()
        if row is None:
            return None
        user = None
        school_ids = None if row.school_ids is None else frozenset(json.loads(row.school_ids))
        if row.school_id is not None and (school_ids is None or row.school_id in school_ids):
            name = full_name(row.first_name, row.prefix, row.last_name) or row.name
            user = User(
                row.user_key, name, Role(row.role), row.teacher_id, row.school_id, role_id=row.role_id,
                pupil_id=row.pupil_id,
            )  # fmt: skip
        return Session(
            row.digest, row.user_key, row.sandbox_id, row.browser, row.started_us, row.seen_us, row.flash,
            row.account_id, row.role_id, user, school_ids, row.provider,
        )  # fmt: skip

    def is_over(self, session: Session, school_id: int | None) -> bool:
        """Whether a session of somebody who looks at this school, or at none yet, is over."""
        limits = self.default_limits if school_id is None else self.limits.get(school_id, self.default_limits)
        return session.is_over(limits)

    def see(self, session: Session) -> None:
        """That a session is used now; written beside the request, and at most once a minute."""
        now = clock.now_us()
        if now - session.seen_us < MINUTE_US:
            return

        def write() -> None:
            newer = (sessions.c.digest == session.digest, sessions.c.seen_us < now)
            with short_write(self.engine) as connection:
                connection.execute(update(sessions).where(*newer).values(seen_us=now))

        self.later.do(write)

    def leave_sandbox(self, session: Session) -> None:
        """End viewing a sandbox: the user of the session continues it."""
        self._change(session.digest, sandbox_id=None)

    def flash(self, token: str | None, message: Flash) -> None:
        """Store the flash message for the next page of a session."""
        if token:
            written, digest = json.dumps([message.sentence, message.well, message.details]), _digest(token)
            self._change(digest, flash=self.cipher.encrypt(written.encode(), place(sessions.c.flash, digest)))

    def take_flash(self, session: Session) -> Flash | None:
        """The flash message, once."""
        if session.flash is None:
            return None
        with short_write(self.engine) as connection:
            own = (sessions.c.digest == session.digest, sessions.c.flash == session.flash)
            if connection.execute(update(sessions).where(*own).values(flash=None)).rowcount == 0:
                return None  # another tab shows it
        written = json.loads(self.cipher.decrypt(session.flash, place(sessions.c.flash, session.digest)))
        sentence, well, *rest = written  # without details before they existed
        return Flash(str(sentence), bool(well), tuple((str(name), str(text)) for name, text in (rest or [()])[0]))

    def end(self, session: Session) -> None:
        """End a session."""
        with short_write(self.engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == session.digest))

    def end_everywhere(self, user_key: str) -> None:
        """End all sessions of a user, in every browser."""
        with short_write(self.engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.user_key == user_key))

    def _change(self, digest: bytes, **values: object) -> None:
        with short_write(self.engine) as connection:
            connection.execute(update(sessions).where(sessions.c.digest == digest).values(**values))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
