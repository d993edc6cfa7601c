"""A form is dealt with once: what is sent again with the same token gets the answer of the first time.

A double click and a form sent anew after a lost answer are the same form; the browser makes the token. How a form went
is in the database, so that another process knows it too.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, dataclass

from sqlalchemy import Engine, delete, select, update

from models.schema import clock
from models.schema.database import insert_or, read_transaction, short_write
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.tables import form_outcomes

KEEP_US = 3600 * clock.SECOND_US  # a page rarely sends a form again after a minute
ABANDONED_US = 60 * clock.SECOND_US  # after which who dealt with it must have died
WAIT_SECONDS = 30.0
POLL_SECONDS = 0.05
TOKEN = re.compile(r"[0-9a-f]{32}", re.ASCII)


class StillBusy(Exception):
    """The first one is still being dealt with."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the first answer led, with the cookies that it set."""

    location: str
    cookies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How forms went, in all processes; encrypted, for a cookie may hold the token of a session."""

    engine: Engine
    cipher: PiiCipher

    def begin(self, key: bytes) -> Outcome | None:
        """None for who comes first, and must call `end`; else how the first one went. Raises StillBusy."""
        ends = time.monotonic() + WAIT_SECONDS
        while not self._is_first(key):
            sealed = self._outcome(key)
            if sealed is not None:
                read = json.loads(self.cipher.decrypt(sealed, place(form_outcomes.c.outcome, key)))
                return Outcome(read["location"], tuple(read["cookies"]))
            if time.monotonic() > ends:
                raise StillBusy
            time.sleep(POLL_SECONDS)
        return None

    def _is_first(self, key: bytes) -> bool:
        now = clock.now_us()
        with short_write(self.engine) as connection:
            connection.execute(delete(form_outcomes).where(form_outcomes.c.begun_us < now - KEEP_US))
            new = insert_or(connection, form_outcomes).values(digest=key, begun_us=now).on_conflict_do_nothing()
            if connection.scalar(new.returning(form_outcomes.c.digest)) is not None:
                return True
            abandoned = (
                form_outcomes.c.digest == key,
                form_outcomes.c.outcome.is_(None),
                form_outcomes.c.begun_us < now - ABANDONED_US,
            )
            return connection.execute(update(form_outcomes).where(*abandoned).values(begun_us=now)).rowcount > 0

    def _outcome(self, key: bytes) -> bytes | None:
        with read_transaction(self.engine) as connection:
            return connection.scalar(select(form_outcomes.c.outcome).where(form_outcomes.c.digest == key))

    def end(self, key: bytes, outcome: Outcome | None) -> None:
        """How the first one went; None where it was refused or failed: the next one is the first again."""
        own = form_outcomes.c.digest == key
        with short_write(self.engine) as connection:
            if outcome is None:
                connection.execute(delete(form_outcomes).where(own))
            else:
                written = json.dumps(asdict(outcome)).encode()
                sealed = self.cipher.encrypt(written, place(form_outcomes.c.outcome, key))
                connection.execute(update(form_outcomes).where(own).values(outcome=sealed))
