"""Who may ask what: sessions, the one guard before every request, and the headers behind every answer.

Until there is a sign-in the program serves its own machine only: another host name or a forwarded request is refused.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin, urlsplit

import flask
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine
from werkzeug.exceptions import HTTPException

from dashboard.auth.idempotency import TOKEN, Outcome, Outcomes, StillBusy
from dashboard.export.snapshots import Snapshots
from dashboard.text.translate import LANGUAGES, _
from dashboard.ui import addresses
from models.access.viewer import Role, Viewer
from models.classroom.holidays import Holidays, read_holidays
from models.sandbox import sandboxes
from models.schema.encryption import PiiCipher
from models.schema.limits import VENDOR_DAYS
from models.schema.rate_limit import Rate, RateLimiter

SERVICE = "receive"  # the blueprint of the SOAP service
COOKIE = "rondblik_session"
LANGUAGE_COOKIE, SCHEME_COOKIE = "taal", "kleur"
IDLE_SECONDS = 4 * 3600
LIFE_SECONDS = 12 * 3600
OWN_HOSTS = ("localhost", "127.0.0.1")
OPEN_PATHS = ("/health", "/ready", "/favicon.ico", "/_favicon.ico")
OPEN_FOLDERS = ("/assets/", "/_dash-component-suites/")
YEAR_SECONDS = 365 * 24 * 3600
CALLBACK = "/_dash-update-component"
PAGE_HEADER = "X-Rondblik-Page"  # for whom the page was made that asks; assets/guard.js sends it
ONCE_HEADER = "X-Rondblik-Once"  # a token of the form that is sent: once is enough
READING = ("GET", "HEAD", "OPTIONS")
MAX_CALLBACK_BYTES = 6 * 1024 * 1024  # an uploaded message of 4 MB in base64


@dataclass(frozen=True, slots=True)
class DemoUser:
    """Somebody as whom is looked: of the demo, or the made-up teacher of a test room, then with its token."""

    key: str
    name: str
    role: Role
    teacher_id: int | None
    school_id: int
    sandbox: str | None = field(default=None, repr=False)

    @property
    def viewer(self) -> Viewer:
        """The viewer that queries ask for."""
        return Viewer(self.school_id, self.role, self.teacher_id, self.name)


@dataclass(frozen=True, slots=True)
class AppOptions:
    """What the web app needs to know: personas to look as (the first is where a session starts), and host names."""

    demo: bool
    users: Sequence[DemoUser]
    allowed_hosts: tuple[str, ...] = OWN_HOSTS
    sandbox_days: int = VENDOR_DAYS  # that a test room of a vendor is kept after its last message
    holidays: Holidays = field(default_factory=read_holidays)


@dataclass(slots=True)
class BrowserSession:
    """What one browser does, as whichever user."""

    id: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass(slots=True)
class _Session:
    user: DemoUser
    started: float
    seen: float
    sandbox_owner: DemoUser | None = None  # who goes on when looking at a test room is over
    browser: BrowserSession = field(default_factory=BrowserSession)
    flash: tuple[str, bool] | None = None  # what the next page says of what was asked, and whether it went well


@dataclass(slots=True)
class Sessions:
    """The sessions of this process, by a random token of 256 bits; idle and absolute time-out."""

    _kept: dict[str, _Session] = field(default_factory=dict)
    _rates: RateLimiter[str] = field(default_factory=RateLimiter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, user: DemoUser, own: DemoUser | None = None, browser: BrowserSession | None = None) -> str:
        """A new session for a persona; returns its token. `own` is who goes on when this one is over."""
        token, now = secrets.token_urlsafe(32), time.monotonic()
        with self._lock:
            self._kept = {key: session for key, session in self._kept.items() if not self._over(session, now)}
            self._kept[token] = _Session(user, now, now, own, browser or BrowserSession())
        return token

    def browser(self, token: str | None) -> BrowserSession | None:
        """The visit that a session is of."""
        with self._lock:
            session = self._kept.get(token or "")
            return None if session is None else session.browser

    def within_rate_limit(self, token: str | None, rate: Rate) -> bool:
        """Whether the browser of this session may do something that is limited to this rate once more."""
        browser = self.browser(token)
        return browser is not None and self._rates.take(browser.id, rate)

    def leave_sandbox(self, token: str | None) -> DemoUser | None:
        """End looking as somebody else; returns who goes on in the session, None where nobody does."""
        with self._lock:
            session = self._kept.get(token or "")
            if session is None or session.sandbox_owner is None:
                self._kept.pop(token or "", None)
                return None
            session.user, session.sandbox_owner = session.sandbox_owner, None
            return session.user

    def user(self, token: str | None) -> DemoUser | None:
        """The persona of a session that still runs."""
        now = time.monotonic()
        with self._lock:
            session = self._kept.get(token or "")
            if session is None or self._over(session, now):
                return None
            session.seen = now
            return session.user

    def flash(self, token: str | None, sentence: str, well: bool) -> None:
        """Let the next page of a session say how what was asked went."""
        with self._lock:
            session = self._kept.get(token or "")
            if session is not None:
                session.flash = (sentence, well)

    def take_flash(self, token: str | None) -> tuple[str, bool] | None:
        """What the next page is to say, once."""
        with self._lock:
            session = self._kept.get(token or "")
            found = session.flash if session is not None else None
            if session is not None:
                session.flash = None
            return found

    def end(self, token: str | None) -> None:
        """Forget a session."""
        with self._lock:
            self._kept.pop(token or "", None)

    @staticmethod
    def _over(session: _Session, now: float) -> bool:
        return now - session.seen > IDLE_SECONDS or now - session.started > LIFE_SECONDS


@dataclass(slots=True)
class Context:
    """What pages and callbacks reach through the running app."""

    engine: Engine
    cipher: PiiCipher
    options: AppOptions
    public_address: str | None = None  # of the SOAP service, where others reach it
    sessions: Sessions = field(default_factory=Sessions)
    snapshots: Snapshots = field(default_factory=Snapshots)
    forms: Outcomes = field(default_factory=Outcomes)
    policy: str = "default-src 'none'; frame-ancestors 'none'"


def context() -> Context:
    """The context of the app that answers."""
    context: Context = flask.current_app.extensions["rondblik"]
    return context


def viewer() -> Viewer | None:
    """Who looks: from the session, never from what a request says; None without a session."""
    user = current_user()
    return user.viewer if user is not None else None


def current_user() -> DemoUser | None:
    """The persona of the session of this request."""
    user: DemoUser | None = flask.g.get("persona")
    return user


def service_address(path: str) -> str:
    """The whole address of a path of the SOAP service, as who sends to it must know it."""
    return urljoin(context().public_address or flask.request.host_url, path)


def flash(sentence: str, well: bool = True) -> None:
    """Let the next page of this session say how what was asked went."""
    context().sessions.flash(flask.request.cookies.get(COOKIE), sentence, well)


def take_flash() -> tuple[str, bool] | None:
    """What this page is to say of what was asked before it, once."""
    return context().sessions.take_flash(flask.request.cookies.get(COOKIE)) if flask.has_request_context() else None


def browser_session_id() -> str:
    """The visit of this request, to count what it has open; empty without a session."""
    browser = context().sessions.browser(flask.request.cookies.get(COOKIE))
    return "" if browser is None else browser.id


def within_rate_limit(rate: Rate) -> bool:
    """Whether the browser of this request may do something that is limited to this rate once more."""
    return context().sessions.within_rate_limit(flask.request.cookies.get(COOKIE), rate)


def scheme() -> str:
    """light or dark, as chosen."""
    return "dark" if flask.request.cookies.get(SCHEME_COOKIE) == "dark" else "light"


# -- the guard ---------------------------------------------------------------------------------------------------


class Refused(HTTPException):
    """A request that the guard or a form does not accept; `sentence` says why in the language of the session."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.code = status
        self.sentence = sentence


