"""A form is dealt with once: what is sent again with the same token gets the answer of the first time.

A double click and a form sent anew after a lost answer are the same form; the browser makes the token.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

MOST = 10_000  # answers that are kept, the newest; a page rarely sends a form again after a minute
WAIT_SECONDS = 30.0
TOKEN = re.compile(r"[0-9a-f]{32}", re.ASCII)


class StillBusy(Exception):
    """The first one is still being dealt with."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the first answer led, with the cookies that it set."""

    location: str
    cookies: tuple[str, ...]


@dataclass(slots=True)
class _Form:
    done: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None


@dataclass(slots=True)
class Outcomes:
    """How forms went, in this process."""

    _forms: OrderedDict[str, _Form] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, key: str) -> Outcome | None:
        """None for who comes first, and must call `end`; else how the first one went. Raises StillBusy."""
        while True:
            with self._lock:
                form = self._forms.get(key)
                if form is None:
                    self._forms[key] = _Form()
                    while len(self._forms) > MOST:
                        self._forms.popitem(last=False)
                    return None
            if not form.done.wait(WAIT_SECONDS):
                raise StillBusy
            if form.outcome is not None:
                return form.outcome

    def end(self, key: str, outcome: Outcome | None) -> None:
        """How the first one went; None where it was refused or failed: the next one is the first again."""
        with self._lock:
            form = self._forms.get(key)
            if form is None:
                return
            if outcome is None:
                del self._forms[key]
            form.outcome = outcome
            form.done.set()
