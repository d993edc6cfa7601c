"""`rondblik sender`: who may send results to us. Codes and keys are printed once, and kept as digests only."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from typing import Any

import click
from sqlalchemy import Connection

from connectors.uwlr.rules import RULES
from dashboard.cli.operator_log import note_down
from dashboard.settings.errors import ConfigError
from dashboard.settings.open_store import Options, open_store
from dashboard.settings.schema import Settings
from models.ingest import senders
from models.ingest.schools import BRIN, Identification, normal_location
from models.ingest.senders import SenderRefused
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.limits import ALL_VERSIONS
from models.schema.terms import SenderTerms

_SCHOOL = re.compile(f"({BRIN.pattern})(?:/([0-9]{{0,2}}))?", re.ASCII)
BY = "rondblik sender"
SCHOOLKEY = "schoolkey:"
TOLERANCES = tuple(rule.id for rule in RULES.values() if rule.tolerant is not None)


@click.group()
def sender() -> None:
    """Say who may send results, with which key, for which schools."""


class SchoolName(click.ParamType[Identification]):
    """A way of naming a school: 99XX/00, or schoolkey:KEY."""

    name = "school"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Identification:
        if isinstance(value, Identification):
            return value
        if value.startswith(SCHOOLKEY) and 0 < len(value) - len(SCHOOLKEY) <= 256:
            return Identification("schoolkey", value.removeprefix(SCHOOLKEY))
        match = _SCHOOL.fullmatch(value)
        if match is None:
            self.fail("write a school as 99XX/00 (BRIN and dependance), or as schoolkey:KEY", param, ctx)
        return Identification("brin", match.group(1), normal_location(match.group(2)))


_NAME = click.option("--klantnaam", "customer_name", required=True, metavar="N", help="The name of the sender.")
_ALL_TOLERANCES = click.option("--all-tolerances", is_flag=True, help="All that a tolerant sender may break, again.")
_SCHOOLS = click.option(
    "--school",
    "covered",
    type=SchoolName(),
    multiple=True,
    required=True,
    metavar="99XX/00",
    help="One or more.",
)
_TERMS = (
    click.option("--policy", type=click.Choice(("strict", "tolerant")), help="How exact the sender must be."),
    click.option("--tolerance", "tolerances", multiple=True, help="A rule that a tolerant sender may break (its id)."),
    click.option("--version", "versions", multiple=True, type=click.Choice(ALL_VERSIONS)),
    click.option("--ordering", type=click.Choice(("per_result", "strict"))),
    click.option("--unknown-pupil", type=click.Choice(("park", "refuse"))),
    click.option("--eckid-form", type=click.Choice(("warn", "refuse"))),
    click.option("--messages-per-minute", type=click.IntRange(1)),
)


def _with_terms(command: Any) -> Any:
    for option in reversed(_TERMS):
        command = option(command)
    return command


@sender.command()
@_NAME
@_SCHOOLS
@click.option("--id", "key", metavar="ID", help="How the store names it; made from the name where it is left out.")
@_with_terms
@click.pass_obj
def add(
    options: Options, /, customer_name: str, covered: Sequence[Identification], key: str | None, **values: Any
) -> None:
    """Make a sender; prints its klantcode and first autorisatiesleutel, once."""
    if not senders.fits_header(customer_name):
        raise click.BadParameter(senders.HEADER_TEXT[1], param_hint="--klantnaam")
    chosen = key or re.sub("[^a-z0-9]+", "-", customer_name.lower()).strip("-") or "afzender"
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", chosen):
        raise click.BadParameter("must be small letters, digits, - and _ only", param_hint="--id")
    code, text = senders.new_code(), senders.new_key()
    terms = _terms(SenderTerms(), **values)
    with open_store(options) as store:
        with _one_sentence(), write_transaction(store.engine) as connection:
            if any(sender.id == chosen or sender.customer_name == customer_name for sender in store.settings.senders):
                raise click.ClickException("This sender is in the configuration; change it there.")
            source_id = senders.add_sender(
                connection, store.cipher, chosen, customer_name, code, terms, senders.FROM_COMMAND
            )
            senders.add_key(connection, store.cipher, source_id, text, covered)
            school_ids = _schools_of(connection, source_id)
        note_down(store, BY, school_ids, "sender added", source_id)
    click.echo(f"klantnaam          {customer_name}")
    click.echo(f"klantcode          {code}")
    click.echo(f"autorisatiesleutel {text}")
    click.echo("Write them down: they are not shown again.", err=True)


@sender.command("key")
@_NAME
@_SCHOOLS
@click.pass_obj
def make_key(options: Options, customer_name: str, covered: Sequence[Identification]) -> None:
    """Make another key, for a new school or to replace one; prints it once."""
    text = senders.new_key()
    with open_store(options) as store:
        with _one_sentence(), write_transaction(store.engine) as connection:
            account = senders.find_editable(connection, customer_name)
            number = senders.add_key(connection, store.cipher, account.source_id, text, covered)
            school_ids = _schools_of(connection, account.source_id, number)
        note_down(store, BY, school_ids, "sender key added", account.source_id)
    click.echo(f"autorisatiesleutel {text}")
    click.echo(f"Key {number}. Write it down: it is not shown again.", err=True)


@sender.command()
@_NAME
@click.option("--key", "number", type=int, required=True, help="The number of the key, as `sender list` shows it.")
@click.pass_obj
def revoke(options: Options, customer_name: str, number: int) -> None:
    """End a key from now on."""
    with open_store(options) as store:
        with _one_sentence(), write_transaction(store.engine) as connection:
            source_id = senders.find_editable(connection, customer_name).source_id
            school_ids = _schools_of(connection, source_id, number)
            senders.revoke(connection, source_id, number)
        note_down(store, BY, school_ids, "sender key revoked", source_id)
    click.echo(f"Key {number} is no longer valid.")


@sender.command("set")
@_NAME
@_with_terms
@_ALL_TOLERANCES
@click.pass_obj
def set_terms(options: Options, /, customer_name: str, **values: Any) -> None:
    """Change what was agreed with a sender."""
    with open_store(options) as store:
        with _one_sentence(), write_transaction(store.engine) as connection:
            account = senders.find_editable(connection, customer_name)
            terms = _terms(account.terms, **values)
            senders.set_terms(connection, account.source_id, terms)
            school_ids = _schools_of(connection, account.source_id)
        note_down(store, BY, school_ids, "sender terms changed", account.source_id)
    click.echo(f"{customer_name}: {'nothing to change' if terms == account.terms else 'changed'}.")


@sender.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a sender.")
@click.pass_obj
def list_senders(options: Options, as_json: bool) -> None:
    """List the senders with their keys; never a code or a key itself."""
    with open_store(options) as store, read_transaction(store.engine) as connection:
        all_senders = senders.all_senders(connection)
    for item, keys in all_senders:
        record = {
            "id": item.source_key,
            "klantnaam": item.customer_name,
            "active": item.active,
            "from": item.origin,
            **dataclasses.asdict(item.terms),
            "keys": [
                {
                    "key": key.id,
                    "made": _day(key.made_us),
                    "revoked": None if key.revoked_us is None else _day(key.revoked_us),
                    "schools": [str(named) for named in key.covered],
                }
                for key in keys
            ],
        }
        click.echo(json.dumps(record, ensure_ascii=False) if as_json else _sentence(record))


def _schools_of(connection: Connection, source_id: int, key_id: int | None = None) -> set[int]:
    """The schools of the valid keys of a sender, or of one of them."""
    keys = [key for key in senders.valid_keys(connection, source_id) if key_id in (None, key.id)]
    return {school_id for key in keys for school_id in key.covered.values()}


def _sentence(record: dict[str, Any]) -> str:
    state = "" if record["active"] else ", may not send"
    lines = [f"{record['klantnaam']} ({record['id']}, {record['policy']}{state})"]
    for key in record["keys"]:
        ended = f", revoked {key['revoked']}" if key["revoked"] else ""
        lines.append(f"  key {key['key']}, made {key['made']}{ended}: {', '.join(key['schools'])}")
    return "\n".join(lines)


def _day(us: int) -> str:
    return clock.from_us(us).astimezone(clock.AMSTERDAM).date().isoformat()


def check_tolerances(settings: Settings) -> None:
    """Whether the configuration names tolerances that there are. Raises ConfigError."""
    for index, sender in enumerate(settings.senders):
        for name in sender.tolerances or ():
            if name not in TOLERANCES:
                raise ConfigError(
                    f"senders[{index}].tolerances noemt een regel die niet milder kan; kies uit "
                    f"{', '.join(TOLERANCES)}.",
                    f"senders[{index}].tolerances names a rule that has no milder level; choose from "
                    f"{', '.join(TOLERANCES)}.",
                )


def _terms(before: SenderTerms, all_tolerances: bool = False, **options: Any) -> SenderTerms:
    """The terms with what was asked for changed in them; a strict sender has no tolerances."""
    named = options["tolerances"]
    for item in named:
        if item not in TOLERANCES:
            raise click.BadParameter(
                f"{item} is no tolerance; there are: {', '.join(TOLERANCES)}", param_hint="--tolerance"
            )
    if named and all_tolerances:
        raise click.UsageError("Give either --tolerance or --all-tolerances.")
    after = dataclasses.replace(before, **{name: value for name, value in options.items() if value})
    if after.policy != "strict":
        return dataclasses.replace(after, tolerances=None) if all_tolerances else after
    if named or all_tolerances:
        raise click.BadParameter(
            "a strict sender has no tolerances; say --policy tolerant too",
            param_hint="--tolerance" if named else "--all-tolerances",
        )
    return dataclasses.replace(after, tolerances=None)


class _one_sentence:  # noqa: N801 - reads as a phrase where it is used
    """Says a refusal of the store as the one sentence of a command."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, SenderRefused):
            raise click.ClickException(error.sentence_en) from None
