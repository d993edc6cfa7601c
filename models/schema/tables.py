"""The tables. Every key of a school's data starts with `school_id`; sources and vocabularies are reference tables.

Ids are small integers, given out per school under the write lock (`database.next_id`); those of schools, sources, keys
and sandboxes are never reused (`database.unused_id`). Instants are microseconds since 1970 in UTC (`_us`),
calendar days are `YYYY-MM-DD` text, scores are ten-thousandths (`records.SCALE`).

A change here needs a migration; a new column stands where the migration puts it: at the end of its table. Those of
results are the fields of `models.schema.stored_result.StoredResult`.
"""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from models.schema.stored_result import KEY_COLUMNS, Long, Short, StoredResult

metadata = MetaData()


class _ByCodePoint(Text):
    """Text with an order of its own; what it is compared with is plain text, so that a node can compare them."""

    def coerce_compared_value(self, _operator: object, _value: object) -> Text:
        """The type of the other side."""
        return Text()


# Keys are ordered by code point on both databases, as Python does: the order decides between rows of one message.
KeyText = _ByCodePoint().with_variant(Text(collation="C"), "postgresql")


def _school() -> Column[int]:
    return Column("school_id", Integer, ForeignKey("schools.id"), nullable=False)


# -- reference tables ------------------------------------------------------------------------------------------

numbers = Table(
    "numbers",  # the last id given out in tables whose rows can be erased while something still points at them
    metadata,
    Column("table_name", Text, primary_key=True),
    Column("last", Integer, nullable=False),
)

key_fingerprints = Table(
    "key_fingerprints",  # one row: of the key outside the database with which this one is encrypted
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1
    Column("fingerprint", LargeBinary(16), nullable=False),
    # Whether what is encrypted is bound to its place (`encrypted_columns`): not yet where an upgrade lacked the key.
    Column("bound", Boolean, nullable=False, server_default=false()),
)

data_versions = Table(
    "data_versions",  # how often the data of a school changed (0: of all schools); see data_versions.py
    metadata,
    Column("school_id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("general", BigInteger, nullable=False, server_default="0"),  # the version of the last general change
)

schools = Table(
    "schools",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text),
    # Of a sandbox: no real pupils.
    Column("synthetic", Boolean, nullable=False, default=False, server_default=false()),
    Column("region", Text),  # of the school holidays: noord, midden or zuid; None: midden
    # Whether pupils and parents who are linked to a pupil see the page with the pupil's own results.
    Column("own_page", Boolean, nullable=False, default=False, server_default=false()),
    # Whether who teaches sees the own subjects alone, where the pupil list does not call them mentor or class teacher.
    Column("subject_teachers", Boolean, nullable=False, default=False, server_default=false()),
    # Whether school leaders read the names and results of all pupils.
    Column("leaders_read", Boolean, nullable=False, default=False, server_default=false()),
    Column("retention", Text),  # JSON: the days of its terms when the program last began; None: it did not yet
)

school_identifications = Table(
    "school_identifications",
    metadata,
    _school(),
    Column("scheme", Text, nullable=False),  # brin, schoolkey, institution
    Column("value", Text, nullable=False),
    Column("location", Text, nullable=False, default=""),  # dependance; "" for 0, 00 and absent
    PrimaryKeyConstraint("school_id", "scheme", "value", "location"),
    UniqueConstraint("scheme", "value", "location"),
)

sources = Table(
    "sources",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False, unique=True),  # the id in config.yaml
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),  # publisher or las
    Column("material", Text),  # material where a test has no hierarchy
)

# -- connections with sources ------------------------------------------------------------------------------------

source_connections = Table(
    "source_connections",
    metadata,
    _school(),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=False),
    Column("cursor", Text),  # aanmaakdatum of the newest stored answer, as sent
    Column("failures", Integer, nullable=False, default=0),
    Column("last_try_us", BigInteger),
    Column("last_success_us", BigInteger),
    Column("last_data_us", BigInteger),  # last time that something new was stored
    Column("last_error_nl", Text),
    Column("last_error_en", Text),
    Column("stopped", Boolean, nullable=False, default=False),
    Column("active", Boolean, nullable=False, default=True),  # still in the configuration
    Column("pushes", Boolean, nullable=False, default=False),  # it sends by itself and is never polled
    Column("agreement", Text),  # JSON of models.schema.terms.Agreement; None: nothing was filled in
    PrimaryKeyConstraint("school_id", "source_id"),
)

