"""Encryption of what identifies a child: a key outside the database, made with it (`store_key`).

`digest` finds a value again without showing it (keyed BLAKE2b, 16 bytes); `encrypt` keeps it readable for those who
hold the key (AES-256-GCM, a fresh nonce each time). Whoever has the database alone has neither.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "sealing.key"
KEY_BYTES = 32
NONCE_BYTES = 12
_KEY_TEXT = re.compile(rb"\s*([0-9A-Fa-f]{64})\s*")


class DecryptionFailed(Exception):
    """What is stored was encrypted with another key, or was changed."""


class KeyRefused(Exception):
    """The key file cannot be used; says which file, what is wrong with it, and what to do."""

    def __init__(self, nl: str, en: str) -> None:
        super().__init__(f"{nl} / {en}")


@dataclass(frozen=True, slots=True)
class PiiCipher:
    """The keys that follow from the one in the key file."""

    digest_key: bytes
    cipher_key: bytes
    backup_key: bytes

    @classmethod
    def from_secret(cls, secret: bytes) -> PiiCipher:
        """The cipher of a secret; raises ValueError where it has not KEY_BYTES bytes."""
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a sealing key has {KEY_BYTES} bytes")
        names = (b"digest", b"cipher", b"backup")
        return cls(*(hashlib.blake2b(name, key=secret, digest_size=32).digest() for name in names))

    @property
    def fingerprint(self) -> bytes:
        """16 bytes by which the key is known again; they do not lead to it."""
        return self.digest("fingerprint", "")

    def digest(self, kind: str, value: str) -> bytes:
        """16 bytes that are the same for the same kind and value, and tell nothing to who lacks the key."""
        return hashlib.blake2b(value.encode(), key=self.digest_key, person=kind.encode()[:16], digest_size=16).digest()

    def encrypt(self, clear: bytes) -> bytes:
        """`clear`, encrypted; another result at each call."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.cipher_key).encrypt(nonce, clear, None)

    def decrypt(self, encrypted: bytes) -> bytes:
        """What was encrypted; raises DecryptionFailed where key or bytes are others."""
        try:
            return AESGCM(self.cipher_key).decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], None)
        except InvalidTag:
            raise DecryptionFailed(
                "The key file does not belong to this database, or the record was changed."
            ) from None


# -- the key file ----------------------------------------------------------------------------------------------


def read_key(folder: Path) -> PiiCipher | None:
    """The cipher of the key file in a data folder; None where there is no such file. Raises KeyRefused or OSError."""
    path = folder / KEY_FILE
    try:
        with path.open("rb") as file:
            mode, text = os.fstat(file.fileno()).st_mode, file.read(1024)
    except FileNotFoundError:
        return None
    if stat.S_IMODE(mode) & 0o077:
        raise KeyRefused(
            f"{path} is ook voor anderen dan de eigenaar toegankelijk; geef het bestand rechten 600 (chmod 600).",
            f"{path} is open to others than its owner; give the file mode 600 (chmod 600).",
        )
    match = _KEY_TEXT.fullmatch(text)
    if match is None:
        raise KeyRefused(
            f"{path} is geen sleutel van {KEY_BYTES} bytes in hexadecimale tekens; zet het bestand terug uit de "
            "reservekopie.",
            f"{path} is no key of {KEY_BYTES} bytes in hexadecimal digits; put the file back from the backup.",
        )
    return PiiCipher.from_secret(bytes.fromhex(match[1].decode()))


def make_key(folder: Path) -> PiiCipher:
    """Make the key file (mode 0600), whole or not at all; only one process may do so at a time (`store_key`)."""
    secret = secrets.token_bytes(KEY_BYTES)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = folder / f"{KEY_FILE}.new"
    aside.unlink(missing_ok=True)  # of a start that was ended while it wrote
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    aside.rename(folder / KEY_FILE)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return PiiCipher.from_secret(secret)
