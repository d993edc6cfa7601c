"""Columns of rows that tests insert by themselves, encrypted as the program does it."""

from __future__ import annotations

from typing import Any

from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.tables import identifiers, teachers


def identifier(cipher: PiiCipher, school_id: int, number: int, value: str, kind: str = "las") -> dict[str, Any]:
    """The key of a pupil in the pupil administration, or their ECK iD."""
    sealed = cipher.encrypt(value.encode(), place(identifiers.c.sealed, school_id, number))
    of_school = {"school_id": school_id, "id": number, "kind": kind}
    return of_school | {"digest": cipher.rotating_digest(kind, value), "sealed": sealed}


def teacher(cipher: PiiCipher, school_id: int, number: int) -> dict[str, Any]:
    """A teacher, whose key is their number."""
    key = str(number)
    sealed = cipher.encrypt(key.encode(), place(teachers.c.key_sealed, school_id, number))
    of_school = {"school_id": school_id, "id": number}
    return of_school | {"key_digest": cipher.rotating_digest("teacher", key), "key_sealed": sealed}
