"""What belongs to a request: the context of the app, and the user and the flash message of its session."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin

import flask
from sqlalchemy import Engine

from dashboard.auth.idempotency import Outcomes
from dashboard.auth.sessions import DemoUser, Sessions
from dashboard.auth.start_codes import StartCodes
from dashboard.export.snapshots import Snapshots
from models.access.viewer import Viewer
from models.classroom.holidays import Holidays, read_holidays
from models.schema.encryption import PiiCipher
from models.schema.limits import VENDOR_DAYS
from models.schema.rate_limit import Rate, RateLimiter

COOKIE = "rondblik_session"
LANGUAGE_COOKIE, SCHEME_COOKIE = "taal", "kleur"
OWN_HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class AppOptions:
    """Options of the web app: its users (a session starts as the first), host names, sandboxes and holidays."""

    demo: bool
    users: Sequence[DemoUser]
    allowed_hosts: tuple[str, ...] = OWN_HOSTS
    sandbox_days: int = VENDOR_DAYS  # that a sandbox of a vendor is stored after its last message
    holidays: Holidays = field(default_factory=read_holidays)


@dataclass(slots=True)
class Context:
    """What pages and callbacks use of the running app."""

    engine: Engine
    cipher: PiiCipher
    options: AppOptions
    public_address: str | None = None  # of the SOAP service
    sessions: Sessions = field(default_factory=Sessions)
    start_codes: StartCodes = field(default_factory=StartCodes)
    snapshots: Snapshots = field(default_factory=Snapshots)
    forms: Outcomes = field(default_factory=Outcomes)
    refusals: RateLimiter[str] = field(default_factory=RateLimiter)  # of lines in the log about refused requests
    policy: str = "default-src 'none'; frame-ancestors 'none'"


def context() -> Context:
    """The context of the running app."""
    context: Context = flask.current_app.extensions["rondblik"]
    return context


def viewer() -> Viewer | None:
    """The viewer of the session, never of what a request states; None without a session."""
    user = current_user()
    return user.viewer if user is not None else None


def current_user() -> DemoUser | None:
    """The user of the session of this request."""
    user: DemoUser | None = flask.g.get("user")
    return user


def service_address(path: str) -> str:
    """The full address of a path of the SOAP service, for those who send to it."""
    return urljoin(context().public_address or flask.request.host_url, path)


def flash(sentence: str, well: bool = True) -> None:
    """Store a flash message for the next page of this session, which may have started with this request."""
    context().sessions.flash(flask.g.get("new_session") or flask.request.cookies.get(COOKIE), sentence, well)


def take_flash() -> tuple[str, bool] | None:
    """The flash message for this page, once."""
    return context().sessions.take_flash(flask.request.cookies.get(COOKIE)) if flask.has_request_context() else None


def browser_session_id() -> str:
    """The browser of this request, to count what it has open; empty without a session."""
    return context().sessions.browser(flask.request.cookies.get(COOKIE)) or ""


def within_rate_limit(rate: Rate) -> bool:
    """Whether the browser of this request may do something that is limited to this rate once more."""
    return context().sessions.within_rate_limit(flask.request.cookies.get(COOKIE), rate)


def scheme() -> str:
    """The colour scheme, light or dark."""
    return "dark" if flask.request.cookies.get(SCHEME_COOKIE) == "dark" else "light"


def page_mark() -> str:
    """A digest of the viewer of this session that only this server can make; empty without a user.

    It includes name and school: a note carries the name of its author, and pupil numbers repeat between schools.
    """
    user = current_user()
    if user is None:
        return ""
    viewer = user.viewer
    about = json.dumps([viewer.school_id, viewer.role.value, viewer.teacher_id, viewer.name, user.sandbox])
    return context().cipher.digest("page", about).hex()


def sign_in_as(user: DemoUser, sandbox_owner: DemoUser | None = None) -> None:
    """Start a session as this user with this response and end the old one; `sandbox_owner` continues it later."""
    sessions, token = context().sessions, flask.request.cookies.get(COOKIE)
    browser = sessions.browser(token)
    sessions.end(token)
    flask.g.new_session = sessions.start(user, sandbox_owner, browser)


def leave_sandbox() -> None:
    """End viewing a sandbox, where the session does: its owner continues."""
    user = current_user()
    if user is not None and user.sandbox is not None:
        flask.g.user = context().sessions.leave_sandbox(flask.request.cookies.get(COOKIE))
