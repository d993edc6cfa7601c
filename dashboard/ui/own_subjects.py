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
    known = sorted((of for of in counts if of), key=subjects_word)
    lines: list[Any] = [
        html.P([sign("info"), " ", _seen_words(of, None if everybody else counts[of])], className="hid sm t2")
        for of in known
    ]
    if frozenset() in counts:
        lines.insert(0, note("wa", "lock", html.P(_unknown(None if everybody else counts[frozenset()]))))
    return lines


def own_subjects_words(pupil_ids: Iterable[int], limited: Mapping[int, Subjects]) -> str:
    """The subjects in a few words, where of none of these pupils others are seen; empty where that differs by pupil."""
    seen = {limited.get(pupil_id) for pupil_id in pupil_ids}
    subjects = seen.pop() if len(seen) == 1 else None
    return "" if subjects is None else subjects_word(subjects) or _("own subject, not known here")


def _seen_words(subjects: Subjects, number: int | None) -> str:
    words = subjects_word(subjects)
    if number is None:
        return n_(
            "You see the results of the subject that you teach: {subjects}.",
            "You see the results of the subjects that you teach: {subjects}.",
            len(subjects),
            subjects=words,
        )
    return n_(
        "Of {number} pupil you only see what you teach: {subjects}.",
        "Of {number} pupils you only see what you teach: {subjects}.",
        number,
        subjects=words,
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
