"""Sandboxes: a vendor's own address to send to, with two fictitious schools, and the list of what came in there.

A sandbox and all that is of it is erased when its time is over.
"""

from __future__ import annotations

import json
import logging
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from models.ingest import rosters, schools, senders
from models.ingest.exchanges import Exchange, decrypt_exchanges, encrypt_exchanges
from models.ingest.result_store import DAY_US, Receipt, findings_json
from models.ingest.schools import Identification
from models.sandbox.erasure import erase_schools
from models.schema import clock
from models.schema.database import for_all_schools, lock_school, read_transaction, unused_id, write_transaction
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.limits import VENDOR_DAYS
from models.schema.records import Roster, RosterGroup, RosterPupil, RosterTeacher, SchoolRef, Verdict
from models.schema.tables import (
    deliveries,
    raw_messages,
    school_identifications,
    sender_keys,
    sources,
    teachers,
    test_arrivals,
    test_rooms,
    work_queue,
)
from models.schema.tables import schools as schools_table
from models.schema.tables import senders as senders_table
from models.schema.terms import SenderTerms

TOKEN_BYTES = 16
MAX_SANDBOXES = 500
MAX_ARRIVALS = 1_000  # of a sandbox; what comes after is judged and counted, and not written down
KEPT_EXCHANGES = 50  # of a sandbox: the newest
TEACHER_KEY = "proef-leraar"
FIRST_DIGITS = 90  # a BRIN of a real school begins with lower digits
BRINS = 9 * 26 * 26
FIRST_NAMES = ("Noa", "Bas", "Zoë", "Sem", "Lotte", "Daan", "Yara", "Mees", "Fenna", "Ilias")

_log = logging.getLogger("rondblik.rooms")


class NoSandboxAvailable(Exception):
    """No sandbox can be made now: the maximum is reached, or no BRIN is free."""


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """What the vendor puts into its system: address token, header, and how the two schools are named."""

    token: str
    customer_code: str
    customer_name: str
    key: str
    brin: str


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox; `school_id` is the school that "look as a teacher" shows."""

    id: int
    name: str
    school_id: int
    second_school_id: int
    source_id: int
    account: SandboxAccount
    code: str | None  # in the Fault that was provoked last
    armed: bool  # the next message gets that Fault
    shown: bool  # the vendor read the code on its own screen
    made_us: int
    keep_until_us: int
    came: int  # how many messages; the first MAX_ARRIVALS of them are arrivals


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message that came in at a test address, and what became of it."""

    id: int
    arrived_us: int
    digest: bytes
    size: int
    verdict: str
    fault: str | None
    repeated: bool
    provoked: bool
    school_id: int | None
    counts: dict[str, int]
    findings: tuple[dict[str, Any], ...]

    @property
    def accepted(self) -> bool:
        """Whether it was confirmed."""
        return self.verdict != Verdict.REJECT.value

    def broke(self, rule: str) -> bool:
        """Whether a rule stands among its errors."""
        return any(finding["rule"] == rule and finding["level"] == "error" for finding in self.findings)


def pupils_of(sandbox_id: int) -> tuple[RosterPupil, ...]:
    """The fictitious pupils of a sandbox: keys and ECK iDs of the pilot form."""
    return tuple(
        RosterPupil(
            las_key=f"proef-{number:02d}",
            eck_id=f"https://ketenid.nl/pilot/{_digits(sandbox_id, number)}",
            first_name=name,
            last_name="Proef",
            year_group="6",
            group="proefgroep",
        )
        for number, name in enumerate(FIRST_NAMES, 1)
    )


def _digits(sandbox_id: int, number: int) -> str:
    return f"{sandbox_id:08x}{number:04x}".rjust(128, "0")


# -- making and finding --------------------------------------------------------------------------------------


