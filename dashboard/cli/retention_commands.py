"""`rondblik retention`: delete what is past its time, say beforehand what will be, and hold data that must stay."""

from __future__ import annotations

import click
from sqlalchemy import Connection

from dashboard.cli.account_commands import school_of
from dashboard.cli.operator_log import note_down, operator
from dashboard.cli.sender_commands import SchoolName
from dashboard.settings import applying
from dashboard.settings.open_store import Options, Store, open_store
from dashboard.worker.context import make_context
from dashboard.worker.retention_task import delete_pupils
from models.ingest import erasure, legal_holds, pupil_retention, schools
from models.ingest.erasure import PupilUnknown
from models.ingest.schools import Identification
from models.schema.database import read_transaction, write_transaction

BY = "rondblik retention"


@click.group(invoke_without_command=True)
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted now and in the coming month.")
@click.pass_context
def retention(context: click.Context, dry_run: bool) -> None:
    """Delete pupils whose time is over, and results of nobody known; a worker does so every day."""
    if context.invoked_subcommand is not None:
        if dry_run:
            raise click.UsageError("--dry-run belongs to `rondblik retention` itself.")
        return
    with open_store(context.obj) as store:
        if dry_run:
            _print_report(store)
            return
        work = make_context(store.settings, store.engine, store.cipher, ())
        with read_transaction(store.engine) as connection:
            names = dict(schools.all_schools(connection))
        for school_id, (deleted, unmatched) in delete_pupils(work).items():
            click.echo(
                f"{names[school_id] or school_id}: {deleted} pupils deleted, {unmatched} numbers of nobody known"
            )


def _print_report(store: Store) -> None:
    terms = applying.pupil_retention_of(store.settings, store.engine)
    with read_transaction(store.engine) as connection:
        for school_id, name in schools.all_schools(connection):
            found = pupil_retention.report(connection, operator(school_id, BY), terms[school_id])
            click.echo(
                f"{name or school_id}: after {terms[school_id].left_days} days {found.pupils_due} pupils now, "
                f"{found.pupils_coming} within {pupil_retention.COMING_DAYS} days; "
                f"after {terms[school_id].unmatched_days} days {found.unmatched_due} numbers of nobody known now, "
                f"{found.unmatched_coming} within {pupil_retention.COMING_DAYS} days; {found.held} held"
                + (" (the whole school is held)" if found.whole_school_held else "")
            )


_SCHOOL = click.option("--school", "named", type=SchoolName(), required=True, metavar="99XX/00", help="The school.")
_PUPIL = click.option("--pupil", type=int, metavar="N", help="Only this pupil, by the number in the address of a page.")


@retention.command()
@_SCHOOL
@_PUPIL
@click.pass_obj
def hold(options: Options, named: Identification, pupil: int | None) -> None:
    """Delete nothing of a pupil or of a whole school until `release`, whatever its age: a legal hold."""
    with open_store(options) as store:
        with write_transaction(store.engine) as connection:
            school_id = _checked(connection, store, named, pupil)
            placed = legal_holds.place_hold(connection, operator(school_id, BY), pupil)
        if placed:
            note_down(store, BY, [school_id], "legal hold placed", pupil or 0, () if pupil is None else (pupil,))
    click.echo("Held." if placed else "It was held already.")


@retention.command()
@_SCHOOL
@_PUPIL
@click.pass_obj
def release(options: Options, named: Identification, pupil: int | None) -> None:
    """End a legal hold; what is past its time is deleted on the next day."""
    with open_store(options) as store:
        with write_transaction(store.engine) as connection:
            school_id = _checked(connection, store, named, pupil)
            ended = legal_holds.end_hold(connection, operator(school_id, BY), pupil)
        if ended:
            note_down(store, BY, [school_id], "legal hold ended", pupil or 0, () if pupil is None else (pupil,))
    if not ended:
        raise click.ClickException("There is no such hold; see `rondblik retention --dry-run`.")
    click.echo("Released.")


def _checked(connection: Connection, store: Store, named: Identification, pupil: int | None) -> int:
    """The number of the school; raises a sentence where it, or the pupil, is not there."""
    school_id = school_of(connection, named)
    try:
        if pupil is not None:
            erasure.find_pupil(connection, store.cipher, school_id, pupil)
    except PupilUnknown:
        raise click.ClickException("The school has no such pupil.") from None
    return school_id
