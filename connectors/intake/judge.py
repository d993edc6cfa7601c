"""The one way in for results: spool, judge, store. Push, pull and file all come through here.

The bytes go to a private file under a cap, with their digest made on the way; `judge` reads that file once and says
what is wrong with it; `take_results` stores what is right in one transaction and keeps apart what is not. Nothing
waits for a network while the store is being written.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import IO, BinaryIO, Protocol, cast

from sqlalchemy import Engine

from connectors.errors import ClockSetBack, TooLarge
from connectors.intake.destinations import Destination, ReceiverCheck
from connectors.uwlr import charset, malformed, names, rules, values
from connectors.uwlr.agreement import STRICT, Agreement
from connectors.uwlr.reader import SCHEMA_HINT, ElementRef, ReadMessage, is_personal_number, read_results
from connectors.uwlr.rules import RULES, Stage, finding, stage_of
from connectors.uwlr.soap import EnvelopeHeader, is_fragmented, read_envelope_header, xml_safety_check
from connectors.uwlr.source_locations import SourceLocation, diagnose
from models.ingest import own_clock, result_store
from models.ingest.result_store import Receipt, Refusal
from models.ingest.schools import BRIN, normal_location
from models.schema import clock
from models.schema.encryption import PiiCipher
from models.schema.limits import MAX_BYTES
from models.schema.records import Finding, MessageHead, PupilRef, ResultBatch, SchoolRef, Verdict
from models.schema.terms import RetentionPolicy

MEMORY_BYTES = 1 << 20
MAX_KEPT_BYTES = 64 * 1024 * 1024
MAX_GROWTH = 3  # of the bytes of an eight-bit encoding that become UTF-8
OLD = timedelta(days=2 * 366)
AHEAD = timedelta(days=1)
PREPARING = timedelta(days=62)
_OF_A_FORM = frozenset({"result.date", "school.created", "oso.bound"})
_YEARS = re.compile(r"([0-9]{4})-([0-9]{4})")
_HEAD_ELEMENTS = {
    "school.brin": "brincode",
    "school.dependance": "dependancecode",
    "school.dependance-short": "dependancecode",
    "school.year": "schooljaar",
    "school.year-digits": "schooljaar",
    "school.year-other": "schooljaar",
    "school.created": "aanmaakdatum",
    "school.created-24h": "aanmaakdatum",
    "school.created-old": "aanmaakdatum",
    "version.unsupported": "xsdversie",
    "version.2-0": "xsdversie",
}


@dataclass(slots=True)
class Spooled:
    """A message in a private file: seekable, `size` bytes, `digest` its SHA-256; when the last byte was here.

    `rules` are those that its transport broke: the message itself cannot show it any more.
    """

    file: BinaryIO
    size: int
    digest: bytes
    arrived_us: int = field(default_factory=clock.arrival_us)
    rules: tuple[str, ...] = ()

    def __enter__(self) -> Spooled:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the private file back."""
        self.file.close()


def spool(chunks: Iterable[bytes], cap: int = MAX_BYTES) -> Spooled:
    """Write a stream of bytes to a private file; raises TooLarge above `cap` bytes."""
    digest = hashlib.sha256()
    size = 0
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES, prefix="rondblik-")  # noqa: SIM115
    try:
        for chunk in chunks:
            size += len(chunk)
            if size > cap:
                raise TooLarge(cap)
            digest.update(chunk)
            file.write(chunk)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return Spooled(cast("BinaryIO", file), size, digest.digest())


def spool_body(chunks: Iterable[bytes], content_type: str, cap: int = MAX_BYTES) -> Spooled:
    """Write the body of an HTTP message to a private file, in the encoding that it declares; raises as `spool`."""
    spooled = spool(chunks, cap)
    reading = charset.read_as(spooled.file, content_type)
    if reading.convert_from is None:
        return replace(spooled, rules=tuple(reading.rules))
    with spooled:
        converted = spool(charset.converted(spooled.file, reading.convert_from), MAX_GROWTH * cap)
    return replace(converted, rules=tuple(reading.rules))


