"""Accounts of this program itself: a password, a code of an authenticator app, and codes for when that is lost.

They are for the first administrator of a school. There are none unless an operator makes one (`rondblik account add`).
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import ColumnElement, Connection, Engine, delete, exists, select, update

from models.access.accounts import LOCAL, signed_in, subject_digest
from models.schema import clock
from models.schema.database import insert_or, read_transaction, short_write
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.tables import account_roles, accounts, local_credentials, sessions

MIN_PASSWORD, MAX_PASSWORD = 12, 256
MAX_USER = 64
PRODUCT, MIN_WORD = "rondblik", 4  # letters of a word that no password may have
RECOVERY_CODES = 10
RECOVERY_GROUPS = 4  # of 32 bits: a code cannot be guessed from its digest
STEP_SECONDS = 30
_hasher = PasswordHasher()


@dataclass(frozen=True, slots=True)
class NewCredentials:
    """What is shown once: the secret for an authenticator app, and the codes for when that is lost."""

    totp_secret: str = field(repr=False)
    recovery_codes: tuple[str, ...] = field(repr=False)

    def address(self, user: str) -> str:
        """The `otpauth` address that authenticator apps read."""
        return pyotp.TOTP(self.totp_secret).provisioning_uri(name=user, issuer_name="Rondblik")


def exists_any(connection: Connection) -> bool:
    """Whether there is any local account."""
    return bool(connection.scalar(select(exists().select_from(local_credentials))))


def names(connection: Connection) -> list[str]:
    """The names of the people who have a local account."""
    own = select(accounts.c.name).join(local_credentials, local_credentials.c.account_id == accounts.c.id)
    return list(connection.scalars(own.order_by(accounts.c.id)))


def guessable_word(password: str, *about: str) -> str | None:
    """The first word of these texts about an account, or the name of the program, that a password has in it."""
    words = (word for text in (PRODUCT, *about) for word in re.split(r"[\W_]+", text.casefold()))
    return next((word for word in words if len(word) >= MIN_WORD and word in password.casefold()), None)


def add(connection: Connection, cipher: PiiCipher, user: str, name: str, password: str) -> tuple[int, NewCredentials]:
    """Make a local account, or give the one with this name a new password and codes; its sessions end."""
    account_id = signed_in(connection, cipher, LOCAL, user, name)
    codes = tuple("-".join(secrets.token_hex(4) for _ in range(RECOVERY_GROUPS)) for _ in range(RECOVERY_CODES))
    made = NewCredentials(pyotp.random_base32(), codes)
    values = {
        "password_hash": _hasher.hash(password),
        "totp_secret": cipher.encrypt(made.totp_secret.encode(), place(local_credentials.c.totp_secret, account_id)),
        "totp_step": 0,
        "recovery_digests": json.dumps([_recovery_digest(cipher, code) for code in codes]),
    }
    new = insert_or(connection, local_credentials).values(account_id=account_id, **values)
    connection.execute(new.on_conflict_do_update(index_elements=["account_id"], set_=values))
    connection.execute(delete(sessions).where(sessions.c.account_id == account_id))
    return account_id, made


def remove(connection: Connection, cipher: PiiCipher, user: str) -> tuple[int, list[int]] | None:
    """Take a local account its credentials, roles and sessions; its number, and the schools of its roles.

    None where there was no such account.
    """
    own_id = select(accounts.c.id).where(accounts.c.subject_digest == subject_digest(cipher, LOCAL, user))
    account_id = connection.scalar(own_id)
    if account_id is None:
        return None
    connection.execute(delete(local_credentials).where(local_credentials.c.account_id == account_id))
    connection.execute(delete(sessions).where(sessions.c.account_id == account_id))
    ended = {"ended_by": LOCAL, "ended_us": clock.now_us()}
    own = (account_roles.c.account_id == account_id, account_roles.c.ended_us.is_(None))
    roles = update(account_roles).where(*own).values(**ended).returning(account_roles.c.school_id)
    return int(account_id), sorted(set(connection.scalars(roles)))


def check(
    engine: Engine, cipher: PiiCipher, user: str, password: str, code: str, may_try_code: Callable[[int], bool]
) -> int | None:
    """The account of a name, where password and code are right; a code works once.

    `may_try_code` is asked where the password is right, whether the code may be looked at: of too many, none is right.
    """
    whose = accounts.c.subject_digest == subject_digest(cipher, LOCAL, user[:MAX_USER])
    return _checked(engine, cipher, whose, password, code, may_try_code)


def has_password(connection: Connection, account_id: int) -> bool:
    """Whether an account is a local one, which has a password."""
    own = local_credentials.c.account_id == account_id
    return bool(connection.scalar(select(exists().where(own))))


def change_password(engine: Engine, cipher: PiiCipher, account_id: int, old: str, code: str, new: str) -> bool:
    """Give an account another password where the old one and a code are right; all its sessions end.

    False, and nothing changed, where they are not.
    """
    if _checked(engine, cipher, accounts.c.id == account_id, old, code) is None:
        return False
    new_hash = _hasher.hash(new)
    with short_write(engine) as connection:
        own = local_credentials.c.account_id == account_id
        connection.execute(update(local_credentials).where(own).values(password_hash=new_hash))
        connection.execute(delete(sessions).where(sessions.c.account_id == account_id))
    return True


def _checked(
    engine: Engine,
    cipher: PiiCipher,
    whose: ColumnElement[bool],
    password: str,
    code: str,
    may_try_code: Callable[[int], bool] = lambda _account_id: True,
) -> int | None:
    """The account of this condition, where password and code are right.

    The password is verified before the database is locked, for that takes a while.
    """
    with read_transaction(engine) as connection:
        row = connection.execute(
            select(local_credentials).join(accounts, accounts.c.id == local_credentials.c.account_id).where(whose)
        ).one_or_none()
    nobody = _hash_of_nobody()  # also where it is not needed: the first answer takes longer, whoever asks
    right = _is_password(nobody if row is None else row.password_hash, password)
    if row is None or not right or not may_try_code(row.account_id):
        return None
    secret = cipher.decrypt(row.totp_secret, place(local_credentials.c.totp_secret, row.account_id)).decode()
    step = _used_step(secret, code, row.totp_step)
    left: list[str] = json.loads(row.recovery_digests)
    digest = _recovery_digest(cipher, code.strip())
    if step is not None:
        unused = local_credentials.c.totp_step < step
        values: dict[str, object] = {"totp_step": step}
    elif digest in left:
        unused = local_credentials.c.recovery_digests == row.recovery_digests
        values = {"recovery_digests": json.dumps([item for item in left if item != digest])}
    else:
        return None
    with short_write(engine) as connection:
        own = local_credentials.c.account_id == row.account_id
        if connection.execute(update(local_credentials).where(own, unused).values(**values)).rowcount == 0:
            return None  # used by another request at the same time
        connection.execute(update(accounts).where(accounts.c.id == row.account_id).values(signed_in_us=clock.now_us()))
    return int(row.account_id)


@cache
def _hash_of_nobody() -> str:
    """What is verified where nobody has the name, so that the time of the answer does not tell."""
    return _hasher.hash(secrets.token_urlsafe(16))


def _is_password(password_hash: str, password: str) -> bool:
    """Whether it is just this password; one that nobody can have is not cut short, and costs no more than others."""
    try:
        return _hasher.verify(password_hash, password[:MAX_PASSWORD]) and len(password) <= MAX_PASSWORD
    except VerificationError:
        return False


def _used_step(secret: str, code: str, last: int) -> int | None:
    """The step of thirty seconds of which this is the code: this one or a neighbour, and later than the last used."""
    totp, now = pyotp.TOTP(secret, interval=STEP_SECONDS), int(clock.now().timestamp())
    typed = "".join(code.split())
    for step in (now // STEP_SECONDS + shift for shift in (0, -1, 1)):
        if step > last and secrets.compare_digest(totp.at(step * STEP_SECONDS).encode(), typed.encode()):
            return step
    return None


def _recovery_digest(cipher: PiiCipher, code: str) -> str:
    return hashlib.sha256(cipher.digest("recovery", code)).hexdigest()
