"""How a session begins while there is no sign-in: by a one-time code in the address that the program prints.

Who reaches the port, through a proxy on this machine for one, has no session by that; who started the program has.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass, field

import flask

from dashboard.ui import addresses

PARAMETER = "code"


@dataclass(slots=True)
class StartCodes:
    """The codes that were handed out and not used; they end with the process that prints them."""

    _digests: set[bytes] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def issue(self) -> str:
        """A new code, of 256 random bits."""
        code = secrets.token_urlsafe(32)
        with self._lock:
            self._digests.add(_digest(code))
        return code

    def use(self, code: str) -> bool:
        """Whether this is a code that was not used yet; it is now."""
        with self._lock:
            if _digest(code) not in self._digests:
                return False
            self._digests.remove(_digest(code))
            return True


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def start_path(app: flask.Flask) -> str:
    """The path of a new address with which one session of this app can begin."""
    codes: StartCodes = app.extensions["rondblik"].start_codes
    return f"{addresses.BEGIN}?{PARAMETER}={codes.issue()}"
