"""The real server on loopback, a sender that may use it, and the class whose results the clients send."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from connectors.intake.push import ReceiverContext
from connectors.intake.receive import PATH
from connectors.uwlr.envelope import Authorisation
from models.ingest import senders
from models.ingest.schools import Identification
from models.schema import clock, database
from models.schema.terms import SenderTerms
from tests.conftest import Store
from tests.connectors.sending import receiving
from tests.uwlr.messages import LR

BRIN = "99XX"
ACCOUNT = Authorisation("sleutel-van-99XX", "K-UITGEVER-A", "Uitgever A")
PUPILS, QUESTIONS = 31, 28


def add_sender(
    store: Store,
    account: Authorisation = ACCOUNT,
    terms: SenderTerms | None = None,
    covered: Sequence[Identification] = (Identification("brin", BRIN),),
) -> int:
    """A sender with an account for the school; returns the number of its source."""
    with database.write_transaction(store.engine) as connection:
        source_id = senders.add_sender(
            connection, store.cipher, account.customer_code.lower(), account.customer_name, account.customer_code,
            terms or SenderTerms(versions=("2.2",)), senders.FROM_COMMAND,
        )  # fmt: skip
        senders.add_key(connection, store.cipher, source_id, account.key, covered)
    return source_id


@contextmanager
def serving(receiver_context: ReceiverContext, public_address: str | None = None) -> Iterator[str]:
    """The address of the service, on a port of its own, while the block runs."""
    with receiving(receiver_context, public_address=public_address) as receiver:
        yield f"http://127.0.0.1:{receiver.port}{PATH}"


@dataclass(frozen=True)
class When:
    """The present day, in the words of a message."""

    year: str
    day: str
    created: str


def present() -> When:
    """The present day: the clients are told, so that they ask no clock of their own."""
    today = clock.today()
    return When(clock.school_year(today), today.isoformat(), clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"))


def score(pupil: int, question: int) -> int:
    """What a pupil scored for a question, both counted from 1; every client reckons it by itself."""
    return pupil * question % 4


def wanted() -> dict[str, tuple[str, str, int]]:
    """Pupil, part and score of every result of the class, by the key of the result."""
    return {
        f"L{pupil}-V{question}": (f"L{pupil}", f"V{question}", score(pupil, question))
        for pupil in range(1, PUPILS + 1)
        for question in range(1, QUESTIONS + 1)
    }


def class_message(when: When) -> str:
    """The class as a leerresultaten_verzoek."""
    sittings = "".join(
        f"<toetsafname><leerlingid>L{pupil}</leerlingid><resultaten>"
        + "".join(
            f'<resultaat key="L{pupil}-V{question}"><afnamedatum>{when.day}</afnamedatum><toetscode>T1</toetscode>'
            f"<toetsonderdeelcode>V{question}</toetsonderdeelcode><score>{score(pupil, question)}</score></resultaat>"
            for question in range(1, QUESTIONS + 1)
        )
        + "</resultaten></toetsafname>"
        for pupil in range(1, PUPILS + 1)
    )
    parts = "".join(
        f"<toetsonderdeel><toetsonderdeelvolgnummer>{question}</toetsonderdeelvolgnummer>"
        f"<toetsonderdeelcode>V{question}</toetsonderdeelcode></toetsonderdeel>"
        for question in range(1, QUESTIONS + 1)
    )
    return (
        f'<leerresultaten_verzoek xmlns="{LR}"><school><schooljaar>{when.year}</schooljaar><brincode>{BRIN}</brincode>'
        f"<aanmaakdatum>{when.created}</aanmaakdatum><xsdversie>2.2</xsdversie></school>"
        f"<toetsafnames>{sittings}</toetsafnames><toetsen><toets><toetscode>T1</toetscode>"
        f"<toetsnaam>Rekenen &amp; tellen</toetsnaam><toetsonderdelen>{parts}</toetsonderdelen></toets></toetsen>"
        "</leerresultaten_verzoek>"
    )


def enveloped(payload: str, account: Authorisation = ACCOUNT) -> bytes:
    """A payload in an envelope with its autorisatie header, as a template of text makes it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header>'
        '<aut:autorisatie xmlns:aut="http://www.edustandaard.nl/leerresultaten/2/autorisatie">'
        f"<aut:autorisatiesleutel>{account.key}</aut:autorisatiesleutel>"
        f"<aut:klantcode>{account.customer_code}</aut:klantcode><aut:klantnaam>{account.customer_name}</aut:klantnaam>"
        f"</aut:autorisatie></soapenv:Header><soapenv:Body>{payload}</soapenv:Body></soapenv:Envelope>"
    ).encode()
