"""What belongs to a request: the context of the app, and the user and the flash message of its session."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urljoin

import flask
from sqlalchemy import Engine

from dashboard.auth.idempotency import Outcomes
from dashboard.auth.later import Later
from dashboard.auth.sessions import DemoUser, Entry, Flash, Session, SessionLimits, Sessions, User
from dashboard.auth.start_codes import StartCodes
from dashboard.export.snapshots import Snapshots
from models.access.accounts import leaders_read
from models.access.audit import AuditLog, open_audit
from models.access.viewer import Role, Viewer
from models.classroom.holidays import Holidays, read_holidays
from models.sandbox.requirements import RequirementPart
from models.schema.database import read_transaction
from models.schema.encryption import PiiCipher
from models.schema.limits import VENDOR_DAYS
from models.schema.rate_limit import Rate, RateLimiter, take_shared
from models.schema.terms import PupilRetention, RetentionPolicy

COOKIE, TLS_COOKIE = "rondblik_session", "__Host-rondblik"
LANGUAGE_COOKIE, SCHEME_COOKIE = "taal", "kleur"
OWN_HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class AppOptions:
    """Options of the web app: its users (a session starts as the first), host names, sandboxes, sessions, holidays."""

    demo: bool
    users: Sequence[DemoUser]
    allowed_hosts: tuple[str, ...] = OWN_HOSTS
    sandbox_days: int = VENDOR_DAYS  # that a sandbox of a vendor is stored after its last message
    holidays: Holidays = field(default_factory=read_holidays)
    session_limits: SessionLimits = field(default_factory=SessionLimits)
    signs_in: bool = False  # people sign in, and nobody begins with a printed address
    public_origin: str | None = None  # the address that browsers use, without a path
    school_session_limits: Mapping[int, SessionLimits] = field(default_factory=dict)  # of schools that have their own
    data: Path | None = None  # the folder whose disk administrators hear of when it fills up
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)  # shown only, as is the next
    pupil_retention: Mapping[int, PupilRetention] = field(default_factory=dict)

    def __post_init__(self) -> None:
        others = [host for host in self.allowed_hosts if host not in OWN_HOSTS]
        if self.users and (others or self.signs_in):
            raise ValueError("users without a sign-in are for this machine alone")


@dataclass(slots=True)
class Context:
    """What pages and callbacks use of the running app."""

    engine: Engine
    cipher: PiiCipher
    options: AppOptions
    public_address: str | None = None  # of the SOAP service
    later: Later = field(default_factory=Later)
    sessions: Sessions = field(init=False)
    snapshots: Snapshots = field(init=False)
    forms: Outcomes = field(init=False)
    audit: AuditLog = field(init=False)
    start_codes: StartCodes = field(default_factory=StartCodes)
    refusals: RateLimiter[str] = field(default_factory=RateLimiter)  # of lines in the log about refused requests
    policy: str = "default-src 'none'; frame-ancestors 'none'"
    requirements: tuple[RequirementPart, ...] = ()  # what the standard requires, for vendors

    def __post_init__(self) -> None:
        self.sessions = Sessions(
            self.engine, self.cipher, self.later, self.options.session_limits, self.options.school_session_limits
        )
        self.snapshots = Snapshots(self.engine, self.cipher, self.later.do)
        self.forms = Outcomes(self.engine, self.cipher)
        self.audit = open_audit(self.engine, self.cipher)


def context() -> Context:
    """The context of the running app."""
    context: Context = flask.current_app.extensions["rondblik"]
    return context


def viewer() -> Viewer | None:
    """The viewer of the session, never of what a request states; None without a session."""
    user = current_user()
    return user.viewer if user is not None else None


def cookie_name() -> str:
    """The name of the session cookie: over TLS one that only this host can set."""
    return TLS_COOKIE if flask.request.is_secure else COOKIE


def session_token() -> str | None:
    """The token of the session that this request starts, else that of its cookie."""
    return flask.g.get("new_session") or flask.request.cookies.get(cookie_name())


def current_session() -> Session | None:
    """The session of this request, as the guard read it."""
    session: Session | None = flask.g.get("session")
    return session


def current_user() -> User | None:
    """The user of the session of this request."""
    user: User | None = flask.g.get("user")
    return user


def service_address(path: str) -> str:
    """The full address of a path of the SOAP service, for those who send to it."""
    return urljoin(context().public_address or flask.request.host_url, path)


def flash(sentence: str, well: bool = True, details: Sequence[tuple[str, str]] = ()) -> None:
    """Store a flash message for the next page of this session, which may have started with this request.

    `details` are texts to copy, by their names; they may be secrets, and are shown once.
    """
    context().sessions.flash(session_token(), Flash(sentence, well, tuple(details)))


def take_flash() -> Flash | None:
    """The flash message for this page, once."""
    session = current_session() if flask.has_request_context() else None
    return None if session is None else context().sessions.take_flash(session)


def browser_session_id() -> str:
    """The browser of this request, to count what it has open; empty without a session."""
    session = current_session()
    return "" if session is None else session.browser.hex()


def vendor_id() -> str:
    """Who requests checks: the account that is signed in, else the browser; empty without a session."""
    session = current_session()
    return f"account {session.account_id}" if session is not None and session.account_id else browser_session_id()


def within_rate_limit(rate: Rate) -> bool:
    """Whether the browser of this request may do something that is limited to this rate once more."""
    browser = browser_session_id()
    return bool(browser) and take_shared(context().engine, context().cipher.digest("rate", browser), rate)


def kept_as(cookie: str) -> str:
    """The name of a cookie with a choice, language or colours: over TLS one that only this host can set."""
    return f"__Host-{cookie}" if flask.request.is_secure else cookie


def scheme() -> str:
    """The colour scheme, light or dark."""
    return "dark" if flask.request.cookies.get(kept_as(SCHEME_COOKIE)) == "dark" else "light"


def page_mark() -> str:
    """A digest of the viewer of this session that only this server can make; empty without a user.

    It includes name and school: a note carries the name of its author, and pupil numbers repeat between schools.
    """
    user = current_user()
    if user is None:
        return ""
    viewer = user.viewer
    seen_as = [viewer.school_id, viewer.role.value, viewer.teacher_id, viewer.role_id, viewer.name]
    about = json.dumps([*seen_as, user.sandbox])
    return context().cipher.digest("page", about).hex()


def sign_in_as(entry: Entry) -> None:
    """Start a session for who enters with this response and end the old one."""
    sessions, old = context().sessions, current_session()
    flask.g.new_session = sessions.start(entry, None if old is None else old.browser)
    if old is not None:
        sessions.end(old)


def leave_sandbox() -> None:
    """End viewing a sandbox: who looked at it continues."""
    session = current_session()
    if session is not None and session.sandbox_id is not None:
        context().sessions.leave_sandbox(session)
        flask.g.session = replace(session, sandbox_id=None)
        flask.g.user = user_of(session)


def user_of(session: Session) -> User | None:
    """The user of a session: an account in its role, or a demo user that the program has now.

    Of a school leader it is looked up at each request whether the school lets leaders read results.
    """
    user = session.user if session.account_id is not None else demo_user(session.user_key)
    if user is None or user.role is not Role.LEADER:
        return user
    with read_transaction(context().engine, user.school_id) as connection:
        return replace(user, leader_reads=leaders_read(connection, user.viewer))


def demo_user(user_key: str) -> DemoUser | None:
    """The demo user with this key."""
    return next((user for user in context().options.users if user.key == user_key), None)
