"""What the jobs of a worker need, and what every kind of job gives: an outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from connectors.errors import Fatal
from connectors.intake.push import ReceiverContext
from connectors.transport.http_client import Limits
from connectors.uwlr.agreement import Policy
from dashboard.settings import applying
from dashboard.settings.applying import ConfiguredConnection
from dashboard.settings.own_sources import FieldProblem, Surroundings, own_poll
from dashboard.settings.polls import ScheduledPoll, scheduled_poll
from dashboard.settings.schema import Receive, Settings
from models.ingest import own_connections, schools
from models.ingest.own_connections import SourceSettings
from models.ingest.page_requests import CheckOutput
from models.ingest.work_queue import Job
from models.schema.database import read_transaction
from models.schema.encryption import PiiCipher
from models.schema.terms import PupilRetention, RetentionPolicy


@dataclass(frozen=True, slots=True)
class WorkContext:
    """What a worker needs: the store, and how each connection (school, source) is polled."""

    engine: Engine
    cipher: PiiCipher
    polls: Mapping[tuple[int | None, int | None], ScheduledPoll] = field(default_factory=dict, repr=False)
    receive: Receive = field(default_factory=Receive)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    policies: Mapping[str, Policy] = field(default_factory=dict)  # of publishers that are polled, by id
    data: Path | None = None  # the folder whose disk is watched
    pupil_retention: Callable[[], Mapping[int, PupilRetention]] = dict  # of each school, by its number
    limits: Limits = field(default_factory=Limits)  # of one exchange with a source that a school added

    @property
    def allow_loopback(self) -> bool:
        """Whether endpoints of vendors, and sources that a school adds, may be on this machine."""
        return self.receive.check_loopback

    def poll_of(self, school_id: int | None, source_id: int | None) -> ScheduledPoll | None:
        """How a connection is polled: by the configuration, or as its school set it; None for one that is unknown.

        Raises Fatal where what the school set is not right any more.
        """
        configured = self.polls.get((school_id, source_id))
        if configured is not None or school_id is None or source_id is None:
            return configured
        own = own_connections.settings_in_use(self.engine, self.cipher, school_id, source_id)
        return None if own is None else self.own_poll(own, school_id)

    def own_poll(self, settings: SourceSettings, school_id: int) -> ScheduledPoll:
        """How a source is polled by what an administrator of the school typed; raises Fatal where that is not right."""
        with read_transaction(self.engine) as connection:
            school = schools.ref_of(connection, school_id)
        try:
            return own_poll(settings, school, Surroundings(self.limits, self.retention, self.allow_loopback))
        except FieldProblem as wrong:
            raise Fatal(
                f"Een instelling van deze koppeling {wrong.sentence_nl}.",
                f"A setting of this connection {wrong.sentence_en}.",
            ) from None

    @property
    def receiver(self) -> ReceiverContext:
        """The receiver for the replay of a refused message."""
        return ReceiverContext(self.engine, self.cipher, self.receive, self.retention)


def make_context(
    settings: Settings, engine: Engine, cipher: PiiCipher, connection_configs: Iterable[ConfiguredConnection]
) -> WorkContext:
    """The context of a configuration that was applied; raises ConfigError where a file that it names is not there."""
    polls: dict[tuple[int | None, int | None], ScheduledPoll] = {
        (configured.row.school_id, configured.row.source_id): scheduled_poll(settings, configured)
        for configured in connection_configs
    }
    policies: dict[str, Policy] = {publisher.id: publisher.policy for publisher in settings.publishers}
    return WorkContext(
        engine,
        cipher,
        polls,
        settings.receive,
        settings.retention,
        policies,
        settings.data,
        lambda: applying.pupil_retention_of(settings, engine),
        settings.limits,
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a job: why it failed, in Dutch and English; of a poll its counts, of a request its output."""

    failure: tuple[str, str] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0  # messages
    answered: bool = False  # of a poll that failed: the source did answer, with nothing of use
    output: CheckOutput | None = None
    wait_seconds: float | None = None  # that a source which failed asks to be left alone


@dataclass(frozen=True, slots=True)
class JobKind:
    """How jobs of a kind are done: `run` raises ConnectorError, `store` gets the outcome of whatever happened."""

    run: Callable[[WorkContext, Job], Outcome]
    store: Callable[[WorkContext, Job, Outcome], object]
    out_of_order: tuple[str, str]  # the failure when `run` raises anything else
