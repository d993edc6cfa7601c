"""The one guard before every request: own machine, own pages, own session.

Until there is a sign-in the program serves its own machine only: another host name or a forwarded request is refused,
and a session begins with the one-time code in the address that the program prints when it starts.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from urllib.parse import quote, urlencode, urlsplit

import flask
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from dashboard.auth.callback_body import is_callback_body
from dashboard.auth.headers import STATIC_FOLDERS, YEAR_SECONDS
from dashboard.auth.idempotency import TOKEN, StillBusy
from dashboard.auth.request import (
    LANGUAGE_COOKIE,
    context,
    cookie_name,
    current_session,
    demo_user,
    kept_as,
    leave_sandbox,
    page_mark,
    session_token,
    sign_in_as,
    user_of,
)
from dashboard.auth.sessions import Entry, Session, User
from dashboard.auth.start_codes import PARAMETER
from dashboard.text.translate import LANGUAGES, _, language, use_language
from dashboard.ui import addresses
from models.access.viewer import Role
from models.sandbox import sandboxes
from models.schema.rate_limit import Rate

SERVICE = "receive"  # the blueprint of the SOAP service
HEALTH_PATHS = ("/health", "/ready")
OPEN_PATHS = (*HEALTH_PATHS, "/favicon.ico", "/_favicon.ico", addresses.SIGNED_OUT)
CALLBACK = "/_dash-update-component"
PAGE_HEADER = "X-Rondblik-Page"  # the mark of the page that sends the request (assets/guard.js)
ONWARD = "naar"  # the parameter with the page to go to after signing in
ONCE_HEADER = "X-Rondblik-Once"  # a token of the form, which is processed once
READING = ("GET", "HEAD", "OPTIONS")
# All that pupils and parents may ask for besides what is for everybody: pages say themselves whom they are for.
OF_ONE_PUPIL = ("/", "/<path:path>", "/_dash-layout", "/_dash-dependencies", "/_reload-hash", "switch_user")
OF_ONE_PUPIL_CALLED = ".._pages_content."  # how the output of the callback begins that shows a page
MAX_CALLBACK_BYTES = 6 * 1024 * 1024  # an uploaded message of 4 MB in base64


LOG_RATE = Rate(20, 60.0)  # of lines about refusals of one kind

log = logging.getLogger("rondblik.guard")


class Refused(HTTPException):
    """A request that the guard or a form does not accept; `sentence` is the reason in the language of the session.

    `kind` names the reason in the log; `remedy` says what to do, where that takes more than the sentence.
    """

    def __init__(self, sentence: str, status: int, kind: str = "form", remedy: str = "") -> None:
        super().__init__(sentence)
        self.code = status
        self.sentence = sentence
        self.kind = kind
        self.remedy = remedy


def guard() -> ResponseReturnValue | None:
    """Before every request: own machine, own pages, and a session for all but health, ready and static files."""
    try:
        return _guard()
    except Refused as refused:
        _log(refused)
        raise


def _log(refused: Refused) -> None:
    """One line with the kind and the name of the route, which hold nothing that the request says; few of many."""
    if context().refusals.take(refused.kind, LOG_RATE):
        log.warning("refused: %s at %s", refused.kind, flask.request.endpoint or "no route")


def _guard() -> ResponseReturnValue | None:
    _set_language()
    if flask.request.blueprint == SERVICE:
        return None  # a message holds the key of its sender
    path = flask.request.path
    if path in HEALTH_PATHS and context().options.signs_in:
        return None  # a balancer asks by any name or number, and learns nothing of anybody
    _refuse_other_hosts()
    if path in OPEN_PATHS or path.startswith(STATIC_FOLDERS):
        return None
    if flask.request.routing_exception is not None:
        return None  # no such page
    elsewhere = _over_tls()
    if elsewhere is not None:
        return elsewhere
    if flask.request.method not in READING:
        if not _same_origin():
            raise Refused(_("This request comes from another site and was refused."), 403, "another site")
        sent_before = _form_sent_before() if path != CALLBACK else None
        if sent_before is not None:
            return sent_before
    flask.g.user = _user_of_session()
    if flask.request.method in READING:
        if path == addresses.BEGIN or _is_of_sign_in(path):
            return None
        _refuse_more_than_one_pupil(path)
        return _better_address() if flask.g.user is not None else _way_in()
    if flask.g.user is None and not _is_of_sign_in(path):
        raise Refused(session_over(), 401, "no session")
    _refuse_other_viewer()
    if path == CALLBACK:
        flask.request.max_content_length = MAX_CALLBACK_BYTES
        _refuse_odd_body()
    _refuse_more_than_one_pupil(path)
    if path != CALLBACK and "form" not in flask.g:
        raise Refused(
            _("This form was not sent as the page sends it. Load the page again. Nothing was saved."), 400, "no token"
        )
    return None


def _refuse_more_than_one_pupil(path: str) -> None:
    """Raises Refused where a pupil or parent asks for a route or a callback that is not for them."""
    user = flask.g.user
    if user is None or not user.viewer.sees_one_pupil or path == addresses.BEGIN or _is_of_sign_in(path):
        return
    if path == CALLBACK and flask.request.get_json()["output"].startswith(OF_ONE_PUPIL_CALLED):
        return
    if flask.request.endpoint not in OF_ONE_PUPIL:
        raise Refused(_("This is not part of your role."), 403, "role")


def _refuse_odd_body() -> None:
    """Raises Refused where the body of a callback is none that a page of ours sends."""
    try:
        expected = is_callback_body(flask.request.get_json(silent=True))
    except RecursionError:
        expected = False
    if not expected:
        raise Refused(_("This request is not one that Rondblik knows."), 400, "odd body")


def _form_sent_before() -> ResponseReturnValue | None:
    """The first response to a form that is sent again; before the session, which the form may have ended."""
    token, forms = flask.request.headers.get(ONCE_HEADER, ""), context().forms
    if TOKEN.fullmatch(token) is None:
        return None
    identity = [
        flask.request.cookies.get(cookie_name()),
        token,
        flask.request.full_path,
        list(flask.request.form.lists()),
    ]
    key = hashlib.sha256(json.dumps(identity).encode()).digest()
    try:
        outcome = forms.begin(key)
    except StillBusy:
        text = _("This form was sent before and is still being dealt with. Load the page again in a moment.")
        raise Refused(text, 423, "sent twice") from None
    if outcome is None:
        flask.g.form = key
        return None
    answer = flask.redirect(outcome.location, 303)
    for cookie in outcome.cookies:
        answer.headers.add("Set-Cookie", cookie)
    return answer


def _set_language() -> None:
    language = flask.request.args.get("taal") or flask.request.cookies.get(kept_as(LANGUAGE_COOKIE))
    use_language(language if language in LANGUAGES else None)


def _refuse_other_hosts() -> None:
    """Raises Refused for another host name and for a forwarded request."""
    host = urlsplit(f"//{flask.request.host}").hostname
    options = context().options
    if host not in options.allowed_hosts:
        if options.signs_in:
            raise Refused(_("Rondblik does not answer under this host name."), 403, "host")
        raise Refused(_("Rondblik answers on localhost and 127.0.0.1 only."), 403, "host")
    if options.signs_in:
        return  # what proxies say was believed or taken away before (dashboard/server/proxies.py)
    names = [name.lower() for name, _value in flask.request.headers]
    if any(name == "forwarded" or name.startswith("x-forwarded-") for name in names):
        raise Refused(
            _("Rondblik does not answer forwarded requests as long as there is no sign-in."), 403, "forwarded"
        )


def _over_tls() -> ResponseReturnValue | None:
    """Where browsers use https, a page that is asked for without it leads there, and all else is refused."""
    origin = context().options.public_origin
    if origin is None or not origin.startswith("https:") or flask.request.is_secure:
        return None
    if flask.request.method not in ("GET", "HEAD"):
        raise Refused(_("This address is for https only."), 403, "no TLS")
    return flask.redirect(origin + flask.request.path, 302)


def _refuse_other_viewer() -> None:
    """Raises Refused where the page was made for another viewer: tabs share a session, and another tab changed it."""
    if not secrets.compare_digest(flask.request.headers.get(PAGE_HEADER, "").encode(), page_mark().encode()):
        raise Refused(other_viewer(), 409, "another viewer")


def other_viewer() -> str:
    """The sentence for a request from a page that was made for another viewer."""
    return _(
        "This page was made for somebody other than the person who uses this browser now. Nothing was shown or saved."
    )


def session_over() -> str:
    """The sentence for a request without a session."""
    return _("There is no session any more. Nothing was shown or saved. Load the page again: it says what to do.")


def _user_of_session() -> User | None:
    """The user of the session, which is read once a request; None without a session, or a role of its account."""
    sessions = context().sessions
    session = sessions.find(session_token())
    user = None if session is None else user_of(session)
    if session is None or (user is None and session.account_id is None):
        return None
    if sessions.is_over(session, None if user is None else user.school_id):
        return None
    sessions.see(session)
    flask.g.session = session
    return user if user is None or session.sandbox_id is None else _teacher_of_sandbox(session, user)


def _teacher_of_sandbox(session: Session, owner: User) -> User:
    """The fictitious teacher of a sandbox; its owner where the sandbox does not exist any more."""
    app = context()
    sandbox = sandboxes.find_sandbox_by_id(app.engine, app.cipher, session.sandbox_id or 0)
    if sandbox is None:
        leave_sandbox()
        return owner
    teacher_id = sandboxes.teacher_of(app.engine, app.cipher, sandbox)
    name = _("Teacher of the test school")
    return User("proef", name, Role.TEACHER, teacher_id, sandbox.school_id, sandbox.account.token)


def _is_of_sign_in(path: str) -> bool:
    """Whether a path is for who has no session, or an account without a role."""
    return path in (addresses.SIGN_IN, addresses.CHOOSE_ROLE, addresses.SIGN_OUT) or path.startswith(
        (f"{addresses.SIGN_IN}/", f"{addresses.INVITATIONS}/")
    )


def _way_in() -> ResponseReturnValue:
    """For a page without a user the way to sign in or to a role; raises Refused where there is none."""
    incoming = flask.request
    if incoming.method not in ("GET", "HEAD") or incoming.path.startswith("/_"):
        raise Refused(session_over(), 401, "no session")
    if current_session() is not None:
        return flask.redirect(addresses.CHOOSE_ROLE, 302)
    if not context().options.signs_in:
        raise Refused(_("You have no session yet, or not any more."), 401, "no session", how_to_begin())
    onward = f"?{urlencode({ONWARD: incoming.full_path.rstrip('?')})}" if incoming.path != addresses.HOME else ""
    return flask.redirect(addresses.SIGN_IN + onward, 302)


def how_to_begin() -> str:
    """What somebody without a session has to do."""
    if context().options.signs_in:
        return _("Sign in again to go on.")
    return _(
        "Open the address that Rondblik printed when it was started. That address works once; start Rondblik again "
        "for a new one."
    )


def begin() -> ResponseReturnValue:
    """Start a session as the first user with a code that was not used yet, and go on without it in the address."""
    users = context().options.users
    if context().options.signs_in:
        return flask.redirect(addresses.SIGN_IN, 303)
    if flask.g.user is None:
        if not users:
            raise Refused(_("Nobody can look yet: there is no pupil list."), 503, "no roster")
        code = flask.request.args.get(PARAMETER, "")
        if flask.request.method != "GET" or not context().start_codes.use(code):
            raise Refused(
                _("This address was used before, or belongs to an earlier start."), 401, "code", how_to_begin()
            )
        sign_in_as(Entry(users[0].key))
    return flask.redirect(addresses.HOME, 303)


def _same_origin() -> bool:
    """Whether our own page sends this; a form under no-referrer has `Origin: null`, so Sec-Fetch-Site goes first."""
    site = flask.request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = flask.request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == flask.request.host


def _better_address() -> ResponseReturnValue | None:
    """Redirect `?taal=en` to a cookie and the address without it, and an address without a school to one with it."""
    if flask.request.method != "GET":
        return None
    has_language = flask.request.args.get("taal") in LANGUAGES
    arguments = list(flask.request.args.items(multi=True))
    rest = [(key, value) for key, value in arguments if key != "taal" or not has_language]
    path, rest = addresses.complete(flask.request.path, rest)
    if (path, rest) == (flask.request.path, arguments):
        return None
    query = "&".join(f"{_quoted(key)}={_quoted(value)}" for key, value in rest)
    answer = flask.redirect(quote(path) + (f"?{query}" if query else ""), 302)
    if has_language:
        secure = flask.request.is_secure
        answer.set_cookie(kept_as(LANGUAGE_COOKIE), language(), max_age=YEAR_SECONDS, samesite="Lax", secure=secure)
    return answer


def _quoted(text: str) -> str:
    return quote(text, safe=",")


def switch_user() -> ResponseReturnValue:
    """Start a session as another user and end the old one."""
    user = demo_user(flask.request.form.get("persona", ""))
    if user is None:
        raise Refused(_("There is nobody with this name."), 400)
    sign_in_as(Entry(user.key))
    return flask.redirect(addresses.HOME, 303)
