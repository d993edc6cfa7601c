"""`rondblik privacy`: the privacy notice and processing register of a school, from what is configured and stored."""

from __future__ import annotations

from importlib import metadata

import click
from sqlalchemy import URL, Connection

from dashboard.cli.account_commands import school_of
from dashboard.cli.sender_commands import SchoolName
from dashboard.export.privacy_papers import Paper, ServiceFacts, privacy_paper
from dashboard.settings import applying
from dashboard.settings.open_store import Options, Store, open_store
from models.access.audit import audit_log
from models.access.viewer import Role, Viewer
from models.ingest import schools
from models.ingest.processing import processing_record
from models.ingest.schools import Identification
from models.schema import row_security
from models.schema.database import read_transaction
from models.schema.nodes import nodes_of

BY = "rondblik privacy"
_SCHOOL = click.option("--school", "named", type=SchoolName(), required=True, metavar="99XX/00", help="The school.")


@click.group()
def privacy() -> None:
    """Print what a school has to publish or keep about its data, as a page in Dutch that names nobody."""


@privacy.command()
@_SCHOOL
@click.pass_obj
def notice(options: Options, named: Identification) -> None:
    """Print the privacy notice (privacybijsluiter), the annex of a processor agreement."""
    _print(options, named, "notice")


@privacy.command()
@_SCHOOL
@click.pass_obj
def register(options: Options, named: Identification) -> None:
    """Print the processing register (article 30 of the GDPR)."""
    _print(options, named, "register")


def _print(options: Options, named: Identification, paper: Paper) -> None:
    with open_store(options) as store:
        with read_transaction(store.engine) as connection:
            school_id = school_of(connection, named)
            record = processing_record(connection, Viewer(school_id, Role.ADMINISTRATOR, name=BY))
            facts = _facts(connection, store, school_id)
        click.echo(privacy_paper(paper, record, facts))


def _facts(connection: Connection, store: Store, school_id: int) -> ServiceFacts:
    """How the program runs, as far as the school has to know."""
    settings, url = store.settings, store.engine.url
    own = {item.name for item in settings.schools if schools.find_school(connection, item.ref) == school_id}
    limits = applying.session_limits_of(settings, store.engine).get(school_id, settings.sessions)
    on_postgresql = store.engine.dialect.name == "postgresql"
    with audit_log(store.engine, store.cipher) as log:
        audit_events, _ = log.head(school_id)
    return ServiceFacts(
        version=metadata.version("rondblik"),
        database="postgresql" if on_postgresql else "sqlite",
        place=", ".join(map(_place, [url, *(node.url for node in nodes_of(connection))])),
        schools=len(schools.all_schools(connection)),
        protected=on_postgresql and not any(row_security.problems(connection)),
        providers=tuple(item.name for item in settings.sign_in if own & set(item.school_names)),
        public_address=settings.server.public_address,
        messages=settings.retention,
        pupils=applying.pupil_retention_of(settings, store.engine)[school_id],
        idle_minutes=limits.idle_minutes,
        total_minutes=limits.total_minutes,
        audit_events=audit_events,
    )


def _place(url: URL) -> str:
    """Where a database is, without a user or a password."""
    return str(url.database) if url.drivername == "sqlite" else f"{url.database} op {url.host or 'deze machine'}"
