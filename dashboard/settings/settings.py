"""config.yaml, the file with secrets and the environment, as one typed and frozen whole.

A setting that is wrong ends the program before it does anything: ConfigError names file, key and what to do, in one
sentence in Dutch and one in English. Values never stand in such a sentence, for they may be secrets.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import Engine

from connectors.transport.http_client import Limits
from connectors.uwlr.agreement import Bounds
from models.classroom.holidays import Holidays, HolidaysUnreadable, read_holidays
from models.ingest import connections, schools, senders
from models.ingest.schools import BRIN, Identification, normal_location
from models.ingest.senders import ConfiguredSender
from models.schema import clock
from models.schema.database import sqlite_url, write_transaction
from models.schema.encryption import PiiCipher
from models.schema.limits import VENDOR_DAYS
from models.schema.records import SchoolRef
from models.schema.terms import RetentionPolicy, SenderTerms
from models.schema.urls import address_problem, is_loopback

DEFAULT_FILE = "config.yaml"
ENVIRONMENT = "RONDBLIK_"
SECRET_ENVIRONMENT = "RONDBLIK_SECRET_"  # noqa: S105 - the name of a variable, not a secret
_log = logging.getLogger("rondblik.settings")
_YEAR = re.compile(r"[12][0-9]{3}-[12][0-9]{3}", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


class ConfigError(Exception):
    """The configuration cannot be used; says in which file and key, and what to do."""

    def __init__(self, nl: str, en: str) -> None:
        super().__init__(f"{nl} / {en}")


# -- kinds of values -----------------------------------------------------------------------------------------


def _wrong(nl: str, en: str, *key: str | int) -> PydanticCustomError:
    """What a value does wrong and how to mend it, in both languages; `key` names it within what is validated."""
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


class Server(_Frozen):
    """Where the dashboard listens: this machine only, until there is a sign-in."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8050

    @model_validator(mode="after")
    def _loopback(self) -> Self:
        if not is_loopback(self.host):
            raise _wrong(
                "moet 127.0.0.1 zijn: zolang er geen aanmelding is, is het dashboard er alleen voor deze machine; "
                "haal de regel weg",
                "must be 127.0.0.1: without a sign-in the dashboard serves this machine only; remove the line",
                "host",
            )
        return self


class SchoolIdentification(_Frozen):
    """One way in which messages name a school: BRIN with dependance, a schoolkey, or an instellingsnummer."""

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
        """The same, as the store keeps it."""
        if self.brin is not None:
            return Identification("brin", self.brin, self.dependance or "")
        if self.schoolkey is not None:
            return Identification("schoolkey", self.schoolkey)
        return Identification("institution", self.institution or "")


class Authorisation(_Frozen):
    """The autorisatie header: the key that the school gave, and code and name that the source gave to us."""

    key: HeaderSecret
    customer_code: HeaderText
    customer_name: HeaderText


class _Source(_Frozen):
    """What every source that is asked has."""

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
        """The extra HTTP headers in the clear, for the wire only."""
        return {name: value.get_secret_value() for name, value in self.headers.items()}


class LasAddresses(_Frozen):
    """An address for each operation of a LAS; what is absent goes to `address`."""

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

    @property
    def ref(self) -> SchoolRef:
        """How our requests name the school: by its first BRIN, and by its first of each other kind."""
        named = [identification.identification for identification in self.identifications]
        brin = next((identification for identification in named if identification.scheme == "brin"), None)
        return SchoolRef(
            brin=None if brin is None else brin.value,
            dependance="" if brin is None else brin.location,
            school_key=next(
                (identification.value for identification in named if identification.scheme == "schoolkey"), None
            ),
            institution=next(
                (identification.value for identification in named if identification.scheme == "institution"), None
            ),
        )


