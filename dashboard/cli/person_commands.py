"""`rondblik person`: the rights of one pupil: to see all data about them, and to have these erased.

No identifier is an argument, for others on the machine can see those: it comes from standard input or a variable.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from dashboard.cli.account_commands import school_of
from dashboard.cli.operator_log import note_down, operator
from dashboard.cli.sender_commands import SchoolName
from dashboard.export.pupil_page import pupil_page
from dashboard.settings.open_store import Options, Store, open_store
from dashboard.text.erasure_words import erased_kinds
from dashboard.text.translate import use_language
from models.access.audit import audit_log
from models.ingest import erased, erasure
from models.ingest.erased import Erasure
from models.ingest.erasure import Certificate, Person, PupilUnknown
from models.ingest.legal_holds import Held
from models.ingest.pupil_file import pupil_file
from models.ingest.schools import Identification
from models.schema import clock, database
from models.schema.database import read_transaction

BY = "rondblik person"


@click.group()
def person() -> None:
    """Give one pupil's data, or erase them."""


@dataclass(frozen=True)
class _Named:
    """How the command line names a pupil."""

    school: Identification
    pupil: int | None
    key_env: str | None
    key_stdin: bool

    def find(self, store: Store, connection: Connection) -> Person:
        """The pupil who is meant; raises a sentence where there is none."""
        school_id = school_of(connection, self.school)
        try:
            if self.pupil is not None:
                return erasure.find_pupil(connection, store.cipher, school_id, self.pupil)
            return erasure.find_by_identifier(connection, store.cipher, school_id, self._key)
        except PupilUnknown:
            raise click.ClickException("The school has no such pupil.") from None

    def certificate(self, store: Store) -> tuple[int, Certificate] | None:
        """The number of the pupil and what was erased of them before, such as by a command that was killed."""

        def is_meant(done: Erasure) -> bool:
            if (self.school.scheme, self.school.value, self.school.location) not in done.schools:
                return False
            if self.pupil is not None:
                return done.pupil_id == self.pupil
            return any(erased.digest_of(store.cipher, kind, self._key) in done.identifiers for kind in ("las", "eck"))

        return erasure.certificate_of(store.settings.data, is_meant)

    @cached_property
    def _key(self) -> str:
        if self.key_env is not None:
            return os.environ.get(self.key_env, "").strip()
        return sys.stdin.readline().strip()


def _who(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name a pupil, as one argument `named`."""

    @wraps(command)
    def with_named(
        school: Identification, pupil: int | None, key_env: str | None, key_stdin: bool, **values: Any
    ) -> Any:
        if [pupil is not None, key_env is not None, key_stdin].count(True) != 1:
            raise click.UsageError("Name the pupil by one of --pupil, --key-env and --key-stdin.")
        return command(named=_Named(school, pupil, key_env, key_stdin), **values)

    options = (
        click.option("--school", type=SchoolName(), required=True, metavar="99XX/00", help="The school of the pupil."),
        click.option("--pupil", type=int, metavar="N", help="The number of the pupil, as in the address of a page."),
        click.option("--key-env", metavar="VARIABLE", help="The variable that holds their LAS number or ECK iD."),
        click.option("--key-stdin", is_flag=True, help="Read their LAS number or ECK iD from standard input."),
    )
    decorated: Callable[..., Any] = with_named
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


@person.command()
@_who
@click.option(
    "--to", "folder", required=True, metavar="FOLDER", type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where the two files are written.",
)  # fmt: skip
@click.pass_obj
def export(options: Options, named: _Named, folder: Path) -> None:
    """Write everything that is stored about one pupil to two new files: JSON, and a page to read in Dutch.

    Restricted notes are in it, and names of teachers: judge what is left out before it is given to anybody.
    """
    with open_store(options) as store, read_transaction(store.engine) as connection:
        who = named.find(store, connection)
        file = pupil_file(connection, store.cipher, who)
        _note_down(store, who, "pupil data given")
    written = json.dumps(file, ensure_ascii=False, indent=2).encode()
    for ending, content in ((".json", written), (".html", pupil_page(file))):
        path = folder / f"pupil-{who.pupil_id or 'unknown'}{ending}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
            output.write(content)
        click.echo(path)


@person.command()
@_who
@click.option("--dry-run", is_flag=True, help="Only count what would be deleted.")
@click.option("--yes", is_flag=True, help="Do not ask whether you are sure.")
@click.pass_obj
def erase(options: Options, named: _Named, dry_run: bool, yes: bool) -> int:
    """Erase everything about one pupil, and print a certificate; this cannot be undone.

    What still comes in about this pupil is left out from then on. Backups from before keep the pupil until they are
    deleted; one that is put back loses the pupil again.
    """
    with open_store(options) as store:
        with read_transaction(store.engine) as connection:
            try:
                who = named.find(store, connection)
            except click.ClickException:
                before = named.certificate(store)
                if before is None:
                    raise
                number, certificate = before
                if number != erased.NO_PUPIL:
                    acting = operator(school_of(connection, named.school), BY)
                    with audit_log(store.engine, store.cipher) as log:
                        log.append_erasure(acting, number)
                _print(named, number, certificate, "Erased before; its certificate")
                return 0
        if dry_run:
            _print(
                named,
                who.pupil_id,
                erasure.count(store.engine, store.cipher, who),
                "Nothing was deleted; this would be",
            )
            return 0
        if not yes:
            click.confirm("Erase all data about this pupil for good?", abort=True, err=True)
        try:
            certificate = erasure.erase(store.engine, store.cipher, who, store.settings.data)
        except Held:
            raise click.ClickException(
                "A legal hold stands on this pupil or the whole school; end it first with `rondblik retention release`."
            ) from None
        _note_down(store, who, "pupil erased")
    _print(named, who.pupil_id, certificate, "Certificate of erasure")
    return _purged(certificate.purged)


@person.command()
@click.pass_obj
def purge(options: Options) -> int:
    """Write the files of the database anew, without traces of what was deleted; `erase` does so itself."""
    with open_store(options) as store:
        return _purged(database.purge_deleted(store.engine))


def _note_down(store: Store, who: Person, action: str) -> None:
    pupil_ids = () if who.pupil_id is None else (who.pupil_id,)
    note_down(store, BY, [who.school_id], action, who.pupil_id or 0, pupil_ids)


def _purged(purged: bool) -> int:
    if purged:
        return 0
    click.echo(
        "The files of the database may still hold traces, because others used it all the time or the disk is full; "
        "stop Rondblik, make room for a second copy of the database, and run `rondblik person purge`.",
        err=True,
    )
    return 1


def _print(named: _Named, pupil_id: int | None, certificate: Certificate, title: str) -> None:
    moment = clock.from_us(certificate.erased_us).astimezone(clock.AMSTERDAM).isoformat(" ", "seconds")
    click.echo(title)
    click.echo(f"school   {named.school}")
    click.echo(f"pupil    {pupil_id or 'identifiers of nobody known'}")
    click.echo(f"moment   {moment}")
    use_language("en")  # as all that commands print
    for table, words in erased_kinds().items():
        click.echo(f"{certificate.counts.get(table, 0):>7}  {words}")
    use_language()
