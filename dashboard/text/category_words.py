"""The categories of data of a connection in words: what UWLR carries of them, or what really came."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.text.translate import _


def _delivered() -> dict[str, str]:
    return {
        "score": _("score"),
        "parts": _("score for each part"),
        "absence": _("not taken, or status"),
        "counts": _("number of exercises"),
        "time": _("time worked"),
        "detail": _("norm data or progress with the result"),
        "link": _("reference to the publisher"),
    }


def delivered_words(kinds: Sequence[str]) -> str:
    """What results hold, by the keys of `models.ingest.processing.DELIVERED`."""
    words = _delivered()
    return ", ".join(words[kind] for kind in kinds)


def identified_words(kinds: Sequence[str]) -> str:
    """By which identifiers pupils are named: las, eck."""
    words = {"las": _("number in the pupil administration"), "eck": "ECK iD"}
    named = [words[kind] for kind in kinds]
    return _("{one} and {other}", one=named[0], other=named[1]) if len(named) > 1 else "".join(named)


def category_words(role: str, kinds: Sequence[str] = (), identified_by: Sequence[str] = ()) -> str:
    """The categories of a source (publisher or las): of what it delivered, or else of what it may deliver by UWLR."""
    if role == "las":
        return _(
            "of pupils name, number in the pupil administration, ECK iD, year group, groups, location, enrolment and "
            "departure; of teachers name, mail address, role and groups"
        )
    if identified_by:
        named, held = identified_words(identified_by), delivered_words(kinds)
    else:
        named, held = _("number in the pupil administration or ECK iD"), delivered_words(tuple(_delivered()))
    return "; ".join(filter(None, (named, _("test, date and norm"), held)))
