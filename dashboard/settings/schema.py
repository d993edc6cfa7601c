"""The schema of config.yaml: each section as a frozen type, with what pydantic cannot say checked in both languages."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connectors.intake.pull import PullKind
from connectors.transport.http_client import Limits
from connectors.uwlr.agreement import Bounds
from dashboard.auth.sessions import SessionLimits
from dashboard.settings.logs import LogFormat
from models.ingest import agreements, senders
from models.ingest.schools import BRIN, Identification, normal_location
from models.schema.database import SQLITE_FILE, sqlite_url
from models.schema.limits import VENDOR_DAYS
from models.schema.records import SchoolRef
from models.schema.terms import Agreement, PupilRetention, RetentionPolicy, SenderTerms
from models.schema.urls import address_problem, is_loopback

ENVIRONMENT = "RONDBLIK_"
_YEAR = re.compile(r"[12][0-9]{3}-[12][0-9]{3}", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


# -- kinds of values -----------------------------------------------------------------------------------------


def _wrong(nl: str, en: str, *key: str | int) -> PydanticCustomError:
    """An error with its remedy, in both languages; `key` is its path within the validated value."""
    return PydanticCustomError("own", "{en}", {"nl": nl, "en": en, "key": key})


def _address(value: str) -> str:
    problem = address_problem(value)
    if problem is not None:
        raise _wrong(
            "is geen adres dat gebruikt kan worden; schrijf het als https://host/pad, zonder gebruikersnaam, "
            "wachtwoord of spaties (http:// mag alleen binnen deze machine)",
            problem,
        )
    return value


def _school_year(value: str) -> str:
    if value not in ("current", "empty") and not _YEAR.fullmatch(value):
        raise _wrong(
            "is geen schooljaar; vul current, empty of een schooljaar als 2026-2027 in",
            "must be current, empty or a school year as 2026-2027",
        )
    return value


def _brin(value: str) -> str:
    if not BRIN.fullmatch(value):
        raise _wrong(
            "is geen brincode; schrijf twee cijfers en twee hoofdletters, zoals 99XX",
            "must be two digits and two capitals, as 99XX",
        )
    return value


def _dependance(value: str) -> str:
    if not re.fullmatch("[0-9]{0,2}", value, re.ASCII):
        raise _wrong("is geen dependancecode; schrijf twee cijfers, zoals 00", "must be two digits, as 00")
    return normal_location(value)


def _header_text(value: str) -> str:
    if not senders.fits_header(value):
        raise _wrong(*senders.HEADER_TEXT)
    return value


def _header_secret(value: SecretStr) -> SecretStr:
    _header_text(value.get_secret_value())
    return value


def _headers(value: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name) or not text.get_secret_value().isprintable():
            raise _wrong(
                "bevat een naam of waarde die HTTP niet toestaat; gebruik letters, cijfers en - in de naam, en geen "
                "regeleinden in de waarde",
                "holds a header name or value that HTTP does not allow; use letters, digits and - in the name, and "
                "no line ends in the value",
            )
    return value


Address = Annotated[str, AfterValidator(_address)]
SourceKey = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Short = Annotated[str, Field(min_length=1, max_length=64)]
AgreedText = Annotated[str, Field(min_length=1, max_length=agreements.MAX_LENGTH)]
HeaderText = Annotated[str, AfterValidator(_header_text)]  # klantnaam, klantcode, key: of an autorisatie header
HeaderSecret = Annotated[SecretStr, AfterValidator(_header_secret)]
Minutes = Annotated[int, Field(ge=1, le=7 * 24 * 60)]
Headers = Annotated[dict[str, SecretStr], AfterValidator(_headers)]


# hide_input: a value may be a secret and must not appear in an error.
_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Frozen(BaseModel):
    model_config = ConfigDict(**_STRICT, frozen=True)


# -- the sections --------------------------------------------------------------------------------------------


class Database(_Frozen):
    """Where the store is; `url` None: SQLite in the data folder."""

    url: str | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.url is not None and not self.url.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise _wrong(
                "moet beginnen met sqlite:/// of postgresql+psycopg://; verbeter het begin",
                "must begin with sqlite:/// or postgresql+psycopg://",
                "url",
            )
        return self


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Receive(Bounds):
    """Where publishers send messages to, and how large these may be; host and port are for `serve --soap-only`."""

    host: Name = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8060
    public_address: Address | None = None
    read_seconds: Annotated[float, Field(gt=0, le=6 * 3600)] = 600
    test_room_days: Annotated[int, Field(ge=1, le=365)] = VENDOR_DAYS
    check_loopback: bool = False


def _origin(value: str) -> str:
    parts = urlsplit(_address(value))
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _wrong("moet een adres zonder pad zijn, zoals https://host", "must be an address without a path")
    return f"{parts.scheme}://{parts.netloc}"


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise _wrong(
            "is geen IP-adres of netwerk; schrijf 10.0.0.5 of 10.0.0.0/24", "must be an IP address or network"
        ) from None


class Server(_Frozen):
    """The address of the dashboard, and how it is reached: this machine only, unless people sign in.

    `public_address` is what browsers use; `host_names` are others that are answered; `trusted_proxies` those whose
    X-Forwarded headers are believed.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8050
    public_address: Annotated[str, AfterValidator(_origin)] | None = None
    host_names: tuple[Name, ...] = ()
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ()

    @property
    def is_own_machine(self) -> bool:
        """Whether nobody reaches it but from this machine, and under its own names."""
        own = self.public_address is None or is_loopback(urlsplit(self.public_address).hostname or "")
        return is_loopback(self.host) and own and not self.host_names and not self.trusted_proxies

    @property
    def all_host_names(self) -> tuple[str, ...]:
        """The host names that are answered beside those of this machine."""
        public = urlsplit(self.public_address).hostname if self.public_address is not None else None
        return tuple(dict.fromkeys([*([public] if public else []), *self.host_names]))


