"""Encryption of what identifies a child: a key outside the database, made with it (`store_key`).

`digest` and `rotating_digest` find a value again without showing it (keyed BLAKE2b, 16 bytes); `encrypt` keeps it
readable for those who hold the key (AES-256-GCM, a fresh nonce each time). Whoever has the database alone has neither.

What is encrypted begins with a byte for the form and the id of its key, and can be decrypted only for the place that it
was encrypted for: a column and a row (`models.schema.encrypted_columns.place`). The key can be replaced
(`models.schema.key_rotation`, ADR 41).
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "sealing.key"
NEXT_KEY_FILE = "sealing.key.next"  # while the key is being replaced
KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_BYTES = 4
FORM = b"\x01"
_HEX = rb"([0-9A-Fa-f]{64})"
_KEY_TEXT = re.compile(rb"\s*" + _HEX + rb"(?:\s+" + _HEX + rb")?\s*")


class DecryptionFailed(Exception):
    """What is stored was encrypted with another key, or was changed."""


class KeyRefused(Exception):
    """The key file cannot be used; says which file, what is wrong with it, and what to do."""

    def __init__(self, nl: str, en: str) -> None:
        super().__init__(f"{nl} / {en}")


@dataclass(frozen=True, slots=True)
class PiiCipher:
    """The keys that follow from the key file. `digest_key` stays when the others are replaced."""

    rotating_key: bytes
    cipher_key: bytes
    backup_key: bytes
    digest_key: bytes

    @classmethod
    def from_secret(cls, secret: bytes, digest_key: bytes | None = None) -> PiiCipher:
        """The cipher of a secret; raises ValueError where it has not KEY_BYTES bytes.

        `digest_key` is that of the first key of the store; None: this is the first one.
        """
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a sealing key has {KEY_BYTES} bytes")
        names = (b"digest", b"cipher", b"backup")
        rotating, cipher, backup = (hashlib.blake2b(name, key=secret, digest_size=32).digest() for name in names)
        return cls(rotating, cipher, backup, digest_key or rotating)

    @property
    def fingerprint(self) -> bytes:
        """16 bytes by which the key is known again; they do not lead to it."""
        return self.rotating_digest("fingerprint", "")

    @property
    def key_id(self) -> bytes:
        """The beginning of the fingerprint, which stands in whatever is encrypted with the key."""
        return self.fingerprint[:KEY_ID_BYTES]

    def digest(self, kind: str, value: str) -> bytes:
        """16 bytes that are the same for the same kind and value, and tell nothing to who lacks the key.

        They stay the same when the key is replaced: for values that are stored nowhere else.
        """
        return _digest(self.digest_key, kind, value)

    def rotating_digest(self, kind: str, value: str) -> bytes:
        """As `digest`, but others when the key is replaced: for values that are stored encrypted beside them."""
        return _digest(self.rotating_key, kind, value)

    def encrypt(self, clear: bytes, place: bytes) -> bytes:
        """`clear`, encrypted for this place; another result at each call."""
        nonce = os.urandom(NONCE_BYTES)
        return FORM + self.key_id + nonce + AESGCM(self.cipher_key).encrypt(nonce, clear, place)

    def decrypt(self, encrypted: bytes, place: bytes) -> bytes:
        """What was encrypted for this place; raises DecryptionFailed where key, bytes or place are others."""
        begin = len(FORM) + KEY_ID_BYTES
        if encrypted[:begin] != FORM + self.key_id:
            raise _failed()
        return self._opened(encrypted[begin:], place)

    def decrypt_unbound(self, encrypted: bytes) -> bytes:
        """What a program of before 0020 encrypted, which is bound to no place; raises DecryptionFailed."""
        return self._opened(encrypted, None)

    def has_encrypted(self, value: bytes) -> bool:
        """Whether a value, of whatever place and version, was encrypted with this key."""
        try:
            self.decrypt_unbound(value)
        except DecryptionFailed:
            return value.startswith(FORM + self.key_id)
        return True

    def _opened(self, encrypted: bytes, place: bytes | None) -> bytes:
        try:
            return AESGCM(self.cipher_key).decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            raise _failed() from None


def _digest(key: bytes, kind: str, value: str) -> bytes:
    return hashlib.blake2b(value.encode(), key=key, person=kind.encode()[:16], digest_size=16).digest()


def _failed() -> DecryptionFailed:
    return DecryptionFailed("The key file does not belong to this database, or the record was changed.")


# -- the key file ----------------------------------------------------------------------------------------------


def read_key(folder: Path) -> PiiCipher | None:
    """The cipher of the key file in a data folder; None where there is no such file. Raises KeyRefused or OSError."""
    return _read(folder / KEY_FILE)


def next_key(folder: Path) -> PiiCipher | None:
    """The cipher that was to replace that of the key file when this was interrupted; None where there is none."""
    return _read(folder / NEXT_KEY_FILE)


def former_keys(folder: Path, current: PiiCipher) -> list[PiiCipher]:
    """The ciphers of the keys that the current one replaced, as far as their files are still in the data folder."""
    found = (_read(path) for path in sorted(folder.glob(f"{KEY_FILE}.{'[0-9a-f]' * (2 * KEY_ID_BYTES)}")))
    return [cipher for cipher in found if cipher is not None and cipher.digest_key == current.digest_key]


def former_key_file(folder: Path, cipher: PiiCipher) -> Path:
    """Where the key of a cipher is kept after it was replaced."""
    return folder / f"{KEY_FILE}.{cipher.key_id.hex()}"


def _read(path: Path) -> PiiCipher | None:
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
    return PiiCipher.from_secret(*(bytes.fromhex(part.decode()) for part in match.groups() if part is not None))


def make_key(folder: Path) -> PiiCipher:
    """Make the key file (mode 0600), whole or not at all; only one process may do so at a time (`store_key`)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = secrets.token_bytes(KEY_BYTES)
    _write(folder / KEY_FILE, f"{secret.hex()}\n")
    return PiiCipher.from_secret(secret)


def make_next_key(folder: Path, current: PiiCipher) -> PiiCipher:
    """Make the key that is to replace the current one, and keep a copy of that; both are on the disk on return."""
    secret = secrets.token_bytes(KEY_BYTES)
    _write(former_key_file(folder, current), (folder / KEY_FILE).read_text())
    _write(folder / NEXT_KEY_FILE, f"{secret.hex()}\n{current.digest_key.hex()}\n")
    return PiiCipher.from_secret(secret, current.digest_key)


def use_next_key(folder: Path) -> None:
    """Put the next key in the place of the current one, once the database is encrypted with it."""
    with suppress(FileNotFoundError):  # another process has just done so
        (folder / NEXT_KEY_FILE).rename(folder / KEY_FILE)
    _sync(folder)


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)  # of a process that was ended while it wrote
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
