"""What a subject teacher reads above results: of which subjects they are, or why there are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from dashboard.text.translate import _, n_
from dashboard.text.words import subjects_word
from dashboard.ui.elements import html
from dashboard.ui.signs import note, sign
from models.results.own_subjects import Subjects


def own_subjects_note(pupil_ids: Iterable[int], limited: Mapping[int, Subjects]) -> list[Any]:
    """A sentence for each set of subjects that the viewer is limited to of some of these pupils; none if of nobody."""
    counts = Counter(limited.get(pupil_id) for pupil_id in pupil_ids)
    everybody = len(counts) == 1
    known = sorted((of, number) for of, number in _words(counts) if of)
    lines: list[Any] = [
        html.P([sign("info"), " ", _seen_words(words, None if everybody else number)], className="hid sm t2")
        for words, number in known
    ]
    if frozenset() in counts:
        lines.insert(0, note("wa", "lock", html.P(_unknown(None if everybody else counts[frozenset()]))))
    return lines


def own_subjects_words(pupil_ids: Iterable[int], limited: Mapping[int, Subjects]) -> str:
    """The subjects in a few words, where of none of these pupils others are seen; empty where that differs by pupil."""
    seen = {limited.get(pupil_id) for pupil_id in pupil_ids}
    subjects = seen.pop() if len(seen) == 1 else None
    return "" if subjects is None else subjects_word(subjects) or _("own subject, not known here")


def _words(counts: Mapping[Subjects | None, int]) -> list[tuple[str, int]]:
    return [(subjects_word(subjects), number) for subjects, number in counts.items() if subjects is not None]


def _seen_words(subjects: str, number: int | None) -> str:
    if number is None:
        return _("You see the results of the subject that you teach: {subjects}.", subjects=subjects)
    return n_(
        "Of {number} pupil you see the results of the subject that you teach: {subjects}.",
        "Of {number} pupils you see the results of the subject that you teach: {subjects}.",
        number,
        subjects=subjects,
    )


def _unknown(number: int | None) -> list[Any]:
    of_whom = (
        _("Which subject you teach is not known here, so you see your pupils and no results.")
        if number is None
        else n_(
            "Which subject you teach {number} pupil is not known here, so you see no results of that pupil.",
            "Which subject you teach {number} pupils is not known here, so you see no results of them.",
            number,
        )
    )
    return [html.B(of_whom), " ", _("Ask an administrator of the school to set it on the page Accounts.")]