def read_header(spooled: Spooled, agreement: Agreement) -> EnvelopeHeader:
    """The envelope header of a message, with what is wrong with its transport."""
    header = read_envelope_header(spooled.file, agreement)
    header.findings[:0] = [finding(rule, agreement) for rule in spooled.rules]
    return header


@dataclass(slots=True)
class Judgement:
    """What a message is worth: a batch to store, or an empty answer, or the fault it is refused with."""

    verdict: Verdict
    fault: str | None
    findings: list[Finding]
    batch: ResultBatch | None = None
    empty: str | None = None
    head: MessageHead | None = None
    school: SchoolRef = field(default_factory=SchoolRef)


class ReceiverRules(Protocol):
    """What is known where a message arrives: which schools it may be of, and which pupils those have."""

    def school_rule(self, school: SchoolRef) -> str | None:
        """The rule that a message of this school breaks here."""

    def pupil_rules(self, school: SchoolRef, pupils: list[PupilRef]) -> list[tuple[int, str]]:
        """The pupils (by their place in the list) that break a rule here, each with that rule."""


def judge(
    spooled: Spooled,
    agreement: Agreement = STRICT,
    receiver: ReceiverRules | None = None,
    header: EnvelopeHeader | None = None,
) -> Judgement:
    """Read a message once and say what it is worth; a second reading only finds the places of what was found.

    Without `receiver` a message is judged by itself, as a check does; `header` is its header where it was read before.
    """
    header = header or read_header(spooled, agreement)
    if header.refused:
        return _judged([*header.findings, *_safe_header(spooled, header, agreement)], None)
    if header.empty is not None:
        return Judgement(Verdict.ACCEPT, None, header.findings, empty=header.empty)
    if is_fragmented(spooled.file) and (further_findings := xml_safety_check(spooled.file, agreement.bounds)):
        return _judged([*header.findings, *further_findings], None)
    schema_name = _schema_for(header, agreement)
    reading = read_results(spooled.file, schema_name, agreement.bounds.max_results)
    if reading.has_trailer and (further_findings := xml_safety_check(spooled.file, agreement.bounds)):
        return _judged([*header.findings, *further_findings], None)
    head, head_rules = read_head(reading, header, agreement)
    for rule in head_rules:
        reading.note(rule, ElementRef("school", 1, _HEAD_ELEMENTS.get(rule, "")))
    version_rules(reading)
    school = read_school(reading.school or header.school)[0]
    if receiver is not None and not reading.broken:
        _note_receiver(reading, receiver, school)
    if agreement.terms.test_school:
        _note_personal_numbers(reading)
    locations, further_findings = _locations(spooled, schema_name, agreement, reading)
    own = _own_findings(reading, locations, agreement, [*header.findings, *further_findings])
    findings = [*header.findings, *further_findings, *own]
    batch = None
    if head is not None and not any(finding.level == rules.ERROR for finding in findings):
        batch = ResultBatch(
            head=head,
            pupils=reading.pupils,
            tests=reading.tests,
            definitions=reading.definitions,
            rows=reading.rows,
            count=reading.count,
            digest=spooled.digest,
            size=spooled.size,
            findings=findings,
        )
    judgement = _judged(findings, batch)
    judgement.head = head
    judgement.school = school
    return judgement


def _safe_header(spooled: Spooled, header: EnvelopeHeader, agreement: Agreement) -> list[Finding]:
    """What the gate has against the rest of a message that need not be read: bytes go before all else."""
    if any(stage_of(finding.rule) is Stage.BYTES and finding.level == rules.ERROR for finding in header.findings):
        return []
    return xml_safety_check(spooled.file, agreement.bounds)


def _note_receiver(reading: ReadMessage, receiver: ReceiverRules, school: SchoolRef) -> None:
    rule = receiver.school_rule(school)
    if rule is not None:
        reading.note(rule, ElementRef("school", 1, ""))
        return
    for index, broken in receiver.pupil_rules(school, reading.pupils):
        reading.note(broken, ElementRef("toetsafname", reading.pupil_sittings[index], "leerlingid"))