def create_sandbox(engine: Engine, cipher: PiiCipher, name: str, keep_days: int = VENDOR_DAYS) -> Sandbox:
    """A new sandbox with two schools, ten pupils, one teacher, and an account to send with.

    Raises NoSandboxAvailable.
    """
    token, now = secrets.token_urlsafe(TOKEN_BYTES), clock.now_us()
    with write_transaction(engine) as connection:
        live = select(func.count()).select_from(test_rooms).where(test_rooms.c.keep_until_us >= now)
        if (connection.scalar(live) or 0) >= MAX_SANDBOXES:
            raise NoSandboxAvailable
        sandbox_id = unused_id(connection, test_rooms)
        brin = _free_brin(connection, sandbox_id)
        account = SandboxAccount(token, senders.new_code(), f"Proef {sandbox_id}", senders.new_key(), brin)
        first, second = (
            _make_school(connection, Identification("brin", brin, location), f"Proefschool {letter}")
            for location, letter in (("", "A"), ("01", "B"))
        )
        source_id = senders.add_sender(
            connection, cipher, f"proef-{sandbox_id}", account.customer_name, account.customer_code,
            SenderTerms(unknown_pupil="refuse", test_school=True), senders.FROM_TEST,
        )  # fmt: skip
        covered = [Identification("brin", brin), Identification("brin", brin, "01")]
        senders.add_key(connection, cipher, source_id, account.key, covered)
        connection.execute(
            insert(test_rooms).values(
                id=sandbox_id, token_digest=_digest(cipher, token), name=name[:200], school_id=first,
                second_school_id=second, source_id=source_id, armed=False, shown=False, made_us=now, used_us=now,
                account=cipher.encrypt(json.dumps(asdict(account)).encode(), place(test_rooms.c.account, sandbox_id)),
                keep_until_us=now + keep_days * DAY_US,
            )
        )  # fmt: skip
    for school_id, location in ((first, ""), (second, "01")):
        _make_roster(engine, cipher, sandbox_id, school_id, source_id, SchoolRef(brin, location))
    sandbox = find_sandbox(engine, cipher, token)
    assert sandbox is not None
    return sandbox


def _free_brin(connection: Connection, sandbox_id: int) -> str:
    """The first BRIN from that of this number on that no school has, at whatever location.

    Raises NoSandboxAvailable.
    """
    taken = set(
        connection.scalars(
            select(school_identifications.c.value).where(
                school_identifications.c.scheme == "brin", school_identifications.c.value >= brin_of(0)
            )
        )
    )
    free = (brin_of(sandbox_id + step) for step in range(BRINS))
    brin_code = next((brin for brin in free if brin not in taken), None)
    if brin_code is None:
        raise NoSandboxAvailable
    return brin_code


def brin_of(sandbox_id: int) -> str:
    """A BRIN that no real school has: 90AA to 98ZZ, in turn."""
    rest, last = divmod(sandbox_id, 26)
    rest, middle = divmod(rest, 26)
    return f"{FIRST_DIGITS + rest % 9}{chr(65 + middle)}{chr(65 + last)}"


def _make_school(connection: Connection, named: Identification, name: str) -> int:
    school_id = schools.ensure_school(connection, [named], name)
    connection.execute(update(schools_table).where(schools_table.c.id == school_id).values(synthetic=True))
    return school_id


def _make_roster(
    engine: Engine, cipher: PiiCipher, sandbox_id: int, school_id: int, source_id: int, ref: SchoolRef
) -> None:
    roster = Roster(
        school_year=clock.school_year(clock.today()),
        school=ref,
        school_name=None,
        created_us=clock.now_us(),
        groups=(RosterGroup("proefgroep", "Proefgroep 6", year_group="6"),),
        pupils=pupils_of(sandbox_id),
        teachers=(
            RosterTeacher(TEACHER_KEY, None, "Proef", None, "Leraar", groups=(("proefgroep", ()),)),
        ),
        digest=secrets.token_bytes(32),
    )  # fmt: skip
    rosters.save_roster(engine, cipher, school_id=school_id, source_id=source_id, roster=roster, way="load")


def find_sandbox(engine: Engine, cipher: PiiCipher, token: str) -> Sandbox | None:
    """The sandbox with this token in its address, or None."""
    return _find(engine, cipher, test_rooms.c.token_digest == _digest(cipher, token))


def find_sandbox_by_id(engine: Engine, cipher: PiiCipher, sandbox_id: int) -> Sandbox | None:
    """The sandbox with this id, or None; ids are never used again."""
    return _find(engine, cipher, test_rooms.c.id == sandbox_id)