def page_mark() -> str:
    """For whom pages of this session are made, as 32 characters that only this server can make; empty: for nobody.

    Name and school are in it, for a note carries the name of its author, and schools number their pupils alike.
    """
    user = current_user()
    if user is None:
        return ""
    viewer = user.viewer
    about = json.dumps([viewer.school_id, viewer.role.value, viewer.teacher_id, viewer.name, user.sandbox])
    return context().cipher.digest("page", about).hex()


def guard() -> ResponseReturnValue | None:
    """Before every request: own machine, own pages, and a session for all but health, ready and static files."""
    _set_language()
    if flask.request.blueprint == SERVICE:
        return None  # who sends a message shows a key in it
    _refuse_strangers()
    path = flask.request.path
    if path in OPEN_PATHS or path.startswith(OPEN_FOLDERS):
        return None
    if flask.request.routing_exception is not None:
        return None  # there is nothing behind it
    if flask.request.method not in READING:
        if not _same_origin():
            raise Refused(_("This request comes from another site and was refused."), 403)
        sent_before = _form_sent_before() if path != CALLBACK else None
        if sent_before is not None:
            return sent_before
    flask.g.persona = _user_of_session()
    if flask.g.persona is None:
        return _start_or_refuse()
    if flask.request.method in READING:
        return _better_address()
    _refuse_other_viewer()
    if path == CALLBACK:
        flask.request.max_content_length = MAX_CALLBACK_BYTES
    elif "form" not in flask.g:
        raise Refused(_("This form was not sent as the page sends it. Load the page again. Nothing was saved."), 400)
    return None