class Metrics(_Frozen):
    """Where Prometheus asks for figures; nobody signs in there, so it is for an internal network."""

    host: Name = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 9464


ClaimName = Annotated[str, Field(min_length=1, max_length=100)]
ClaimAlternatives = tuple[ClaimName, ...]


class ClaimNames(_Frozen):
    """How a provider calls what it says of who signs in; of several names the first that is there counts."""

    name: ClaimAlternatives = ("name", "displayName")
    given_name: ClaimAlternatives = ("given_name", "givenName")
    prefix: ClaimAlternatives = ("nlEduPersonTussenvoegsels",)
    family_name: ClaimAlternatives = ("family_name", "sn")
    mail: ClaimAlternatives = ("email", "mail")
    brin: ClaimAlternatives = ()  # of the school, with or without its dependance
    tenant: ClaimAlternatives = ()
    strength: ClaimAlternatives = ("acr", "amr")  # how somebody signed in; compared where `strengths` names any


class IdentityProvider(_Frozen):
    """Where people sign in, and for which schools it may speak: `schools`, or those of the tenant it names."""

    id: SourceKey
    name: Name
    issuer: Address
    client_id: Name
    client_secret: SecretStr
    scope: Name = "openid profile"
    client_auth: Literal["client_secret_post", "client_secret_basic"] = "client_secret_post"
    algorithm: Literal["RS256", "PS256", "ES256"] = "RS256"
    claims: ClaimNames = ClaimNames()
    schools: tuple[Name, ...] = ()
    tenants: dict[Name, tuple[Name, ...]] = {}
    own: bool = False  # of these schools alone, so that its mail addresses may be believed
    strengths: tuple[Name, ...] = ()  # one of which it must state, such as mfa; none: however people sign in there

    @model_validator(mode="after")
    def _speaks(self) -> Self:
        if bool(self.schools) == bool(self.tenants):
            raise _wrong(
                "moet ofwel schools ofwel tenants noemen; vul in voor welke scholen de aanmelding geldt",
                "must name either schools or tenants: for which schools it may speak",
            )
        if bool(self.tenants) != bool(self.claims.tenant):
            raise _wrong(
                "moet bij tenants ook claims.tenant noemen, en andersom",
                "needs claims.tenant with tenants, and tenants with claims.tenant",
                "claims",
            )
        return self

    @property
    def school_names(self) -> tuple[str, ...]:
        """The schools that it may speak for, whoever signs in."""
        of_tenants = (name for names in self.tenants.values() for name in names)
        return tuple(dict.fromkeys((*self.schools, *of_tenants)))


