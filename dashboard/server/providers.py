"""The identity providers of the configuration: what their claims mean, and for which schools they may speak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from connectors.openid.provider import Provider
from dashboard.settings.schema import IdentityProvider, Settings
from models.ingest import schools
from models.ingest.schools import Identification, normal_location
from models.schema.database import read_transaction

Claims = Mapping[str, Any]
BRIN_LENGTH = 4
MAX_TEXT = 320


class NotOfSchool(Exception):
    """The provider names another school, or none, where it has to name one; `by` is brin or tenant."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class TooWeak(Exception):
    """The provider does not say that somebody signed in as strongly as it must be."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in at a provider; `mail` only where it may be believed."""

    subject: str
    name: str
    mail: str | None
    school_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class SignInProvider:
    """A provider with the schools of this database that it may speak for, by their name in the configuration."""

    settings: IdentityProvider
    schools: Mapping[str, int]
    identifications: Mapping[int, Sequence[Identification]]

    @property
    def client(self) -> Provider:
        """How it is asked."""
        settings = self.settings
        return Provider(
            settings.issuer, settings.client_id, settings.client_secret.get_secret_value(), settings.scope,
            settings.client_auth, settings.algorithm, settings.strengths,
        )  # fmt: skip

    @property
    def school_ids(self) -> frozenset[int]:
        """All schools that it may speak for."""
        return frozenset(self.schools[name] for name in self.settings.school_names)

    @property
    def wanted(self) -> list[Sequence[str]]:
        """The claims that are needed, each with its alternatives."""
        names = self.settings.claims
        own_mail, strength = names.mail if self.settings.own else (), names.strength if self.settings.strengths else ()
        needed = [(*names.name, *names.given_name), names.brin, names.tenant, own_mail, strength]
        return [alternatives for alternatives in needed if alternatives]

    def person(self, claims: Claims) -> Person:
        """Who these claims are about. Raises NotOfSchool and TooWeak."""
        names, strengths = self.settings.claims, self.settings.strengths
        stated = {text for name in names.strength for text in texts(claims, (name,))}
        if strengths and stated.isdisjoint(strengths):
            raise TooWeak
        parts = (first(claims, names.given_name), first(claims, names.prefix), first(claims, names.family_name))
        name = " ".join(part for part in parts if part) if parts[0] or parts[2] else first(claims, names.name)
        believed = self.settings.own and claims.get("email_verified", True) is True
        mail = first(claims, names.mail) if believed else ""
        return Person(claims["sub"], name or "?", mail or None, self._speaks_for(claims))

    def _speaks_for(self, claims: Claims) -> frozenset[int]:
        names = self.settings.claims
        school_ids = self.school_ids
        if names.tenant:
            tenant = first(claims, names.tenant)
            if tenant not in self.settings.tenants:
                raise NotOfSchool("tenant")
            school_ids = frozenset(self.schools[name] for name in self.settings.tenants[tenant])
        if names.brin:
            brins = [text.upper() for text in texts(claims, names.brin)]
            school_ids = frozenset(
                school_id for school_id in school_ids if any(self._is_named(school_id, brin) for brin in brins)
            )
            if not school_ids:
                raise NotOfSchool("brin")
        return school_ids

    def _is_named(self, school_id: int, text: str) -> bool:
        """Whether a text of four or six characters, 99XX or 99XX01, is that of a school."""
        brin, location = text[:BRIN_LENGTH], text[BRIN_LENGTH:]
        return any(
            named.scheme == "brin"
            and named.value == brin
            and (not location or named.location == normal_location(location))
            for named in self.identifications[school_id]
        )


def texts(claims: Claims, names: Sequence[str]) -> list[str]:
    """The values of the first of these claims that is there: a text, or a list of them."""
    value: Any = next((claims[name] for name in names if claims.get(name)), [])
    values = value if isinstance(value, list) else [value]
    return [text.strip()[:MAX_TEXT] for text in values if isinstance(text, str) and text.isprintable()]


def first(claims: Claims, names: Sequence[str]) -> str:
    """The first value of these claims, or an empty text."""
    return next(iter(texts(claims, names)), "")


def providers_of(settings: Settings, engine: Engine) -> tuple[SignInProvider, ...]:
    """The providers of the configuration; its schools must be in the database."""
    with read_transaction(engine) as connection:
        numbers = {school.name: schools.find_school(connection, school.ref) for school in settings.schools}
    known = {name: number for name, number in numbers.items() if number is not None}
    identifications = {
        known[school.name]: [named.identification for named in school.identifications] for school in settings.schools
    }
    return tuple(SignInProvider(provider, known, identifications) for provider in settings.sign_in)