def _form_sent_before() -> ResponseReturnValue | None:
    """The answer of the first time to a form that is sent again; before the session, which a form may have ended."""
    token, forms = flask.request.headers.get(ONCE_HEADER, ""), context().forms
    if TOKEN.fullmatch(token) is None:
        return None
    about = [flask.request.cookies.get(COOKIE), token, flask.request.full_path, list(flask.request.form.lists())]
    key = hashlib.sha256(json.dumps(about).encode()).hexdigest()
    try:
        outcome = forms.begin(key)
    except StillBusy:
        text = _("This form was sent before and is still being dealt with. Load the page again in a moment.")
        raise Refused(text, 423) from None
    if outcome is None:
        flask.g.form = key
        return None
    answer = flask.redirect(outcome.location, 303)
    for cookie in outcome.cookies:
        answer.headers.add("Set-Cookie", cookie)
    return answer


def _set_language() -> None:
    asked = flask.request.args.get("taal") or flask.request.cookies.get(LANGUAGE_COOKIE)
    flask.g.language = asked if asked in LANGUAGES else LANGUAGES[0]


def _refuse_strangers() -> None:
    """Raises Refused for another host name and for a forwarded request."""
    host = urlsplit(f"//{flask.request.host}").hostname
    if host not in context().options.allowed_hosts:
        raise Refused(_("Rondblik answers on localhost and 127.0.0.1 only."), 403)
    named = [name.lower() for name, _value in flask.request.headers]
    if any(name == "forwarded" or name.startswith("x-forwarded-") for name in named):
        raise Refused(_("Rondblik does not answer forwarded requests as long as there is no sign-in."), 403)


def _refuse_other_viewer() -> None:
    """Raises Refused where the page that asks was made for another viewer: tabs share the session, pages do not."""
    if not secrets.compare_digest(flask.request.headers.get(PAGE_HEADER, "").encode(), page_mark().encode()):
        raise Refused(other_viewer(), 409)


def other_viewer() -> str:
    """What is said to who asks from a page that was made for somebody else."""
    return _("This page was made for somebody else than who looks in this browser now. Nothing was shown or saved.")


def session_over() -> str:
    """What is said to who asks without a session."""
    return _("There is no session any more. Nothing was shown or saved. Load the page again to begin a new one.")


