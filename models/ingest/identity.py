"""Whose a result is: the identifiers that messages use, their match to a pupil, and links by hand.

The only module that sees identifiers in the clear. An ECK iD goes before a LAS key; where the two disagree
nobody chooses: the identifier is parked with its reason until a roster or an administrator says whose it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, false, func, insert, select, update

from models.access.viewer import Viewer, check_administers
from models.ingest import erased
from models.ingest.link_file import LineError, line_error, read_links
from models.schema import clock
from models.schema.collation import collation_key
from models.schema.database import next_id, portions
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.prepared import PreparedStatement
from models.schema.records import PupilRef
from models.schema.tables import identifier_links, identifiers, pupils, results, sources
from models.schema.version_cache import once_per_version

LAS, ECK, PAIR = "las", "eck", "pair"
BY_ROSTER, BY_LINK = "roster", "link"
UNKNOWN, CONFLICT, OTHER_ECKID = "unknown", "conflict", "other_eckid"
ECK_ID_START = "https://ketenid.nl/"

IdentifierValue = erased.IdentifierValue  # kind and digest
Named = tuple[IdentifierValue, str]  # with the value in the clear


@dataclass(frozen=True, slots=True)
class KnownIdentifier:
    """The row of one identifier: its id, its pupil or None, and who says so (roster or link)."""

    id: int
    pupil_id: int | None
    matched_by: str | None


class LinkRefused(Exception):
    """A link by hand that cannot be made or undone; says why in both languages."""

    def __init__(self, sentence_nl: str, sentence_en: str) -> None:
        super().__init__(sentence_en)
        self.sentence_nl = sentence_nl
        self.sentence_en = sentence_en


@dataclass(frozen=True, slots=True)
class ParkedIdentifier:
    """An identifier without a pupil: why, how to show it, and how many results of each source wait for it."""

    id: int
    kind: str
    label: str
    reason: str
    results: tuple[tuple[str, int], ...]  # name of the source, number of results

    @property
    def count(self) -> int:
        """All results that wait."""
        return sum(number for _, number in self.results)


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """What a file of links did: nothing where there is any error."""

    lines: int
    linked: int
    errors: tuple[LineError, ...] = ()


# -- naming --------------------------------------------------------------------------------------------------


def normalised_ref(ref: PupilRef) -> PupilRef:
    """`ref` with an ECK iD that came as LAS key (UWLR 2.3 senders do that) in its own place, "" as None."""
    las_key, eck_id = ref.las_key or None, ref.eck_id or None
    if las_key is not None and las_key.startswith(ECK_ID_START) and eck_id in (None, las_key):
        las_key, eck_id = None, las_key
    return PupilRef(las_key, eck_id, ref.processor)


def identifier_values(cipher: PiiCipher, ref: PupilRef) -> list[Named]:
    """Kind, digest and clear value of each identifier in `ref`; a pupil without any has the empty LAS key.

    The digest is that by which its row is found, which changes with the key.
    """
    ref = normalised_ref(ref)
    values = [(LAS, ref.las_key)] if ref.las_key is not None else []
    if ref.eck_id is not None:
        values.append((ECK, ref.eck_id))
    return [((kind, cipher.rotating_digest(kind, value)), value) for kind, value in values or [(LAS, "")]]


def _pair(cipher: PiiCipher, las: Named, eck: Named) -> IdentifierValue:
    """The two together. The digest stays when the key changes: a pair may outlive its two rows (ADR 32)."""
    parts = (cipher.digest(kind, value).hex() for (kind, _), value in (las, eck))
    return PAIR, cipher.digest(PAIR, "".join(parts))


# -- identifiers of a message --------------------------------------------------------------------------------


def identify(connection: Connection, cipher: PiiCipher, school_id: int, refs: Sequence[PupilRef]) -> list[int]:
    """For each ref the id of its row in `identifiers`, made and matched where new; call inside `write_transaction`.

    A ref with a LAS key and an ECK iD gets a row for each and one for the two together, which is returned.
    """
    named = [identifier_values(cipher, ref) for ref in refs]
    pairs = {_pair(cipher, *ref): (ref[0][0], ref[1][0]) for ref in named if len(ref) == 2}
    values = dict(item for ref in named for item in ref)
    known = _known(connection, school_id, [*values, *pairs])
    ensured = _ensure(connection, cipher, school_id, values, known)
    fresh = {pair: parts for pair, parts in pairs.items() if pair not in known}
    if fresh:
        first = next_id(connection, identifiers, school_id)
        known |= {pair: first + index for index, pair in enumerate(fresh)}
        connection.execute(
            insert(identifiers),
            [
                {
                    "school_id": school_id, "id": known[pair], "kind": PAIR, "digest": pair[1],
                    "las_id": ensured[las], "eck_id": ensured[eck], "parked_because": UNKNOWN,
                }
                for pair, (las, eck) in fresh.items()
            ],
        )  # fmt: skip
        rematch(connection, school_id, from_id=first)
    return [known[_pair(cipher, *ref)] if len(ref) == 2 else ensured[ref[0][0]] for ref in named]


def unmatched(
    connection: Connection, cipher: PiiCipher, school_id: int, refs: Sequence[PupilRef]
) -> list[tuple[int, str]]:
    """The refs (by their place) that belong to no pupil now, each with its reason; changes nothing.

    Stricter than `match_pair`: a LAS key that the roster does not know is no key of a pupil who has another one there.
    Pupils who were erased are not among them: a message is not refused for what will be left out of it.
    """
    named = [identifier_values(cipher, ref) for ref in refs]
    left_out = erased_refs(connection, cipher, school_id, refs)
    pairs = {index: _pair(cipher, *ref) for index, ref in enumerate(named) if len(ref) == 2}
    known = find_identifiers(connection, school_id, [*(item for ref in named for item, _ in ref), *pairs.values()])
    with_eck_id = pupils_with(connection, school_id, ECK) if pairs else frozenset()
    with_las_key = pupils_with(connection, school_id, LAS) if pairs else frozenset()

    def pupil(single: IdentifierValue) -> int | None:
        return known[single].pupil_id if single in known else None

    reasons = []
    for index, ref in enumerate(named):
        if index in left_out:
            continue
        if len(ref) == 1:
            matched, reason = pupil(ref[0][0]), None
        else:
            matched, reason = match_pair(pupil(ref[0][0]), pupil(ref[1][0]), with_eck_id)
            key = ref[0][0]
            if pupil(key) is None and matched in with_las_key:
                matched, reason = None, CONFLICT
            by_hand = known.get(pairs[index])
            if by_hand is not None and by_hand.matched_by == BY_LINK:
                matched = by_hand.pupil_id
        if matched is None:
            reasons.append((index, reason or UNKNOWN))
    return reasons


def erased_refs(connection: Connection, cipher: PiiCipher, school_id: int, refs: Sequence[PupilRef]) -> frozenset[int]:
    """The refs (by their place) that name a pupil who was erased, by either identifier."""
    named = [identifier_values(cipher, ref) for ref in refs]
    known = erased.find_erased(connection, cipher, school_id, (item for ref in named for item in ref))
    return frozenset(index for index, ref in enumerate(named) if known & {single for single, _ in ref})


def ensure_identifiers(
    connection: Connection, cipher: PiiCipher, school_id: int, named: Iterable[tuple[IdentifierValue, str]]
) -> dict[IdentifierValue, int]:
    """The row id of each identifier, made (parked as unknown) where missing."""
    values = dict(named)
    return _ensure(connection, cipher, school_id, values, _known(connection, school_id, values))


def _ensure(
    connection: Connection,
    cipher: PiiCipher,
    school_id: int,
    values: Mapping[IdentifierValue, str],
    known: dict[IdentifierValue, int],
) -> dict[IdentifierValue, int]:
    """`known` with the row ids of those of `values` that had no row yet, and have one now."""
    fresh = {single: value for single, value in values.items() if single not in known}
    if fresh:
        first = next_id(connection, identifiers, school_id)
        known = known | {single: first + index for index, single in enumerate(fresh)}
        connection.execute(
            insert(identifiers),
            [
                {
                    "school_id": school_id, "id": known[single], "kind": single[0], "digest": single[1],
                    "sealed": cipher.encrypt(value.encode(), place(identifiers.c.sealed, school_id, known[single])),
                    "parked_because": UNKNOWN,
                }
                for single, value in fresh.items()
            ],
        )  # fmt: skip
    return known


def _known(connection: Connection, school_id: int, wanted: Iterable[IdentifierValue]) -> dict[IdentifierValue, int]:
    return {single: row.id for single, row in find_identifiers(connection, school_id, wanted).items()}


_FIND_IDENTIFIERS = PreparedStatement(
    select(
        identifiers.c.id,
        identifiers.c.kind,
        identifiers.c.digest,
        identifiers.c.pupil_id,
        identifiers.c.matched_by,
    ).where(
        identifiers.c.school_id == bindparam("school"), identifiers.c.digest.in_(bindparam("digests", expanding=True))
    )
)


def find_identifiers(
    connection: Connection, school_id: int, wanted: Iterable[IdentifierValue]
) -> dict[IdentifierValue, KnownIdentifier]:
    """What stands in the store of the identifiers `wanted`."""
    wanted_values = set(wanted)
    known: dict[IdentifierValue, KnownIdentifier] = {}
    for digests in portions([digest for _, digest in wanted_values]):
        for row in _FIND_IDENTIFIERS.all(connection, {"school": school_id, "digests": digests}):
            single = (row.kind, bytes(row.digest))
            if single in wanted_values:
                known[single] = KnownIdentifier(row.id, row.pupil_id, row.matched_by)
    return known


# -- the match -----------------------------------------------------------------------------------------------


def rematch(connection: Connection, school_id: int, from_id: int = 0) -> int:
    """Match every pair anew; returns how many got, lost or changed their pupil.

    Call it after whatever changes the pupil of a single identifier: a roster, a link, an undone link. A link by
    hand of a pair stands as long as the roster itself does not say that the pair is of another pupil.
    """
    las, eck = identifiers.alias("las"), identifiers.alias("eck")
    of_school = [pair.c.school_id == school_id for pair in (identifiers, las, eck)]
    rows = connection.execute(
        select(
            identifiers.c.id,
            identifiers.c.pupil_id,
            identifiers.c.matched_by,
            identifiers.c.parked_because,
            las.c.pupil_id.label("las_pupil"),
            las.c.matched_by.label("las_by"),
            eck.c.pupil_id.label("eck_pupil"),
            eck.c.matched_by.label("eck_by"),
        )
        .join(las, identifiers.c.las_id == las.c.id)
        .join(eck, identifiers.c.eck_id == eck.c.id)
        .where(*of_school, identifiers.c.kind == PAIR, identifiers.c.id >= from_id)
    ).all()
    with_eck_id = pupils_with(connection, school_id, ECK) if rows else frozenset()
    changes, ended, changed = [], [], 0
    for row in rows:
        if row.matched_by == BY_LINK:
            pupil_id, reason = _by_roster(row, with_eck_id), None
            if pupil_id in (None, row.pupil_id):
                continue
            ended.append(row.id)
        else:
            pupil_id, reason = match_pair(row.las_pupil, row.eck_pupil, with_eck_id)
        if (pupil_id, reason) != (row.pupil_id, row.parked_because):
            changed += pupil_id != row.pupil_id
            changes.append({"row_id": row.id, **_matched(pupil_id, BY_ROSTER, reason)})
    close_links(connection, school_id, ended, BY_ROSTER)
    _set_matches(connection, school_id, changes)
    return changed


def _by_roster(row: Row[*tuple[Any, ...]], with_eck_id: frozenset[int]) -> int | None:
    """The pupil of a pair by what the roster alone states of its two identifiers."""
    las_pupil = row.las_pupil if row.las_by == BY_ROSTER else None
    eck_pupil = row.eck_pupil if row.eck_by == BY_ROSTER else None
    return match_pair(las_pupil, eck_pupil, with_eck_id)[0]


def match_pair(
    las_pupil: int | None, eck_pupil: int | None, with_eck_id: frozenset[int]
) -> tuple[int | None, str | None]:
    """The pupil of a LAS key and an ECK iD that came together, or the reason to park them."""
    if eck_pupil is not None:
        return (eck_pupil, None) if las_pupil in (None, eck_pupil) else (None, CONFLICT)
    if las_pupil is None:
        return None, UNKNOWN
    return (None, OTHER_ECKID) if las_pupil in with_eck_id else (las_pupil, None)


def state_pupils(connection: Connection, school_id: int, whose: Mapping[IdentifierValue, int]) -> int:
    """Write down whose identifiers (that have rows) are, as a roster states it; returns how many changed.

    A link by hand of one of them ends: the roster says it itself from now on.
    """
    changes, linked, changed = [], [], 0
    for single, row in find_identifiers(connection, school_id, whose).items():
        if (row.pupil_id, row.matched_by) != (whose[single], BY_ROSTER):
            changed += row.pupil_id != whose[single]
            changes.append({"row_id": row.id, **_matched(whose[single], BY_ROSTER, None)})
            linked += [row.id] if row.matched_by == BY_LINK else []
    close_links(connection, school_id, linked, BY_ROSTER)
    _set_matches(connection, school_id, changes)
    return changed


def _matched(pupil_id: int | None, matched_by: str, reason: str | None) -> dict[str, object]:
    return {
        "pupil_id": pupil_id,
        "matched_by": None if pupil_id is None else matched_by,
        "parked_because": reason,
    }


def _set_matches(connection: Connection, school_id: int, changes: list[dict[str, object]]) -> None:
    if not changes:
        return
    statement = update(identifiers).where(identifiers.c.school_id == school_id, identifiers.c.id == bindparam("row_id"))
    new: dict[str, Any] = {name: bindparam(name) for name in ("pupil_id", "matched_by", "parked_because")}
    connection.execute(statement.values(**new), changes)


def pupils_with(connection: Connection, school_id: int, kind: str) -> frozenset[int]:
    """The pupils for whom a roster states an identifier of this kind."""
    rows = connection.scalars(
        select(identifiers.c.pupil_id).where(
            identifiers.c.school_id == school_id,
            identifiers.c.kind == kind,
            identifiers.c.matched_by == BY_ROSTER,
        )
    )
    return frozenset(row for row in rows if row is not None)


# -- links by hand -------------------------------------------------------------------------------------------


def link(connection: Connection, viewer: Viewer, identifier_id: int, pupil_id: int) -> int:
    """Link an identifier to a pupil by hand and match anew at once; returns the id of the link.

    Raises LinkRefused where either is unknown in the viewer's school, or where the roster itself says whose it is, and
    AccessDenied.
    """
    check_administers(viewer)
    link_id = _link(connection, viewer, identifier_id, pupil_id)
    rematch(connection, viewer.school_id)
    return link_id


def _link(connection: Connection, viewer: Viewer, identifier_id: int, pupil_id: int) -> int:
    school_id, by = viewer.school_id, viewer.name
    las, eck = identifiers.alias("las"), identifiers.alias("eck")
    row = connection.execute(
        select(
            identifiers.c.kind,
            identifiers.c.matched_by,
            las.c.pupil_id.label("las_pupil"),
            las.c.matched_by.label("las_by"),
            eck.c.pupil_id.label("eck_pupil"),
            eck.c.matched_by.label("eck_by"),
        )
        .outerjoin(las, and_(las.c.school_id == school_id, las.c.id == identifiers.c.las_id))
        .outerjoin(eck, and_(eck.c.school_id == school_id, eck.c.id == identifiers.c.eck_id))
        .where(identifiers.c.school_id == school_id, identifiers.c.id == identifier_id)
    ).one_or_none()
    if row is None:
        raise LinkRefused("Dit nummer is niet bekend bij uw school.", "Your school does not know this number.")
    stated = row.matched_by == BY_ROSTER
    if row.kind == PAIR:  # of a pair it may also be a link of one of the two that matched it
        stated = _by_roster(row, pupils_with(connection, school_id, ECK)) not in (None, pupil_id)
    if stated:
        raise LinkRefused(
            "De leerlingadministratie zegt zelf van wie dit nummer is; wijzig het daar.",
            "The pupil administration itself says whose this number is; change it there.",
        )
    if not _has_pupil(connection, school_id, pupil_id):
        raise LinkRefused("Deze leerling is niet bekend bij uw school.", "Your school does not know this pupil.")
    close_links(connection, school_id, [identifier_id], by)
    link_id = next_id(connection, identifier_links, school_id)
    connection.execute(
        insert(identifier_links).values(
            school_id=school_id, id=link_id, identifier_id=identifier_id, pupil_id=pupil_id,
            linked_by=by, linked_us=clock.now_us(),
        )
    )  # fmt: skip
    _set_matches(connection, school_id, [{"row_id": identifier_id, **_matched(pupil_id, BY_LINK, None)}])
    return link_id


def _has_pupil(connection: Connection, school_id: int, pupil_id: int) -> bool:
    pupil = connection.scalar(select(pupils.c.id).where(pupils.c.school_id == school_id, pupils.c.id == pupil_id))
    return pupil is not None


def undo_link(connection: Connection, viewer: Viewer, link_id: int) -> None:
    """Take a link back: the identifier is again what the roster says, else parked.

    Raises LinkRefused where the link is not in force, and AccessDenied.
    """
    check_administers(viewer)
    school_id = viewer.school_id
    identifier_id = connection.scalar(
        select(identifier_links.c.identifier_id).where(
            identifier_links.c.school_id == school_id,
            identifier_links.c.id == link_id,
            identifier_links.c.undone_us.is_(None),
        )
    )
    if identifier_id is None:
        raise LinkRefused(
            "Deze koppeling bestaat niet of is al ongedaan gemaakt.",
            "This link does not exist or was undone already.",
        )
    close_links(connection, school_id, [identifier_id], viewer.name)
    _set_matches(connection, school_id, [{"row_id": identifier_id, **_matched(None, BY_LINK, UNKNOWN)}])
    rematch(connection, school_id)


def close_links(connection: Connection, school_id: int, identifier_ids: Sequence[int], by: str) -> None:
    """Write down that the links in force of these identifiers end, and who ended them."""
    if not identifier_ids:
        return
    connection.execute(
        update(identifier_links)
        .where(
            identifier_links.c.school_id == school_id,
            identifier_links.c.identifier_id.in_(identifier_ids),
            identifier_links.c.undone_us.is_(None),
        )
        .values(undone_by=by, undone_us=clock.now_us())
    )


# -- a file of links -----------------------------------------------------------------------------------------


def link_csv(connection: Connection, cipher: PiiCipher, viewer: Viewer, text: str) -> LinkedFile:
    """Link by a CSV file (`;` or `,`) with columns identifier (the value as sent) and pupil (its LAS key).

    Links every parked identifier with that value, alone and in pairs. One wrong line and nothing is linked.
    Raises AccessDenied.
    """
    check_administers(viewer)
    school_id = viewer.school_id
    lines, errors = read_links(text)
    values = {single for line in lines for single in (*_named(cipher, line.identifier), *_named(cipher, line.pupil))}
    known = find_identifiers(connection, school_id, values)
    links: dict[int, int] = {}
    for line in lines:
        pupil_id = _roster_pupil(known, _named(cipher, line.pupil))
        targets = _parked_with(
            connection, school_id, [known[item].id for item in _named(cipher, line.identifier) if item in known]
        )
        if pupil_id is None:
            errors.append(line_error(line.line, _NO_PUPIL))
        elif not targets:
            errors.append(line_error(line.line, _NOT_PARKED))
        elif any(links.get(target, pupil_id) != pupil_id for target in targets):
            errors.append(line_error(line.line, _TWICE))
        else:
            links |= dict.fromkeys(targets, pupil_id)
    if errors:
        return LinkedFile(len(lines), 0, tuple(sorted(errors, key=lambda error: error.line)))
    for identifier_id, linked_pupil in links.items():
        _link(connection, viewer, identifier_id, linked_pupil)
    rematch(connection, school_id)
    return LinkedFile(len(lines), len(links))


_NO_PUPIL = (
    "Deze leerling staat niet in de leerlinglijst; neem de sleutel over uit uw leerlingadministratie.",
    "This pupil is not in the pupil list; copy the key from your pupil administration.",
)
_NOT_PARKED = (
    "Bij dit nummer wachten geen resultaten op een leerling; neem het over uit de lijst, of verwijder de regel.",
    "No results wait for a pupil under this number; copy it from the list, or remove the line.",
)
_TWICE = (
    "Dit nummer staat op een eerdere regel bij een andere leerling; laat een van beide regels staan.",
    "An earlier line gives this number to another pupil; keep one of the two lines.",
)


def _named(cipher: PiiCipher, value: str) -> list[IdentifierValue]:
    return [single for single, _ in identifier_values(cipher, PupilRef(value, None))]


def _roster_pupil(known: dict[IdentifierValue, KnownIdentifier], named: list[IdentifierValue]) -> int | None:
    row = known.get(named[0])
    return row.pupil_id if row is not None and row.matched_by == BY_ROSTER else None


def _parked_with(connection: Connection, school_id: int, single_ids: list[int]) -> list[int]:
    """The parked identifiers among these single ones and the pairs that hold them."""
    if not single_ids:
        return []
    return list(
        connection.scalars(
            select(identifiers.c.id).where(
                identifiers.c.school_id == school_id,
                identifiers.c.pupil_id.is_(None),
                identifiers.c.id.in_(single_ids)
                | identifiers.c.las_id.in_(single_ids)
                | identifiers.c.eck_id.in_(single_ids),
            )
        )
    )


# -- what is parked ------------------------------------------------------------------------------------------


def parked(connection: Connection, viewer: Viewer, cipher: PiiCipher) -> list[ParkedIdentifier]:
    """The identifiers with results but without a pupil, most results first; for an administrator only."""
    las = identifiers.alias("las")
    rows = connection.execute(
        select(
            identifiers.c.id, identifiers.c.kind, identifiers.c.parked_because,
            func.coalesce(identifiers.c.sealed, las.c.sealed).label("sealed"), las.c.id.label("las_id"),
        )
        .outerjoin(las, and_(las.c.school_id == identifiers.c.school_id, las.c.id == identifiers.c.las_id))
        .where(_without_pupil(viewer))
    ).all()  # fmt: skip
    names = dict(connection.execute(select(sources.c.id, sources.c.name)).all())
    by_name: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for identifier_id, source_id, number in parked_counts(connection, viewer):
        by_name[identifier_id][names[source_id]] += number
    counted = {
        identifier_id: sorted(numbers.items(), key=lambda of_source: collation_key(of_source[0]))
        for identifier_id, numbers in by_name.items()
    }
    parked_identifiers = {
        row.id: ParkedIdentifier(
            row.id,
            row.kind,
            _label(cipher, viewer.school_id, row),
            row.parked_because or UNKNOWN,
            tuple(counted[row.id]),
        )
        for row in rows
        if row.id in counted
    }
    return sorted(parked_identifiers.values(), key=lambda parked: (-parked.count, parked.id))


def parked_counts(connection: Connection, viewer: Viewer) -> list[tuple[int, int, int]]:
    """How many results stand under each identifier without a pupil, by source; for an administrator only."""
    # By identifier first: to count by source alone, SQLite reads all results of the school.
    of = results.c.identifier_id, results.c.source_id
    waiting = select(identifiers.c.id).where(_without_pupil(viewer))
    query = select(*of, func.count()).where(results.c.school_id == viewer.school_id, of[0].in_(waiting)).group_by(*of)
    key = ("parked", viewer)
    return once_per_version(
        connection, viewer.school_id, key, lambda: [tuple(row) for row in connection.execute(query)]
    )


def _without_pupil(viewer: Viewer) -> ColumnElement[bool]:
    of_school = identifiers.c.school_id == viewer.school_id if viewer.may_administer else false()
    return and_(of_school, identifiers.c.pupil_id.is_(None))


def _label(cipher: PiiCipher, school_id: int, row: Row[*tuple[Any, ...]]) -> str:
    """How to show an identifier: a pupil number as it is, an ECK iD never (only the number of its row)."""
    surrogate = f"ECK iD …{row.id}"
    where = place(identifiers.c.sealed, school_id, row.id if row.las_id is None else row.las_id)
    value = cipher.decrypt(row.sealed, where).decode() if row.kind != ECK else ""
    if row.kind == ECK or value.startswith(ECK_ID_START):
        return surrogate
    return f"{value} + {surrogate}" if row.kind == PAIR else value
