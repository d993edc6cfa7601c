"""How often somebody may try to sign in with a local account: guessing stops, and nobody locks the owner out.

Attempts are counted by name and address together, so that those of others are not those of the owner. A browser in
which the owner signed in before holds a cookie that says so, and has attempts of its own, whoever is behind the same
address. Codes are counted for the account, but only by whoever has its password already (ADR 26).
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Callable

import flask
from werkzeug.wrappers import Response

from dashboard.auth import request
from models.schema.rate_limit import Rate, take_shared

OF_BROWSER = Rate(5, 900.0)  # of one that is known for the name
OF_USER = Rate(5, 900.0)  # of one name from one address
OF_ADDRESS = Rate(30, 900.0)
OF_CODES = Rate(5, 900.0)  # of one account, with its password
KNOWN, TLS_KNOWN = "rondblik_known", "__Host-rondblik-known"
KNOWN_SECONDS = 365 * 24 * 3600
IPV6_NETWORK = 64  # bits: what one customer of a provider has to themselves


def may_try(user: str) -> bool:
    """Whether this browser may try a name and a password now."""
    browser = _known_browser(user)
    if browser is not None:
        return _take(f"browser {browser}", OF_BROWSER)
    address = network()
    return _take(f"local {address} {user.lower()}", OF_USER) and _take(f"address {address}", OF_ADDRESS)


def may_try_code(user: str) -> Callable[[int], bool]:
    """Whether a code of an account may be tried now, by whoever typed its password."""
    browser = _known_browser(user) or ""
    return lambda account_id: _take(f"codes {account_id} {browser}", OF_CODES)


def remember_browser(answer: Response, user: str) -> None:
    """Let the answer to a sign-in make the browser known for this name, for a year."""
    number, secure = secrets.token_urlsafe(16), flask.request.is_secure
    answer.set_cookie(
        _cookie(), f"{number}.{_mark(user, number)}", max_age=KNOWN_SECONDS, httponly=True, secure=secure,
        samesite="Lax", path="/",
    )  # fmt: skip


def network() -> str:
    """The address by which attempts are counted: of IPv6 the network, within which anybody changes addresses freely."""
    try:
        known = ipaddress.ip_address(flask.request.remote_addr or "")
    except ValueError:
        return ""
    return str(known if known.version == 4 else ipaddress.ip_network((known, IPV6_NETWORK), strict=False))


def _known_browser(user: str) -> str | None:
    """The number of this browser, where somebody signed in with this name in it before."""
    number, _dot, mark = flask.request.cookies.get(_cookie(), "").partition(".")
    return number if hmac.compare_digest(mark.encode(), _mark(user, number).encode()) else None


def _mark(user: str, number: str) -> str:
    return request.context().cipher.digest("known browser", f"{number} {user.lower()}").hex()


def _cookie() -> str:
    return TLS_KNOWN if flask.request.is_secure else KNOWN


def _take(about: str, rate: Rate) -> bool:
    context = request.context()
    return take_shared(context.engine, context.cipher.digest("rate", about), rate)
