"""`rondblik serve` asks publishers that are good and bad by turns, each in a way of its own, for a quarter of an hour.

    python -m tests.faults.flapping --seconds 900

Thirteen publishers go bad and come back, as after a restart, on a schedule that is drawn; one is good throughout, and
others push. Each of them has a new result every second or two. At the end every result must be stored as its publisher
has it, none of another school; one that is good again must be up to date within 90 seconds, and the good one never be
further behind. In less than two minutes everything goes faster: polls are made due at once, as after a wait. The last
line is flat JSON.
"""

from __future__ import annotations

import random
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psutil
from sqlalchemy import Engine, func, select, update

from connectors.uwlr import names, values
from models.schema import clock, database
from models.schema.database import open_engine, sqlite_url
from models.schema.records import SCALE
from models.schema.tables import results, school_identifications, sources, work_queue
from tests.connectors.loopback import Handler, serving
from tests.connectors.test_http import make_certificate, server_tls
from tests.faults.programs import program, publisher_of
from tests.faults.publishers import lost_or_half, run_program, sending
from tests.faults.soak import middle, used
from tests.uwlr.messages import message, result_xml

SCHOOL, OTHER_SCHOOL = "99EE", "99FF"
CHANGED = "changed"  # the key of a result that is another in every answer
BAR_SECONDS = 90.0
HURRIED = 120  # seconds, below which polls are made due at once
GROWTH = {"memory_mb": 1.15, "threads": 1.5, "descriptors": 1.25}  # threads of jobs come and go
LIMIT_BYTES = 2_000_000
LIMITS = "{idle_seconds: 30, total_seconds: 900, max_bytes: 2000000}"
HURRIED_LIMITS = "{connect_seconds: 1, idle_seconds: 0.5, total_seconds: 2, max_bytes: 2000000}"
_SINCE = re.compile(rb"<[^>]*laatstontvangen>([^<]+)<")


@dataclass
class Publisher:
    """A publisher whose results are made one after the other; `bad` is its way of failing, None for none."""

    name: str
    bad: Callable[[Handler, Publisher], None] | None
    port: int = 0
    made: list[float] = field(default_factory=list)  # when each result was made; its number is its score
    made_us: list[int] = field(default_factory=list)
    good_since: float | None = None
    asked: int = 0  # while it was bad, as far as it can tell
    recoveries: list[float] = field(default_factory=list)

    def make(self) -> None:
        """Have one more result."""
        self.made_us.append(clock.now_us())
        self.made.append(time.monotonic())

    def answer_well(self, handler: Handler) -> None:
        """Answer as it should."""
        handler.say(self.answer(handler.asked.body))

    def answer_badly(self, handler: Handler) -> None:
        """Answer in its own way."""
        assert self.bad is not None
        self.asked += 1
        self.bad(handler, self)

    def answer(self, question: bytes, brin: str = SCHOOL) -> bytes:
        """Every result that was made since the moment in the question, and the one that changes."""
        since = _SINCE.search(question)
        since_us = 0 if since is None else values.instant(since[1].decode())[0]
        number = len(self.made_us)
        wanted = [index for index in range(number) if self.made_us[index] >= since_us]
        rows = [result_xml(f"{self.name}-{index}", str(index % 10)) for index in wanted]
        rows.append(result_xml(CHANGED, str(number % 10)))
        made = clock.now().astimezone(clock.AMSTERDAM).replace(tzinfo=None).isoformat(timespec="microseconds")
        return message(results="".join(rows), brin=brin, aanmaakdatum=made, schooljaar=clock.school_year(clock.today()))

    @property
    def expected(self) -> dict[str, int]:
        """The results that must be stored."""
        return {f"{self.name}-{index}": index % 10 for index in range(len(self.made))}


# -- ways of being bad -----------------------------------------------------------------------------------------


def resets(handler: Handler, publisher: Publisher) -> None:
    """Half an answer, and a reset."""
    body = publisher.answer(handler.asked.body)
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n" + body[: len(body) // 2])
    handler.reset()


