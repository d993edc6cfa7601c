"""A row of `results` by the names of its columns: in which order the database has them never matters.

`StoredResult` is the one list of the columns; the tables of results are made from it (`models.schema.tables`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring_ascii as quoted
from operator import attrgetter, itemgetter
from types import NoneType
from typing import Annotated, Any, NamedTuple

from sqlalchemy import BigInteger, SmallInteger

Short = Annotated[int, SmallInteger]
Long = Annotated[int, BigInteger]


class StoredResult(NamedTuple):
    """A result as it is stored: one field for each column of `results`, in their order.

    An `int` is an INTEGER unless it is `Short` or `Long`; a field that may be None is a column that may be NULL. A new
    field comes last, as a migration adds its column, and may be None: see `value_digest`.
    """

    school_id: int
    source_id: int
    key: str
    progress: bool  # a progress record stands beside a score of the same key; every other kind replaces it
    kind: Short
    identifier_id: int
    test_id: int
    definition_id: int
    part_id: int
    taken_on: str
    score: Long | None
    score_text: str | None
    absence: Short | None
    status: Short | None
    worked_ms: Long | None
    offered: int | None
    made: int | None
    correct: int | None
    detail: str | None  # JSON: what an OSO or progress record holds beyond the columns
    info_url: str | None
    taken_text: str | None
    school_year: str
    created_us: Long
    digest64: Long
    delivery_id: int
    arrived_us: Long

    @property
    def value(self) -> tuple[Any, ...]:
        """What the result says."""
        return tuple(_value_of(self))


KEY_COLUMNS = ("school_id", "source_id", "key", "progress")
ROWS_OF_A_KEY = 2  # of a source at most: a progress record, and any other kind
MESSAGE_COLUMNS = ("created_us", "digest64", "delivery_id", "arrived_us")  # of the message that stated a value
# What a result says: the columns that make two messages say the same or not.
VALUE_COLUMNS = tuple(name for name in StoredResult._fields if name not in (*KEY_COLUMNS, *MESSAGE_COLUMNS))
DIGEST_VERSION = 2
DIGEST_BYTES = 16
_VERSION = bytes([DIGEST_VERSION])

_value_of = attrgetter(*VALUE_COLUMNS)
# Of each combination of types that values have, such as those of a plain score: the JSON, and which values it takes.
_Shape = tuple[type, ...]
_Form = tuple[str, Callable[[Sequence[Any]], tuple[Any, ...]]]
_FORMS: dict[_Shape, _Form] = {}


def value_digest(value: Sequence[Any]) -> bytes:
    """The version of the digest in one byte, and a digest of what a result says (`VALUE_COLUMNS`), by name.

    Empty fields are left out: a field that is added later, and is empty in what was stored before, leaves the stored
    digests as they are. Whatever else changes a digest needs a new version, and a migration that computes the stored
    ones anew (as 0005_store and 0008 did).
    """
    shape = tuple(map(type, value))
    form = _FORMS.get(shape) or _FORMS.setdefault(shape, _form(shape))
    # What a JSON encoder writes, which takes twice as long.
    body = form[0] % tuple([quoted(item) if isinstance(item, str) else int.__repr__(item) for item in form[1](value)])
    return _VERSION + hashlib.blake2b(body.encode(), digest_size=DIGEST_BYTES - 1).digest()


def _form(shape: _Shape) -> _Form:
    filled = sorted((name, place) for place, name in enumerate(VALUE_COLUMNS) if shape[place] is not NoneType)
    places = [place for _name, place in filled]
    pick = itemgetter(*places) if len(places) > 1 else lambda value: tuple(value[place] for place in places)
    return "{" + ",".join(f'"{name}":%s' for name, _place in filled) + "}", pick
