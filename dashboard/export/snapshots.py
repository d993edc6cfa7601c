"""What stood on a screen, kept a while in the database, so that a file is made of just that and of nothing newer.

A page does not wait until its sheet is stored; a file that is asked for so soon does.
"""

from __future__ import annotations

import json
import secrets
import time
import zlib
from collections.abc import Callable
from dataclasses import astuple, dataclass

from pydantic import TypeAdapter
from sqlalchemy import Engine, delete, insert, select

from dashboard.export.sheets import Sheet
from models.access.viewer import Viewer
from models.schema import clock
from models.schema.database import read_transaction, short_write
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.tables import kept_sheets

MAX_PER_VIEWER = 40
KEEP_US = 4 * 3600 * clock.SECOND_US
FRESH_SECONDS = 30  # a sheet of which the page is older than this is stored, or never will be
WAIT_SECONDS = 5.0
POLL_SECONDS = 0.05

_sheet_json = TypeAdapter(Sheet)


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The last sheets that each viewer saw, encrypted; the screens of others never push them out."""

    engine: Engine
    cipher: PiiCipher
    later: Callable[[Callable[[], None]], None]

    def add(self, viewer: Viewer, sheet: Sheet) -> str:
        """Keep a sheet; returns the token with which who saw it asks for it."""
        token = f"{clock.now_us() // clock.SECOND_US:x}-{secrets.token_urlsafe(12)}"
        packed = zlib.compress(_sheet_json.dump_json(sheet))
        self.later(lambda: self._store(viewer, token, packed))
        return token

    def _store(self, viewer: Viewer, token: str, packed: bytes) -> None:
        now, seen_by, digest = clock.now_us(), self._digest(viewer), self._digest(viewer, token)
        own = kept_sheets.c.viewer == seen_by
        newest = select(kept_sheets.c.id).where(own).order_by(kept_sheets.c.id.desc()).limit(MAX_PER_VIEWER)
        with short_write(self.engine, viewer.school_id) as connection:
            connection.execute(
                insert(kept_sheets).values(
                    school_id=viewer.school_id, digest=digest, viewer=seen_by,
                    sealed=self.cipher.encrypt(packed, place(kept_sheets.c.sealed, digest)), until_us=now + KEEP_US,
                )
            )  # fmt: skip
            connection.execute(delete(kept_sheets).where(own, kept_sheets.c.id.not_in(newest)))
            connection.execute(delete(kept_sheets).where(kept_sheets.c.until_us < now))

    def find(self, viewer: Viewer, token: str) -> Sheet | None:
        """The sheet with this token, where this viewer saw it."""
        sealed, ends = self._read(viewer, token), time.monotonic() + WAIT_SECONDS
        while sealed is None and _is_fresh(token) and time.monotonic() < ends:
            time.sleep(POLL_SECONDS)
            sealed = self._read(viewer, token)
        if sealed is None:
            return None
        packed = self.cipher.decrypt(sealed, place(kept_sheets.c.sealed, self._digest(viewer, token)))
        return _sheet_json.validate_json(zlib.decompress(packed))

    def _read(self, viewer: Viewer, token: str) -> bytes | None:
        own = (kept_sheets.c.digest == self._digest(viewer, token), kept_sheets.c.until_us >= clock.now_us())
        with read_transaction(self.engine, viewer.school_id) as connection:
            return connection.scalar(select(kept_sheets.c.sealed).where(*own))

    def _digest(self, viewer: Viewer, token: str = "") -> bytes:
        return self.cipher.digest("sheet", json.dumps([*astuple(viewer), token]))


def _is_fresh(token: str) -> bool:
    """Whether a token was made so recently that its sheet may not be stored yet."""
    try:
        made = int(token.partition("-")[0], 16)
    except ValueError:
        return False
    return 0 <= clock.now_us() // clock.SECOND_US - made <= FRESH_SECONDS
