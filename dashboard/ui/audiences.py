"""Whom a test on a screen is for: the pupils shown of its year groups, and those year groups by name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection

from dashboard.text.words import short_test, year_in_sentence, year_order, years_word
from models.classroom.class_overview import Cell, ClassOverview
from models.results.progress import AudienceOfTest
from models.results.subject_materials import SubjectMaterial


def audience_of_test(overview: ClassOverview) -> AudienceOfTest:
    """The pupils shown whom a test is for, by those who took it and its material."""
    shown = frozenset(pupil.id for pupil in overview.pupils)

    def of_takers(takers: Collection[int], subject_material: SubjectMaterial) -> frozenset[int]:
        return overview.audience.of_test(takers, subject_material, shown)

    return of_takers


def years_of_audience(overview: ClassOverview, pupil_ids: Collection[int]) -> str:
    """The year groups of these pupils by name, where the screen shows more than those; else empty."""
    years = overview.audience.years_of(pupil_ids)
    if years >= overview.audience.years_of(pupil.id for pupil in overview.pupils):
        return ""
    return years_word(years)


def tests_by_year(overview: ClassOverview, cells: Collection[Cell]) -> str:
    """The test that most cells of each year group hold; empty where that is one test for all of them."""
    tests: dict[str | None, Counter[int]] = defaultdict(Counter)
    names = {cell.test_id: overview.catalogue.definitions[cell.definition_id].name for cell in cells}
    for cell in cells:
        tests[overview.audience.year_groups.get(cell.total.row.pupil_id)][cell.test_id] += 1
    of_year = {year: counter.most_common(1)[0][0] for year, counter in tests.items() if year is not None}
    if len(set(of_year.values())) < 2:
        return ""
    return ", ".join(
        f"{year_in_sentence(year)}: {short_test(names[of_year[year]])}" for year in sorted(of_year, key=year_order)
    )