def _note_personal_numbers(reading: ReadMessage) -> None:
    """In a test school no number of a real child may stand, also not as key."""
    for ref, sitting in zip(reading.pupils, reading.pupil_sittings, strict=True):
        if ref.las_key is not None and is_personal_number(ref.las_key):
            reading.note("pupil.bsn-like", ElementRef("toetsafname", sitting, "leerlingid"))


def _schema_for(header: EnvelopeHeader, agreement: Agreement) -> str:
    if agreement.terms.policy == "tolerant":
        return names.TOLERANT_SCHEMA
    return names.VERSIONS.get((header.xsd_version or "").strip(), names.DEFAULT_SCHEMA)


def _judged(findings: list[Finding], batch: ResultBatch | None) -> Judgement:
    errors = [finding for finding in findings if finding.level == rules.ERROR]
    if errors:
        first = min(errors, key=lambda finding: stage_of(finding.rule))
        return Judgement(Verdict.REJECT, first.fault or rules.ONGELDIG_BERICHT, findings)
    warned = any(finding.level == rules.WARNING for finding in findings)
    return Judgement(Verdict.WARN if warned else Verdict.ACCEPT, None, findings, batch=batch)


def _locations(
    spooled: Spooled, schema_name: str, agreement: Agreement, reading: ReadMessage
) -> tuple[dict[ElementRef, SourceLocation], list[Finding]]:
    """The second reading, where there is something to find the place of."""
    elements = {element for places in reading.notes.values() for element in places if element.ordinal}
    if not elements and not reading.broken:
        return {}, []
    locations, findings = diagnose(spooled.file, schema_name, agreement, elements, broken=reading.broken)
    was_read_whole = "message.results" not in reading.notes
    if reading.broken and was_read_whole and not findings:
        # libxml2 alone holds a namespace against it, such as one that is no URI.
        line, column = reading.broken_at or (None, None)
        findings = [finding("xml.namespace", agreement, line=line, column=column)]
    return locations, findings


def _own_findings(
    reading: ReadMessage, locations: dict[ElementRef, SourceLocation], agreement: Agreement, findings: list[Finding]
) -> list[Finding]:
    """Our own rules with their places, less what the validator has already said of the same rule or element.

    Of an element that the schema refuses, a warning says nothing that helps, nor does a bound of ours of a value that
    does not have the form of its type.
    """
    reported_rules = {finding.rule for finding in findings}
    refused_paths = {finding.path for finding in findings if finding.level == rules.ERROR and finding.path is not None}
    broken_bytes = any(finding.rule in malformed.MALFORMED for finding in findings)
    own = []
    for rule, places in reading.notes.items():
        if rule in reported_rules or broken_bytes:
            continue
        for element in dict.fromkeys(places):
            location = locations.get(element)
            if element == SCHEMA_HINT and location is None:
                continue  # a value that holds the word, no attribute
            path = None if location is None else location.path
            if path in refused_paths and (rule in _OF_A_FORM or RULES[rule].level_under(agreement) != rules.ERROR):
                continue
            own.append(
                finding(
                    rule,
                    agreement,
                    path=path,
                    line=None if location is None else location.line,
                    column=None if location is None else location.column,
                )
            )
    return own


