"""What the roles of a link to a class say: who sees it whole, and of which subjects somebody else sees results."""

from __future__ import annotations

import pytest

from models.results.own_subjects import limit_of, subjects_named


@pytest.mark.parametrize(
    ("role", "subjects"),
    [
        ("docent wiskunde", {"mathematics"}), ("Wiskunde", {"mathematics"}), ("docente Engels", {"english"}),
        ("leraar Duits en Frans", {"german", "french"}), ("docent Engels/Nederlands", {"english", "language"}),
        ("vakleerkracht rekenen en wiskunde", {"arithmetic"}), ("docent: biologie", {"biology"}),
        ("docent (scheikunde)", {"chemistry"}), ("docent WI", {"mathematics"}), ("gym", {"physical_education"}),
        # What is open is left open: it would show results of a subject that somebody does not teach.
        ("docent Duitse taal", set()), ("wiskunde B", set()), ("VAK", set()), ("docent", set()), ("", set()),
        ("coördinator Engels", set()), ("docent en", {"english"}),
    ],
)  # fmt: skip
def test_a_description_names_subjects_where_it_leaves_nothing_open(role: str, subjects: set[str]) -> None:
    assert subjects_named(role) == subjects


WHOLE = None


@pytest.mark.parametrize(
    ("link", "teacher", "elsewhere", "in_subject_school"),
    [
        # roles of the link, roles of the teacher; what is seen in other schools, and in one with subject teachers
        ("", "", WHOLE, set()),
        ("LRK", "", WHOLE, set()),
        ("STA", "", WHOLE, set()),
        ("IB", "", WHOLE, set()),
        ("VAK", "", set(), set()),
        ("", "VAK", set(), set()),
        ("LRK,VAK", "", WHOLE, set()),
        ("LRK", "VAK", WHOLE, set()),
        ("VAK", "LRK", set(), set()),
        ("VAK,docent wiskunde", "", {"mathematics"}, {"mathematics"}),
        ("VAK", "docent wiskunde,docent natuurkunde", {"mathematics", "physics"}, {"mathematics", "physics"}),
        ("docent wiskunde", "docent natuurkunde", {"mathematics"}, {"mathematics"}),
        ("docent natuurkunde", "", {"physics"}, {"physics"}),
        ("vakdocent", "", set(), set()),
        ("mentor", "", WHOLE, WHOLE),
        ("VAK,mentor", "", WHOLE, WHOLE),
        ("docent wiskunde,Mentrix 4h1", "", WHOLE, WHOLE),
        ("klassenmentor", "", WHOLE, WHOLE),
        ("groepsleerkracht", "", WHOLE, WHOLE),
        ("klassendocent", "VAK", WHOLE, WHOLE),
        ("coördinator mentoraat", "", WHOLE, set()),
        ("", "mentor", WHOLE, WHOLE),
        ("docent Engels", "mentor", {"english"}, {"english"}),
    ],
)
def test_a_link_shows_a_class_whole_or_the_subjects_that_are_known(
    link: str, teacher: str, elsewhere: set[str] | None, in_subject_school: set[str] | None
) -> None:
    roles = [[role for role in text.split(",") if role] for text in (link, teacher)]
    assert limit_of(*roles, subject_school=False) == elsewhere
    assert limit_of(*roles, subject_school=True) == in_subject_school