class SchoolIdentification(_Frozen):
    """An identification of a school in messages: BRIN with dependance, a schoolkey, or an instellingsnummer."""

    brin: Annotated[str, AfterValidator(_brin)] | None = None
    dependance: Annotated[str, AfterValidator(_dependance)] | None = None
    schoolkey: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    institution: Short | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(item is not None for item in (self.brin, self.schoolkey, self.institution)) != 1:
            raise _wrong(
                "moet precies één van brin, schoolkey en institution hebben; zet elke naam op een eigen regel",
                "must hold exactly one of brin, schoolkey and institution",
            )
        if self.dependance is not None and self.brin is None:
            raise _wrong(
                "hoort bij een brin; vul brin in of haal dependance weg",
                "belongs to a brin; fill in brin or remove dependance",
                "dependance",
            )
        return self

    @property
    def identification(self) -> Identification:
        """The same, as the store has it."""
        if self.brin is not None:
            return Identification("brin", self.brin, self.dependance or "")
        if self.schoolkey is not None:
            return Identification("schoolkey", self.schoolkey)
        return Identification("institution", self.institution or "")


class ConnectionAgreement(_Frozen):
    """What a school agreed about a connection, for its processing register; shown on the page Koppelingen."""

    mandate: AgreedText | None = None
    mandate_on: date | None = None
    agreement_on: date | None = None
    purpose: AgreedText | None = None
    categories: AgreedText | None = None

    @property
    def agreement(self) -> Agreement:
        """The same, as the store has it."""
        mandate_on, agreement_on = (None if day is None else str(day) for day in (self.mandate_on, self.agreement_on))
        return Agreement(self.mandate, mandate_on, agreement_on, self.purpose, self.categories)


class Authorisation(_Frozen):
    """The autorisatie header: the key from the school, and our customer code and name at the source."""

    key: HeaderSecret
    customer_code: HeaderText
    customer_name: HeaderText


class _Source(_Frozen):
    """The settings that every polled source has."""

    id: SourceKey
    name: Name
    xsd_version: Short = "2.2"
    dataset_id: Short | None = None
    headers: Headers = {}
    client_certificate: Path | None = None
    client_key: Path | None = None
    authorisation: Authorisation | None = None
    school_year: Annotated[str, AfterValidator(_school_year)] = "current"
    every: Minutes = 60
    agreement: ConnectionAgreement | None = None

    @model_validator(mode="after")
    def _key_with_certificate(self) -> Self:
        if self.client_key is not None and self.client_certificate is None:
            raise _wrong(
                "heeft client_certificate ernaast nodig; vul dat ook in",
                "needs client_certificate beside it",
                "client_key",
            )
        return self

    @property
    def header_texts(self) -> dict[str, str]:
        """The extra HTTP headers as plain text, for requests only."""
        return {name: value.get_secret_value() for name, value in self.headers.items()}


class LasAddresses(_Frozen):
    """An address for each operation of a LAS; `address` is that of the others."""

    all: Address | None = None
    structure: Address | None = None
    pupils: Address | None = None
    teachers: Address | None = None


class Las(_Source):
    """The pupil administration of a school."""

    address: Address | None = None
    path: Path | None = None
    addresses: LasAddresses = LasAddresses()
    profile: Literal["edexml", "lvs", "narrow"] = "edexml"
    staged: bool = False
    every: Minutes = 24 * 60

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.path is not None:
            if self.address is not None or self.authorisation is not None or self.addresses != LasAddresses():
                raise _wrong(
                    "noemt een bestand, en dan horen address, addresses en authorisation er niet bij; haal ze weg",
                    "names a file, and then address, addresses and authorisation do not belong; remove them",
                    "path",
                )
            return self
        parts = self.addresses
        needed = (parts.structure, parts.pupils, parts.teachers) if self.staged else (parts.all,)
        if self.address is None and None in needed:
            raise _wrong(
                "heeft address nodig, of addresses voor elke bewerking die gebruikt wordt; vul een adres in",
                "needs address, or addresses for every operation that is used",
            )
        if self.authorisation is None:
            raise _wrong(
                "heeft authorisation nodig; vul key, customer_code en customer_name in",
                "needs authorisation: key, customer_code and customer_name",
            )
        return self


