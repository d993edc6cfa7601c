"""`rondblik account`: local accounts, for the first administrator of a school. Secrets are printed once."""

from __future__ import annotations

import os
import re

import click
from sqlalchemy import Connection

from dashboard.cli.operator_log import note_down
from dashboard.cli.sender_commands import SchoolName
from dashboard.settings import applying
from dashboard.settings.noting import noted_changes
from dashboard.settings.open_store import Options, open_store
from models.access import accounts, local_accounts
from models.access.people import school_name
from models.access.viewer import Role, Viewer
from models.ingest import schools
from models.ingest.schools import Identification
from models.schema.database import read_transaction, write_transaction
from models.schema.records import SchoolRef

_USER = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}", re.ASCII)
BY = "rondblik account"


@click.group()
def account() -> None:
    """Make and remove local accounts; most people sign in at a provider of the configuration instead."""


@account.command()
@click.argument("user")
@click.option("--name", required=True, help="The name of the person, as others see it.")
@click.option(
    "--school", "named", type=SchoolName(), required=True, metavar="99XX/00", help="Whose administrator this is."
)
@click.option("--password-env", metavar="VARIABLE", help="The variable that holds the password; else it is asked.")
@click.pass_obj
def add(options: Options, user: str, name: str, named: Identification, password_env: str | None) -> None:
    """Make USER an administrator who signs in with a password and a code, or give them a new password and codes."""
    if not _USER.fullmatch(user):
        raise click.BadParameter("must be 2 to 64 small letters, digits, . _ and -", param_hint="USER")
    password = _password(password_env)
    with open_store(options) as store:
        with noted_changes(store.engine, store.cipher):
            applying.apply(store.settings, store.engine)
        with write_transaction(store.engine) as connection:
            school_id = school_of(connection, named)
            school = school_name(connection, Viewer(school_id, Role.ADMINISTRATOR)) or ""
            _refuse_guessable(password, user, name, named.value, school)
            account_id, made = local_accounts.add(connection, store.cipher, user, name, password)
            accounts.make_administrator(connection, account_id, school_id, BY)
        note_down(store, BY, [school_id], "role given", account_id)
    click.echo(f"user            {user}")
    click.echo(f"authenticator   {made.address(user)}")
    for code in made.recovery_codes:
        click.echo(f"recovery code   {code}")
    click.echo("Write them down: they are not shown again. Start `rondblik serve` again if it runs.", err=True)


@account.command()
@click.argument("user")
@click.pass_obj
def remove(options: Options, user: str) -> None:
    """End the account USER, its roles and its sessions."""
    with open_store(options) as store:
        with write_transaction(store.engine) as connection:
            removed = local_accounts.remove(connection, store.cipher, user)
            if removed is None:
                raise click.ClickException("There is no local account of that name.")
        account_id, school_ids = removed
        note_down(store, BY, school_ids, "role ended", account_id)
    click.echo(f"{user} cannot sign in any more.")


@account.command("list")
@click.pass_obj
def list_accounts(options: Options) -> None:
    """List the local accounts by the names of their people."""
    with open_store(options) as store, read_transaction(store.engine) as connection:
        for name in local_accounts.names(connection):
            click.echo(name)


def _password(variable: str | None) -> str:
    """The password of an environment variable, or what is typed twice."""
    if variable is None:
        password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    else:
        password = os.environ.get(variable, "")
    if not local_accounts.MIN_PASSWORD <= len(password) <= local_accounts.MAX_PASSWORD:
        lengths = f"{local_accounts.MIN_PASSWORD} to {local_accounts.MAX_PASSWORD}"
        raise click.UsageError(f"A password has {lengths} characters.")
    return password


def _refuse_guessable(password: str, *about: str) -> None:
    word = local_accounts.guessable_word(password, *about)
    if word is not None:
        raise click.UsageError(f"A password may not hold {word!r}: name, school and program are what others try first.")


def school_of(connection: Connection, named: Identification) -> int:
    """The school that is named so; a sentence where there is none."""
    ref = (
        SchoolRef(brin=named.value, dependance=named.location)
        if named.scheme == "brin"
        else SchoolRef(school_key=named.value)
    )
    school_id = schools.find_school(connection, ref)
    if school_id is None:
        raise click.BadParameter("there is no such school; add it to the configuration", param_hint="--school")
    return school_id