own_connections = Table(
    "own_connections",  # what an administrator of a school added on the page; all else is of the operator
    metadata,
    Column("id", Integer, primary_key=True),
    _school(),
    Column("kind", Text, nullable=False),  # sender, publisher (we fetch) or las
    Column("name", Text, nullable=False),
    Column("source_id", Integer, ForeignKey("sources.id"), unique=True),  # None: not in use yet
    Column("settings", LargeBinary),  # encrypted JSON: how it is fetched; None: of a sender, or not in use yet
    Column("draft", LargeBinary),  # encrypted JSON: settings that were typed and are not in use
    Column("tried_digest", LargeBinary(16)),  # of the draft that was tried and worked, keyed
    Column("made_by", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    sqlite_autoincrement=True,  # a worker may still try out one that was removed
)
Index("own_connections_by_school", own_connections.c.school_id)

# -- who may send ----------------------------------------------------------------------------------------------

senders = Table(
    "senders",  # a publisher that sends results to us: how it names itself, and what was agreed with it
    metadata,
    Column("source_id", Integer, ForeignKey("sources.id"), primary_key=True, autoincrement=False),
    Column("customer_digest", LargeBinary(16), nullable=False, unique=True),  # of the klantcode, keyed
    Column("customer_name", Text, nullable=False),  # klantnaam
    Column("terms", Text, nullable=False),  # JSON of models.ingest.senders.Terms
    Column("origin", Text, nullable=False),  # config, command, page or test
    Column("active", Boolean, nullable=False, default=True),
)

sender_keys = Table(
    "sender_keys",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("source_id", Integer, ForeignKey("senders.source_id"), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),  # of the autorisatiesleutel, keyed
    Column("made_us", BigInteger, nullable=False),
    Column("revoked_us", BigInteger),
)
Index("sender_keys_by_source", sender_keys.c.source_id)

sender_key_schools = Table(
    "sender_key_schools",  # which ways of naming a school a key covers
    metadata,
    _school(),
    Column("key_id", Integer, ForeignKey("sender_keys.id"), nullable=False),
    Column("scheme", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("location", Text, nullable=False, default=""),
    PrimaryKeyConstraint("school_id", "key_id", "scheme", "value", "location"),
)

fetched_documents = Table(
    "fetched_documents",  # the cursor of sources that give documents: what was taken in already
    metadata,
    _school(),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("fetched_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "source_id", "digest"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("school_id", Integer, ForeignKey("schools.id")),  # None: refused before the school was known
    Column("source_id", Integer, ForeignKey("sources.id")),
    Column("what", Text, nullable=False),  # results or roster
    Column("way", Text, nullable=False),  # pull, load or push
    Column("received_us", BigInteger, nullable=False),
    Column("created_us", BigInteger),
    Column("created_text", Text),
    Column("school_year", Text),
    Column("xsd_version", Text),
    Column("digest", LargeBinary(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("fault", Text),
    Column("counts", Text, nullable=False),  # JSON
    Column("findings", Text, nullable=False),  # JSON
)
Index("deliveries_by_digest", deliveries.c.digest)
Index("deliveries_by_source", deliveries.c.school_id, deliveries.c.source_id, deliveries.c.received_us)

raw_messages = Table(
    "raw_messages",
    metadata,
    Column("delivery_id", Integer, ForeignKey("deliveries.id"), primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("keep_until_us", BigInteger, nullable=False),
    Column("school_id", Integer),  # of the delivery: both stand on the same node
)

# -- vendors who test ------------------------------------------------------------------------------------------

test_rooms = Table(
    "test_rooms",  # a vendor's own place: a test address with made-up schools, emptied after a while
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("token_digest", LargeBinary(16), nullable=False, unique=True),  # of what stands in its address, keyed
    Column("name", Text, nullable=False),
    Column("school_id", Integer, ForeignKey("schools.id"), nullable=False),
    Column("second_school_id", Integer, ForeignKey("schools.id"), nullable=False),
    Column("source_id", Integer, ForeignKey("senders.source_id"), nullable=False),
    Column("account", LargeBinary, nullable=False),  # encrypted JSON: token, klantcode and key, for the page
    Column("code", Text),  # in the Fault that was provoked last
    Column("armed", Boolean, nullable=False, default=False),  # the next message gets that Fault
    Column("shown", Boolean, nullable=False, default=False),  # the vendor has read the code on its own screen
    Column("made_us", BigInteger, nullable=False),
    Column("used_us", BigInteger, nullable=False),
    Column("keep_until_us", BigInteger, nullable=False),
    Column("came", Integer, nullable=False, default=0),  # how many messages; only the first ones are arrivals
)

test_arrivals = Table(
    "test_arrivals",  # everything that came in at a test address, the same bytes again too
    metadata,
    Column("id", Integer, primary_key=True),
    Column("room_id", Integer, ForeignKey("test_rooms.id"), nullable=False),
    Column("arrived_us", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("fault", Text),
    Column("repeated", Boolean, nullable=False),
    Column("provoked", Boolean, nullable=False, default=False),
    Column("school_id", Integer),
    Column("counts", Text, nullable=False),  # JSON
    Column("findings", Text, nullable=False),  # JSON
    Column("exchange", LargeBinary),  # encrypted: the message and its answer, masked; of the newest only
)
Index("test_arrivals_by_room", test_arrivals.c.room_id, test_arrivals.c.id)

# -- what workers do -------------------------------------------------------------------------------------------

work_queue = Table(
    "work_queue",  # polls of source connections, and what pages request, with its outcome
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # poll, or the kind of request (page_requests)
    Column("thread", Text, nullable=False),  # jobs of one thread are done one after the other
    Column("title", Text, nullable=False),  # key of the source that is polled; of a request: what a page calls it
    Column("school_id", Integer, ForeignKey("schools.id")),  # None: requested by a vendor
    Column("source_id", Integer, ForeignKey("sources.id")),  # of a poll
    Column("sandbox_id", Integer, ForeignKey("test_rooms.id")),
    Column("payload", LargeBinary),  # encrypted; deleted when the job is finished
    Column("created_us", BigInteger, nullable=False),
    Column("next_try_us", BigInteger),  # None: finished for good
    Column("attempts", Integer, nullable=False, default=0),
    Column("lease", Text),  # a random token of the worker that does it now
    Column("leased_until_us", BigInteger),
    Column("finished_us", BigInteger),
    # Of requests of pages only.
    Column("token_digest", LargeBinary(16), unique=True),
    Column("requested_by", LargeBinary(16)),  # digest of the account or browser of a vendor, to find its requests
    Column("report", Text),  # JSON
    Column("excerpts", LargeBinary),  # encrypted JSON: the lines around the findings, masked
    Column("html", LargeBinary),
    Column("junit", LargeBinary),
    Column("error_nl", Text),
    Column("error_en", Text),
    Column("keep_until_us", BigInteger),
    Column("series_digest", LargeBinary(16)),  # of vendor, kind and target: runs with the same one are compared
    Column("exchanges", LargeBinary),  # encrypted: what was sent and received, masked
    UniqueConstraint("school_id", "source_id"),  # one poll a connection; a request has no source
    sqlite_autoincrement=True,  # a worker may still hold the number of one that was erased
)
Index("work_queue_by_next_try", work_queue.c.next_try_us)
Index("work_queue_by_series", work_queue.c.series_digest, work_queue.c.id)

# -- pupils, groups, teachers ----------------------------------------------------------------------------------

pupils = Table(
    "pupils",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("first_name", Text),
    Column("prefix", Text),
    Column("last_name", Text),
    Column("entered_on", Text),
    Column("left_on", Text),
    # The version of the school's data at which results of the pupil last changed.
    Column("results_version", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("school_id", "id"),
)

identifiers = Table(
    "identifiers",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("kind", Text, nullable=False),  # las, eck, or pair: the two together as one message sent them
    Column("digest", LargeBinary(16), nullable=False),
    Column("sealed", LargeBinary),  # None for a pair
    Column("las_id", Integer),  # of a pair
    Column("eck_id", Integer),  # of a pair
    Column("pupil_id", Integer),  # the match; None = parked
    Column("matched_by", Text),  # roster or link
    Column("parked_because", Text),  # unknown, conflict, other_eckid
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "kind", "digest"),
)
Index("identifiers_by_pupil", identifiers.c.school_id, identifiers.c.pupil_id)

identifier_links = Table(
    "identifier_links",  # who linked which identifier to which pupil, and who undid it
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("identifier_id", Integer, nullable=False),
    Column("pupil_id", Integer, nullable=False),
    Column("linked_by", Text, nullable=False),
    Column("linked_us", BigInteger, nullable=False),
    Column("undone_by", Text),
    Column("undone_us", BigInteger),
    PrimaryKeyConstraint("school_id", "id"),
)

erased_identifiers = Table(
    "erased_identifiers",  # of pupils that were erased, so that nothing brings them back (ADR 32)
    metadata,
    _school(),
    Column("kind", Text, nullable=False),  # las or eck
    Column("digest", LargeBinary(16), nullable=False),  # as that of an identifier
    Column("pupil_id", Integer, nullable=False),  # their number, which no other pupil gets; 0: there was none
    Column("erased_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "kind", "digest"),
)

legal_holds = Table(
    "legal_holds",  # whose data must not be deleted for now: a pupil, or (pupil_id is None) the whole school
    metadata,
    Column("id", Integer, primary_key=True),
    _school(),
    Column("pupil_id", Integer),
    Column("placed_by", Text, nullable=False),
    Column("placed_us", BigInteger, nullable=False),
    Column("ended_by", Text),
    Column("ended_us", BigInteger),
)

classes = Table(
    "classes",  # what a teacher calls a class: one group, or the parts of a split combination group together
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("school_year", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("location", Text, nullable=False, default=""),
    Column("composed", Boolean, nullable=False, default=False),
    Column("year_groups", Text, nullable=False, default=""),  # "6" or "6,7,8"
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "school_year", "location", "composed", "name"),
)

groups = Table(
    "groups",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("school_year", Text, nullable=False),
    Column("location", Text, nullable=False, default=""),
    Column("composed", Boolean, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("year_group", Text),
    Column("class_id", Integer, nullable=False),
    Column("ended_us", BigInteger),
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "school_year", "location", "composed", "key"),
)

memberships = Table(
    "memberships",
    metadata,
    _school(),
    Column("pupil_id", Integer, nullable=False),
    Column("group_id", Integer, nullable=False),
    Column("year_group", Text),
    Column("location", Text),  # key of the vestiging
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger),
    PrimaryKeyConstraint("school_id", "pupil_id", "group_id", "from_us"),
)
Index("memberships_by_group", memberships.c.school_id, memberships.c.group_id)

teachers = Table(
    "teachers",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("key_digest", LargeBinary(16), nullable=False),
    Column("key_sealed", LargeBinary, nullable=False),
    Column("first_name", Text),
    Column("prefix", Text),
    Column("last_name", Text),
    Column("email", Text),
    Column("roles", Text, nullable=False, default=""),  # EDEXML role codes and descriptions, comma between
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "key_digest"),
)

teacher_groups = Table(
    "teacher_groups",
    metadata,
    _school(),
    Column("teacher_id", Integer, nullable=False),
    Column("group_id", Integer, nullable=False),
    Column("roles", Text, nullable=False, default=""),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger),
    PrimaryKeyConstraint("school_id", "teacher_id", "group_id", "from_us"),
)

taught_subjects = Table(
    "taught_subjects",  # what an administrator set, beside what the roster says
    metadata,
    _school(),
    Column("teacher_id", Integer, nullable=False),
    Column("subject", Text, nullable=False),  # a key of models.results.subjects
    Column("set_by", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "teacher_id", "subject"),
)

rosters = Table(
    "rosters",  # what was applied or is held, a row a roster
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("delivery_id", Integer, ForeignKey("deliveries.id"), nullable=False),
    Column("school_year", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("created_us", BigInteger),
    Column("pupil_count", Integer, nullable=False),
    Column("group_count", Integer, nullable=False),
    Column("composed_count", Integer, nullable=False),
    Column("state", Text, nullable=False),  # applied, held, dropped
    Column("held_because", Text),
    Column("sealed", LargeBinary),  # of a held roster only: the records, until an administrator decides
    PrimaryKeyConstraint("school_id", "id"),
)

# -- tests and results -----------------------------------------------------------------------------------------


def _arrived() -> Column[int]:
    """When the message came in that gave a row its aanmaakdatum; 0 where it came before this was recorded."""
    return Column("arrived_us", BigInteger, nullable=False, server_default="0")


tests = Table(
    "tests",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=False),
    Column("code", Text, nullable=False),
    Column("version", Text, nullable=False, default=""),
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "source_id", "code", "version"),
)

test_definitions = Table(
    "test_definitions",  # immutable; a result points at the one it came with
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text),
    Column("subject_term", Text),
    Column("year", Text),
    Column("material", Text),  # text of the hierarchy entry of lowest depth
    Column("body", Text, nullable=False),  # JSON of records.TestDefinition
    Column("newest_us", BigInteger, nullable=False),  # greatest aanmaakdatum that stated it
    _arrived(),
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "source_id", "digest"),
)
Index("test_definitions_by_code", test_definitions.c.school_id, test_definitions.c.source_id, test_definitions.c.code)

parts = Table(
    "parts",  # codes of parts; id 0 is the test as a whole and has no row
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("code", Text, nullable=False),
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "code"),
)


_TYPES = {bool: Boolean, int: Integer, Short: SmallInteger, Long: BigInteger, str: Text}


def _result_columns() -> dict[str, Column[Any]]:
    """A column for each field of `StoredResult`, by its name."""
    columns = {name: _column(name, hint) for name, hint in get_type_hints(StoredResult, include_extras=True).items()}
    return columns | {
        "school_id": _school(),
        "key": Column("key", KeyText, nullable=False),
        "progress": Column("progress", Boolean, nullable=False, server_default=false()),
        "arrived_us": _arrived(),
    }


def _column(name: str, hint: Any) -> Column[Any]:
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return Column(name, _TYPES[kinds[0]], nullable=NoneType in kinds)


results = Table("results", metadata, *_result_columns().values(), PrimaryKeyConstraint(*KEY_COLUMNS))
Index("results_by_pupil", results.c.school_id, results.c.identifier_id, results.c.taken_on, results.c.part_id)

_history_columns = list(_result_columns().values())
_history_columns.insert(
    StoredResult._fields.index("created_us"), Column("value_digest", LargeBinary(16), nullable=False)
)
result_history = Table(
    "result_history",  # every other accepted value of a result, each with the last message that stated it
    metadata,
    *_history_columns,
    PrimaryKeyConstraint(*KEY_COLUMNS, "value_digest"),
)

result_counts = Table(
    "result_counts",  # how many results there are of a source in a school year
    metadata,
    _school(),
    Column("source_id", Integer, nullable=False),
    Column("school_year", Text, nullable=False),
    Column("stored", Integer, nullable=False),
    PrimaryKeyConstraint("school_id", "source_id", "school_year"),
)

subject_mappings = Table(
    "subject_mappings",
    metadata,
    _school(),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=False),
    Column("field", Text, nullable=False),  # term (vakgebied) or code (pattern on toetscode)
    Column("pattern", Text, nullable=False),
    Column("subject", Text, nullable=False),  # a key of models.results.subjects
    Column("set_by", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "source_id", "field", "pattern"),
)

