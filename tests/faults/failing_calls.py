"""Publishers send to `rondblik serve`, of which the Nth write, sync, open, truncation or rename fails, for every N.

    python -m tests.faults.failing_calls

A library that is loaded into the program (failing.c) counts its calls and makes one fail, or all from that one on, as a
full or a broken disk or a limit of open files would. Each N gets a message of its own, until a message needs no Nth
call any more. What was confirmed must be stored then and nothing be half stored; the publisher must hear that it is for
a while, and nothing else; sent again the message must be confirmed. Pupil lists that the program fetches are treated
alike. With `--most` only so many calls of each series fail, drawn among all. The last line is flat JSON.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import http.client
import mmap
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from threading import Event

from sqlalchemy import Engine, func, select, text, update

from connectors.uwlr.pupil_writer import write_answer
from models.schema import clock, database
from models.schema.database import open_engine, sqlite_url
from models.schema.records import Roster, RosterGroup, RosterPupil, SchoolRef
from models.schema.tables import deliveries, pupils, raw_messages, results, work_queue
from tests.connectors.loopback import serving
from tests.connectors.sending import Account
from tests.faults.programs import Program, program, publisher_of
from tests.faults.publishers import BRINS, CHANGED, NEW, NO_ANSWER, TEMPORARY, Sending, body, lost_or_half, run_program

GOOD, LARGE, REFUSED, FETCHED = BRINS  # the school of each kind of message
REFUSAL = "Client.ScoreOngeldig"
PADDING = b" " * 50_000  # behind each result of a large message, which goes by way of files then
PUPILS = 30
ALL = 1 << 20  # calls
PATIENCE = 5.0  # seconds in which a pupil list is fetched


class Kind(IntEnum):
    """What fails, as failing.c numbers it."""

    WRITE = 1
    SYNC = 2
    OPEN = 3
    TRUNCATE = 4
    RENAME = 5


class _Orders(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("kind", "error", "left", "many", "seen", "failed")),
        ("only", ctypes.c_char * 104),
    ]


class Orders:
    """What is to fail in the program that has the library; shared with it through a file."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(bytes(ctypes.sizeof(_Orders)))
        with file.open("r+b") as shared:
            self._shared = _Orders.from_buffer(mmap.mmap(shared.fileno(), 0))

    def fail(self, series: Series, nth: int) -> None:
        """From now on let the nth call of a series fail, or every call from that one on."""
        self.nothing()
        self._shared.error, self._shared.left, self._shared.many = series.error, nth, series.many
        self._shared.seen = self._shared.failed = 0
        self._shared.only = series.only.encode()
        self._shared.kind = series.kind

    def nothing(self) -> int:
        """From now on nothing fails; how many calls did."""
        self._shared.kind = 0
        return int(self._shared.failed)

    @property
    def seen(self) -> int:
        """How many calls of the kind there were."""
        return int(self._shared.seen)


@dataclass(frozen=True)
class Series:
    """Calls that fail, one in each round: of which kind, how, how many, and while what is received."""

    kind: Kind
    error: int
    many: int
    receives: str
    only: str = ""

    def __str__(self) -> str:
        then = " and all after it" if self.many > 1 else ""
        return f"{self.kind.name.lower()}{then} of {self.only or 'any file'} with {errno.errorcode[self.error]}"


_ERRORS = (
    (Kind.WRITE, errno.ENOSPC), (Kind.WRITE, errno.EIO), (Kind.SYNC, errno.EIO), (Kind.SYNC, errno.ENOSPC),
    (Kind.OPEN, errno.EMFILE), (Kind.OPEN, errno.EIO), (Kind.OPEN, errno.ENOSPC), (Kind.TRUNCATE, errno.EIO),
    (Kind.RENAME, errno.EIO),
)  # fmt: skip
SERIES = [
    *(Series(kind, error, many, of) for of in (GOOD, LARGE, REFUSED) for kind, error in _ERRORS for many in (1, ALL)),
    # Of the file of the database itself: when its log is copied into it, after every thousand pages.
    *(Series(kind, error, 1, GOOD, database.SQLITE_FILE) for kind, error in _ERRORS[:4]),
    *(Series(kind, error, 1, FETCHED) for kind, error in _ERRORS[:5:2]),
]


def library(folder: Path) -> Path:
    """The compiled library."""
    made = folder / "failing.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(made), str(Path(__file__).with_name("failing.c")), "-ldl"]
    subprocess.run(command, check=True)
    return made


