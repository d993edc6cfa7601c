"""The headers of every response: what browsers may do with it, the session cookie, and the outcome of a form."""

from __future__ import annotations

from collections.abc import Sequence

import flask

from dashboard.auth.idempotency import Outcome
from dashboard.auth.request import context, cookie_name

YEAR_SECONDS = 365 * 24 * 3600
STATIC_FOLDERS = ("/assets/", "/_dash-component-suites/")


def content_policy(hashes: Sequence[str]) -> str:
    """The content security policy: only our own origin, and inline scripts with these hashes."""
    scripts = " ".join(("'self'", *hashes))
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self' data:; object-src 'none'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )


def add_headers(response: flask.Response) -> flask.Response:
    """After every request: the security headers, and the cookie of a new session."""
    response.headers["Content-Security-Policy"] = context().policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if flask.request.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}; includeSubDomains"
    if not flask.request.path.startswith(STATIC_FOLDERS):
        response.headers["Cache-Control"] = "no-store"
    token = flask.g.pop("new_session", None)
    if token is not None:
        secure = flask.request.is_secure
        response.set_cookie(cookie_name(), token, httponly=True, secure=secure, samesite="Lax", path="/")
    _remember_form(response)
    return response


def _remember_form(response: flask.Response) -> None:
    """Store where a form redirected to, for the same form sent again; a refused form may be sent again."""
    form = flask.g.pop("form", None)
    if form is not None:
        redirected = 300 <= response.status_code < 400
        cookies = tuple(response.headers.getlist("Set-Cookie"))
        context().forms.end(form, Outcome(response.headers["Location"], cookies) if redirected else None)