# -- what teachers set and write -------------------------------------------------------------------------------

class_thresholds = Table(
    "class_thresholds",  # what a class has set differently from the defaults
    metadata,
    _school(),
    Column("class_id", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Integer, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "class_id", "name"),
)

signal_marks = Table(
    "signal_marks",  # how a signal was settled; the newest of a (rule, pupil or class, scope) holds
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("rule", Text, nullable=False),
    Column("pupil_id", Integer),  # None: a signal of a class
    Column("class_id", Integer),
    Column("scope", Text, nullable=False),  # what it is about: a material, a test
    Column("evidence", Text, nullable=False),  # the newest data behind it: other data make it open again
    Column("action", Text, nullable=False),  # seen, discussed, agreed, not_needed or reopened
    Column("marked_by", Text, nullable=False),
    Column("marked_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "id"),
)
Index("signal_marks_by_pupil", signal_marks.c.school_id, signal_marks.c.pupil_id)

goals = Table(
    "goals",  # what a teacher wants a pupil to reach in a material
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("pupil_id", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("material", Text, nullable=False),
    Column("value", BigInteger, nullable=False),  # ten-thousandths, on the scale of the material
    Column("due_on", Text),
    Column("set_by", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("source_id", Integer, nullable=False),  # whose material it is
    PrimaryKeyConstraint("school_id", "id"),
)
Index("goals_by_pupil", goals.c.school_id, goals.c.pupil_id)

due_dates = Table(
    "due_dates",  # by when a class is to have finished a test
    metadata,
    _school(),
    Column("class_id", Integer, nullable=False),
    Column("test_id", Integer, nullable=False),
    Column("due_on", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "class_id", "test_id"),
)

notes = Table(
    "notes",  # notes and agreements about a pupil; the text is encrypted
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("pupil_id", Integer, nullable=False),
    Column("kind", Text, nullable=False),  # note or agreement
    Column("restricted", Boolean, nullable=False, default=False),  # for learning support and its author only
    Column("sealed", LargeBinary, nullable=False),
    Column("until_on", Text),  # of an agreement
    Column("author", Text, nullable=False),
    Column("author_id", Integer),  # teacher
    Column("written_us", BigInteger, nullable=False),
    Column("settled_us", BigInteger),  # an agreement that was kept or given up
    Column("settled_by", Text),
    Column("author_key", Text),  # of the user who wrote it, who may be no teacher
    Column("replaced_by", Integer),  # the note that corrects this one
    Column("withdrawn_us", BigInteger),  # by its author
    Column("for_pupil", Boolean, nullable=False, default=False, server_default=false()),  # an agreement on their page
    PrimaryKeyConstraint("school_id", "id"),
)
Index("notes_by_pupil", notes.c.school_id, notes.c.pupil_id)

# -- who is signed in ------------------------------------------------------------------------------------------

accounts = Table(
    "accounts",  # who signed in: a subject at an issuer, or a local name
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issuer", Text, nullable=False),  # "local": of this program
    Column("subject_digest", LargeBinary(16), nullable=False),  # of issuer and subject, keyed
    Column("name", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("signed_in_us", BigInteger, nullable=False),  # last
    UniqueConstraint("subject_digest"),
)

account_roles = Table(
    "account_roles",  # what an account is to a school, since when, by whom, until when
    metadata,
    Column("id", Integer, primary_key=True),
    _school(),
    Column("account_id", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("teacher_id", Integer),  # the link to the roster
    Column("granted_by", Text, nullable=False),
    Column("granted_us", BigInteger, nullable=False),
    Column("ended_by", Text),
    Column("ended_us", BigInteger),
    Column("pupil_id", Integer),  # whom a pupil or parent is linked to
)
Index("account_roles_by_account", account_roles.c.account_id)
Index("account_roles_by_school", account_roles.c.school_id)

invitations = Table(
    "invitations",  # to an account that is not known yet, by a code that works once, or by mail
    metadata,
    Column("id", Integer, primary_key=True),
    _school(),
    Column("code_digest", LargeBinary(32), nullable=False, unique=True),
    Column("name", Text, nullable=False),  # whom the administrator means
    Column("mail_digest", LargeBinary(16)),  # keyed
    Column("role", Text, nullable=False),
    Column("teacher_id", Integer),
    Column("invited_by", Text, nullable=False),
    Column("invited_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),  # used or withdrawn
    Column("pupil_id", Integer),
)
Index("invitations_by_school", invitations.c.school_id)
Index("invitations_by_mail", invitations.c.mail_digest)

stand_ins = Table(
    "stand_ins",  # classes that a role sees until a day, without a link in the roster
    metadata,
    Column("id", Integer, primary_key=True),
    _school(),
    Column("role_id", Integer, ForeignKey("account_roles.id"), nullable=False),
    Column("class_id", Integer, nullable=False),
    Column("until_on", Text, nullable=False),  # the last day
    Column("granted_by", Text, nullable=False),
    Column("granted_us", BigInteger, nullable=False),
    Column("ended_by", Text),  # before that day
    Column("ended_us", BigInteger),
)
Index("stand_ins_by_role", stand_ins.c.role_id)
Index("stand_ins_by_class", stand_ins.c.school_id, stand_ins.c.class_id)

local_credentials = Table(
    "local_credentials",
    metadata,
    Column("account_id", Integer, ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
    Column("password_hash", Text, nullable=False),  # argon2id
    Column("totp_secret", LargeBinary, nullable=False),  # encrypted
    Column("totp_step", BigInteger, nullable=False),  # of the last code that was used
    Column("recovery_digests", Text, nullable=False),  # JSON, of the codes that were not used
)

sign_in_states = Table(
    "sign_in_states",  # sign-ins that are under way at a provider
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # of the state
    Column("browser_digest", LargeBinary(32), nullable=False),
    Column("provider", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # encrypted JSON: nonce, verifier, where to, invitation
    Column("made_us", BigInteger, nullable=False),
)
Index("sign_in_states_by_made", sign_in_states.c.made_us)

sessions = Table(
    "sessions",  # of browsers
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # of the token in the cookie
    Column("user_key", Text, nullable=False),  # of who looks: a user of the running program
    Column("sandbox_id", Integer),  # whose fictitious teacher the user looks as
    Column("browser", LargeBinary(16), nullable=False),  # the same for all sessions one after the other in a browser
    Column("started_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),  # to a minute
    Column("flash", LargeBinary),  # encrypted JSON: a message for the next page
    Column("account_id", Integer),  # who signed in
    Column("role_id", Integer),  # as what they look now; None: they have no role or have to choose
    Column("school_ids", Text),  # JSON: for which schools that sign-in may speak; None: for any
    Column("provider", Text),  # its id in the configuration; None: a local account, or nobody signed in
)
Index("sessions_by_user", sessions.c.user_key)
Index("sessions_by_seen", sessions.c.seen_us)

form_outcomes = Table(
    "form_outcomes",  # of forms by their token, for the same form sent again
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("begun_us", BigInteger, nullable=False),
    Column("outcome", LargeBinary),  # encrypted JSON; None: still being dealt with
)
Index("form_outcomes_by_begun", form_outcomes.c.begun_us)

kept_sheets = Table(
    "kept_sheets",  # what stood on a screen, for files of just that
    metadata,
    Column("id", Integer, primary_key=True),
    _school(),
    Column("digest", LargeBinary(16), nullable=False, unique=True),  # of viewer and token, keyed
    Column("viewer", LargeBinary(16), nullable=False),  # digest, keyed
    Column("sealed", LargeBinary, nullable=False),
    Column("until_us", BigInteger, nullable=False),
)
Index("kept_sheets_by_viewer", kept_sheets.c.viewer)
Index("kept_sheets_by_until", kept_sheets.c.until_us)

rate_buckets = Table(
    "rate_buckets",  # what is limited for all processes together
    metadata,
    Column("digest", LargeBinary(16), primary_key=True),  # of what is limited for whom, keyed
    Column("tokens", Float, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("full_us", BigInteger, nullable=False),  # when it is as good as new
)
Index("rate_buckets_by_full", rate_buckets.c.full_us)
