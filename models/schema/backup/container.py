"""The encryption of a backup file: a stream of chunks, each authenticated with its number and whether it is the last.

This is STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, 2015), which age and Tink use too, with AES-256-GCM: chunks
cannot be changed, left out, added or put in another order, and a file that was cut off is not taken for a whole one.
Every file has a key of its own, derived from the key of the store and a random salt. A check value, derived with it,
tells another key from a damaged file.
"""

from __future__ import annotations

import hmac
import io
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.schema.encryption import PiiCipher

MAGIC = b"RONDBLIK BACKUP 1\n"
SALT_BYTES, CHECK_BYTES, KEY_BYTES, TAG_BYTES = 32, 16, 32, 16
CHUNK_BYTES = 256 * 1024


class BackupRefused(Exception):
    """A backup cannot be made or restored; says why and what to do. Nothing was changed."""

    def __init__(self, nl: str, en: str) -> None:
        super().__init__(f"{nl} / {en}")


def lacking() -> BackupRefused:
    """The exception for a backup that can be read and does not hold all that it should."""
    return BackupRefused(
        "In deze reservekopie ontbreken gegevens; neem een andere.", "This backup lacks data; take another one."
    )


def _derive(cipher: PiiCipher, salt: bytes) -> tuple[AESGCM, bytes]:
    """The cipher of one file, and the check value that stands in its header."""
    length = KEY_BYTES + CHECK_BYTES
    derived = HKDF(SHA256(), length, salt, b"rondblik backup").derive(cipher.backup_key)
    return AESGCM(derived[:KEY_BYTES]), derived[KEY_BYTES:]


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11) + bytes([is_last])


class EncryptedWriter(io.RawIOBase):
    """Writes encrypted to `file` what is written to it; whole only after `finish`."""

    def __init__(self, file: BinaryIO, cipher: PiiCipher) -> None:
        self._file, self._number, self._waiting = file, 0, bytearray()
        salt = secrets.token_bytes(SALT_BYTES)
        self._cipher, check = _derive(cipher, salt)
        file.write(MAGIC + salt + check)

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Take in bytes; a full chunk is written when more follows, because the last one is marked."""
        self._waiting += data
        while len(self._waiting) > CHUNK_BYTES:
            self._write_chunk(bytes(self._waiting[:CHUNK_BYTES]), is_last=False)
            del self._waiting[:CHUNK_BYTES]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk."""
        self._write_chunk(bytes(self._waiting), is_last=True)

    def _write_chunk(self, clear: bytes, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, is_last), clear, None))
        self._number += 1


def cipher_of(path: Path, ciphers: Iterable[PiiCipher]) -> PiiCipher:
    """The first of these ciphers by which a backup was made. Raises BackupRefused or OSError."""
    for cipher in ciphers:
        with path.open("rb") as file:
            salt, check = _header(file)
        if hmac.compare_digest(check, _derive(cipher, salt)[1]):
            return cipher
    raise _other_key()


def _header(file: BinaryIO) -> tuple[bytes, bytes]:
    """The salt and the check value at the beginning of a backup."""
    header = file.read(len(MAGIC) + SALT_BYTES + CHECK_BYTES)
    if not header.startswith(MAGIC) or len(header) < len(MAGIC) + SALT_BYTES + CHECK_BYTES:
        raise BackupRefused("Dit is geen reservekopie van Rondblik.", "This is no backup of Rondblik.")
    return header[len(MAGIC) : -CHECK_BYTES], header[-CHECK_BYTES:]


def _other_key() -> BackupRefused:
    return BackupRefused(
        "Deze reservekopie is met een andere sleutel gemaakt; zet de sleutel van toen in de datamap: als sealing.key, "
        "of onder de naam sealing.key.… die hij kreeg toen hij vervangen werd.",
        "This backup was made with another key; put the key of that time in the data folder: as sealing.key, or under "
        "the name sealing.key.… that it got when it was replaced.",
    )


class EncryptedReader(io.RawIOBase):
    """Reads what an `EncryptedWriter` wrote to `file`; raises BackupRefused where key or bytes are others.

    Bytes are given out before the whole is known to be good: read to the end before anything follows from them.
    """

    def __init__(self, file: BinaryIO, cipher: PiiCipher) -> None:
        self._file, self._number, self._clear = file, 0, memoryview(b"")
        salt, check = _header(file)
        self._cipher, expected = _derive(cipher, salt)
        if not hmac.compare_digest(check, expected):
            raise _other_key()
        self._next = file.read(CHUNK_BYTES + TAG_BYTES)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes; 0 behind the last chunk."""
        if not self._clear and (self._next or self._number == 0):
            self._clear = self._read_chunk()
        count = min(len(buffer), len(self._clear))
        buffer[:count] = self._clear[:count]
        self._clear = self._clear[count:]
        return count

    def _read_chunk(self) -> memoryview:
        encrypted, self._next = self._next, self._file.read(CHUNK_BYTES + TAG_BYTES)
        try:
            clear = self._cipher.decrypt(_nonce(self._number, is_last=not self._next), encrypted, None)
        except InvalidTag:
            raise BackupRefused(
                "Deze reservekopie is beschadigd of niet heel; neem een andere.",
                "This backup is damaged or incomplete; take another one.",
            ) from None
        self._number += 1
        return memoryview(clear)