def read_head(
    reading: ReadMessage, header: EnvelopeHeader, agreement: Agreement
) -> tuple[MessageHead | None, list[str]]:
    """The school element as a head, and the rules it breaks; None where it cannot be read."""
    texts = reading.school or header.school
    if not texts:
        return None, []  # there is no school element, and the schema says so
    broken: list[str] = []
    school, school_rules = read_school(texts)
    broken += school_rules
    year = texts.get("schooljaar", "")
    if not year.isascii() and year.replace("-", "").isdigit():
        broken.append("school.year-digits")
    elif not _year_is_whole(year):
        broken += ["school.year"] if _YEARS.fullmatch(year) else []  # the schema refuses any other form
    elif year != clock.school_year(clock.today()):
        broken.append("school.year-other")
    created = texts.get("aanmaakdatum")
    created_us, created_rules = (None, []) if created is None else read_created(created, year)
    broken += created_rules
    version = texts.get("xsdversie")
    if version is None:
        broken.append("version.missing")
    elif (version.strip() if agreement.terms.policy == "tolerant" else version) not in agreement.terms.versions:
        broken.append("version.unsupported")
    elif version.strip() == "2.0":
        broken.append("version.2-0")
    if reading.broken or created_us is None:
        return None, broken
    return (
        MessageHead(
            school_year=year,
            school=school,
            created_text=(created or "").strip(values.XML_SPACE),
            created_us=created_us,
            author=texts.get("auteur"),
            xsd_version=version,
            comment=texts.get("commentaar"),
            dependance_text=texts.get("dependancecode"),
        ),
        broken,
    )


def _year_is_whole(year: str) -> bool:
    years = _YEARS.fullmatch(year)
    return years is not None and int(years[2]) == int(years[1]) + 1


def _begin_us(year: str) -> int:
    """The first moment at which a message of a school year may be made: some weeks before, for who prepares."""
    return clock.to_us(datetime.combine(clock.school_year_bounds(year)[0] - PREPARING, time()))


def read_school(texts: dict[str, str]) -> tuple[SchoolRef, list[str]]:
    """How the message names its school, and what is wrong with that: ASCII only, whatever the pattern says."""
    broken = []
    brin = texts.get("brincode")
    if brin is not None and not BRIN.fullmatch(brin):
        broken.append("school.brin")
    dependance = texts.get("dependancecode")
    if dependance:
        if not (dependance.isascii() and dependance.isdigit() and len(dependance) <= 2):
            broken.append("school.dependance")
        elif len(dependance) == 1:
            broken.append("school.dependance-short")
    return SchoolRef(brin=brin, dependance=normal_location(dependance), school_key=texts.get("schoolkey")), broken


def read_created(text: str, year: str) -> tuple[int | None, list[str]]:
    """The aanmaakdatum as an instant; a day ahead or more would win from all that comes after, so it is refused.

    `year` is the school year of the message: what was made before it began cannot be of it.
    """
    try:
        created_us, midnight = values.instant(text)
    except (ValueError, OverflowError):
        return None, ["school.created"]
    broken = ["school.created-24h"] if midnight else []
    now = clock.now()
    if created_us >= clock.to_us(now + AHEAD):
        broken.append("school.created")
    elif created_us < clock.to_us(now - OLD) or (_year_is_whole(year) and created_us < _begin_us(year)):
        broken.append("school.created-old")
    return created_us, broken


