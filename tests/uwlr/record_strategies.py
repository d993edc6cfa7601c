"""Hypothesis strategies for result messages as records: whatever the standard lets a sender say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import strategies as st

from connectors.uwlr import names, values
from models.schema.records import (
    Absence,
    Band,
    Colour,
    Kind,
    Level,
    MessageHead,
    Norm,
    OsoResult,
    Part,
    Progress,
    PupilRef,
    ReferenceScore,
    Result,
    SchoolRef,
    Status,
    Term,
    TestDefinition,
    TestRef,
)

_letters = st.characters(
    codec="utf-8", exclude_categories=("Cs", "Cc", "Co", "Cn"), exclude_characters="\ufffe\uffff\x85\u2028"
)


def text(longest: int) -> st.SearchStrategy[str]:
    """Any text that XML can hold, 1 to `longest` characters."""
    return st.text(_letters, min_size=1, max_size=min(longest, 12))


def number_text(most: int = 10**9) -> st.SearchStrategy[str]:
    """A whole number as text, with the plus and the zeros that the standard allows."""
    signs, zeros = st.sampled_from(["", "+"]), st.sampled_from(["", "00"])
    return st.builds(lambda sign, zero, number: f"{sign}{zero}{number}", signs, zeros, st.integers(0, most))


terms = st.builds(
    Term, text(256), st.none() | st.just("urn:example:terms"), st.none() | st.just("https://terms.example/v1")
)
colours = st.builds(
    Colour, st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.sampled_from(["0", "1.00", "0.5"])
)
grades = st.sampled_from(["1", "5.5", "10.00"])


@st.composite
def bands(draw: st.DrawFn) -> Band:
    low, high = sorted((draw(st.integers(0, 200)), draw(st.integers(0, 200))))
    return Band(
        term=draw(text(64)),
        low=str(low),
        high=str(high),
        description=draw(st.none() | text(128)),
        colour=draw(st.none() | colours),
        grade_from=draw(st.none() | grades),
        grade_to=draw(st.none() | grades),
    )


norms = st.builds(
    Norm,
    st.lists(bands(), min_size=1, max_size=3).map(tuple),
    st.none() | terms,
    st.none() | terms,
    st.none() | st.sampled_from(["1", "0.25", "2.50"]),
    st.none() | st.just("urn:example:norms"),
    st.none(),
)


@st.composite
def definitions(draw: st.DrawFn, code: str) -> TestDefinition:
    part_codes = draw(st.lists(text(256), max_size=3, unique=True))
    parts = tuple(
        Part(number, Term(part), draw(st.none() | text(128)), draw(st.none() | norms))
        for number, part in enumerate(part_codes, 1)
    )
    return TestDefinition(
        code=replace(draw(terms), text=code),
        version=draw(st.none() | terms),
        name=draw(st.none() | text(128)),
        year=draw(st.none() | terms),
        subject=draw(st.none() | terms),
        norm=draw(st.none() | norms),
        hierarchy=tuple(Level(depth, draw(terms)) for depth in range(draw(st.integers(0, 3)))),
        parts=parts or None,
    )


oso_numbers = st.none() | st.integers(0, 500).map(str)
references = st.builds(
    ReferenceScore, st.sampled_from(["IV", "AE", "DLE"]), st.just("Landelijk"), text(20), st.none() | text(20)
)


@st.composite
def oso_results(draw: st.DrawFn) -> OsoResult:
    if not draw(st.booleans()):
        return OsoResult(references=tuple(draw(st.lists(references, max_size=2))), has_score=False)
    low = draw(st.none() | st.integers(-50, 50).map(str))
    return OsoResult(
        *(draw(oso_numbers) for _ in range(5)),
        skill=draw(st.none() | st.sampled_from(["78", "-3.5", "0", "+12.25"])),
        skill_scale=draw(st.none() | text(20)),
        interval_low=low,
        interval_high=None if low is None else "99.5",
        references=tuple(draw(st.lists(references, max_size=2))),
    )


@st.composite
def progress_records(draw: st.DrawFn) -> Progress:
    worked = draw(st.none() | st.integers(0, values.LONGEST_WORK_MS))
    counts: dict[str, Any] = {
        field: draw(st.none() | st.integers(0, 1_000_000)) for field in names.PROGRESS_COUNTS.values()
    }
    return Progress(
        status=draw(st.sampled_from(Status)),
        worked_ms=worked,
        duration=None if worked is None else values.duration_text(worked),
        other=draw(st.none() | text(20)),
        **counts,
    )


@st.composite
def results(draw: st.DrawFn, key: str, pupil: PupilRef, tests: list[TestDefinition]) -> Result:
    test = draw(st.sampled_from(tests))
    day = draw(st.dates(min_value=date(2025, 8, 1),
                        max_value=date(2027, 7, 31))).isoformat()  # fmt: skip
    zoned = draw(st.sampled_from([None, None, None, f"{day}Z", f"{day}+14:00"]))
    base = Result(
        key=key,
        pupil=pupil,
        test=TestRef(test.code.text, draw(st.none() | terms)),
        part_code=draw(st.none() | text(256)),
        kind=Kind.SCORE,
        taken_on=day,
        info_url=draw(st.none() | st.just("https://uitgever.example/resultaat")),
        taken_text=zoned,
    )
    which = draw(st.sampled_from(["score", "score", "score", "oso", "progress"]))
    if which == "oso":
        detail = draw(oso_results())
        score = None if detail.skill is None else values.rounded(detail.skill)[0]
        absence = Absence.NO_SCORE if score is None else None
        return replace(base, kind=Kind.OSO, score_text=detail.skill, score=score, absence=absence, detail=detail)
    if which == "progress":
        return replace(base, kind=Kind.PROGRESS, absence=Absence.NO_SCORE, detail=draw(progress_records()))
    sent = draw(number_text())
    return replace(base, score_text=sent, score=values.fixed_point(sent))


@st.composite
def messages(draw: st.DrawFn) -> tuple[MessageHead, list[Result], list[TestDefinition]]:
    """A whole message: head, results grouped by pupil, and a definition for every test."""
    codes = draw(st.lists(text(256), min_size=1, max_size=3, unique=True))
    tests = [draw(definitions(code)) for code in codes]
    refs = draw(
        st.lists(
            st.builds(PupilRef, text(256), st.none() | text(256), st.none() | text(256)),
            min_size=1, max_size=3, unique=True,
        )
    )  # fmt: skip
    keys = draw(st.lists(text(256), min_size=len(refs), max_size=8, unique=True))
    rows = [draw(results(key, refs[min(number, len(refs) - 1)], tests)) for number, key in enumerate(keys)]
    created = draw(st.sampled_from(["2026-11-11T00:05:46", "2026-11-11T00:05:46.25Z", "2026-03-29T02:30:00+01:00"]))
    head = MessageHead(
        school_year="2026-2027",
        school=draw(st.sampled_from([SchoolRef("99XX"), SchoolRef("99XX", "01"), SchoolRef(school_key="S 1")])),
        created_text=created,
        created_us=values.instant(created)[0],
        author=draw(st.none() | text(128)),
        xsd_version="2.2",
        comment=draw(st.none() | text(128)),
    )
    if head.school.dependance:
        head = replace(head, dependance_text=head.school.dependance)
    return head, rows, tests