class Publisher(_Source):
    """Who delivers results, and how they are fetched."""

    material: Name | None = None
    kind: Literal["soap", "https", "folder"]
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
    """Everything that config.yaml can say. Paths in it are taken from the folder of the file."""

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
    limits: Limits = Limits()
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
        _check_unique([(("schools", n, "name"), school.name) for n, school in enumerate(self.schools)])
        _check_unique(
            [
                (("schools", n, "identifications", place), school_identification.identification)
                for n, school in enumerate(self.schools)
                for place, school_identification in enumerate(school.identifications)
            ]
        )
        for number, publisher in enumerate(self.publishers):
            self._check_schools(number, publisher)
        return self

    def _check_schools(self, number: int, publisher: Publisher) -> None:
        wanted = publisher.schools or ((publisher.school,) if publisher.school is not None else ())
        if not wanted and len(self.schools) != 1:
            raise _wrong(
                "moet zijn school noemen; voeg school toe, met een naam uit schools",
                "must name its school: add school with a name from schools",
                "publishers",
                number,
            )
        if not set(wanted) <= {school.name for school in self.schools}:
            raise _wrong(
                "noemt een school die niet in schools staat; neem de naam daaruit over",
                "names a school that does not stand in schools; take over the name from there",
                "publishers",
                number,
                "school" if publisher.school is not None else "schools",
            )

    def schools_of(self, publisher: Publisher) -> tuple[School, ...]:
        """The schools that a publisher delivers for: those it names, else the only one."""
        wanted = publisher.schools or ((publisher.school,) if publisher.school is not None else ())
        if not wanted:
            return self.schools
        known = {school.name: school for school in self.schools}
        return tuple(known[name] for name in dict.fromkeys(wanted))

    def database_url(self) -> str:
        """The address of the database; makes the data folder where that holds it."""
        return self.database.url or sqlite_url(self.data)


_Keyed = tuple[tuple[str | int, ...], object]


def _check_unique(values: list[_Keyed]) -> None:
    """Refuse the second of two equal values, by its key."""
    seen: set[object] = set()
    for key, value in values:
        if value in seen:
            raise _wrong(
                "staat er twee keer; geef elk een eigen waarde", "stands there twice; each must be unique", *key
            )
        seen.add(value)


# -- reading -------------------------------------------------------------------------------------------------


def find_config(config: Path | None, data: Path | None) -> Path | None:
    """Which file counts: the named one, else that of the data folder, else config.yaml here.

    None where a data folder is named and there is no file: that says all that an empty installation needs. Raises
    ConfigError where nothing says where the data is.
    """
    if config is not None:
        return config
    here = [Path(DEFAULT_FILE)] if data is None else [data / DEFAULT_FILE, Path(DEFAULT_FILE)]
    found = next((path for path in here if path.is_file()), None)
    if found is None and data is None:
        raise ConfigError(
            f"Er is geen {DEFAULT_FILE} in deze map; geef het bestand met --config of de gegevensmap met --data.",
            f"There is no {DEFAULT_FILE} in this folder; name the file with --config or the data folder with --data.",
        )
    return found


def load(config: Path | None, data: Path | None = None) -> Settings:
    """The settings of a file (None: the defaults) with the environment over it; `data` replaces the data folder.

    Raises ConfigError.
    """
    values: dict[str, Any] = {}
    folder = Path.cwd()
    if config is not None:
        values = _read_yaml(config)
        folder = config.resolve().parent
    named = str(config) if config is not None else "environment"
    values = _with_secrets(values, named, folder)
    try:
        settings = Settings(**values)
    except ValidationError as wrong:
        raise _first_error(wrong, named) from None
    settings = _absolute(settings, folder)
    return settings if data is None else settings.model_copy(update={"data": data.absolute()})


