"""Sessions of browsers: which user, for how long, and the flash message for the next page."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field

from models.access.viewer import Role, Viewer
from models.schema.rate_limit import Rate, RateLimiter

IDLE_SECONDS = 4 * 3600
LIFE_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user without sign-in: of the demo, an administrator, or the fictitious teacher of a sandbox (its token)."""

    key: str
    name: str
    role: Role
    teacher_id: int | None
    school_id: int
    sandbox: str | None = field(default=None, repr=False)

    @property
    def viewer(self) -> Viewer:
        """The viewer that queries take."""
        return Viewer(self.school_id, self.role, self.teacher_id, self.name)


@dataclass(slots=True)
class _Session:
    user: DemoUser
    started: float
    seen: float
    browser: str  # the same for all sessions that follow each other in one browser
    sandbox_owner: DemoUser | None = None  # the user again after viewing a sandbox
    flash: tuple[str, bool] | None = None  # a message for the next page, and whether it reports success


@dataclass(slots=True)
class Sessions:
    """The sessions of this process, by a random token of 256 bits; idle and absolute time-out."""

    _sessions: dict[str, _Session] = field(default_factory=dict)
    _rates: RateLimiter[str] = field(default_factory=RateLimiter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, user: DemoUser, sandbox_owner: DemoUser | None = None, browser: str | None = None) -> str:
        """Start a session for a user, returns its token; `sandbox_owner` continues it after viewing a sandbox."""
        token, now = secrets.token_urlsafe(32), time.monotonic()
        with self._lock:
            self._sessions = {
                key: session for key, session in self._sessions.items() if not self._is_over(session, now)
            }
            self._sessions[token] = _Session(user, now, now, browser or secrets.token_hex(16), sandbox_owner)
        return token

    def browser(self, token: str | None) -> str | None:
        """The browser of a session: an id that stays when another user or sandbox starts a session there."""
        with self._lock:
            session = self._sessions.get(token or "")
            return None if session is None else session.browser

    def within_rate_limit(self, token: str | None, rate: Rate) -> bool:
        """Whether the browser of this session may do something that is limited to this rate once more."""
        browser = self.browser(token)
        return browser is not None and self._rates.take(browser, rate)

    def leave_sandbox(self, token: str | None) -> DemoUser | None:
        """End viewing a sandbox; returns the user who continues the session, None where the session ends."""
        with self._lock:
            session = self._sessions.get(token or "")
            if session is None or session.sandbox_owner is None:
                self._sessions.pop(token or "", None)
                return None
            session.user, session.sandbox_owner = session.sandbox_owner, None
            return session.user

    def user(self, token: str | None) -> DemoUser | None:
        """The user of a session that is not over."""
        now = time.monotonic()
        with self._lock:
            session = self._sessions.get(token or "")
            if session is None or self._is_over(session, now):
                return None
            session.seen = now
            return session.user

    def flash(self, token: str | None, sentence: str, well: bool) -> None:
        """Store the flash message for the next page of a session."""
        with self._lock:
            session = self._sessions.get(token or "")
            if session is not None:
                session.flash = (sentence, well)

    def take_flash(self, token: str | None) -> tuple[str, bool] | None:
        """The flash message, once."""
        with self._lock:
            session = self._sessions.get(token or "")
            if session is None:
                return None
            message, session.flash = session.flash, None
            return message

    def end(self, token: str | None) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(token or "", None)

    @staticmethod
    def _is_over(session: _Session, now: float) -> bool:
        return now - session.seen > IDLE_SECONDS or now - session.started > LIFE_SECONDS
