"""Writing results: one transaction a message, and whichever order messages come in, the same state.

Which value counts. A result is known by (school, source, key), and a progress record by itself: it stands beside a
score with the same key. Of all values that were ever accepted for it the one with the greatest rank stands in
`results`, with that rank; every other value stands once in `result_history`, with the greatest rank that stated it. The
rank is (aanmaakdatum as instant, moment of arrival, digest of the message): of two messages made at one moment the one
that came in later counts (ADR 20). All of it is known when a message arrives, so the state follows from the set of
accepted messages: neither the order of storing nor repetition matters.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Engine, and_, bindparam, delete, func, insert, or_, select, update

from models.ingest import connections, identity, result_counts
from models.schema import clock
from models.schema.data_versions import raise_for_pupils, raise_version
from models.schema.database import (
    delete_rows,
    insert_first,
    insert_new,
    keep_greatest,
    next_id,
    overwrite,
    portions,
    read_transaction,
    restate,
    rows_of_keys,
    write_transaction,
)
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.prepared import PreparedStatement
from models.schema.recent import Recent
from models.schema.records import (
    PART,
    PUPIL,
    Finding,
    Kind,
    MessageHead,
    MessageRow,
    OsoResult,
    Progress,
    PupilRef,
    ReferenceScore,
    ResultBatch,
    TestDefinition,
    Verdict,
)
from models.schema.stored_result import KEY_COLUMNS, ROWS_OF_A_KEY, VALUE_COLUMNS, StoredResult, value_digest
from models.schema.tables import (
    deliveries,
    fetched_documents,
    identifiers,
    parts,
    raw_messages,
    result_history,
    results,
    sender_key_schools,
    sender_keys,
    senders,
    test_definitions,
    tests,
)

DAY_US = 24 * 3600 * 1_000_000
PUSH = "push"  # the way of what a publisher sends to us
MAX_FINDINGS = 50
NO_IDENTIFIER = 0
SAMPLE_ROWS, MANY_ROWS = 100, 4_000
INDEXED_COLUMNS = ("identifier_id", "taken_on", "part_id")
RANK_COLUMNS = ("created_us", "arrived_us", "digest64")

# A row on its way into `results`: a plain tuple, for those are made and bound fastest, in an order of its own. What a
# progress record has a column for, by the names of its fields, and its JSON come last.
StoredTuple = tuple[
    int, int, str, bool, int, int, int, int, int, str, int | None, str | None, int | None, str | None, str | None, str,
    int, int, int, int, *tuple[object, ...],
]  # fmt: skip
Stored = Mapping[tuple[str, bool], tuple[Any, ...]]  # rows in the same order
PROGRESS_COLUMNS = tuple(name for name in Progress._fields if name in StoredResult._fields)
TUPLE_COLUMNS = (
    "school_id", "source_id", "key", "progress", "kind", "identifier_id", "test_id", "definition_id", "part_id",
    "taken_on", "score", "score_text", "absence", "info_url", "taken_text", "school_year",
    "created_us", "digest64", "delivery_id", "arrived_us", *PROGRESS_COLUMNS, "detail",
)  # fmt: skip

# Statements that each message needs are made once: to build one takes longer than to run it.
_accepted_statement = select(deliveries.c.id, deliveries.c.verdict, deliveries.c.school_id).where(
    deliveries.c.digest == bindparam("digest"),
    deliveries.c.source_id == bindparam("source"),
    deliveries.c.what == "results",
    deliveries.c.verdict != Verdict.REJECT.value,
)
_ACCEPTED = PreparedStatement(_accepted_statement)
_ACCEPTED_FOR = PreparedStatement(
    _accepted_statement.where(deliveries.c.school_id.in_(bindparam("schools", expanding=True)))
)
_SENDER_ACTIVE = PreparedStatement(select(senders.c.active).where(senders.c.source_id == bindparam("source")))
_VALID_KEYS = PreparedStatement(
    select(sender_keys.c.id).where(sender_keys.c.source_id == bindparam("source"), sender_keys.c.revoked_us.is_(None))
)
_COVERING_KEYS = PreparedStatement(
    select(sender_key_schools.c.key_id).where(
        sender_key_schools.c.key_id.in_(bindparam("keys", expanding=True)),
        sender_key_schools.c.school_id == bindparam("school"),
    )
)
_INSERT_DELIVERY = PreparedStatement(insert(deliveries).returning(deliveries.c.id))
_UPDATE_DELIVERY = PreparedStatement(
    update(deliveries).where(deliveries.c.school_id == bindparam("school"), deliveries.c.id == bindparam("delivery"))
)
_REFUSED = PreparedStatement(
    select(deliveries.c.id).where(
        or_(deliveries.c.school_id == bindparam("school"), deliveries.c.school_id.is_(None)),
        deliveries.c.digest == bindparam("digest"),
        deliveries.c.source_id == bindparam("source"),
        deliveries.c.verdict == Verdict.REJECT.value,
    )
)
_KNOWN_DEFINITIONS = PreparedStatement(
    select(*(test_definitions.c[name] for name in ("digest", "id", "newest_us", "arrived_us"))).where(
        test_definitions.c.school_id == bindparam("school"),
        test_definitions.c.source_id == bindparam("source"),
        test_definitions.c.digest.in_(bindparam("digests", expanding=True)),
    )
)
_stated, _other = test_definitions.alias("stated"), test_definitions.alias("other")
_OVERTAKEN = PreparedStatement(
    select(_other.c.id)
    .join(_stated, and_(*(_other.c[name] == _stated.c[name] for name in ("school_id", "source_id", "code"))))
    .where(
        _stated.c.school_id == bindparam("school"),
        _stated.c.id.in_(bindparam("definitions", expanding=True)),
        _other.c.id != _stated.c.id,
        _other.c.newest_us.between(_stated.c.newest_us, bindparam("newest")),
    )
    .limit(1)
)
_STATED_AGAIN = PreparedStatement(
    update(test_definitions).where(
        test_definitions.c.school_id == bindparam("school"),
        test_definitions.c.id.in_(bindparam("definitions", expanding=True)),
    )
)
_KNOWN_TESTS = PreparedStatement(
    select(tests.c.code, tests.c.version, tests.c.id).where(
        tests.c.school_id == bindparam("school"),
        tests.c.source_id == bindparam("source"),
        tests.c.code.in_(bindparam("codes", expanding=True)),
    )
)
_KNOWN_PARTS = PreparedStatement(
    select(parts.c.code, parts.c.id).where(
        parts.c.school_id == bindparam("school"), parts.c.code.in_(bindparam("codes", expanding=True))
    )
)
_PARKED = PreparedStatement(
    select(identifiers.c.id).where(
        identifiers.c.school_id == bindparam("school"),
        identifiers.c.id.in_(bindparam("ids", expanding=True)),
        identifiers.c.pupil_id.is_(None),
    )
)
_ANY_RESULT = PreparedStatement(
    select(results.c.key)
    .where(results.c.school_id == bindparam("school"), results.c.source_id == bindparam("source"))
    .limit(1)
)
_key_of = itemgetter(TUPLE_COLUMNS.index("key"), TUPLE_COLUMNS.index("progress"))
_whole_key_of = itemgetter(*map(TUPLE_COLUMNS.index, KEY_COLUMNS))
_rank_of = itemgetter(*map(TUPLE_COLUMNS.index, RANK_COLUMNS))
_value_of = itemgetter(*map(TUPLE_COLUMNS.index, VALUE_COLUMNS))
_place_of = itemgetter(*map(TUPLE_COLUMNS.index, INDEXED_COLUMNS))
_KEY, _IDENTIFIER, _TEST, _YEAR, _CREATED, _DELIVERY = map(
    TUPLE_COLUMNS.index, ("key", "identifier_id", "test_id", "school_year", "created_us", "delivery_id")
)
_progress_values = itemgetter(*map(Progress._fields.index, PROGRESS_COLUMNS))


@dataclass(frozen=True, slots=True)
class Incoming:
    """What is known of a message before it is read; `way` is pull, load or push.

    `source_id` is None where nobody knows who sends it; with `in_order` it must be later than its predecessor.
    `key_id` is the key that a sender showed; None: any that it has. The cursor does not pass `asked_us`, the moment of
    our request. `arrived_us` is when the whole message was here; of
    a replay, when it came in before it was quarantined.
    """

    source_id: int | None
    channel: str
    digest: bytes
    size: int
    moves_cursor: bool = False
    remembers_document: bool = False
    in_order: bool = False
    key_id: int | None = None
    asked_us: int | None = None
    arrived_us: int = field(default_factory=clock.arrival_us)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message."""

    delivery_id: int
    verdict: Verdict
    fault: str | None = None
    findings: tuple[Finding, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    school_id: int | None = None
    empty: str | None = None
    repeated: bool = False


def digest64(digest: bytes) -> int:
    """The first eight bytes of a digest as a signed number: decides between messages that came at one instant."""
    return int.from_bytes(digest[:8], "big", signed=True)


class SenderNotAllowed(Exception):
    """A message whose sender may not send it any more, by the time that it is to be stored; `rule` says why."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class OutOfOrder(Exception):
    """A message that had to come after the previous one of its sender and school, and did not."""


def find_repeat(engine: Engine, delivery: Incoming, school_ids: Collection[int] | None) -> Receipt | None:
    """The receipt of the same bytes, accepted from the same source before: confirmed, and nothing changes.

    `school_ids` are the schools that the source may deliver for; None: whichever it was.
    """
    with read_transaction(engine) as connection:
        row = _accepted(connection, delivery, school_ids)
    if row is None:
        return None
    if delivery.moves_cursor or delivery.remembers_document:
        with write_transaction(engine, row.school_id, raises_version=False) as connection:
            _record_success(connection, delivery, row.school_id, new_data=False)
    return Receipt(row.id, Verdict(row.verdict), counts={}, school_id=row.school_id, repeated=True)


def _accepted(connection: Connection, delivery: Incoming, school_ids: Collection[int] | None) -> Any | None:
    known: dict[str, object] = {"digest": delivery.digest, "source": delivery.source_id}
    if school_ids is None:
        return _ACCEPTED.first(connection, known)
    return _ACCEPTED_FOR.first(connection, {**known, "schools": list(school_ids)})


def _check_order(connection: Connection, delivery: Incoming, school_id: int, created_us: int) -> None:
    """By the letter of the standard a message is later than the previous one. Raises OutOfOrder."""
    newest = connection.scalar(
        select(func.max(deliveries.c.created_us)).where(
            deliveries.c.school_id == school_id,
            deliveries.c.source_id == delivery.source_id,
            deliveries.c.what == "results",
            deliveries.c.verdict != Verdict.REJECT.value,
        )
    )
    if newest is not None and created_us <= newest:
        raise OutOfOrder


def _check_sender(connection: Connection, delivery: Incoming, school_id: int) -> None:
    """What was true when a message came may have ended while it was read: a sender, a key, a school of that key.

    Raises SenderNotAllowed.
    """
    if delivery.channel != PUSH:
        return
    if not _SENDER_ACTIVE.scalar(connection, {"source": delivery.source_id}):
        raise SenderNotAllowed("header.customer")
    valid = _VALID_KEYS.scalars(connection, {"source": delivery.source_id})
    keys = [key_id for key_id in valid if delivery.key_id in (None, key_id)]
    if not keys:
        raise SenderNotAllowed("header.key")
    if _COVERING_KEYS.scalar(connection, {"keys": keys, "school": school_id}) is None:
        raise SenderNotAllowed("school.other")


def save_results(
    engine: Engine,
    cipher: PiiCipher,
    delivery: Incoming,
    school_id: int,
    batch: ResultBatch,
    finding_of: Callable[[str, int], Finding],
    *,
    raw: bytes | None = None,
    keep_days: int = 0,
) -> Receipt:
    """Store a judged message in one transaction: delivery, tests, definitions, identifiers, results, cursor.

    `finding_of` makes the finding of a rule (by id) that the results break this many times beside what is stored.
    `raw` is stored encrypted for `keep_days`; None: not at all. What is stated of pupils who were erased is left out;
    then `raw` is not stored either. The bytes of refusals of the same message are deleted.
    Raises OutOfOrder and SenderNotAllowed; nothing is stored then.
    """
    with write_transaction(engine, school_id, raises_version=False) as connection:
        _check_sender(connection, delivery, school_id)
        row = _accepted(connection, delivery, {school_id})  # another worker may have been faster
        if row is not None:
            return Receipt(row.id, Verdict(row.verdict), school_id=row.school_id, repeated=True)
        if delivery.in_order:
            _check_order(connection, delivery, school_id, batch.head.created_us)
        verdict = Verdict.WARN if any(finding.level == "warning" for finding in batch.findings) else Verdict.ACCEPT
        delivery_id = _insert_delivery(connection, delivery, school_id, verdict, batch.findings, batch.head)
        saving = _Saving(connection, cipher, delivery, delivery_id, school_id, batch)
        counts = saving.run()
        broken = (("result.moved", saving.moved), ("result.tied", saving.tied))
        # These come first, as only so many are stored.
        findings = [*(finding_of(rule, count) for rule, count in broken if count), *batch.findings]
        if saving.moved:
            verdict = Verdict.WARN
        ended = {"counts": json.dumps(counts), "findings": findings_json(findings), "verdict": verdict.value}
        _UPDATE_DELIVERY.run(connection, {"school": school_id, "delivery": delivery_id, **ended})
        _forget_refused(connection, delivery, school_id)
        if raw is not None and not saving.erased:
            _keep_raw(connection, cipher, school_id, delivery_id, raw, keep_days)
        _record_success(
            connection,
            delivery,
            school_id,
            new_data=counts["new"] + counts["changed"] > 0,
            cursor=connections.cursor_of(batch.head.created_text, batch.head.created_us, delivery.asked_us),
        )
        saving.raise_version()
    return Receipt(delivery_id, verdict, None, tuple(findings), counts, school_id)


def save_empty(engine: Engine, delivery: Incoming, school_id: int | None, empty: str) -> Receipt:
    """An answer without data: nothing changes but the moment of the last success."""
    if school_id is not None:
        with write_transaction(engine, school_id, raises_version=False) as connection:
            _record_success(connection, delivery, school_id, new_data=False)
    return Receipt(0, Verdict.ACCEPT, school_id=school_id, empty=empty)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is refused; `others` is how many more of its kind were refused and have no row of their own."""

    fault: str
    findings: Sequence[Finding]
    head: MessageHead | None = None
    others: int = 0


def save_refusal(
    engine: Engine,
    cipher: PiiCipher,
    delivery: Incoming,
    school_id: int | None,
    refusal: Refusal,
    raw: bytes | None = None,
    keep_days: int = 30,
) -> Receipt:
    """Quarantine a refused message with its reason, encrypted; nothing else changes.

    The same bytes refused again for the same reasons are the same refusal, received again just now, and `raw` is
    stored for `keep_days` from now on; not where these bytes were accepted before: then nobody needs them.
    """
    fault, findings = refusal.fault, refusal.findings
    with write_transaction(engine, school_id, raises_version=False) as connection:
        again = connection.scalar(
            update(deliveries)
            .where(
                deliveries.c.school_id == school_id,
                deliveries.c.digest == delivery.digest,
                deliveries.c.source_id == delivery.source_id,
                deliveries.c.verdict == Verdict.REJECT.value,
                deliveries.c.findings == findings_json(findings),
            )
            .values(received_us=delivery.arrived_us)
            .returning(deliveries.c.id)
        )
        needed = raw if _accepted(connection, delivery, None) is None else None
        if again is not None:
            if needed is not None:
                _keep_raw(connection, cipher, school_id, again, needed, keep_days)
            return Receipt(again, Verdict.REJECT, fault, tuple(findings), {}, school_id, repeated=True)
        delivery_id = _insert_delivery(
            connection, delivery, school_id, Verdict.REJECT, findings, refusal.head, fault, refusal.others
        )
        if needed is not None:
            _keep_raw(connection, cipher, school_id, delivery_id, needed, keep_days)
    return Receipt(delivery_id, Verdict.REJECT, fault, tuple(findings), {}, school_id)


def findings_json(findings: Sequence[Finding]) -> str:
    """Findings as the JSON that a delivery keeps; the first few dozen."""
    return json.dumps([asdict(finding) for finding in findings[:MAX_FINDINGS]], ensure_ascii=False)


def _keep_raw(
    connection: Connection, cipher: PiiCipher, school_id: int | None, delivery_id: int, raw: bytes, keep_days: int
) -> None:
    """Keep these bytes from now on; where they are there already, that long."""
    until = clock.now_us() + keep_days * DAY_US
    own = raw_messages.c.delivery_id == delivery_id, raw_messages.c.school_id == school_id
    if not connection.execute(update(raw_messages).where(*own).values(keep_until_us=until)).rowcount:
        sealed = cipher.encrypt(raw, place(raw_messages.c.sealed, delivery_id))
        values = {"delivery_id": delivery_id, "sealed": sealed, "keep_until_us": until}
        connection.execute(insert(raw_messages).values(school_id=school_id, **values))


def _forget_refused(connection: Connection, delivery: Incoming, school_id: int) -> None:
    """The bytes of earlier refusals of a message that is accepted now: nobody needs to replay them."""
    refused = {"school": school_id, "digest": delivery.digest, "source": delivery.source_id}
    if ids := _REFUSED.scalars(connection, refused):
        of_school = or_(raw_messages.c.school_id == school_id, raw_messages.c.school_id.is_(None))
        connection.execute(delete(raw_messages).where(of_school, raw_messages.c.delivery_id.in_(ids)))


def _insert_delivery(
    connection: Connection,
    delivery: Incoming,
    school_id: int | None,
    verdict: Verdict,
    findings: Sequence[Finding],
    head: MessageHead | None,
    fault: str | None = None,
    others: int = 0,
) -> int:
    # The one id that is not given out per school: two schools write at once, so the database gives it.
    row = {
        "school_id": school_id,
        "source_id": delivery.source_id,
        "what": "results",
        "way": delivery.channel,
        "received_us": delivery.arrived_us,
        "created_us": head.created_us if head else None,
        "created_text": head.created_text if head else None,
        "school_year": head.school_year if head else None,
        "xsd_version": head.xsd_version if head else None,
        "digest": delivery.digest,
        "size": delivery.size,
        "verdict": verdict.value,
        "fault": fault,
        "counts": json.dumps({"others": others} if others else {}),
        "findings": findings_json(findings),
    }
    return int(_INSERT_DELIVERY.scalar(connection, row) or 0)


def _record_success(
    connection: Connection, delivery: Incoming, school_id: int, *, new_data: bool, cursor: str | None = None
) -> None:
    """Move cursor and moments of the connection, in the transaction that stores the data."""
    if delivery.remembers_document:
        _remember_document(connection, delivery, school_id)
    if delivery.source_id is None or not (delivery.moves_cursor or delivery.remembers_document):
        return
    moved = cursor if delivery.moves_cursor else None
    connections.record_answer(connection, school_id, delivery.source_id, new_data=new_data, cursor=moved)


def _remember_document(connection: Connection, delivery: Incoming, school_id: int) -> None:
    columns = ("school_id", "source_id", "digest", "fetched_us")
    row = (school_id, delivery.source_id, delivery.digest, clock.now_us())
    insert_new(connection, fetched_documents, columns, [row])


def plain(value: object) -> object:
    """A frozen record as what JSON holds; the inverse of nothing, for keeping and for digests."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return {name: plain(getattr(value, name)) for name in type(value).__slots__}  # type: ignore[attr-defined]


class _Saving:
    """The writing of one message: dimensions first, then rows in chunks."""

    def __init__(
        self,
        connection: Connection,
        cipher: PiiCipher,
        delivery: Incoming,
        delivery_id: int,
        school_id: int,
        batch: ResultBatch,
    ) -> None:
        assert delivery.source_id is not None  # what nobody is known to have sent is refused
        self.connection = connection
        self.cipher = cipher
        self.school_id = school_id
        self.source_id = delivery.source_id
        self.of_source = school_id, delivery.source_id
        self.delivery_id = delivery_id
        self.batch = batch
        self.created_us = batch.head.created_us
        self.arrived_us = delivery.arrived_us
        self.digest64 = digest64(delivery.digest)
        self.part_ids: dict[str | None, int] = {None: 0}
        self.erased: frozenset[int] = frozenset()  # places of pupils who were erased: nothing of them is stored
        self.all_new = False  # no key of the chunk before was known: a first delivery asks once
        self.first: bool | None = None
        self.moved = 0
        self.tied = 0
        self.by_year: Counter[str] = Counter()  # how many results more there are of each school year
        self.with_results: set[int] = set()  # identifiers whose results may be others than before
        self.tests_changed = False

    def run(self) -> dict[str, int]:
        """Store it all; counts of what happened."""
        definition_ids = self.save_definitions()
        test_ids, definitions = self.save_tests(definition_ids)
        refs = self.batch.pupils
        self.erased = identity.erased_refs(self.connection, self.cipher, self.school_id, refs)
        identifier_ids = self.identify(refs)
        counts: Counter[str] = Counter(results=0, new=0, changed=0, unchanged=0, history=0)
        by_pupil: Counter[int] = Counter()
        for message_rows in self.batch.chunks():
            chunk = message_rows
            if self.erased:
                chunk = [row for row in message_rows if row[PUPIL] not in self.erased]
                counts["erased"] += len(message_rows) - len(chunk)
            self.know_parts(chunk)
            by_pupil.update(map(itemgetter(PUPIL), chunk))
            rows = self.to_rows(chunk, identifier_ids, test_ids, definitions)
            counts["results"] += len(rows)
            counts.update(self.save_rows(rows))
        self.by_year[self.batch.head.school_year] += counts["new"]
        result_counts.add(self.connection, self.school_id, self.source_id, self.by_year)
        self.with_results.update(identifier_ids[pupil] for pupil in by_pupil)
        without = self.parked(identifier_ids)
        counts["parked"] = sum(count for pupil, count in by_pupil.items() if identifier_ids[pupil] in without)
        return dict(counts)

    def raise_version(self) -> None:
        """Count the change: of pupils, or of the whole school where other results may look different by it as well."""
        if self.tests_changed:
            raise_version(self.connection, self.school_id)
        else:
            raise_for_pupils(self.connection, self.school_id, portions(sorted(self.with_results)))

    def identify(self, refs: list[PupilRef]) -> list[int]:
        """For each ref the id of its identifier; NO_IDENTIFIER, under which nothing is stored, of an erased pupil."""
        others = [ref for index, ref in enumerate(refs) if index not in self.erased]
        ids = iter(identity.identify(self.connection, self.cipher, self.school_id, others))
        return [NO_IDENTIFIER if index in self.erased else next(ids) for index in range(len(refs))]

    def save_definitions(self) -> dict[str, tuple[int, TestDefinition]]:
        """Definitions by code, each an immutable row known by its digest."""
        digests = [_definition_digest(definition) for definition in self.batch.definitions]
        known = self.known_definitions([digest for _body, digest in digests])
        own = list(zip(self.batch.definitions, digests, strict=True))
        new = [(definition, body, digest) for definition, (body, digest) in own if digest not in known]
        ids = {digest: row.id for digest, row in known.items()}
        if new:
            self.tests_changed = True
            first = next_id(self.connection, test_definitions, self.school_id)
            ids |= {digest: first + index for index, (_definition, _body, digest) in enumerate(new)}
            rows = [self.definition_row(ids[digest], digest, body, definition) for definition, body, digest in new]
            self.connection.execute(insert(test_definitions), rows)
        rank = (self.created_us, self.arrived_us)
        older = [row.id for row in known.values() if (row.newest_us, row.arrived_us) < rank]
        stated = {"school": self.school_id, "newest_us": self.created_us, "arrived_us": self.arrived_us}
        for portion in portions(older):
            of_portion = {"school": self.school_id, "definitions": portion}
            # The newest definition of a code gives all its tests their name.
            if _OVERTAKEN.scalar(self.connection, {**of_portion, "newest": self.created_us}) is not None:
                self.tests_changed = True
            _STATED_AGAIN.run(self.connection, {**stated, "definitions": portion})
        return {definition.code.text: (ids[digest], definition) for definition, (_body, digest) in own}

    def known_definitions(self, digests: list[bytes]) -> dict[bytes, Any]:
        """The stored definitions of the source with these digests."""
        of_source = {"school": self.school_id, "source": self.source_id}
        known: dict[bytes, Any] = {}
        for portion in portions(digests):
            rows = _KNOWN_DEFINITIONS.all(self.connection, {**of_source, "digests": portion})
            known.update({bytes(row.digest): row for row in rows})
        return known

    def definition_row(self, id_: int, digest: bytes, body: str, definition: TestDefinition) -> dict[str, object]:
        lowest = min(definition.hierarchy, key=lambda level: level.depth, default=None)
        return {
            "school_id": self.school_id,
            "id": id_,
            "source_id": self.source_id,
            "digest": digest,
            "code": definition.code.text,
            "name": definition.name,
            "subject_term": definition.subject.text if definition.subject else None,
            "year": definition.year.text if definition.year else None,
            "material": lowest.term.text if lowest else None,
            "body": body,
            "newest_us": self.created_us,
            "arrived_us": self.arrived_us,
        }

    def save_tests(self, defined: dict[str, tuple[int, TestDefinition]]) -> tuple[list[int], list[int]]:
        """For each test of the message its id, and the id of the definition it came with."""
        known: dict[tuple[str, str], int] = {}
        of_source = {"school": self.school_id, "source": self.source_id}
        for portion in portions(sorted({ref.code for ref in self.batch.tests})):
            rows = _KNOWN_TESTS.all(self.connection, {**of_source, "codes": portion})
            known.update({(row.code, row.version): row.id for row in rows})
        keys, definition_ids = [], []
        for ref in self.batch.tests:
            definition_id, definition = defined[ref.code]
            version = ref.version or definition.version
            keys.append((ref.code, version.text if version else ""))
            definition_ids.append(definition_id)
        new = [key for key in dict.fromkeys(keys) if key not in known]
        if new:
            self.tests_changed = True
            first = next_id(self.connection, tests, self.school_id)
            known |= {key: first + index for index, key in enumerate(new)}
            own = {"school_id": self.school_id, "source_id": self.source_id}
            numbered = [{**own, "id": known[key], "code": key[0], "version": key[1]} for key in new]
            self.connection.execute(insert(tests), numbered)
        return [known[key] for key in keys], definition_ids

    def know_parts(self, chunk: list[MessageRow]) -> None:
        """Ids for the codes of parts in this chunk."""
        unknown = set(map(itemgetter(PART), chunk)) - self.part_ids.keys()
        codes = [code for code in unknown if code is not None]
        if not codes:
            return
        for portion in portions(codes):
            rows = _KNOWN_PARTS.all(self.connection, {"school": self.school_id, "codes": portion})
            self.part_ids.update({row.code: row.id for row in rows})
        new = sorted(code for code in codes if code not in self.part_ids)
        if new:
            first = next_id(self.connection, parts, self.school_id)
            self.part_ids.update({code: first + index for index, code in enumerate(new)})
            numbered = [{"school_id": self.school_id, "id": self.part_ids[code], "code": code} for code in new]
            self.connection.execute(insert(parts), numbered)

    def to_rows(
        self, chunk: list[MessageRow], identifiers: list[int], test_ids: list[int], definitions: list[int]
    ) -> list[StoredTuple]:
        """Rows of the message as rows of the table; nearly all are plain scores, so those go without a call."""
        school_id, source_id, delivery_id, part_ids = self.school_id, self.source_id, self.delivery_id, self.part_ids
        school_year, created_us, digest64 = self.batch.head.school_year, self.created_us, self.digest64
        arrived_us, progress = self.arrived_us, int(Kind.PROGRESS)
        none: tuple[object, ...] = (None,) * (len(PROGRESS_COLUMNS) + 1)
        rows: list[StoredTuple] = []
        for key, pupil, test, part, kind, taken_on, score_text, score, absence, detail, info_url, taken_text in chunk:
            row: StoredTuple = (
                school_id, source_id, key, kind == progress, kind,
                identifiers[pupil], test_ids[test], definitions[test], part_ids[part],
                taken_on, score, score_text, absence, info_url, taken_text, school_year,
                created_us, digest64, delivery_id, arrived_us, *(none if detail is None else _details(kind, detail)),
            )  # fmt: skip
            rows.append(row)
        return rows

    def says_the_same(self, rows: list[StoredTuple]) -> bool:
        """Whether all these values stand in the store already, from an earlier message; then they have our rank now.

        A publisher that sends everything each time changes little: the first few rows tell whether the rest is tried.
        """
        return all(
            restate(self.connection, results, KEY_COLUMNS, RANK_COLUMNS, TUPLE_COLUMNS, VALUE_COLUMNS, some)
            == len(some)
            for some in (rows[:SAMPLE_ROWS], rows[SAMPLE_ROWS:])
        )

    def is_first(self) -> bool:
        """Whether the store had no results of the source before this message, whose keys all differ."""
        if self.first is None:
            self.first = (
                _ANY_RESULT.scalar(self.connection, {"school": self.school_id, "source": self.source_id}) is None
            )
        return self.first

    def save_rows(self, rows: list[StoredTuple]) -> Counter[str]:
        """Put in new rows and merge the others; the first few of a chunk tell whether it is likely to have any."""
        keys = [_key_of(row) for row in rows]
        known: Stored = {}
        if len(rows) >= MANY_ROWS and self.is_first():
            return Counter(new=insert_first(self.connection, results, TUPLE_COLUMNS, rows))
        self.all_new = self.all_new or not self.existing(keys[:SAMPLE_ROWS])
        if not self.all_new:
            if self.says_the_same(rows):
                return Counter(unchanged=len(rows))
            known = self.existing(keys)
        fresh = [row for row, key in zip(rows, keys, strict=True) if key not in known] if known else rows
        new = insert_new(self.connection, results, TUPLE_COLUMNS, fresh)
        if new < len(fresh):
            self.all_new, known = False, self.existing(keys)
        counts = Counter(new=new)
        if known:
            counts += self.merge(rows, known)
        return counts

    def merge(self, rows: Sequence[tuple[Any, ...]], existing: Stored) -> Counter[str]:
        """Rows whose key was there before: the greater rank counts, every other value goes to history."""
        counts: Counter[str] = Counter()
        refreshed: list[tuple[Any, ...]] = []
        winning: list[tuple[Any, ...]] = []
        former: list[tuple[Any, ...]] = []
        elsewhere: list[tuple[Any, ...]] = []  # winning, of another pupil, day or part than before
        for row in rows:
            old = existing.get(_key_of(row))
            if old is None:
                continue  # went in as new
            wins, same = _rank_of(row) > _rank_of(old), _value_of(row) == _value_of(old)
            self.tied += not same and row[_CREATED] == old[_CREATED]
            if same:
                counts["unchanged"] += 1
                if wins:
                    refreshed.append(row)
            elif wins:
                counts["changed"] += 1
                self.moved += (row[_IDENTIFIER], row[_TEST]) != (old[_IDENTIFIER], old[_TEST])
                self.with_results.add(old[_IDENTIFIER])
                self.by_year[old[_YEAR]] -= 1
                self.by_year[row[_YEAR]] += 1
                former.append(old)
                (winning if _place_of(row) == _place_of(old) else elsewhere).append(row)
            else:
                counts["history"] += 1
                former.append(row)
        self.from_history(winning + elsewhere)  # first: most keys have none yet
        self.to_history(former)
        self.refresh(refreshed)
        overwrite(self.connection, results, KEY_COLUMNS, TUPLE_COLUMNS, winning, INDEXED_COLUMNS)
        overwrite(self.connection, results, KEY_COLUMNS, TUPLE_COLUMNS, elsewhere)
        return counts

    def existing(self, keys: Sequence[tuple[str, bool]]) -> Stored:
        """The stored rows with these keys, less those that this message has just put in."""
        listed = [key for key, _progress in keys]
        found = rows_of_keys(self.connection, results, TUPLE_COLUMNS, self.of_source, listed, ROWS_OF_A_KEY)
        return {_key_of(row): row for row in found if row[_DELIVERY] != self.delivery_id}

    def refresh(self, rows: list[tuple[Any, ...]]) -> None:
        """Values that this message states again get its rank, but stay with the delivery that stated them first."""
        if restate(self.connection, results, KEY_COLUMNS, RANK_COLUMNS, TUPLE_COLUMNS, (), rows) == len(rows):
            return
        for progress in (False, True):
            for portion in portions([key for key, kind in map(_key_of, rows) if kind == progress]):
                self.connection.execute(
                    update(results)
                    .where(
                        results.c.school_id == self.school_id,
                        results.c.source_id == self.source_id,
                        results.c.key.in_(portion),
                        results.c.progress == progress,
                    )
                    .values(created_us=self.created_us, arrived_us=self.arrived_us, digest64=self.digest64)
                )

    def to_history(self, rows: list[tuple[Any, ...]]) -> None:
        """Keep each of these values once, with the greatest rank that it was stated with."""
        keys, columns = (*KEY_COLUMNS, "value_digest"), (*TUPLE_COLUMNS, "value_digest")
        with_digest = [(*row, value_digest(_value_of(row))) for row in rows]
        keep_greatest(self.connection, result_history, keys, RANK_COLUMNS, columns, with_digest)

    def from_history(self, rows: list[tuple[Any, ...]]) -> None:
        """Values that count again no longer stand among the others."""
        keys = [row[_KEY] for row in rows]
        former = {key for (key,) in rows_of_keys(self.connection, result_history, ("key",), self.of_source, keys, 1)}
        again = [(*_whole_key_of(row), value_digest(_value_of(row))) for row in rows if row[_KEY] in former]
        delete_rows(self.connection, result_history, (*KEY_COLUMNS, "value_digest"), again)

    def parked(self, identifier_ids: list[int]) -> set[int]:
        """Those identifiers that belong to no pupil."""
        without_pupil: set[int] = set()
        for portion in portions(sorted(set(identifier_ids))):
            without_pupil.update(_PARKED.scalars(self.connection, {"school": self.school_id, "ids": portion}))
        return without_pupil


# Of definitions that the reader knows already, and gives as the same objects; by their addresses in memory.
_DIGESTS: Recent[int, tuple[TestDefinition, str, bytes]] = Recent(2_000, 1 << 24)


def _definition_digest(definition: TestDefinition) -> tuple[str, bytes]:
    """The content of a definition as it is stored, and its digest, by which it is known."""
    known = _DIGESTS.get(id(definition))
    if known is not None and known[0] is definition:
        return known[1:]
    body = json.dumps(plain(definition), ensure_ascii=False, sort_keys=True)
    digest = hashlib.blake2b(body.encode(), digest_size=16).digest()
    _DIGESTS.put(id(definition), (definition, body, digest), len(body))
    return body, digest


def _details(kind: int, detail: tuple[Any, ...]) -> tuple[object, ...]:
    """The values of PROGRESS_COLUMNS and of `detail`, of an OSO result or a progress record."""
    if kind == Kind.PROGRESS:
        other = Progress(*detail).other
        return (*_progress_values(detail), None if other is None else json.dumps({"other": other}))
    oso = OsoResult(*detail)
    columns = {
        "worked_ms": None if oso.seconds is None else int(float(oso.seconds) * 1000),
        "offered": _whole(oso.exercises),
        "correct": _whole(oso.correct),
    }
    extra = {
        "skill_scale": oso.skill_scale,
        "interval": None if oso.interval_low is None else [oso.interval_low, oso.interval_high],
        "wrong": oso.wrong,
        "read": oso.read,
        "references": [ReferenceScore(*reference)._asdict() for reference in oso.references],
    }
    return (*map(columns.get, PROGRESS_COLUMNS), json.dumps(extra, ensure_ascii=False))


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)