def _find(engine: Engine, cipher: PiiCipher, condition: ColumnElement[bool]) -> Sandbox | None:
    with read_transaction(engine) as connection:
        row = connection.execute(select(test_rooms).where(condition)).one_or_none()
    if row is None or row.keep_until_us < clock.now_us():
        return None
    account = SandboxAccount(**json.loads(cipher.decrypt(row.account, place(test_rooms.c.account, row.id))))
    return Sandbox(
        row.id, row.name, row.school_id, row.second_school_id, row.source_id, account, row.code, row.armed, row.shown,
        row.made_us, row.keep_until_us, row.came,
    )  # fmt: skip


def _digest(cipher: PiiCipher, token: str) -> bytes:
    return cipher.digest("room", token)


def teacher_of(engine: Engine, cipher: PiiCipher, sandbox: Sandbox) -> int | None:
    """The fictitious teacher of the sandbox's first school, as whom its results can be looked at."""
    with read_transaction(engine, sandbox.school_id) as connection:
        return connection.scalar(
            select(teachers.c.id).where(
                teachers.c.school_id == sandbox.school_id,
                teachers.c.key_digest == cipher.rotating_digest("teacher", TEACHER_KEY),
            )
        )


# -- what comes in -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArrivedMessage:
    """A message that comes in at a test address: `provoked` gets the Fault that was asked for."""

    digest: bytes
    size: int
    provoked: bool = False
    exchange: Exchange | None = None


def record_arrival(
    engine: Engine, cipher: PiiCipher, sandbox: Sandbox, receipt: Receipt, message: ArrivedMessage
) -> None:
    """Record that a message came in at the address of a sandbox, which is kept longer for it.

    Of the newest messages alone the exchange is kept. Does nothing where the sandbox was erased meanwhile.
    """
    now = clock.now_us()
    exchange = None
    if message.exchange is not None:
        exchange = encrypt_exchanges(cipher, place(test_arrivals.c.exchange, sandbox.id, now), [message.exchange])
    longer = {"used_us": now, "keep_until_us": now + (test_rooms.c.keep_until_us - test_rooms.c.used_us)}
    with write_transaction(engine) as connection:
        came = connection.scalar(
            update(test_rooms)
            .where(test_rooms.c.id == sandbox.id)
            .values(came=test_rooms.c.came + 1, **longer)
            .returning(test_rooms.c.came)
        )
        if came is None or came > MAX_ARRIVALS:
            return
        connection.execute(
            insert(test_arrivals).values(
                room_id=sandbox.id, arrived_us=now, digest=message.digest, size=message.size,
                verdict=receipt.verdict.value, fault=receipt.fault,
                repeated=receipt.repeated and receipt.verdict is not Verdict.REJECT, provoked=message.provoked,
                school_id=receipt.school_id, counts=json.dumps(receipt.counts),
                findings=findings_json(receipt.findings), exchange=exchange,
            )
        )  # fmt: skip
        own = test_arrivals.c.room_id == sandbox.id
        newest = select(test_arrivals.c.id).where(own).order_by(test_arrivals.c.id.desc()).limit(KEPT_EXCHANGES)
        older = and_(own, test_arrivals.c.exchange.is_not(None), test_arrivals.c.id.not_in(newest))
        connection.execute(update(test_arrivals).where(older).values(exchange=None))


def arrivals(engine: Engine, sandbox: Sandbox) -> list[Arrival]:
    """What came in at the address of a sandbox, in order, as far as it was recorded."""
    with read_transaction(engine) as connection:
        rows = connection.execute(
            select(*(column for column in test_arrivals.c if column.name != "exchange"))
            .where(test_arrivals.c.room_id == sandbox.id)
            .order_by(test_arrivals.c.id)
        ).all()
    return [
        Arrival(
            row.id, row.arrived_us, bytes(row.digest), row.size, row.verdict, row.fault, row.repeated, row.provoked,
            row.school_id, json.loads(row.counts), tuple(json.loads(row.findings)),
        )
        for row in rows
    ]  # fmt: skip


