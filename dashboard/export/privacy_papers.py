"""The privacy notice and the processing register of a school, as pages in Dutch to print and to hand on.

They follow the annex of the processor agreement and article 30 of the GDPR, which schools fill in in Dutch, so that the
texts are templates in Dutch (`dashboard/export/papers/`) and not messages of the screens. They name nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from dashboard.export.file_formats import PAGE_STYLE
from dashboard.text.category_words import category_words, delivered_words, identified_words
from dashboard.text.translate import day_name, long_moment, whole
from dashboard.text.words import role_word
from models.ingest.processing import ProcessingRecord
from models.schema import clock
from models.schema.terms import PupilRetention, RetentionPolicy

Paper = Literal["notice", "register"]


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """How the program runs that stores a school's data; `schools` is how many real schools share its database.

    `place` is where the database is, without a password; `protected` whether PostgreSQL itself keeps schools apart, and
    `providers` the names of those where people of the school sign in.
    """

    version: str
    database: Literal["sqlite", "postgresql"]
    place: str
    schools: int
    protected: bool
    providers: tuple[str, ...]
    public_address: str | None
    messages: RetentionPolicy
    pupils: PupilRetention
    idle_minutes: int
    total_minutes: int
    audit_events: int


def privacy_paper(paper: Paper, record: ProcessingRecord, service: ServiceFacts) -> str:
    """A paper as a page without script and without anything from elsewhere."""
    template = _templates().get_template(f"{paper}.html")
    return template.render(record=record, here=service, style=PAGE_STYLE, made_us=clock.now_us())


@cache
def _templates() -> Environment:
    """The templates; what is filled in is escaped, and a name that is not there is an error."""
    environment = Environment(
        loader=PackageLoader("dashboard.export", "papers"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        whole=whole, many=_many, moment=long_moment, day=_day, days=_days, role=role_word, written=_written,
        delivered=delivered_words, identified=identified_words, categories=category_words,
    )  # fmt: skip
    return environment


def _day(instant_us: int) -> str:
    return day_name(clock.from_us(instant_us).astimezone(clock.AMSTERDAM).date().isoformat())


def _written(day: str) -> str:
    """A day that somebody filled in, with its year; nothing where there is none."""
    return day and day_name(day)


def _many(number: int, one: str, many: str) -> str:
    """A number of things."""
    return f"{whole(number)} {one if number == 1 else many}"


def _days(days: int) -> str:
    """A term as people say it."""
    if days % 365 == 0 and days:
        return f"{days // 365} jaar"
    return f"{days} dag" if days == 1 else f"{days} dagen"