@dataclass
class Site:
    """A running program whose calls can be made to fail, and what came of it so far."""

    server: Program
    engine: Engine
    publisher: Account
    orders: Orders
    errors: Path
    rosters: int = 0  # how many rosters the pupil administration has made
    sent: Counter[str] = field(default_factory=Counter)
    heard: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def roster(self) -> bytes:
        """The pupil list of now, whose number is the first name of every pupil."""
        name, made = str(self.rosters), clock.now_us() - 60_000_000
        rows = tuple(RosterPupil(f"L{i}", None, name, None, f"Vries{i}", "5", "g5") for i in range(PUPILS))
        groups = (RosterGroup("g5", "5a", year_group="5"),)
        school = SchoolRef(brin=FETCHED)
        year = clock.school_year(clock.today())
        return write_answer(Roster(year, school, None, made, groups=groups, pupils=rows, teachers=()))

    def post(self, data: bytes) -> str | None:
        """Send these bytes; what came back instead of a confirmation."""
        try:
            answer = self.server.receiver.post(data)
        except (OSError, http.client.HTTPException):
            return NO_ANSWER
        return None if answer.confirmed else answer.fault or str(answer.status)

    def stored(self, data: bytes, school: str) -> tuple[int, int]:
        """How many deliveries these bytes are, and how many results (or refused messages) belong to those."""
        whose = results if school != REFUSED else raw_messages
        own = deliveries.c.digest == hashlib.sha256(data).digest()
        belong = select(func.count()).select_from(whose.join(deliveries, whose.c.delivery_id == deliveries.c.id))
        with database.read_transaction(self.engine) as connection:
            count = connection.scalar(select(func.count()).select_from(deliveries).where(own))
            return count or 0, connection.scalar(belong.where(own)) or 0

    def names(self) -> set[str | None]:
        """The first names of the pupils that were fetched."""
        with database.read_transaction(self.engine) as connection:
            return set(connection.scalars(select(pupils.c.first_name)))


WHOLE = {GOOD: (1, NEW + CHANGED), LARGE: (1, NEW + CHANGED), REFUSED: (1, 1)}
ANSWERS = {GOOD: None, LARGE: None, REFUSED: REFUSAL}


def made(site: Site, school: str) -> bytes:
    """The next message of a school."""
    data = body(site.publisher, school, site.sent[school])
    if school == LARGE:
        data = data.replace(b"</resultaat>", b"</resultaat>" + PADDING)
    elif school == REFUSED:
        data = data.replace(b"<score>", b"<score>z", 1)
    site.sent[school] += 1
    return data


def push(site: Site, series: Series, nth: int, *, just_started: bool = False) -> bool:
    """Send a message while the nth call fails, and again when nothing does; whether there was an nth call."""
    school, wrong = series.receives, site.wrong
    what = f"call {nth} of {series}, message of {school}"
    failed, logged = 0, site.errors.stat().st_size
    while not failed:  # of the database file: until its log is copied into it
        data = made(site, school)
        site.orders.fail(series, nth)
        heard = site.post(data)
        seen, failed = site.orders.seen, site.orders.nothing()
        if not series.only or seen:
            break
    found = site.stored(data, school)
    if heard == ANSWERS[school]:
        wrong += [] if found == WHOLE[school] else [f"{what}: answered, and stored {found}"]
    elif heard != TEMPORARY or not failed:
        wrong.append(f"{what}: {heard} was answered")
    elif site.errors.stat().st_size == logged:
        wrong.append(f"{what}: nothing in the log")
    wrong += [] if found in ((0, 0), WHOLE[school]) else [f"{what}: {found} are stored"]
    site.heard[heard or "confirmed"] += 1
    again = site.post(data)
    if again == TEMPORARY and just_started:  # another thread got a connection of which nothing can be written
        again = site.post(data)
    if again != ANSWERS[school] or site.stored(data, school) != WHOLE[school]:
        wrong.append(f"{what}: sent again {again} was answered, and stored {site.stored(data, school)}")
    return bool(failed)


def fetch(site: Site, series: Series, nth: int) -> bool:
    """Let the worker fetch a pupil list while the nth call fails, then again; whether there was an nth call."""
    what, before = f"call {nth} of {series}, pupil list", site.names()
    logged = site.errors.stat().st_size
    site.rosters += 1
    site.orders.fail(series, nth)
    ended = fetch_once(site)
    failed = site.orders.nothing()
    found = site.names()
    site.wrong += [] if found in (before, {str(site.rosters)}) else [f"{what}: stored {len(found)} names"]
    if failed and found == before and site.errors.stat().st_size == logged:
        site.wrong.append(f"{what}: nothing in the log")
    site.heard["fetched" if found != before else "fetched later"] += 1
    ended = (ended and found != before) or fetch_once(site)
    if not ended or site.names() != {str(site.rosters)}:
        site.wrong.append(f"{what}: afterwards it is not fetched")
    return bool(failed)