def version_rules(reading: ReadMessage) -> None:
    """What the stated version does not know: an eckid came with 2.2, a pupil without leerlingid with 2.3."""
    version = reading.school.get("xsdversie", "2.2").strip()
    if version in ("2.0", "2.1") and any(ref.eck_id is not None for ref in reading.pupils):
        reading.note("version.eckid", ElementRef("school", 1, "xsdversie"))
    if version != "2.3" and not reading.broken:
        for ref, sitting in zip(reading.pupils, reading.pupil_sittings, strict=True):
            if ref.las_key is None:
                reading.note("pupil.no-las-key", ElementRef("toetsafname", sitting, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSource:
    """Where a message with results comes from, how it is judged, and for which schools.

    `key_id` is the key that the sender showed. With `moves_cursor` the next request asks for what is newer, but
    not than `asked_us`, the moment of this one; with `remembers_document` the same bytes are not read again.
    """

    source_id: int
    channel: str
    destination: Destination
    agreement: Agreement = STRICT
    key_id: int | None = None
    moves_cursor: bool = False
    asked_us: int | None = None
    remembers_document: bool = False
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)

    def delivery(self, spooled: Spooled) -> result_store.Incoming:
        """The delivery that a message of this source is."""
        return result_store.Incoming(
            source_id=self.source_id,
            channel=self.channel,
            digest=spooled.digest,
            size=spooled.size,
            moves_cursor=self.moves_cursor,
            asked_us=self.asked_us,
            remembers_document=self.remembers_document,
            in_order=self.agreement.terms.ordering == "strict",
            key_id=self.key_id,
            arrived_us=spooled.arrived_us,
        )


def process_results(
    engine: Engine,
    cipher: PiiCipher,
    spooled: Spooled,
    source: ResultSource,
    header: EnvelopeHeader | None = None,
) -> Receipt:
    """Judge a message and store it in one transaction, or quarantine it with the reason.

    `header` is its header where it was read before.

    The same bytes as an accepted message of this source change nothing, whatever the agreement is now. No bytes are
    stored of a sender that lost its permission while it was judged, nor of a message for a test school. Raises
    ClockSetBack, and stores nothing, where it would be refused for nothing but our own clock.
    """
    agreement, destination, delivery = source.agreement, source.destination, source.delivery(spooled)
    retention = RetentionPolicy(0, 0) if agreement.terms.test_school else source.retention
    receipt = result_store.find_repeat(engine, delivery, destination.numbers)
    if receipt is not None:
        return receipt
    judgement = judge(spooled, agreement, ReceiverCheck(engine, cipher, destination, agreement), header)
    if judgement.head is not None and _only_of_the_future(judgement.findings) and own_clock.is_set_back(engine):
        raise ClockSetBack
    if judgement.empty is not None:
        return result_store.save_empty(engine, delivery, destination.home(judgement.school), judgement.empty)
    if judgement.batch is not None:
        raw = _raw(spooled, retention.accepted_days)
        school_id = destination.school(judgement.school)

        def finding_of(rule: str, count: int) -> Finding:
            return finding(rule, agreement, count=count)

        try:
            return result_store.save_results(
                engine,
                cipher,
                delivery,
                school_id,
                judgement.batch,
                finding_of,
                raw=raw,
                keep_days=retention.accepted_days,
            )
        except result_store.SenderNotAllowed as ended:
            return refuse_unread(
                engine,
                cipher,
                source_id=source.source_id,
                school_id=None,
                way=source.channel,
                finding=finding(ended.rule, agreement),
                digest=spooled.digest,
                size=spooled.size,
            )
        except result_store.OutOfOrder:
            late = finding("school.created-order", agreement)
            refused = _judged([*judgement.findings, late], None)
            judgement = replace(refused, head=judgement.head, school=judgement.school)
    return result_store.save_refusal(
        engine,
        cipher,
        delivery,
        destination.home(judgement.school),
        Refusal(judgement.fault or rules.ONGELDIG_BERICHT, judgement.findings, judgement.head),
        raw=_raw(spooled, retention.refused_days),
        keep_days=retention.refused_days,
    )


def _only_of_the_future(findings: Sequence[Finding]) -> bool:
    """Whether a message that has an aanmaakdatum is refused for nothing but that moment."""
    return {finding.rule for finding in findings if finding.level == rules.ERROR} == {"school.created"}


def _raw(spooled: Spooled, keep_days: int) -> bytes | None:
    """The bytes to keep, or None where none are kept: a setting, or a message too large to encrypt in one piece."""
    if keep_days <= 0 or spooled.size > MAX_KEPT_BYTES:
        return None
    spooled.file.seek(0)
    return spooled.file.read()


def refuse_unread(
    engine: Engine,
    cipher: PiiCipher,
    *,
    source_id: int | None,
    school_id: int | None,
    way: str,
    finding: Finding,
    digest: bytes,
    size: int = 0,
) -> Receipt:
    """Keep apart, with its reason, what could not even be read: too large, damaged, locked. No bytes are kept."""
    delivery = result_store.Incoming(source_id=source_id, channel=way, digest=digest, size=size)
    fault = finding.fault or rules.ONGELDIG_BERICHT
    return result_store.save_refusal(engine, cipher, delivery, school_id, Refusal(fault, [finding]))
