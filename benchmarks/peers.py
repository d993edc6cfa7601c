"""`make bench-full`: storing a message as a program does that is made of zeep and SQLAlchemy's ORM alone.

It reads the whole message, checks it with the schema, lets zeep make objects of it, and merges a row a result. What is
measured beside it is our own way of the same message, both in turn. The last line is flat JSON.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import zeep
from lxml import etree
from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks import messages
from benchmarks.ingest import NOW, time_ours
from connectors.uwlr import names
from models.schema import clock

RESULTS, ROUNDS = 10_000, 3
MESSAGE = f"{{{names.LR}}}leerresultaten_verzoek"


class Base(DeclarativeBase):
    """The tables of the plain program."""


class Result(Base):
    """One result, as it stands in the message."""

    __tablename__ = "results"

    brin: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    pupil: Mapped[str] = mapped_column(index=True)
    eck_id: Mapped[str]
    taken_on: Mapped[str]
    test: Mapped[str] = mapped_column(index=True)
    part: Mapped[str | None]
    score: Mapped[str | None]


class Plain:
    """The plain program: a schema, zeep's types, and a database file with the settings of ours."""

    def __init__(self, folder: Path) -> None:
        with resources.as_file(resources.files("connectors.uwlr") / "schemas") as schemas:
            entry = schemas / "entry_results.xsd"
            self.schema = etree.XMLSchema(etree.parse(str(entry)))
            root = etree.parse(str(schemas / "results.xsd")).getroot()
            self.types = zeep.xsd.Schema(root, zeep.Transport(), location=str(schemas / "results.xsd"))
        self.engine = create_engine(f"sqlite:///{folder / 'plain.db'}", connect_args={"check_same_thread": False})
        event.listen(self.engine, "connect", _durable)
        Base.metadata.create_all(self.engine)

    def store(self, data: bytes) -> int:
        """Store a message; returns how many results it has."""
        document = etree.fromstring(data, etree.XMLParser(resolve_entities=False))
        self.schema.assertValid(document)
        payload = next(document.iter(MESSAGE))
        message = self.types.get_element(MESSAGE).parse(payload, self.types)
        with Session(self.engine) as session, session.begin():
            return len([session.merge(row) for row in _rows(message)])


def _durable(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _rows(message: Any) -> Iterator[Result]:
    for sitting in message.toetsafnames.toetsafname:
        for result in sitting.resultaten.resultaat:
            yield Result(
                brin=message.school.brincode,
                key=result.key,
                pupil=sitting.leerlingid,
                eck_id=sitting.eckid,
                taken_on=str(result.afnamedatum),
                test=result.toetscode,
                part=result.toetsonderdeelcode,
                score=None if result.score is None else str(result.score),
            )


def time_plain(path: Path) -> float:
    """Seconds of the plain program for one message, in an empty store of its own."""
    with tempfile.TemporaryDirectory(prefix="rondblik-bench-") as name:
        program = Plain(Path(name))
        begin = time.perf_counter()
        if program.store(path.read_bytes()) != RESULTS:
            raise SystemExit("the plain program stored another number of results")
        return time.perf_counter() - begin


def main() -> None:
    """Print the figure; the last line is flat JSON."""
    with tempfile.TemporaryDirectory(prefix="rondblik-bench-") as name, clock.fixed(NOW):
        path = Path(name) / "message.xml"
        messages.write(path, RESULTS)
        ours, plain = [], []
        for _ in range(ROUNDS):
            ours.append(time_ours(path, RESULTS))
            plain.append(time_plain(path))
    ratio = statistics.median(plain) / statistics.median(ours)
    print(
        f"zeep and merge {RESULTS:,} results: {statistics.median(plain) * 1e3:.0f} ms, "
        f"ours {statistics.median(ours) * 1e3:.0f} ms, {ratio:.1f} x as fast"
    )
    print(json.dumps({"times_faster_than_merge_10000": round(ratio, 3)}))


if __name__ == "__main__":
    main()
