"""Sealing of what identifies a child: a key outside the database, made at first start.

`digest` finds a value again without showing it (keyed BLAKE2b, 16 bytes); `seal` keeps it readable for those who
hold the key (AES-256-GCM, a fresh nonce each time). Whoever has the database alone has neither.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "sealing.key"
NONCE_BYTES = 12


class SealBroken(Exception):
    """What is stored was sealed with another key, or was changed."""


@dataclass(frozen=True, slots=True)
class Seal:
    """The two keys that follow from the one in the key file."""

    digest_key: bytes
    cipher_key: bytes

    @classmethod
    def from_secret(cls, secret: bytes) -> Seal:
        """The seal of a secret of 32 bytes."""
        return cls(
            hashlib.blake2b(b"digest", key=secret, digest_size=32).digest(),
            hashlib.blake2b(b"cipher", key=secret, digest_size=32).digest(),
        )

    @classmethod
    def of_folder(cls, folder: Path) -> Seal:
        """The seal of a data folder; makes the key file (mode 0600) at first start."""
        path = folder / KEY_FILE
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls.from_secret(bytes.fromhex(path.read_text().strip()))
        secret = secrets.token_bytes(32)
        with os.fdopen(handle, "w") as file:
            file.write(secret.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        return cls.from_secret(secret)

    def digest(self, kind: str, value: str) -> bytes:
        """16 bytes that are the same for the same kind and value, and tell nothing to who lacks the key."""
        return hashlib.blake2b(value.encode(), key=self.digest_key, person=kind.encode()[:16], digest_size=16).digest()

    def seal(self, clear: bytes) -> bytes:
        """`clear`, encrypted; another result at each call."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.cipher_key).encrypt(nonce, clear, None)

    def unseal(self, sealed: bytes) -> bytes:
        """What `seal` was given; raises SealBroken where key or bytes are others."""
        try:
            return AESGCM(self.cipher_key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        except InvalidTag:
            raise SealBroken("The key file does not belong to this database, or the record was changed.") from None