class School(_Frozen):
    """What one LAS administers."""

    name: Name
    identifications: Annotated[tuple[SchoolIdentification, ...], Field(min_length=1)]
    region: Literal["noord", "midden", "zuid"] = "midden"
    las: Las | None = None
    sessions: SessionLimits | None = None
    pupil_retention: PupilRetention | None = None

    @property
    def ref(self) -> SchoolRef:
        """The school in our requests: its first BRIN, and its first identification of each other kind."""
        identifications = [identification.identification for identification in self.identifications]
        brin = next((identification for identification in identifications if identification.scheme == "brin"), None)
        return SchoolRef(
            brin=None if brin is None else brin.value,
            dependance="" if brin is None else brin.location,
            school_key=next(
                (identification.value for identification in identifications if identification.scheme == "schoolkey"),
                None,
            ),
            institution=next(
                (identification.value for identification in identifications if identification.scheme == "institution"),
                None,
            ),
        )


class Publisher(_Source):
    """A publisher that is polled for results, and how."""

    material: Name | None = None
    kind: PullKind
    address: Address | None = None
    path: Path | None = None
    school: Name | None = None
    schools: tuple[Name, ...] = ()
    policy: Literal["strict", "tolerant"] = "strict"
    operation: Short | None = None
    soap_action: Annotated[str, Field(max_length=256, pattern=r'^[^"\x00-\x1f\x7f-\U0010ffff]*$')] | None = None
    request_template: Path | None = None

    @model_validator(mode="after")
    def _fits_kind(self) -> Self:
        if self.kind == "folder" and (self.path is None or self.address is not None):
            raise _wrong(
                "heeft bij kind folder path nodig en geen address; vul path in",
                "kind folder needs path, and no address",
            )
        if self.kind != "folder" and (self.address is None or self.path is not None):
            raise _wrong(
                f"heeft bij kind {self.kind} address nodig en geen path; vul address in",
                f"kind {self.kind} needs address, and no path",
            )
        if self.school is not None and self.schools:
            raise _wrong("heeft school en schools; houd er één over", "has both school and schools; keep one")
        if self.kind != "soap" and len(self.schools) > 1:
            raise _wrong(
                f"mag bij kind {self.kind} één school noemen; maak voor elke school een eigen bron",
                f"kind {self.kind} serves one school; make a publisher for each school",
                "schools",
            )
        if self.kind != "soap" and (self.operation or self.soap_action or self.request_template):
            raise _wrong(
                "heeft operation, soap_action of request_template, en die horen bij kind soap; haal ze weg",
                "operation, soap_action and request_template belong to kind soap; remove them",
            )
        if self.school_year == "empty":
            raise _wrong(
                "moet bij een uitgever current zijn of een schooljaar als 2026-2027",
                "must be current or a school year as 2026-2027 for a publisher",
                "school_year",
            )
        return self


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Sender(SenderTerms):
    """A publisher that sends results to us, and what was agreed with it."""

    id: SourceKey
    customer_name: HeaderText
    customer_code: HeaderSecret
    keys: Annotated[tuple[HeaderSecret, ...], Field(min_length=1, max_length=2)]
    covers: Annotated[tuple[SchoolIdentification, ...], Field(min_length=1)]
    agreement: ConnectionAgreement | None = None
    test_school: bool = Field(default=False, init=False)  # not a setting: sandboxes only

    @model_validator(mode="after")
    def _tolerant(self) -> Self:
        if self.policy == "strict" and self.tolerances is not None:
            raise _wrong(
                "hoort bij policy tolerant; zet die erbij of haal tolerances weg",
                "belongs to policy tolerant; add that or remove tolerances",
                "tolerances",
            )
        return self

    @property
    def terms(self) -> SenderTerms:
        """What was agreed, without the account."""
        return SenderTerms(**{item.name: getattr(self, item.name) for item in dataclasses.fields(SenderTerms)})


