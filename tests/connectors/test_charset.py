"""Text is never stored garbled, whatever the Content-Type says of its encoding; each way in."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from connectors.intake.las_client import LasSettings, fetch_roster
from connectors.intake.pull import PullSettings, Target, pull
from connectors.intake.push import ReceiverContext
from connectors.uwlr import names
from connectors.uwlr.charset import charset_of
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.pupil_messages import Part
from connectors.uwlr.pupil_writer import write_answer
from models.ingest import connections, deliveries, schools
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.records import Roster, RosterGroup, RosterPupil, SchoolRef
from models.schema.tables import test_definitions
from tests.conftest import Store
from tests.connectors.loopback import serving
from tests.connectors.sending import HORIZON, Receiver, account, enveloped, receiving
from tests.uwlr.messages import message

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAME = "Café Zoë"


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def written(document: str, declared: str | None, encoding: str, mark: bytes = b"") -> bytes:
    """A document that declares one encoding and is written in another; without a declaration of it where None."""
    declaration = '<?xml version="1.0"?>' if declared is None else f'<?xml version="1.0" encoding="{declared}"?>'
    return mark + (declaration + document.partition("?>")[2]).encode(encoding)


# What the document declares, what it is written in, the charset of the Content-Type, and whether a finding says so.
READABLE = [
    ("UTF-8", "utf-8", "utf-8", False),
    ("UTF-8", "utf-8", "UTF8", False),
    ("UTF-8", "utf-8", None, False),
    (None, "utf-8", "utf-8", False),
    ("ISO-8859-1", "latin-1", None, False),
    ("ISO-8859-1", "latin-1", '"iso-8859-1"', False),
    (None, "latin-1", "iso-8859-1", False),
    (None, "latin-1", "Latin1", False),
    (None, "cp1252", "windows-1252", False),
    ("ISO-8859-1", "utf-8", "utf-8", True),
    ("windows-1252", "utf-8", "utf-8", True),
    ("ISO-8859-1", "latin-1", "utf-8", True),
    ("UTF-8", "utf-8", "iso-8859-1", True),
    ("UTF-8", "latin-1", "iso-8859-1", True),
    ("UTF-8", "utf-8", "us-ascii", True),
    (None, "utf-8", "us-ascii", True),
    ("UTF-8", "utf-8", "no-such-charset", True),
    ("UTF-8", "utf-8", "rot13", True),
]


@pytest.fixture(params=READABLE, ids=lambda param: "-".join(str(part) for part in param))
def readable(request: pytest.FixtureRequest) -> tuple[Callable[[str], bytes], str, bool]:
    """How to write a document, the Content-Type to send it with, and whether they contradict each other."""
    declared, encoding, charset, contradicted = request.param
    content_type = "text/xml" if charset is None else f"text/xml; charset={charset}"
    return lambda document: written(document, declared, encoding), content_type, contradicted


def stored_names(store: Store) -> list[str]:
    with read_transaction(store.engine) as connection:
        return list(connection.scalars(select(test_definitions.c.name)))


def has_finding(store: Store) -> bool:
    delivery = next(deliveries.newest(store.engine))
    return "xml.charset" in [finding["rule"] for finding in delivery.findings]


@pytest.mark.usefixtures("every_app")
def test_a_pushed_message_is_read_in_its_own_encoding(
    store: Store, readable: tuple[Callable[[str], bytes], str, bool]
) -> None:
    write, content_type, contradicted = readable
    sender = account(store.engine, store.cipher)
    document = enveloped(message(toetsnaam=NAME), sender.header).decode()
    with receiving(ReceiverContext(store.engine, store.cipher)) as receiver:
        answer = receiver.post(write(document), Content_Type=content_type)
    assert answer.confirmed, answer.sentence
    assert stored_names(store) == [NAME]
    assert has_finding(store) == contradicted


@pytest.fixture
def target(store: Store) -> Target:
    """A school that results are pulled for."""
    with write_transaction(store.engine) as connection:
        school_id = schools.ensure_school(connection, [HORIZON])
        source_id = schools.ensure_source(connection, "bron", "Bron", "publisher")
        connections.ensure_connection(connection, school_id, source_id)
    return Target(store.engine, store.cipher, school_id, source_id)


@pytest.mark.parametrize("kind", ["soap", "https"])
def test_a_pulled_message_is_read_in_its_own_encoding(
    store: Store, target: Target, kind: str, readable: tuple[Callable[[str], bytes], str, bool]
) -> None:
    write, content_type, contradicted = readable
    document = message(toetsnaam=NAME).decode()
    if kind == "soap":
        document = (
            f'<?xml version="1.0"?><s:Envelope xmlns:s="{names.SOAP}"><s:Body><p:leerresultaten_ophalen_antwoord '
            f'xmlns:p="{names.OPHALEN}">{document.partition("?>")[2]}</p:leerresultaten_ophalen_antwoord>'
            "</s:Body></s:Envelope>"
        )
    with serving(lambda handler: handler.say(write(document), content_type=content_type)) as server:
        account = Authorisation("de-sleutel", "RB", "Rondblik & Co")
        outcome = pull(PullSettings(kind, server.url, SchoolRef(brin="99XX"), authorisation=account), target, None)
    assert [judged.receipt.fault for judged in outcome.taken] == [None]
    assert stored_names(store) == [NAME]
    assert has_finding(store) == contradicted


def test_a_roster_is_read_in_its_own_encoding(readable: tuple[Callable[[str], bytes], str, bool]) -> None:
    write, content_type, contradicted = readable
    roster = Roster(
        "2026-2027", SchoolRef(brin="99XX", dependance="00"), "2026-11-20T07:30:00Z", 1795159800000000,
        groups=(RosterGroup("5", "5a", False, "5"),),
        pupils=(RosterPupil("k1", None, "Zoë", None, "Voorbeeld", "5", "5"),),
        teachers=(),
    )  # fmt: skip
    document = write_answer(roster, Part.ALL).decode()
    with serving(lambda handler: handler.say(write(document), content_type=content_type)) as server:
        fetched = fetch_roster(
            LasSettings(server.url, SchoolRef(brin="99XX"), authorisation=Authorisation("s", "c", "n")), None
        )
    assert fetched.answer.roster is not None
    assert [pupil.first_name for pupil in fetched.answer.roster.pupils] == ["Zoë"]
    assert ("xml.charset" in [finding.rule for finding in fetched.answer.findings]) == contradicted


@pytest.fixture
def receiver(every_app: None, store: Store) -> Iterator[Receiver]:
    with receiving(ReceiverContext(store.engine, store.cipher)) as receiver:
        yield receiver


@pytest.mark.parametrize(
    ("declared", "encoding", "charset"),
    [
        ("UTF-8", "latin-1", "utf-8"),
        ("UTF-8", "latin-1", None),
        (None, "latin-1", None),
        ("UTF-16", "utf-8", "utf-8"),
        ("UTF-16", "utf-8", "utf-16"),
        ("no-such", "utf-8", "utf-8"),
    ],
)
def test_what_cannot_be_read_is_refused(
    store: Store, receiver: Receiver, declared: str | None, encoding: str, charset: str | None
) -> None:
    sender = account(store.engine, store.cipher)
    document = enveloped(message(toetsnaam=NAME), sender.header).decode()
    content_type = "text/xml" if charset is None else f"text/xml; charset={charset}"
    assert receiver.post(written(document, declared, encoding), Content_Type=content_type).fault == (
        "Client.OngeldigBericht"
    )
    assert stored_names(store) == []


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "iso-8859-1"])
@pytest.mark.parametrize(
    ("mark", "encoding"), [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (b"", "utf-16")]
)
def test_the_byte_order_mark_counts_before_the_charset(
    store: Store, receiver: Receiver, mark: bytes, encoding: str, charset: str
) -> None:
    sender = account(store.engine, store.cipher)
    document = enveloped(message(toetsnaam=NAME), sender.header).decode()
    body = written(document, encoding[:6].rstrip("-"), encoding, mark)
    assert receiver.post(body, Content_Type=f"text/xml; charset={charset}").confirmed
    assert stored_names(store) == [NAME]
    assert has_finding(store) == (charset != encoding[: len(charset)])


def test_a_long_message_is_converted_whole(store: Store, receiver: Receiver) -> None:
    sender = account(store.engine, store.cipher)
    rows = message(scores=["7"] * 30_000, toetsnaam=NAME)
    body = written(enveloped(rows, sender.header).decode(), "ISO-8859-1", "utf-8")
    assert len(body) > 3_000_000
    assert receiver.post(body, Content_Type="text/xml; charset=utf-8").confirmed
    assert stored_names(store) == [NAME]


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("", None),
        ("text/xml", None),
        ("text/xml; charset=", None),
        ("text/xml;charset=UTF-8", "utf-8"),
        ('text/xml; action="x;charset=no"; charset="utf-8"', "utf-8"),
        ("text/xml; charset*=utf-8''x", None),
        ("\x00; charset=\xff", "\xff"),
    ],
)
def test_the_charset_of_a_content_type(content_type: str, charset: str | None) -> None:
    assert charset_of(content_type) == charset