def _user_of_session() -> DemoUser | None:
    """Who looks; the made-up teacher of a test room does so no longer than the room is there."""
    found, token = context(), flask.request.cookies.get(COOKIE)
    user = found.sessions.user(token)
    if (
        user is None
        or user.sandbox is None
        or sandboxes.find_sandbox(found.engine, found.cipher, user.sandbox) is not None
    ):
        return user
    return found.sessions.leave_sandbox(token)


def _start_or_refuse() -> ResponseReturnValue | None:
    """A page starts a session as the first persona; anything else without a session gets 401."""
    users = context().options.users
    if flask.request.method not in ("GET", "HEAD") or flask.request.path.startswith("/_"):
        raise Refused(session_over(), 401)
    if not users:
        raise Refused(_("Nobody can look yet: there is no roster."), 503)
    flask.g.persona = users[0]
    flask.g.new_session = context().sessions.start(users[0])
    return _better_address()


def _same_origin() -> bool:
    """Whether a page of ours asks; a form under no-referrer sends `Origin: null`, so Sec-Fetch-Site goes first."""
    site = flask.request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = flask.request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == flask.request.host


def _better_address() -> ResponseReturnValue | None:
    """`?taal=en` sets the cookie and leaves the address; numbers of pupils and classes get that of the school."""
    if flask.request.method != "GET":
        return None
    chosen = flask.request.args.get("taal") in LANGUAGES
    stated = list(flask.request.args.items(multi=True))
    rest = [(key, value) for key, value in stated if key != "taal" or not chosen]
    path, rest = addresses.complete(flask.request.path, rest)
    if (path, rest) == (flask.request.path, stated):
        return None
    query = "&".join(f"{_quoted(key)}={_quoted(value)}" for key, value in rest)
    answer = flask.redirect(quote(path) + (f"?{query}" if query else ""), 302)
    if chosen:
        answer.set_cookie(LANGUAGE_COOKIE, flask.g.language, max_age=YEAR_SECONDS, samesite="Lax")
    return answer


def _quoted(text: str) -> str:
    return quote(text, safe=",")


def switch_user() -> ResponseReturnValue:
    """Look as another persona: a new session, the old one ends."""
    key = flask.request.form.get("persona")
    persona = next((user for user in context().options.users if user.key == key), None)
    if persona is None:
        raise Refused(_("There is nobody with this name."), 400)
    sign_in_as(persona)
    return flask.redirect("/", 303)


def sign_in_as(user: DemoUser, own: DemoUser | None = None) -> None:
    """A new session as `persona` with this answer, the old one ends; `own` goes on when it is over."""
    sessions, token = context().sessions, flask.request.cookies.get(COOKIE)
    browser = sessions.browser(token)
    sessions.end(token)
    flask.g.new_session = sessions.start(user, own, browser)


def leave_sandbox() -> None:
    """Where a test room is looked at, end that: who looked before goes on."""
    user = current_user()
    if user is not None and user.sandbox is not None:
        flask.g.persona = context().sessions.leave_sandbox(flask.request.cookies.get(COOKIE))


# -- headers -----------------------------------------------------------------------------------------------------


def content_policy(hashes: Sequence[str]) -> str:
    """The content security policy: everything from here, and of inline scripts only those with these hashes."""
    scripts = " ".join(("'self'", *hashes))
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def add_headers(response: flask.Response) -> flask.Response:
    """After every request: what browsers must and must not do with the answer."""
    response.headers["Content-Security-Policy"] = context().policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if not flask.request.path.startswith(OPEN_FOLDERS):
        response.headers["Cache-Control"] = "no-store"
    token = flask.g.pop("new_session", None)
    if token is not None:
        response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", path="/")
    _remember_form(response)
    return response


def _remember_form(response: flask.Response) -> None:
    """Keep where a form led that went its way, for who sends it again; one that was refused may be sent again."""
    form = flask.g.pop("form", None)
    if form is not None:
        led = 300 <= response.status_code < 400
        cookies = tuple(response.headers.getlist("Set-Cookie"))
        context().forms.end(form, Outcome(response.headers["Location"], cookies) if led else None)
