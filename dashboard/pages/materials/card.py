"""The card of a material: publisher, comparability, norms, use and progress."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dashboard.text.translate import _, n_, native
from dashboard.text.words import (
    MISSING_SIGNS,
    band_word,
    class_word,
    comparability_word,
    missing_word,
    short_test,
    year_word,
)
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, badge, hidden, sign
from models.classroom.material_uptake import CatalogueTest, Material, MaterialCatalogue, Uptake
from models.results.scales import Missing, NormBand, ParsedNorm, plain_decimal

NAMED_TESTS = 3


def material_card(material: Material, catalogue: MaterialCatalogue) -> html.Article:
    """The card of a material of one subject and year."""
    split = _split_classes(catalogue)
    return html.Article(
        [
            html.Header(
                [
                    html.H4(material.name),
                    html.P(
                        [
                            _("Publisher {name}", name=material.source),
                            " ",
                            badge(comparability_word(material.comparability)),
                        ]
                    ),
                ]
            ),
            *([] if material.stated else [html.P(_not_stated(material), className="xs t3")]),
            *_norms(material),
            _uses(material, split),
            *([] if material.progress else [_silent()]),
            _tests(material, split),
        ],
        className="mat",
        **attrs(data_material=material.name, data_year=material.year, data_comparability=material.comparability.value),
    )


def _not_stated(material: Material) -> str:
    if material.year is None:
        return _("The source states no year.")
    return _("The source states no year; this is the year of the pupils.")


def _split_classes(catalogue: MaterialCatalogue) -> set[int]:
    """The classes with pupils of more than one year group."""
    years = Counter(
        class_id
        for class_id, _year in {
            (uptake.class_id, uptake.year_group) for material in catalogue.materials for uptake in material.uptake
        }
    )  # fmt: skip
    return {class_id for class_id, number in years.items() if number > 1}


# -- norms ---------------------------------------------------------------------------------------------------


def _norms(material: Material) -> list[Any]:
    """The norms of the tests; with the names of their tests where there is more than one."""
    if material.levels:
        return [html.P(_("Levels I to V, given by the source with each result."), className="sm")]
    by_norm: dict[ParsedNorm, list[CatalogueTest]] = {}
    for test in material.tests:
        for measure in test.norms:
            by_norm.setdefault(measure, []).append(test)
    alone = len(by_norm) == 1
    return [html.Div(_norm(norm, None if alone else catalogue_tests)) for norm, catalogue_tests in by_norm.items()]


def _norm(norm: ParsedNorm, catalogue_tests: list[CatalogueTest] | None) -> list[Any]:
    names = [] if catalogue_tests is None else [html.P(_names(catalogue_tests), className="xs t3")]
    if norm.intervals:
        return [*names, _bands(norm.intervals)]
    if norm.maximum is not None:
        words = _("Points, {maximum} at most; no levels.", maximum=native(plain_decimal(norm.maximum)))
        return [*names, html.P(words, className="sm")]
    return [*names, html.P(_("The source sends no norm."), className="sm t2")]


def _names(catalogue_tests: list[CatalogueTest]) -> str:
    names = list(dict.fromkeys(short_test(catalogue_test.name) for catalogue_test in catalogue_tests))
    words = ", ".join(names[:NAMED_TESTS])
    rest = len(names) - NAMED_TESTS
    return words + " " + n_("and {number} other", "and {number} others", rest) if rest > 0 else words


def _bands(intervals: tuple[NormBand, ...]) -> html.Table:
    graded = any(interval.grade is not None for interval in intervals)
    heads = [html.Th(_("Level"), scope="col"), html.Th(_("Scores"), scope="col", className="n")]
    if graded:
        heads.append(html.Th(_("School grade, advice of the source"), scope="col", className="n"))
    rows = [
        html.Tr(
            [
                html.Th(band_word(interval.word), scope="row"),
                html.Td(_span(plain_decimal(interval.low), plain_decimal(interval.high)), className="n"),
                *([html.Td(_span(*interval.grade) if interval.grade else "–", className="n")] if graded else []),
            ]
        )
        for interval in intervals
    ]
    caption = html.Caption(_("Norm of the source"), className="vh")
    return html.Table([caption, html.Thead(html.Tr(heads)), html.Tbody(rows)], className="bands")


def _span(low: str, high: str) -> str:
    return f"{native(low)}–{native(high)}"


# -- use -----------------------------------------------------------------------------------------------------


def _uses(material: Material, split: set[int]) -> html.Div:
    """The classes of its year group, and how many pupils of each have results or progress of it."""
    rows = [
        html.Li(
            [html.Span(_class_word(uptake, split)), html.B(_of_pupils(uptake))],
            **attrs(data_class=uptake.class_name, data_reached=str(uptake.reached), data_all=str(uptake.all)),
        )
        for uptake in material.uptake
    ]
    empty = html.P(_("No class here uses it yet."), className="sm t2")
    return html.Div(
        [html.H5(_("With a score or progress")), html.Ul(rows, className="uses") if rows else empty],
    )


def _silent() -> html.P:
    word = missing_word(Missing.NOT_DELIVERED)
    return html.P(
        [sign(MISSING_SIGNS[Missing.NOT_DELIVERED]), " ", _("Done and in progress"), ": ", word], className="xs t2"
    )


def _class_word(uptake: Uptake, split: set[int]) -> str:
    name = class_word(uptake.class_name)
    return f"{name}, {year_word(uptake.year_group)}" if uptake.class_id in split else name


def _of_pupils(uptake: Uptake) -> str:
    return n_(
        "{reached} of {number} pupil", "{reached} of {number} pupils", uptake.all, reached=str(uptake.reached)
    )  # fmt: skip


def _tests(material: Material, split: set[int]) -> html.Details:
    """The tests with the progress of the classes."""
    words = n_("{number} test", "{number} tests", len(material.tests))
    lines = [html.Li([html.B(_test_name(test)), *_far(test, material.progress, split)]) for test in material.tests]
    return html.Details(
        [
            html.Summary([words, hidden(" " + _("of {name}", name=material.name)), sign("chev")]),
            html.Ul(lines, className="tests"),
        ],
        className="fold",
    )


def _test_name(test: CatalogueTest) -> str:
    name = short_test(test.name)
    return f"{name} ({test.version})" if test.version else name


def _far(test: CatalogueTest, sends: bool, split: set[int]) -> list[Any]:
    used = [uptake for uptake in test.uptake if uptake.reached]
    if not used:
        return [html.Small(_("not begun by any class here"))]
    return [
        html.Small(
            [f"{_class_word(uptake, split)}: {_of_pupils(uptake)}", *([" · ", _progress(uptake)] if sends else [])],
            **attrs(data_class=uptake.class_name),
        )
        for uptake in used
    ]


def _progress(uptake: Uptake) -> str:
    if uptake.done is None or uptake.busy is None:
        return _("progress not delivered")
    return _("{done} done, {busy} in progress", done=uptake.done, busy=uptake.busy)
