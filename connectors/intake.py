"""The one way in for results: spool, judge, store. Push, pull and file all come through here.

The bytes go to a private file under a cap, with their digest made on the way; `judge` reads that file once and says
what is wrong with it; `take_results` stores what is right in one transaction and keeps apart what is not. Nothing
waits for a network while the store is being written.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import IO, BinaryIO, cast

from sqlalchemy import Engine

from connectors.errors import TooLarge
from connectors.soap import Opening, open_message
from connectors.uwlr import names, rules, values
from connectors.uwlr.locate import Spot, diagnose
from connectors.uwlr.reader import Place, Reading, read_results
from connectors.uwlr.rules import Policy, finding
from models import clock, store
from models.records import Finding, MessageHead, ResultBatch, SchoolRef, Verdict
from models.schools import normal_location
from models.sealing import Seal
from models.store import Keep, Receipt

MAX_BYTES = 512 * 1024 * 1024
MEMORY_BYTES = 1 << 20
MAX_KEPT_BYTES = 64 * 1024 * 1024
OLD = timedelta(days=366)
AHEAD = timedelta(days=1)
_BRIN_DIGITS, _BRIN_LETTERS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# The order of checks: the first family with an error gives the fault.
_FAMILIES = (
    "xml",
    "soap",
    "header",
    "xsd",
    "version",
    "school",
    "key",
    "result",
    "test",
    "pupil",
    "norm",
    "score",
    "oso",
)


@dataclass(slots=True)
class Spooled:
    """A message in a private file: seekable, `size` bytes, `digest` its SHA-256."""

    file: BinaryIO
    size: int
    digest: bytes

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


@dataclass(slots=True)
class Judgement:
    """What a message is worth: a batch to store, or an empty answer, or the fault it is refused with."""

    verdict: Verdict
    fault: str | None
    findings: list[Finding]
    batch: ResultBatch | None = None
    empty: str | None = None
    sender_fault: tuple[str, str] | None = None
    head: MessageHead | None = None
    school: SchoolRef = field(default_factory=SchoolRef)


def judge(
    spooled: Spooled,
    policy: Policy = "strict",
    versions: tuple[str, ...] = ("2.0", "2.1", "2.2", "2.2.1", "2.3"),
) -> Judgement:
    """Read a message once and say what it is worth; a second reading only finds the places of what was found."""
    opening = open_message(spooled.file, policy)
    if opening.refused:
        judgement = _judged(opening.findings, None)
        judgement.sender_fault = opening.fault
        return judgement
    if opening.empty is not None:
        return Judgement(Verdict.ACCEPT, None, opening.findings, empty=opening.empty)
    schema_name = _schema_for(opening, policy)
    reading = read_results(spooled.file, schema_name)
    head, head_rules = read_head(reading, opening, policy, versions)
    for rule in head_rules:
        reading.note(rule, Place("school", 1, ""))
    version_rules(reading)
    spots, found = _places(spooled, schema_name, policy, reading)
    findings = [*opening.findings, *found, *_own_findings(reading, spots, policy, found)]
    batch = None
    if head is not None and not any(one.level == rules.ERROR for one in findings):
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
    judgement.school = read_school(opening.texts, policy)[0]
    return judgement


def _schema_for(opening: Opening, policy: Policy) -> str:
    if policy == "tolerant":
        return names.TOLERANT_SCHEMA
    return names.VERSIONS.get((opening.xsd_version or "").strip(), names.DEFAULT_SCHEMA)


def _judged(findings: list[Finding], batch: ResultBatch | None) -> Judgement:
    errors = [one for one in findings if one.level == rules.ERROR]
    if errors:
        first = min(errors, key=lambda one: _rank(one.rule))
        return Judgement(Verdict.REJECT, first.fault or rules.ONGELDIG_BERICHT, findings)
    warned = any(one.level == rules.WARNING for one in findings)
    return Judgement(Verdict.WARN if warned else Verdict.ACCEPT, None, findings, batch=batch)


def _rank(rule: str) -> int:
    family = rule.partition(".")[0]
    return _FAMILIES.index(family) if family in _FAMILIES else len(_FAMILIES)


def _places(
    spooled: Spooled, schema_name: str, policy: Policy, reading: Reading
) -> tuple[dict[Place, Spot], list[Finding]]:
    """The second reading, where there is something to find the place of."""
    wanted = {place for places in reading.notes.values() for place in places if place.ordinal}
    if not wanted and not reading.broken:
        return {}, []
    return diagnose(spooled.file, schema_name, policy, wanted, broken=reading.broken)


def _own_findings(reading: Reading, spots: dict[Place, Spot], policy: Policy, found: list[Finding]) -> list[Finding]:
    """Our own rules with their places, less what the validator has already said of the same rule."""
    told = {one.rule for one in found}
    broken_bytes = any(one.rule == "xml.well-formed" for one in found)
    own = []
    for rule, places in reading.notes.items():
        if rule in told or broken_bytes:
            continue
        for place in dict.fromkeys(places):
            spot = spots.get(place)
            own.append(
                finding(
                    rule,
                    policy,
                    path=None if spot is None else spot.path,
                    line=None if spot is None else spot.line,
                    column=None if spot is None else spot.column,
                )
            )
    return own


def read_head(
    reading: Reading, opening: Opening, policy: Policy, versions: tuple[str, ...]
) -> tuple[MessageHead | None, list[str]]:
    """The school element as a head, and the rules it breaks; None where it cannot be read."""
    texts = reading.school or opening.texts
    broken: list[str] = []
    school, school_rules = read_school(texts, policy)
    broken += school_rules
    year = texts.get("schooljaar", "")
    if not _year_is_whole(year):
        broken.append("school.year")
    elif year != clock.school_year(clock.today()):
        broken.append("school.year-other")
    created_us, created_rules = read_created(texts.get("aanmaakdatum", ""))
    broken += created_rules
    version = texts.get("xsdversie")
    if version is None:
        broken.append("version.missing")
    elif version.strip() not in versions:
        broken.append("version.unsupported")
    elif version.strip() == "2.0":
        broken.append("version.2-0")
    if reading.broken or created_us is None:
        return None, broken
    return (
        MessageHead(
            school_year=year,
            school=school,
            created_text=texts.get("aanmaakdatum", ""),
            created_us=created_us,
            author=texts.get("auteur"),
            xsd_version=version,
            comment=texts.get("commentaar"),
            dependance_text=texts.get("dependancecode"),
        ),
        broken,
    )


def _year_is_whole(year: str) -> bool:
    first, _, second = year.partition("-")
    whole = year.isascii() and len(year) == 9 and first.isdigit() and second.isdigit()
    return whole and int(second) == int(first) + 1


def read_school(texts: dict[str, str], policy: Policy) -> tuple[SchoolRef, list[str]]:
    """How the message names its school, and what is wrong with that: ASCII only, whatever the pattern says."""
    broken = []
    brin = texts.get("brincode")
    if brin is not None and not (
        len(brin) == 4 and all(c in _BRIN_DIGITS for c in brin[:2]) and all(c in _BRIN_LETTERS for c in brin[2:])
    ):
        broken.append("school.brin")
    dependance = texts.get("dependancecode")
    if dependance:
        if not (dependance.isascii() and dependance.isdigit() and len(dependance) <= 2):
            broken.append("school.dependance")
        elif len(dependance) == 1:
            broken.append("school.dependance-short")
    return SchoolRef(brin=brin, dependance=normal_location(dependance), school_key=texts.get("schoolkey")), broken


def read_created(text: str) -> tuple[int | None, list[str]]:
    """The aanmaakdatum as an instant; a day ahead or more would win from all that comes after, so it is refused."""
    try:
        created_us, midnight = values.instant(text)
    except (ValueError, OverflowError):
        return None, ["school.created"]
    broken = ["school.created-24h"] if midnight else []
    now = clock.now()
    if created_us >= clock.to_us(now + AHEAD):
        broken.append("school.created")
    elif created_us < clock.to_us(now - OLD):
        broken.append("school.created-old")
    return created_us, broken


def version_rules(reading: Reading) -> None:
    """What the stated version does not know: an eckid came with 2.2."""
    if reading.school.get("xsdversie", "").strip() in ("2.0", "2.1") and any(
        ref.eck_id is not None for ref in reading.pupils
    ):
        reading.note("version.eckid", Place("school", 1, ""))


def take_results(
    engine: Engine,
    seal: Seal,
    spooled: Spooled,
    *,
    source_id: int,
    school_id: int | None,
    way: str,
    policy: Policy = "strict",
    moves_cursor: bool = False,
    remembers_document: bool = False,
    keep: Keep | None = None,
) -> Receipt:
    """Judge a message and store it in one transaction, or keep it apart with its reason.

    `school_id` is the school that the source may deliver for; None (a file that an administrator loads) takes the
    school that the message names and makes it where it is new.
    """
    keep = keep or Keep()
    delivery = store.Incoming(
        source_id=source_id,
        way=way,
        digest=spooled.digest,
        size=spooled.size,
        moves_cursor=moves_cursor,
        remembers_document=remembers_document,
    )
    known = store.repeated(engine, delivery, school_id)
    if known is not None:
        return known
    judgement = judge(spooled, policy)
    if judgement.empty is not None:
        return store.save_empty(engine, delivery, school_id, judgement.empty)
    if judgement.batch is not None:
        belongs, own_school = store.school_for(engine, judgement.batch.head.school, school_id)
        if belongs:
            raw = _raw(spooled, keep.accepted_days)
            return store.save_results(
                engine, seal, delivery, own_school, judgement.batch, raw=raw, keep_days=keep.accepted_days
            )
        refused = _judged([*judgement.findings, finding("school.other", policy)], None)
        judgement = replace(refused, head=judgement.head, school=judgement.school)
    return store.save_refusal(
        engine,
        seal,
        delivery,
        school_id if school_id is not None else store.known_school(engine, judgement.school),
        fault=judgement.fault or rules.ONGELDIG_BERICHT,
        findings=judgement.findings,
        head=judgement.head,
        raw=_raw(spooled, keep.refused_days),
        keep_days=keep.refused_days,
    )


def _raw(spooled: Spooled, keep_days: int) -> bytes | None:
    """The bytes to keep, or None where none are kept: a setting, or a message too large to seal in one piece."""
    if keep_days <= 0 or spooled.size > MAX_KEPT_BYTES:
        return None
    spooled.file.seek(0)
    return spooled.file.read()


def refuse_unread(
    engine: Engine, seal: Seal, *, source_id: int, school_id: int, way: str, found: Finding, digest: bytes
) -> Receipt:
    """Keep apart, with its reason, what could not even be read: too large, damaged, locked. No bytes are kept."""
    delivery = store.Incoming(source_id=source_id, way=way, digest=digest, size=0)
    fault = found.fault or rules.ONGELDIG_BERICHT
    return store.save_refusal(engine, seal, delivery, school_id, fault=fault, findings=[found])
