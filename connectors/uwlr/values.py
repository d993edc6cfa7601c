"""Parses values of the standard: scores, instants, days, durations. ASCII digits, XML white space."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from models.schema.clock import to_us
from models.schema.records import SCALE

XML_SPACE = " \t\r\n"
MAX_SCORE_DIGITS = 14
MAX_DECIMAL_CHARACTERS = 100  # of a number with decimals, which may be many
HUGE_SCORE = 1_000_000 * SCALE
FIRST_DAY, LAST_DAY = "1990-01-01", "2199-12-31"
LONGEST_WORK_MS = 400 * 24 * 3600 * 1000

_DECIMAL = re.compile(r"\+?([0-9]+)(?:\.([0-9]+))?|-0+(?:\.0+)?", re.ASCII)
_SIGNED = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)
_SMALLEST = Decimal(1) / SCALE
_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII)
_DURATION = re.compile(r"P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:\.([0-9]{1,3}))?S)?)?", re.ASCII)


class OutOfBounds(ValueError):
    """A value that the standard allows and that we cannot store."""


def fixed_point(text: str) -> int:
    """A number of 0 or more in ten-thousandths; raises ValueError (no number) or OutOfBounds (cannot be stored)."""
    match = _DECIMAL.fullmatch(text.strip(XML_SPACE))
    if match is None:
        raise ValueError("not a number of 0 or more")
    whole, fraction = match.group(1) or "0", (match.group(2) or "").rstrip("0")
    if len(whole.lstrip("0")) > MAX_SCORE_DIGITS or len(fraction) > 4:
        raise OutOfBounds("more digits than can be stored")
    return int(whole) * SCALE + int(fraction.ljust(4, "0") or "0")


def decimal(text: str) -> Decimal:
    """An xs:decimal as a number; raises ValueError (no number) or OutOfBounds (too long to be one)."""
    stripped = text.strip(XML_SPACE)
    if _SIGNED.fullmatch(stripped) is None:
        raise ValueError("not a number")
    if len(stripped) > MAX_DECIMAL_CHARACTERS:
        raise OutOfBounds("more characters than can be stored")
    return Decimal(stripped)


def rounded(text: str) -> tuple[int, bool]:
    """An xs:decimal in ten-thousandths, and whether that is exact; raises as `decimal`, also if too large."""
    number = decimal(text)
    if abs(number) >= 10**MAX_SCORE_DIGITS:
        raise OutOfBounds("more digits than can be stored")
    quantized = number.quantize(_SMALLEST)
    return int(quantized * SCALE), quantized == number


def is_whole(text: str) -> bool:
    """Whether a score is written as a whole number, as the standard requires."""
    return "." not in text


def instant(text: str) -> tuple[int, bool]:
    """An xs:dateTime as microseconds since 1970 in UTC, and whether it was written as 24:00.

    Without a time zone it is Dutch time. Raises ValueError where it is no instant between 1990 and 2199.
    """
    match = _INSTANT.fullmatch(text.strip(XML_SPACE))
    if match is None:
        raise ValueError("not an instant")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    midnight = hour == 24
    if midnight and (minute or second):
        raise ValueError("not an instant")
    if not 1990 <= year <= 2199:
        raise ValueError("not an instant between 1990 and 2199")
    micros = int((match.group(7) or "")[:6].ljust(6, "0"))
    moment = datetime(year, month, day, 0 if midnight else hour, minute, second, micros)  # noqa: DTZ001 - zone below
    if midnight:
        moment += timedelta(days=1)
    zone = match.group(8)
    if zone == "Z":
        moment = moment.replace(tzinfo=UTC)
    elif zone is not None:
        sign = -1 if zone[0] == "-" else 1
        moment = moment.replace(tzinfo=timezone(sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))))
    return to_us(moment), midnight


def day(text: str) -> tuple[str, bool]:
    """An xs:date as `YYYY-MM-DD`, and whether it had a time zone; the day stays as written.

    Raises ValueError where it is no day between 1990 and 2199.
    """
    match = _DAY.fullmatch(text.strip(XML_SPACE))
    if match is None or not FIRST_DAY <= match.group(1) <= LAST_DAY:
        raise ValueError("not a day between 1990 and 2199")
    datetime.strptime(match.group(1), "%Y-%m-%d")  # noqa: DTZ007 - a day has no zone
    return match.group(1), match.group(2) is not None


def duration_ms(text: str) -> int:
    """An xs:duration of days to seconds in milliseconds; raises ValueError, OutOfBounds above 400 days."""
    stripped = text.strip(XML_SPACE)
    match = _DURATION.fullmatch(stripped)
    if match is None or stripped in ("P", "") or stripped.endswith("T"):
        raise ValueError("not a duration of days to seconds")
    days, hours, minutes, seconds = (int(part or "0") for part in match.groups()[:4])
    millis = int((match.group(5) or "").ljust(3, "0"))
    total = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + millis
    if total > LONGEST_WORK_MS:
        raise OutOfBounds("longer than a school year")
    return total


def duration_text(ms: int) -> str:
    """Milliseconds as an xs:duration: `PT1H20M5S`."""
    seconds, millis = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if millis:
        return f"{text}{seconds}.{millis:03d}S"
    return f"{text}{seconds}S" if seconds or text == "PT" else text