class Settings(BaseSettings):
    """Everything that config.yaml can contain. Paths are relative to the folder of the file."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_prefix=ENVIRONMENT,
        env_nested_delimiter="__",
    )

    data: Path = Path("data")
    secrets: Path | None = None
    holidays: Path | None = None
    database: Database = Database()
    server: Server = Server()
    receive: Receive = Receive()
    retention: RetentionPolicy = RetentionPolicy()
    pupil_retention: PupilRetention = PupilRetention()
    limits: Limits = Limits()
    log_format: LogFormat = "text"
    metrics: Metrics | None = None
    sign_in: tuple[IdentityProvider, ...] = ()
    sessions: SessionLimits = SessionLimits()
    schools: tuple[School, ...] = ()
    publishers: tuple[Publisher, ...] = ()
    senders: tuple[Sender, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file; no .env, no folder with secrets: one place for each."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _whole(self) -> Self:
        ids: list[_Keyed] = [(("schools", n, "las", "id"), s.las.id) for n, s in enumerate(self.schools) if s.las]
        ids += [(("publishers", n, "id"), publisher.id) for n, publisher in enumerate(self.publishers)]
        ids += [(("senders", n, "id"), sender.id) for n, sender in enumerate(self.senders)]
        _check_unique(ids)
        _check_unique(
            [(("senders", n, "customer_name"), sender.customer_name) for n, sender in enumerate(self.senders)]
        )
        _check_unique(
            [(("senders", n, "customer_code"), sender.customer_code) for n, sender in enumerate(self.senders)]
        )
        _check_unique([(("sign_in", n, "id"), provider.id) for n, provider in enumerate(self.sign_in)])
        for number, provider in enumerate(self.sign_in):
            if not set(provider.school_names) <= {school.name for school in self.schools}:
                raise _wrong(
                    "noemt een school die niet in schools staat; neem de naam daaruit over",
                    "names a school that does not stand in schools; take over the name from there",
                    "sign_in",
                    number,
                )
        _check_unique([(("schools", n, "name"), school.name) for n, school in enumerate(self.schools)])
        _check_unique(
            [
                (("schools", n, "identifications", index), school_identification.identification)
                for n, school in enumerate(self.schools)
                for index, school_identification in enumerate(school.identifications)
            ]
        )
        for number, publisher in enumerate(self.publishers):
            self._check_schools(number, publisher)
        return self

    def _check_schools(self, number: int, publisher: Publisher) -> None:
        names = publisher.schools or ((publisher.school,) if publisher.school is not None else ())
        if not names and len(self.schools) != 1:
            raise _wrong(
                "moet zijn school noemen; voeg school toe, met een naam uit schools",
                "must name its school: add school with a name from schools",
                "publishers",
                number,
            )
        if not set(names) <= {school.name for school in self.schools}:
            raise _wrong(
                "noemt een school die niet in schools staat; neem de naam daaruit over",
                "names a school that does not stand in schools; take over the name from there",
                "publishers",
                number,
                "school" if publisher.school is not None else "schools",
            )

    def schools_of(self, publisher: Publisher) -> tuple[School, ...]:
        """The schools that a publisher delivers for: those it names, otherwise the only one."""
        names = publisher.schools or ((publisher.school,) if publisher.school is not None else ())
        if not names:
            return self.schools
        by_name = {school.name: school for school in self.schools}
        return tuple(by_name[name] for name in dict.fromkeys(names))

    @property
    def database_address(self) -> str:
        """The address of the database, whether it is there or not."""
        return self.database.url or f"sqlite:///{self.data / SQLITE_FILE}"

    def database_url(self) -> str:
        """The address of the database; makes the data folder where that holds it."""
        return self.database.url or sqlite_url(self.data)


_Keyed = tuple[tuple[str | int, ...], object]


def _check_unique(values: list[_Keyed]) -> None:
    """Refuse the second of two equal values, by its key."""
    earlier: set[object] = set()
    for key, value in values:
        if value in earlier:
            raise _wrong(
                "staat er twee keer; geef elk een eigen waarde", "stands there twice; each must be unique", *key
            )
        earlier.add(value)
