"""Texts, numbers and dates in the language of the user: gettext with locale/*.po, Dutch by default.

Message ids are the English texts, so gettext falls back to English: `nl.po` translates every id, `en.po` only the few
that read differently on the screen. The .po files are compiled in memory; no compiled file is stored.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache, wraps
from importlib import resources
from typing import ParamSpec

from babel.dates import format_date
from babel.messages import mofile, pofile
from babel.numbers import format_decimal

from models.schema import clock
from models.schema.records import SCALE

LANGUAGES = ("nl", "en")
P = ParamSpec("P")


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The translations of a language, read from its .po file."""
    with (resources.files("dashboard.text") / "locale" / f"{language}.po").open("rb") as file:
        catalogue = pofile.read_po(file, locale=language)
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


_language: ContextVar[str] = ContextVar("language", default=LANGUAGES[0])


def language() -> str:
    """The language of the request; Dutch outside of one."""
    return _language.get()


def use_language(language: str | None = None) -> None:
    """Write texts in this language from here on in this request; Dutch where none is given."""
    _language.set(language or LANGUAGES[0])


def once_per_language(words: Callable[P, str]) -> Callable[P, str]:
    """Look a text up once for each language and arguments: for functions that choose from a table of texts."""

    def in_language(_language: str, *args: P.args, **values: P.kwargs) -> str:
        return words(*args, **values)

    looked_up: Callable[..., str] = lru_cache(maxsize=1000)(in_language)

    @wraps(words)
    def text(*args: P.args, **values: P.kwargs) -> str:
        return looked_up(language(), *args, **values)

    return text


def _(message: str, **values: object) -> str:
    """`message` in the language of the request, with its {names} filled in."""
    text = translations(language()).gettext(message)
    return text.format(**values) if values else text


def n_(item: str, many: str, number: int, **values: object) -> str:
    """The singular or plural for `number`, which the text can name {number}."""
    text = translations(language()).ngettext(item, many, number)
    return text.format(number=whole(number), **values)


def whole(number: int) -> str:
    """A count with the separator of the language: 1.284."""
    return str(number) if -1000 < number < 1000 else format_decimal(number, locale=language())


def native(text: str) -> str:
    """A number as the source sent it, with the decimal sign of the language."""
    return text.replace(".", ",") if language() == "nl" else text


def tenths(mean: Decimal) -> str:
    """A mean (ten-thousandths) with one decimal at most."""
    return native(plain_tenths(mean))


def plain_tenths(mean: Decimal) -> str:
    """The same with a point in every language, as files hold it."""
    rounded = (mean / SCALE).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return format(rounded, "f").removesuffix(".0")


def short_day(iso: str) -> str:
    """A day without weekday: 13 nov; with the year where it is another school year."""
    day = date.fromisoformat(iso)
    same = clock.school_year(day) == clock.school_year(clock.today())
    return _written_day(day, "d MMM" if same else "d MMM y", language())


def day_name(iso: str) -> str:
    """A day with weekday: vr 13 nov 2026."""
    return _written_day(date.fromisoformat(iso), "EEE d MMM y", language())


def month_word(day: date) -> str:
    """The month of a day: nov."""
    return _written_day(day, "MMM", language())


def month_name(month: str) -> str:
    """A month, `YYYY-MM`, in words: november 2026."""
    return _written_day(date.fromisoformat(f"{month}-01"), "MMMM y", language())


def moment(us: int) -> str:
    """An instant in words: vandaag 7:30, morgen 6:30, di 24 nov 14:02."""
    local = clock.from_us(us).replace(tzinfo=UTC).astimezone(clock.AMSTERDAM)
    return f"{_day_of(local)} {local.hour}:{local.minute:02}"


def at_moment(us: int) -> str:
    """An instant within a sentence: vandaag om 7:30, di 24 nov om 14:02."""
    local = clock.from_us(us).replace(tzinfo=UTC).astimezone(clock.AMSTERDAM)
    return _("{day} at {time}", day=_day_of(local), time=f"{local.hour}:{local.minute:02}")


def _day_of(local: datetime) -> str:
    away = (local.date() - clock.today()).days
    near = {0: _("today"), 1: _("tomorrow"), -1: _("yesterday")}
    if away in near:
        return near[away]
    this_year = clock.school_year(local.date()) == clock.school_year(clock.today())
    return _written_day(local.date(), "EEE d MMM" if this_year else "EEE d MMM y", language())


def long_moment(us: int) -> str:
    """An instant in full: vr 13 nov 2026, 16:20."""
    local = clock.from_us(us).astimezone(clock.AMSTERDAM)
    return f"{day_name(local.date().isoformat())}, {local.hour}:{local.minute:02}"


@lru_cache(maxsize=2000)  # a page names the same few days thousands of times
def _written_day(day: date, pattern: str, language: str) -> str:
    return format_date(day, pattern, locale=language).replace(".", "")


def minutes(milliseconds: float) -> str:
    """A time worked: 0 min, < 1 min, 47 min, 2 u 5 min."""
    if 0 < milliseconds < 60_000:
        return _("< 1 min")
    total = round(milliseconds / 60_000)
    if total < 60:
        return _("{number} min", number=total)
    return _("{hours} h {minutes} min", hours=total // 60, minutes=total % 60)


def age(us: int) -> str:
    """How long ago an instant was, in words."""
    passed = max(clock.now_us() - us, 0) // 1_000_000
    if passed < 60:
        return _("just now")
    if passed < 3600:
        return n_("{number} minute ago", "{number} minutes ago", passed // 60)
    if passed < 48 * 3600:
        return n_("{number} hour ago", "{number} hours ago", passed // 3600)
    return n_("{number} day ago", "{number} days ago", passed // 86_400)
