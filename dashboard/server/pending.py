"""Sign-ins that are under way at a provider: what was sent there, for which browser, and where it leads."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass

from sqlalchemy import Engine, delete, insert, select

from connectors.openid.provider import Secrets
from models.schema import clock
from models.schema.database import short_write
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.tables import sign_in_states

KEEP_US = 10 * 60 * clock.SECOND_US
# Under way at once; of more the oldest are forgotten, so that nobody fills the table up. One address cannot begin as
# many in the time that they are kept, and so pushes nobody out (`sign_in.STARTS`).
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in under way: at which provider, with which secrets, where it leads, and by which invitation."""

    provider: str
    secrets: Secrets
    onward: str
    invitation: str = ""


def new_secrets() -> Secrets:
    """State, nonce and verifier of a new sign-in, each of 256 random bits."""
    return Secrets(*(secrets.token_urlsafe(32) for _ in range(3)))


def begin(engine: Engine, cipher: PiiCipher, browser: str, pending: Pending) -> None:
    """Remember a sign-in until the browser that began it comes back; those that took too long are forgotten.

    So are the oldest where more than `MOST` are under way: they are refused when they come back, and can begin again.
    """
    now, digest = clock.now_us(), _digest(pending.secrets.state)
    sealed = cipher.encrypt(json.dumps(asdict(pending)).encode(), place(sign_in_states.c.sealed, digest))
    with short_write(engine) as connection:
        newest_first = select(sign_in_states.c.made_us).order_by(sign_in_states.c.made_us.desc())
        last_kept = connection.scalar(newest_first.offset(MOST - 2).limit(1)) or 0  # with the new one as many as may be
        connection.execute(delete(sign_in_states).where(sign_in_states.c.made_us < max(now - KEEP_US, last_kept)))
        connection.execute(
            insert(sign_in_states).values(
                digest=digest, browser_digest=_digest(browser), provider=pending.provider,
                sealed=sealed, made_us=now,
            )
        )  # fmt: skip


def take(engine: Engine, cipher: PiiCipher, browser: str, state: str) -> Pending | None:
    """The sign-in with this state, once, where this browser began it not too long ago."""
    own = (
        sign_in_states.c.digest == _digest(state),
        sign_in_states.c.browser_digest == _digest(browser),
        sign_in_states.c.made_us >= clock.now_us() - KEEP_US,
    )
    with short_write(engine) as connection:
        sealed = connection.scalar(delete(sign_in_states).where(*own).returning(sign_in_states.c.sealed))
    if sealed is None:
        return None
    read = json.loads(cipher.decrypt(sealed, place(sign_in_states.c.sealed, _digest(state))))
    return Pending(read["provider"], Secrets(**read["secrets"]), read["onward"], read["invitation"])


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