def exchanges(engine: Engine, cipher: PiiCipher, sandbox: Sandbox) -> dict[int, Exchange]:
    """The messages of a sandbox with their answers, as far as they are kept, by the id of the arrival."""
    query = select(test_arrivals.c.id, test_arrivals.c.arrived_us, test_arrivals.c.exchange)
    with read_transaction(engine) as connection:
        rows = connection.execute(
            query.where(test_arrivals.c.room_id == sandbox.id, test_arrivals.c.exchange.is_not(None))
            .order_by(test_arrivals.c.id)
        ).all()  # fmt: skip
    return {
        row.id: decrypt_exchanges(cipher, place(test_arrivals.c.exchange, sandbox.id, row.arrived_us), row.exchange)[0]
        for row in rows
    }


def arm_fault(engine: Engine, sandbox: Sandbox) -> None:
    """Let the next message get a Fault with a new code in its sentence, once."""
    code = f"{secrets.randbelow(9000) + 1000}"
    with write_transaction(engine) as connection:
        connection.execute(
            update(test_rooms).where(test_rooms.c.id == sandbox.id).values(code=code, armed=True, shown=False)
        )


def take_armed_fault(engine: Engine, sandbox: Sandbox) -> str | None:
    """The code of the Fault that was asked for, for the message that takes it: of two at once only one gets it."""
    if not sandbox.armed:
        return None
    with write_transaction(engine) as connection:
        code: str | None = connection.scalar(
            update(test_rooms)
            .where(test_rooms.c.id == sandbox.id, test_rooms.c.armed.is_(True))
            .values(armed=False)
            .returning(test_rooms.c.code)
        )
    return code


def confirm_shown(engine: Engine, sandbox: Sandbox, code: str) -> bool:
    """Whether the code that a vendor read on its own screen is the one that we sent; remembered where it is."""
    if (
        sandbox.code is None
        or sandbox.armed
        or not secrets.compare_digest(sandbox.code.encode(), code.strip().encode())
    ):
        return False
    with write_transaction(engine) as connection:
        connection.execute(update(test_rooms).where(test_rooms.c.id == sandbox.id).values(shown=True))
    return True


# -- the end -------------------------------------------------------------------------------------------------


def empty_due(engine: Engine) -> int:
    """Erase the sandboxes whose time is over, with all that is of them; returns how many. A failure stops no other."""
    with read_transaction(engine) as connection:
        due = connection.execute(
            select(test_rooms.c.id).where(test_rooms.c.keep_until_us < clock.now_us())
        ).scalars().all()  # fmt: skip
    erased = 0
    for sandbox_id in due:
        try:
            erase_sandbox(engine, sandbox_id)
        except SQLAlchemyError as failed:
            _log.error("%s while erasing a sandbox", type(failed).__name__)
        else:
            erased += 1
    return erased


def erase_sandbox(engine: Engine, sandbox_id: int) -> None:
    """Erase a sandbox: its schools with pupils and results, its sender and keys, its arrivals and reports.

    A message for it that is being stored goes first.
    """
    with write_transaction(for_all_schools(engine)) as connection:  # its two schools
        row = connection.execute(select(test_rooms).where(test_rooms.c.id == sandbox_id)).one_or_none()
        if row is None:
            return
        lock_school(connection, row.school_id)
        lock_school(connection, row.second_school_id)
        connection.execute(delete(work_queue).where(work_queue.c.sandbox_id == sandbox_id))
        connection.execute(delete(test_arrivals).where(test_arrivals.c.room_id == sandbox_id))
        connection.execute(delete(test_rooms).where(test_rooms.c.id == sandbox_id))
        erase_schools(connection, [row.school_id, row.second_school_id])
        of_source = select(deliveries.c.id).where(deliveries.c.source_id == row.source_id)
        connection.execute(delete(raw_messages).where(raw_messages.c.delivery_id.in_(of_source)))
        connection.execute(delete(deliveries).where(deliveries.c.source_id == row.source_id))
        connection.execute(delete(sender_keys).where(sender_keys.c.source_id == row.source_id))
        connection.execute(delete(senders_table).where(senders_table.c.source_id == row.source_id))
        connection.execute(delete(sources).where(sources.c.id == row.source_id))