def fetch_once(site: Site) -> bool:
    """Make the poll due, and wait until the worker has done it, or its lease was lost and would expire."""
    own = work_queue.c.kind == "poll"
    with database.short_write(site.engine) as connection:
        before = connection.scalar(select(work_queue.c.finished_us).where(own))
        connection.execute(
            update(work_queue).where(own).values(next_try_us=clock.now_us(), lease=None, leased_until_us=None)
        )
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        with database.read_transaction(site.engine) as connection:
            row = connection.execute(select(work_queue.c.finished_us, work_queue.c.lease).where(own)).one()
        if row.finished_us != before and row.lease is None:
            return True
        time.sleep(0.02)
    return False


@contextmanager
def running(*, soap_only: bool = False) -> Iterator[Site]:
    """A program with a publisher and a pupil administration, in a folder of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rondblik-failing-"))).resolve()
        disk, errors = folder / "disk", folder / "errors"
        data = disk / "data"
        publisher = publisher_of(data, sqlite_url(data))
        engine = open_engine(sqlite_url(data))
        stack.callback(engine.dispose)
        sites: list[Site] = []
        las = stack.enter_context(serving(lambda handler: handler.say(sites[0].roster())))
        account = "authorisation: {key: k, customer_code: RB, customer_name: Rondblik}"
        (data / "config.yaml").write_text(
            f"data: .\nschools:\n  - name: De Horizon\n    identifications: [{{brin: {FETCHED}}}]\n"
            f"    las: {{id: las, name: Schoolbeheer, address: '{las.url}', every: 600, {account}}}\n"
        )
        (disk / "spool").mkdir()
        orders = Orders(folder / "orders")
        variables = {
            "LD_PRELOAD": str(library(folder)), "RONDBLIK_FAILING": str(folder / "orders"),
            "RONDBLIK_WATCHED": str(disk), "TMPDIR": str(disk / "spool"),
        }  # fmt: skip
        server = stack.enter_context(program(data, soap_only=soap_only, errors=errors, variables=variables))
        sites.append(Site(server, engine, publisher, orders, errors))
        server.start()
        yield sites[0]


def first_calls(site: Site, series: Series, nth: int) -> bool:
    """As `push`, in a program that has just been started: what is made at first use is made then."""
    site.server.kill()
    site.server.start()
    return push(site, series, nth, just_started=True)


def run(most: int, seed: int) -> dict[str, object]:
    """Let calls fail, of each series `most` (0: every one); what came of it, and what is wrong."""
    draw, calls = random.Random(seed), Counter[str]()
    with running(soap_only=bool(most)) as site:  # pages and their files take most of the time of a short run
        fetch_once(site)
        for series in SERIES:
            attempt = fetch if series.receives == FETCHED else push
            for nth in _numbers(site, series, attempt, most, draw):
                if not attempt(site, series, nth):
                    break
                calls[series.kind.name.lower()] += 1
        starts = [series for series in SERIES if series.receives == GOOD and series.error == errno.EMFILE]
        for series in starts if not most else ():
            nth = 1
            while first_calls(site, series, nth):
                nth += 1
                calls["first open"] += 1
        site.server.end(signal.SIGTERM)
        wrong = site.wrong
        sent = [Sending(site.server.receiver, site.publisher, school, Event(), Event(), 0, site.sent[school])
                for school in (GOOD, LARGE)]  # fmt: skip
        wrong += lost_or_half(site.engine, sent)
        with database.read_transaction(site.engine) as connection:
            found = connection.scalar(text("PRAGMA integrity_check"))
        wrong += [] if found == "ok" else [f"integrity: {found}"]
        wrong += ["a traceback in the log"] if "Traceback" in site.errors.read_text() else []
    return {"failed": dict(calls), "seed": seed, "heard": dict(site.heard), "wrong": wrong[:20]}


def _numbers(
    site: Site, series: Series, attempt: Callable[[Site, Series, int], bool], most: int, draw: random.Random
) -> Iterator[int]:
    """Which calls fail: every one, until there is none of that number; or some of those that there are."""
    if not most:
        yield from range(1, ALL)
        return
    attempt(site, series, ALL)
    there = site.orders.seen
    yield from sorted(draw.sample(range(1, there + 1), min(most, there)))


if __name__ == "__main__":
    run_program(run, __doc__, most=0)
