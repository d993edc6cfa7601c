"""Reads config.yaml, the file with secrets and the environment into Settings.

A wrong setting ends the program before it does anything: ConfigError names file, key and remedy. Values are never part
of that sentence: they may be secrets.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dashboard.settings.errors import ConfigError
from dashboard.settings.schema import ENVIRONMENT, Las, Publisher, Settings

DEFAULT_FILE = "config.yaml"
SECRET_ENVIRONMENT = "RONDBLIK_SECRET_"  # noqa: S105 - the name of a variable, not a secret


def find_config(config: Path | None, data: Path | None) -> Path | None:
    """The file to use: the named one, else that of the data folder, else config.yaml in the working directory.

    None where a data folder is named and there is no file: an empty installation needs no more. Raises ConfigError
    where neither is named and there is no file.
    """
    if config is not None:
        return config
    candidates = [Path(DEFAULT_FILE)] if data is None else [data / DEFAULT_FILE, Path(DEFAULT_FILE)]
    existing = next((path for path in candidates if path.is_file()), None)
    if existing is None and data is None:
        raise ConfigError(
            f"Er is geen {DEFAULT_FILE} in deze map; geef het bestand met --config of de gegevensmap met --data.",
            f"There is no {DEFAULT_FILE} in this folder; name the file with --config or the data folder with --data.",
        )
    return existing


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
    path, nl, en = problem_of(wrong)
    key = _key_path(path)
    return ConfigError(f"{named}: {key} {nl}.", f"{named}: {key} {en}.")


def problem_of(wrong: ValidationError) -> tuple[tuple[int | str, ...], str, str]:
    """The first problem of a section: the path of its key, and what is wrong with it, in Dutch and English."""
    error = wrong.errors(include_url=False, include_input=False)[0]
    path = (*error["loc"], *error.get("ctx", {}).get("key", ()))
    return path, *_problem_sentence(error)


MISSING = ("ontbreekt; vul hem in", "is missing; fill it in")
# What is wrong with a value, by the type of error; bounds and choices in it are ours, never the value.
DAY = ("moet een dag zijn; schrijf hem als 2026-08-31", "must be a day, as 2026-08-31")
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
    "date_from_datetime_parsing": DAY,
    "date_parsing": DAY,
    "date_type": DAY,
    "bool_parsing": ("moet true of false zijn", "must be true or false"),
    "string_type": ("moet een tekst zijn; zet hem tussen aanhalingstekens", "must be a text; put it in quotes"),
    "tuple_type": ("moet een lijst zijn; begin elke regel met een streepje", "must be a list; begin each line with -"),
    "model_type": ("moet sleutels met waarden hebben, zoals in het voorbeeld", "must hold keys with values"),
    "dataclass_type": ("moet sleutels met waarden hebben, zoals in het voorbeeld", "must hold keys with values"),
    "extra_forbidden": (
        "is geen bekende sleutel; haal hem weg of herstel de spelling",
        "is no known key; remove it or correct its spelling",
    ),
    "unexpected_keyword_argument": (
        "is geen bekende sleutel; haal hem weg of herstel de spelling",
        "is no known key; remove it or correct its spelling",
    ),
    "missing": MISSING,
    "dict_type": ("moet sleutels met waarden hebben, zoals in het voorbeeld", "must hold keys with values"),
}


def _problem_sentence(error: ErrorDetails) -> tuple[str, str]:
    """The sentence of an error after its key, in Dutch and English."""
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
    """The same values, with each `{secret: NAME}` replaced by that of the environment, systemd or the file."""
    names = list(_secret_names(values, ()))
    if not names:
        return values
    file = os.environ.get(f"{ENVIRONMENT}SECRETS") or values.get("secrets")
    in_file = {} if file is None else _read_secrets(folder / str(file))
    secrets = {}
    for key, name in names:
        variable = SECRET_ENVIRONMENT + re.sub("[^A-Z0-9]", "_", name.upper())
        text = os.environ.get(variable) or _credential(name) or in_file.get(name)
        if not text:
            raise ConfigError(
                f"{named}: {key} noemt een geheim dat er niet is; zet {variable} in de omgeving, of {name} in het "
                "bestand van secrets of bij de credentials van systemd.",
                f"{named}: {key} names a secret that is not there; set {variable} in the environment, or {name} in "
                "the file of secrets or among the credentials of systemd.",
            )
        secrets[name] = text
    replaced = _replace_secrets(values, secrets)
    assert isinstance(replaced, dict)
    return replaced


def _credential(name: str) -> str | None:
    """The credential of this name that systemd gave to the service; one line end at its end is not part of it."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder or Path(name).name != name:
        return None
    try:
        return (Path(folder) / name).read_text("utf-8").removesuffix("\n")
    except FileNotFoundError:
        return None


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
        for index, inner in enumerate(value):
            yield from _secret_names(inner, (*path, index))


def _replace_secrets(value: object, secrets: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        if _is_secret(value):
            return secrets[value["secret"]]
        return {name: _replace_secrets(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replace_secrets(inner, secrets) for inner in value]
    return value


# -- paths ---------------------------------------------------------------------------------------------------

Source = TypeVar("Source", Las, Publisher)
_PATHS = ("client_certificate", "client_key", "request_template", "path")


def _absolute(settings: Settings, folder: Path) -> Settings:
    """The same settings with every path relative to the folder of the file."""
    schools = tuple(
        school.model_copy(update={"las": _absolute_source(school.las, folder)}) if school.las is not None else school
        for school in settings.schools
    )
    publishers = tuple(_absolute_source(publisher, folder) for publisher in settings.publishers)
    return settings.model_copy(
        update={
            "data": folder / settings.data,
            "holidays": None if settings.holidays is None else folder / settings.holidays,
            "schools": schools,
            "publishers": publishers,
        }
    )


def _absolute_source(source: Source, folder: Path) -> Source:
    paths = {name: getattr(source, name, None) for name in _PATHS}
    return source.model_copy(update={name: folder / path for name, path in paths.items() if path is not None})
