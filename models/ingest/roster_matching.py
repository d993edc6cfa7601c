"""Which pupil of the store each pupil of a roster is; only reads, so a roster can be judged before it is applied.

An ECK iD goes before a LAS key. Where the two belong to different pupils nobody chooses: that pupil of the roster is
left out with a finding, and the pupils concerned stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from models.ingest import erased, identity
from models.schema.encryption import PiiCipher
from models.schema.records import Finding, PupilRef, RosterPupil
from models.schema.tables import pupils

UNSTABLE_KEY_START = "#"

_RULES = {
    "roster.no-key": (
        "error",
        "Een leerling heeft geen sleutel en geen ECK iD; de leerling is overgeslagen.",
        "A pupil has neither a key nor an ECK iD; the pupil was left out.",
        "Geef elke leerling in de leerlingadministratie een sleutel.",
        "Give every pupil in the pupil administration a key.",
    ),
    "roster.erased": (
        "warning",
        "Een leerling van wie de gegevens op verzoek gewist zijn, staat nog in het bestand; de leerling is "
        "overgeslagen.",
        "A pupil whose data were erased on request is still in the roster; the pupil was left out.",
        "Is dit een andere leerling, geef die dan in de leerlingadministratie een eigen sleutel.",
        "If this is another pupil, give that one a key of their own in the pupil administration.",
    ),
    "roster.identity-conflict": (
        "error",
        "Sleutel en ECK iD van een leerling horen bij verschillende leerlingen; de leerling is overgeslagen.",
        "The key and the ECK iD of a pupil belong to different pupils; the pupil was left out.",
        "Controleer in de leerlingadministratie van wie de sleutel en de ECK iD zijn.",
        "Check in the pupil administration whose key and ECK iD these are.",
    ),
    "roster.key-reused": (
        "error",
        "Een bekende sleutel staat nu bij een leerling met een andere naam; de leerling is overgeslagen.",
        "A known key now stands at a pupil with another name; the pupil was left out.",
        "Geef de nieuwe leerling in de leerlingadministratie een eigen sleutel.",
        "Give the new pupil in the pupil administration a key of their own.",
    ),
    "roster.pupil-twice": (
        "error",
        "Twee leerlingen in de lijst zijn dezelfde leerling; de tweede is overgeslagen.",
        "Two pupils of the roster are the same pupil; the second was left out.",
        "Voeg de twee leerlingen in de leerlingadministratie samen.",
        "Merge the two pupils in the pupil administration.",
    ),
    "roster.eckid-changed": (
        "warning",
        "Een leerling met een bekende sleutel heeft een andere ECK iD dan voorheen; beide gelden voortaan.",
        "A pupil with a known key has another ECK iD than before; both count from now on.",
        "Controleer of de ECK iD terecht gewijzigd is.",
        "Check that the ECK iD was changed rightly.",
    ),
    "roster.key-changed": (
        "warning",
        "Een leerling met een bekende ECK iD heeft een andere sleutel dan voorheen; beide gelden voortaan.",
        "A pupil with a known ECK iD has another key than before; both count from now on.",
        "Controleer of de sleutel terecht gewijzigd is.",
        "Check that the key was changed rightly.",
    ),
}

Identifier = tuple[identity.IdentifierValue, str]


@dataclass(frozen=True, slots=True)
class MatchedPupil:
    """A pupil of a roster: the pupil of the store (None: a new one) and the identifiers that the roster states."""

    pupil: RosterPupil
    pupil_id: int | None
    identifiers: tuple[Identifier, ...]


@dataclass(slots=True)
class Matching:
    """The pupils that can be applied, and what is against the others.

    `broken` holds for each rule the places (from 1) in the roster; `left_out` the pupils of the store that were
    meant by a pupil of the roster that is left out.
    """

    pupils: list[MatchedPupil] = field(default_factory=list)
    broken: dict[str, list[int]] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)

    @property
    def known_ids(self) -> set[int]:
        """The pupils of the store that the roster holds."""
        return {pupil.pupil_id for pupil in self.pupils if pupil.pupil_id is not None}

    @property
    def disputed(self) -> set[int]:
        """The pupils of the store that stay as they are, because it is not clear what the roster says of them."""
        return self.left_out - self.known_ids

    @property
    def findings(self) -> list[Finding]:
        """One finding for each rule, with the first place and how often."""
        return [_finding(rule, places) for rule, places in self.broken.items()]


def match_pupils(
    connection: Connection, cipher: PiiCipher, school_id: int, roster_pupils: Sequence[RosterPupil]
) -> Matching:
    """Find the pupils of a roster among those that earlier rosters of the school stated."""
    stated = [_stated(cipher, pupil) for pupil in roster_pupils]
    stored = identity.find_identifiers(
        connection, school_id, (single for identifiers in stated for single, _ in identifiers)
    )
    owners = {
        single: row.pupil_id
        for single, row in stored.items()
        if row.pupil_id is not None and row.matched_by == identity.BY_ROSTER
    }
    known = _Known(
        owners,
        {kind: identity.pupils_with(connection, school_id, kind) for kind in (identity.LAS, identity.ECK)},
        _names(connection, school_id),
        erased.find_erased(connection, cipher, school_id, (item for identifiers in stated for item in identifiers)),
    )
    matching = Matching()
    by_eck_id_first = sorted(
        range(len(stated)), key=lambda index: _eck_pupil(owners, stated[index]) is None
    )  # whoever claims a pupil by ECK iD goes before whoever claims the same one by a key
    taken: set[identity.IdentifierValue | int] = set()
    for index in by_eck_id_first:
        _match_one(matching, taken, known, index + 1, roster_pupils[index], stated[index])
    return matching


@dataclass(frozen=True, slots=True)
class _Known:
    whose: dict[identity.IdentifierValue, int]
    with_kind: dict[str, frozenset[int]]
    names: dict[int, tuple[str | None, str | None]]
    erased: frozenset[identity.IdentifierValue]


def _stated(cipher: PiiCipher, pupil: RosterPupil) -> tuple[Identifier, ...]:
    """The identifiers of a roster pupil that may identify: a key that is not stable only where nothing else is."""
    las_key = pupil.las_key
    if las_key is not None and las_key.startswith(UNSTABLE_KEY_START) and pupil.eck_id:
        las_key = None
    if not las_key and not pupil.eck_id:
        return ()
    return tuple(identity.identifier_values(cipher, PupilRef(las_key, pupil.eck_id)))


def _eck_pupil(owners: dict[identity.IdentifierValue, int], identifiers: tuple[Identifier, ...]) -> int | None:
    return next((owners.get(single) for single, _ in identifiers if single[0] == identity.ECK), None)


def _match_one(
    matching: Matching,
    taken: set[identity.IdentifierValue | int],
    known: _Known,
    number: int,
    pupil: RosterPupil,
    identifiers: tuple[Identifier, ...],
) -> None:
    pupils_meant = {known.whose[single] for single, _ in identifiers if single in known.whose}
    if any(single in known.erased for single, _ in identifiers):
        matching.broken.setdefault("roster.erased", []).append(number)
        return
    pupil_id = next(iter(pupils_meant), None)
    rule = _judge(known, pupil, identifiers, pupils_meant)
    claims = {single for single, _ in identifiers} | ({pupil_id} if pupil_id is not None else set())
    if taken & claims and (rule is None or _RULES[rule][0] == "warning"):
        rule = "roster.pupil-twice"
    if rule is not None:
        matching.broken.setdefault(rule, []).append(number)
        if _RULES[rule][0] == "error":
            matching.left_out |= pupils_meant
            return
    taken |= claims
    matching.pupils.append(MatchedPupil(pupil, pupil_id, identifiers))


def _judge(
    known: _Known, pupil: RosterPupil, identifiers: tuple[Identifier, ...], pupils_meant: set[int]
) -> str | None:
    """The rule that a roster pupil goes against, if any."""
    if not identifiers:
        return "roster.no-key"
    if len(pupils_meant) > 1:
        return "roster.identity-conflict"
    if not pupils_meant:
        return None
    (pupil_id,) = pupils_meant
    first, last = known.names.get(pupil_id, (None, None))
    other_name = pupil.first_name != first and pupil.last_name != last
    changed_kinds = {
        single[0] for single, _ in identifiers if single not in known.whose and pupil_id in known.with_kind[single[0]]
    }
    if identity.LAS in changed_kinds:
        return "roster.key-changed"
    if identity.ECK in changed_kinds:
        return "roster.key-reused" if other_name else "roster.eckid-changed"
    by_unstable_key = not pupil.eck_id and (pupil.las_key or "").startswith(UNSTABLE_KEY_START)
    return "roster.key-reused" if by_unstable_key and other_name else None


def _names(connection: Connection, school_id: int) -> dict[int, tuple[str | None, str | None]]:
    rows = connection.execute(
        select(pupils.c.id, pupils.c.first_name, pupils.c.last_name).where(pupils.c.school_id == school_id)
    )
    return {row.id: (row.first_name, row.last_name) for row in rows}


def _finding(rule: str, places: list[int]) -> Finding:
    level, nl, en, remedy, remedy_en = _RULES[rule]
    if len(places) > 1:
        nl, en = f"{nl} ({len(places)} keer)", f"{en} ({len(places)} times)"
    return Finding(rule, level, "UWLR 2.3, ECK iD", nl, en, remedy, remedy_en, path=f"pupils[{min(places)}]")