class _Loader(yaml.SafeLoader):
    """YAML whose scalars are text: a dependance 01 is no octal number, and the types below decide what is one."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - yaml has it as a plain attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for (key, _), text in zip(node.value, keys, strict=True):
            if keys.count(text) > 1:
                raise yaml.constructor.ConstructorError(None, None, "the key stands there twice", key.start_mark)
        return super().construct_mapping(node, deep)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise ConfigError(
            f"{path} is er niet of kan niet gelezen worden; controleer de naam en de rechten.",
            f"{path} is not there or cannot be read; check its name and permissions.",
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(
            f"{path} is geen UTF-8; bewaar het bestand als UTF-8.", f"{path} is not UTF-8; save the file as UTF-8."
        ) from None
    try:
        values = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        line = f" {mark.line + 1}" if mark is not None else " ?"
        twice = "twice" in str(getattr(wrong, "problem", ""))
        raise ConfigError(
            f"{path}, regel{line}: {'een sleutel staat er twee keer' if twice else 'dit is geen YAML'}; "
            "herstel die regel.",
            f"{path}, line{line}: {'a key stands there twice' if twice else 'this is not YAML'}; mend that line.",
        ) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(
            f"{path} is geen lijst van sleutels met waarden; begin met het voorbeeld {DEFAULT_FILE}.",
            f"{path} is no list of keys with values; start from the example {DEFAULT_FILE}.",
        )
    return {name: value for name, value in values.items() if value is not None}


def _first_error(wrong: ValidationError, named: str) -> ConfigError:
    first = wrong.errors(include_url=False, include_input=False)[0]
    key = _key_path((*first["loc"], *first.get("ctx", {}).get("key", ())))
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return ConfigError(
            f"{named}: {key} is geen bekende sleutel; haal hem weg of herstel de spelling.",
            f"{named}: {key} is no known key; remove it or mend its spelling.",
        )
    if first["type"] == "missing":
        return ConfigError(f"{named}: {key} ontbreekt; vul hem in.", f"{named}: {key} is missing; fill it in.")
    nl, en = _problem_sentence(first)
    return ConfigError(f"{named}: {key} {nl}.", f"{named}: {key} {en}.")


# What is wrong with a value, by the kind of error; bounds and choices in it are ours, never what was filled in.
_KINDS = {
    "greater_than_equal": ("moet {ge} of meer zijn", "must be {ge} or more"),
    "greater_than": ("moet meer dan {gt:g} zijn", "must be more than {gt:g}"),
    "less_than_equal": ("mag hoogstens {le} zijn", "must be {le} at most"),
    "less_than": ("moet minder dan {lt} zijn", "must be less than {lt}"),
    "literal_error": ("moet een van deze zijn: {expected}", "must be one of {expected}"),
    "string_too_short": ("is te kort; vul ten minste {min_length} teken in", "is too short; at least {min_length}"),
    "string_too_long": ("is te lang; hoogstens {max_length} tekens", "is too long; {max_length} characters at most"),
    "string_pattern_mismatch": ("heeft niet de vorm {pattern}; pas hem aan", "does not have the form {pattern}"),
    "too_long": (
        "heeft te veel regels; houd er hoogstens {max_length} over",
        "has too many entries; {max_length} at most",
    ),
    "too_short": ("heeft te weinig regels; vul ten minste {min_length} in", "needs {min_length} entries at least"),
    "int_parsing": ("moet een geheel getal zijn; schrijf alleen cijfers", "must be a whole number"),
    "float_parsing": ("moet een getal zijn; schrijf het met een punt", "must be a number"),
    "bool_parsing": ("moet true of false zijn", "must be true or false"),
    "string_type": ("moet een tekst zijn; zet hem tussen aanhalingstekens", "must be a text; put it in quotes"),
    "tuple_type": ("moet een lijst zijn; begin elke regel met een streepje", "must be a list; begin each line with -"),
    "model_type": ("moet sleutels met waarden hebben, zoals in het voorbeeld", "must hold keys with values"),
    "dataclass_type": ("moet sleutels met waarden hebben, zoals in het voorbeeld", "must hold keys with values"),
    "dict_type": ("moet sleutels met waarden hebben, zoals in het voorbeeld", "must hold keys with values"),
}


def _problem_sentence(error: ErrorDetails) -> tuple[str, str]:
    """What an error says, in Dutch and English, to stand behind the key."""
    context = error.get("ctx", {})
    if error["type"] == "own":
        return str(context["nl"]), str(context["en"])
    nl, en = _KINDS.get(error["type"], ("heeft een waarde die niet mag; zie het voorbeeld", "has a value not allowed"))
    if "{expected}" in nl:
        context = {"expected": str(context["expected"]).replace(" or ", ", ")}
    return nl.format(**context), en.format(**context)


def _key_path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or "the whole"


# -- secrets -------------------------------------------------------------------------------------------------


def _with_secrets(values: dict[str, Any], named: str, folder: Path) -> dict[str, Any]:
    """The same values, with each `{secret: NAME}` replaced by what the environment or the file with secrets says."""
    wanted = list(_secret_names(values, ()))
    if not wanted:
        return values
    file = os.environ.get(f"{ENVIRONMENT}SECRETS") or values.get("secrets")
    kept = {} if file is None else _read_secrets(folder / str(file))
    found = {}
    for key, name in wanted:
        variable = SECRET_ENVIRONMENT + re.sub("[^A-Z0-9]", "_", name.upper())
        text = os.environ.get(variable) or kept.get(name)
        if not text:
            raise ConfigError(
                f"{named}: {key} noemt een geheim dat er niet is; zet {variable} in de omgeving of {name} in het "
                "bestand van secrets.",
                f"{named}: {key} names a secret that is not there; set {variable} in the environment or {name} in "
                "the file of secrets.",
            )
        found[name] = text
    replaced = _replace_secrets(values, found)
    assert isinstance(replaced, dict)
    return replaced


def _read_secrets(path: Path) -> Mapping[str, str]:
    values = _read_yaml(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigError(
            f"{path} kan door anderen gelezen worden; geef het bestand rechten 600 (chmod 600).",
            f"{path} can be read by others; give the file mode 600 (chmod 600).",
        )
    if not all(isinstance(value, str) for value in values.values()):
        raise ConfigError(
            f"{path} mag alleen namen met een tekst bevatten; zet elk geheim op één regel.",
            f"{path} may hold names with a text only; put each secret on one line.",
        )
    return values


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secret"} and isinstance(value["secret"], str)


def _secret_names(value: object, path: tuple[int | str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if _is_secret(value):
            yield _key_path(path), value["secret"]
            return
        for name, inner in value.items():
            yield from _secret_names(inner, (*path, str(name)))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _secret_names(inner, (*path, place))


def _replace_secrets(value: object, found: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        if _is_secret(value):
            return found[value["secret"]]
        return {name: _replace_secrets(inner, found) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replace_secrets(inner, found) for inner in value]
    return value


# -- paths ---------------------------------------------------------------------------------------------------

_PATHS = ("client_certificate", "client_key", "request_template", "path")


def _absolute(settings: Settings, folder: Path) -> Settings:
    """The same settings with every path taken from the folder of the file."""
    made_schools = tuple(
        school.model_copy(update={"las": _absolute_source(school.las, folder)}) if school.las is not None else school
        for school in settings.schools
    )
    publishers = tuple(_absolute_source(publisher, folder) for publisher in settings.publishers)
    return settings.model_copy(
        update={
            "data": folder / settings.data,
            "holidays": None if settings.holidays is None else folder / settings.holidays,
            "schools": made_schools,
            "publishers": publishers,
        }
    )


def _absolute_source(source: _Source, folder: Path) -> _Source:
    paths = {name: getattr(source, name, None) for name in _PATHS}
    return source.model_copy(update={name: folder / path for name, path in paths.items() if path is not None})


# -- the rows that follow from it ----------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class ConfiguredConnection:
    """A coupling of the configuration: its row in the store, its school, and the LAS or publisher behind it."""

    row: connections.SourceConnection
    school: School
    source: Las | Publisher


def apply(settings: Settings, engine: Engine) -> list[ConfiguredConnection]:
    """Make schools, sources and couplings as the configuration has them; those it no longer has become inactive."""
    connection_configs: list[ConfiguredConnection] = []
    with write_transaction(engine) as connection:
        ids = {
            school.name: schools.ensure_school(
                connection, [name.identification for name in school.identifications], school.name
            )
            for school in settings.schools
        }
        for item in settings.schools:
            schools.set_region(connection, ids[item.name], item.region)
        pairs: list[tuple[School, Las | Publisher]] = [
            (school, school.las) for school in settings.schools if school.las is not None
        ]
        pairs += [(school, publisher) for publisher in settings.publishers for school in settings.schools_of(publisher)]
        for school, source in pairs:
            role = "las" if isinstance(source, Las) else "publisher"
            material = None if isinstance(source, Las) else source.material
            source_id = schools.ensure_source(connection, source.id, source.name, role, material)
            connections.ensure_connection(connection, ids[school.name], source_id, clock.now_us())
            row = connections.SourceConnection(ids[school.name], source_id, source.id, role)
            connection_configs.append(ConfiguredConnection(row, school, source))
        connections.retire_others(
            connection,
            {
                (connection_config.row.school_id, connection_config.row.source_id)
                for connection_config in connection_configs
            },
        )
    return connection_configs


def holidays_of(settings: Settings) -> Holidays:
    """The school holidays that the configuration names, or those that come with the program. Raises ConfigError."""
    try:
        return read_holidays(settings.holidays)
    except (OSError, UnicodeDecodeError, HolidaysUnreadable) as wrong:
        where = wrong if isinstance(wrong, HolidaysUnreadable) else settings.holidays
        raise ConfigError(
            f"Het bestand met vakanties (holidays) is niet te lezen: {where}",
            f"The file of holidays cannot be read: {where}",
        ) from None


def apply_senders(settings: Settings, engine: Engine, cipher: PiiCipher) -> None:
    """Make the senders, their keys and couplings as the configuration has them. Raises ConfigError."""
    configured_senders = [
        ConfiguredSender(
            sender.id,
            sender.customer_name,
            sender.customer_code.get_secret_value(),
            tuple(key.get_secret_value() for key in sender.keys),
            tuple(named.identification for named in sender.covers),
            sender.terms,
        )
        for sender in settings.senders
    ]
    try:
        with write_transaction(engine) as connection:
            senders.apply_configured(connection, cipher, configured_senders)
    except senders.SenderRefused as refused:
        raise ConfigError(refused.sentence_nl, refused.sentence_en) from None
    for place, one in enumerate(settings.senders):
        for number, key in enumerate(one.keys):
            if len(key.get_secret_value()) < senders.SAFE_CHARACTERS:
                _log.warning(
                    "senders[%d].keys[%d] has fewer than %d characters and might be guessed; use a random one.",
                    place, number, senders.SAFE_CHARACTERS,
                )  # fmt: skip
