"""Requests and answers of a check: text that is masked, of a long one the beginning.

They are stored as long as the check, compressed and encrypted.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from models.schema.encryption import PiiCipher


@dataclass(frozen=True, slots=True)
class Transmission:
    """A request or an answer: the headers of HTTP that say what it is, and its body.

    `size` is that of the body in bytes; `whole` is False where `text` is only its beginning.
    """

    head: str
    text: str
    size: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with its answer; either is None where there is none (whole).

    `scenarios` are the ids of those it belongs to, `at_us` is when the request came in at a test address.
    """

    operation: str
    scenarios: tuple[str, ...]
    request: Transmission | None
    answer: Transmission | None
    at_us: int | None = None


def encrypt_exchanges(cipher: PiiCipher, where: bytes, exchanges: Sequence[Exchange]) -> bytes:
    """Exchanges as they are stored in this place."""
    return cipher.encrypt(zlib.compress(json.dumps([asdict(exchange) for exchange in exchanges]).encode()), where)


def decrypt_exchanges(cipher: PiiCipher, where: bytes, encrypted: bytes | None) -> tuple[Exchange, ...]:
    """Exchanges that were stored in this place; none of a row without any. Raises DecryptionFailed."""
    if encrypted is None:
        return ()
    return tuple(_exchange(item) for item in json.loads(zlib.decompress(cipher.decrypt(encrypted, where))))


def _exchange(item: dict[str, Any]) -> Exchange:
    request, answer = (None if item[name] is None else Transmission(**item[name]) for name in ("request", "answer"))
    return Exchange(item["operation"], tuple(item["scenarios"]), request, answer, item["at_us"])