def hangs(handler: Handler, _publisher: Publisher) -> None:
    """Nothing, for as long as it likes; also when it could answer again."""
    handler.connection.settimeout(60)
    handler.connection.recv(1)


def drips(handler: Handler, _publisher: Publisher) -> None:
    """An answer of one byte every half second."""
    handler.drip(b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n<a>", b" ", 0.5)


def breaks_off(handler: Handler, publisher: Publisher) -> None:
    """Half a document, as if it were all."""
    body = publisher.answer(handler.asked.body)
    handler.say(body[: len(body) // 2])


def shows_a_page(handler: Handler, _publisher: Publisher) -> None:
    """A web page, with status 200."""
    handler.say(b"<!DOCTYPE html><html><body>Onderhoud</body></html>", content_type="text/html")


def is_unavailable(handler: Handler, _publisher: Publisher) -> None:
    """503, and when to come back."""
    handler.say(b"", 503, Retry_After="20")


def sends_too_much(handler: Handler, _publisher: Publisher) -> None:
    """More bytes than are taken in."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n")
    handler.wfile.write(b" " * 2 * LIMIT_BYTES)


def faults(handler: Handler, _publisher: Publisher) -> None:
    """A Fault."""
    fault = "<s:Fault><faultcode>s:Server.InterneFout</faultcode><faultstring>stuk</faultstring></s:Fault>"
    handler.say(f'<s:Envelope xmlns:s="{names.SOAP}"><s:Body>{fault}</s:Body></s:Envelope>'.encode(), 500)


def packs(handler: Handler, _publisher: Publisher) -> None:
    """An answer in gzip that nobody asked for."""
    handler.say(b"\x1f\x8b" + b"\0" * 1_000, Content_Encoding="gzip")


def redirects(handler: Handler, _publisher: Publisher) -> None:
    """To itself, for ever."""
    handler.say(b"", 302, Location=handler.asked.path)


def tells_of_another(handler: Handler, publisher: Publisher) -> None:
    """The results of another school."""
    handler.say(publisher.answer(handler.asked.body, OTHER_SCHOOL))


def refuses(_handler: Handler, _publisher: Publisher) -> None:
    """Not even the connection: nothing listens."""
    raise AssertionError


def has_bad_tls(_handler: Handler, _publisher: Publisher) -> None:
    """A certificate that nobody vouches for."""
    raise AssertionError


BAD = (
    refuses, resets, hangs, drips, breaks_off, shows_a_page, is_unavailable, sends_too_much, faults, packs, redirects,
    has_bad_tls, tells_of_another,
)  # fmt: skip
TOLD = tuple(way for way in BAD if way not in (refuses, has_bad_tls))  # who hears that it is asked


# -- the schedule ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Schedule:
    """How long everything takes, in seconds; `ends` says when all are good again."""

    seconds: int
    over: threading.Event
    certificates: tuple[tuple[Path, Path], tuple[Path, Path]]  # a good and a bad one

    @property
    def is_hurried(self) -> bool:
        """Whether it takes so little time that nobody waits for a poll to be due."""
        return self.seconds < HURRIED

    def spell(self, draw: random.Random, *, good: bool) -> float:
        """How long a publisher stays good or bad."""
        if self.is_hurried:
            return draw.uniform(0.5, 1.5)
        return draw.uniform(60.0, 180.0) if good else draw.uniform(5.0, 120.0)


def flap(publisher: Publisher, schedule: Schedule, draw: random.Random) -> None:
    """Be good and bad by turns until it is over, then good; each time as after a restart."""
    good = False
    while not schedule.over.is_set():
        with open_as(publisher, schedule, good=good):
            schedule.over.wait(schedule.spell(draw, good=good))
            while not good and not publisher.asked and publisher.bad in TOLD and not schedule.over.wait(0.1):
                pass  # in a hurry it could be over before anybody asked
        good = not good


@contextmanager
def open_as(publisher: Publisher, schedule: Schedule, *, good: bool) -> Iterator[None]:
    """A publisher at its port, good or bad, while the block runs."""
    bad, tls = publisher.bad, None
    if bad is has_bad_tls:
        tls, good_answer = server_tls(schedule.certificates[not good]), True
    else:
        good_answer = good
    with ExitStack() as stack:
        answer: Callable[[Handler], None] = publisher.answer_well
        if not good_answer:
            answer = publisher.answer_badly
        if good or bad is not refuses:
            server = stack.enter_context(serving(answer, tls, publisher.port))
            publisher.port = int(server.url.rpartition(":")[2])
        publisher.good_since = time.monotonic() if good else None
        yield
    publisher.good_since = None


# -- what is stored --------------------------------------------------------------------------------------------


def counts(engine: Engine) -> Mapping[str, int]:
    """How many results of each publisher are stored, less the one that changes."""
    query = select(sources.c.key, func.count()).join(results, results.c.source_id == sources.c.id)
    with database.read_transaction(engine) as connection:
        rows = connection.execute(query.where(results.c.key != CHANGED).group_by(sources.c.key)).all()
    return {row[0]: row[1] for row in rows}


@dataclass
class Watch:
    """How far each publisher is behind, looked at again and again."""

    behind: float = 0.0  # seconds, of the good one at worst
    seen: dict[str, float] = field(default_factory=dict)  # since when a publisher that recovered was good
    slow: list[str] = field(default_factory=list)

    def look(self, publishers: list[Publisher], stored: Mapping[str, int]) -> None:
        """Compare what is stored with what there is."""
        now = time.monotonic()
        for publisher in publishers:
            since, number = publisher.good_since, stored.get(publisher.name, 0)
            if publisher.bad is None and number < len(publisher.made):
                self.behind = max(self.behind, now - publisher.made[number])
            if since is None or self.seen.get(publisher.name) == since:
                continue
            before = sum(made < since for made in publisher.made)
            if number >= before or now - since > BAR_SECONDS:
                self.seen[publisher.name] = since
                publisher.recoveries.append(now - since)


def wrong_results(engine: Engine, publishers: list[Publisher]) -> list[str]:
    """What is not stored as its publisher has it."""
    wrong = []
    with database.read_transaction(engine) as connection:
        named = select(school_identifications.c.value, school_identifications.c.school_id)
        ids = dict(connection.execute(named).all())
        strangers = select(func.count()).select_from(results).where(results.c.school_id == ids[OTHER_SCHOOL])
        wrong += ["results of another school were stored"] if connection.scalar(strangers) else []
        for publisher in publishers:
            own = select(results.c.key, results.c.score).join(sources, sources.c.id == results.c.source_id)
            rows = connection.execute(own.where(sources.c.key == publisher.name)).all()
            found = {row.key: row.score // SCALE for row in rows if row.key != CHANGED}
            if found != publisher.expected or len(rows) != len(found) + 1:
                wrong.append(f"{publisher.name}: {len(rows) - 1} results are stored, not {len(publisher.made)}")
    return wrong


def configuration(publishers: list[Publisher], schedule: Schedule) -> str:
    """The configuration of a program that asks these publishers every minute."""
    account = "authorisation: {key: k, customer_code: RB, customer_name: Rondblik}"
    listed = "".join(
        f"  - {{id: {one.name}, name: {one.name}, kind: soap, every: 1, school: De Horizon, {account}, "
        f"address: '{'https' if one.bad is has_bad_tls else 'http'}://127.0.0.1:{one.port}/'}}\n"
        for one in publishers
    )
    return (
        f"data: .\nlimits: {HURRIED_LIMITS if schedule.is_hurried else LIMITS}\nschools:\n"
        f"  - name: De Horizon\n    identifications: [{{brin: {SCHOOL}}}]\n"
        f"  - name: Het Baken\n    identifications: [{{brin: {OTHER_SCHOOL}}}]\npublishers:\n{listed}"
    )


def hurry(engine: Engine) -> None:
    """Make every poll due at once."""
    with database.short_write(engine) as connection:
        connection.execute(update(work_queue).where(work_queue.c.lease.is_(None)).values(next_try_us=clock.now_us()))


def run(seconds: int, seed: int) -> dict[str, object]:
    """Let the publishers flap for so long; what came of it, and what is wrong."""
    draw = random.Random(seed)
    publishers = [Publisher(way.__name__.replace("_", "-"), way) for way in BAD]
    publishers.append(Publisher("steady", None))
    over, settled = threading.Event(), threading.Event()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rondblik-flapping-")))
        data, errors = folder / "data", folder / "errors"
        schedule = Schedule(seconds, over, (make_certificate(folder, "good"), make_certificate(folder, "bad")))
        pushing = publisher_of(data, sqlite_url(data))
        engine = open_engine(sqlite_url(data))
        stack.callback(engine.dispose)
        for publisher in publishers:  # so that each has its port
            with open_as(publisher, schedule, good=True):
                pass
        (data / "config.yaml").write_text(configuration(publishers, schedule))
        trusted = {"SSL_CERT_FILE": str(schedule.certificates[0][0])}
        server = stack.enter_context(program(data, soap_only=schedule.is_hurried, errors=errors, variables=trusted))
        server.start()
        process, samples, watch = psutil.Process(server.pid), list[dict[str, float]](), Watch()
        pause = 0.1 if schedule.is_hurried else 0.5
        with sending(server.receiver, pushing, pause=pause) as pushers:
            threads = [
                threading.Thread(target=flap, args=(one, schedule, random.Random(draw.random())), daemon=True)
                for one in publishers
                if one.bad is not None
            ]
            steady = stack.enter_context(ExitStack())
            steady.enter_context(open_as(publishers[-1], schedule, good=True))
            for thread in threads:
                thread.start()
            last_calm = BAR_SECONDS + 5 if not schedule.is_hurried else seconds / 2
            began, calm = time.monotonic(), ExitStack()
            for turn in count():
                now = time.monotonic() - began
                heard = all(one.asked for one in publishers if one.bad in TOLD) or now > BAR_SECONDS
                if now > seconds - last_calm and heard and not settled.is_set():
                    settled.set()
                    over.set()
                    for thread in threads:
                        thread.join()
                    for one in publishers[:-1]:
                        calm.enter_context(open_as(one, schedule, good=True))
                if schedule.is_hurried:
                    hurry(engine)
                if not settled.is_set() and (schedule.is_hurried or turn % 4 == 0):
                    for one in publishers:
                        one.make()
                stored = counts(engine)
                watch.look(publishers, stored)
                samples.append(used(process))
                ready = all(stored.get(one.name, 0) >= len(one.made) for one in publishers)
                if (settled.is_set() and ready) if schedule.is_hurried else now > seconds:
                    break
                if now > seconds + BAR_SECONDS:  # on a busy machine the last polls take longer
                    break
                time.sleep(pause)
            calm.close()
        wrong = wrong_results(engine, publishers) + lost_or_half(engine, pushers.sendings)
        wrong += ["a traceback in the log"] if "Traceback" in errors.read_text() else []
    took = {name: [middle(samples, name, third) for third in (1, 2)] for name in GROWTH}
    recoveries = [seconds for one in publishers for seconds in one.recoveries]
    wrong += [f"{one.name} took over {BAR_SECONDS} s" for one in publishers if max(one.recoveries) > BAR_SECONDS]
    wrong += [f"{one.name} was never asked while it was bad" for one in publishers if one.bad in TOLD and not one.asked]
    wrong += [f"the good publisher was {watch.behind:.0f} s behind"] if watch.behind > BAR_SECONDS else []
    if not schedule.is_hurried:
        wrong += [
            f"{name} grew from {then} to {now}" for name, (then, now) in took.items() if now > GROWTH[name] * then
        ]
    return {
        "seconds": seconds, "seed": seed, "kinds": len(BAD), "asked_while_bad": sum(one.asked for one in publishers),
        "results": sum(len(one.made) for one in publishers), "pushed": pushers.confirmed, "heard": pushers.heard,
        "recoveries": len(recoveries), "slowest_recovery": round(max(recoveries)), "good_behind": round(watch.behind),
        **took, "wrong": wrong,
    }  # fmt: skip


if __name__ == "__main__":
    run_program(run, __doc__, seconds=900)
