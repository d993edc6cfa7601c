"""One material on its card: publisher, comparability, norms, who uses it and how far."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dash import html

from dashboard.text.translate import _, n_, native
from dashboard.text.words import MISSING_SIGNS, band_word, comparability_word, missing_word, short_test, year_word
from dashboard.ui.signs import attrs, badge, hidden, sign
from models.classroom.material_uptake import CatalogueTest, Material, MaterialCatalogue, Uptake
from models.results.scales import Missing, NormBand, ParsedNorm, plain_decimal

NAMED_TESTS = 3


def material_card(one: Material, found: MaterialCatalogue) -> html.Article:
    """A material of one subject and year."""
    split = _split_classes(found)
    return html.Article(
        [
            html.Header(
                [
                    html.H4(one.name),
                    html.P([_("Publisher {name}", name=one.source), " ", badge(comparability_word(one.comparability))]),
                ]
            ),
            *([] if one.stated else [html.P(_not_stated(one), className="xs t3")]),
            *_norms(one),
            _uses(one, split),
            *([] if one.progress else [_silent()]),
            _tests(one, split),
        ],
        className="mat",
        **attrs(data_material=one.name, data_year=one.year, data_comparability=one.comparability.value),
    )


def _not_stated(one: Material) -> str:
    if one.year is None:
        return _("The source states no year.")
    return _("The source states no year; this is the year of the pupils.")


def _split_classes(found: MaterialCatalogue) -> set[int]:
    """The classes with pupils of several year groups."""
    years = Counter(
        class_id
        for class_id, _year in {
            (reach.class_id, reach.year_group) for one in found.materials for reach in one.uptake
        }
    )  # fmt: skip
    return {class_id for class_id, number in years.items() if number > 1}


# -- norms ---------------------------------------------------------------------------------------------------


def _norms(one: Material) -> list[Any]:
    """Each norm that the tests came with, named by its tests where there are several."""
    if one.levels:
        return [html.P(_("Levels I to V, given by the source with each result."), className="sm")]
    by_norm: dict[ParsedNorm, list[CatalogueTest]] = {}
    for test in one.tests:
        for measure in test.norms:
            by_norm.setdefault(measure, []).append(test)
    alone = len(by_norm) == 1
    return [html.Div(_norm(measure, None if alone else several)) for measure, several in by_norm.items()]


def _norm(measure: ParsedNorm, several: list[CatalogueTest] | None) -> list[Any]:
    names = [] if several is None else [html.P(_names(several), className="xs t3")]
    if measure.intervals:
        return [*names, _bands(measure.intervals)]
    if measure.maximum is not None:
        words = _("Points, {maximum} at most; no levels.", maximum=native(plain_decimal(measure.maximum)))
        return [*names, html.P(words, className="sm")]
    return [*names, html.P(_("The source sends no norm."), className="sm t2")]


def _names(several: list[CatalogueTest]) -> str:
    names = list(dict.fromkeys(short_test(one.name) for one in several))
    words = ", ".join(names[:NAMED_TESTS])
    rest = len(names) - NAMED_TESTS
    return words + " " + n_("and {number} other", "and {number} others", rest) if rest > 0 else words


def _bands(intervals: tuple[NormBand, ...]) -> html.Table:
    graded = any(one.grade is not None for one in intervals)
    heads = [html.Th(_("Level"), scope="col"), html.Th(_("Scores"), scope="col", className="n")]
    if graded:
        heads.append(html.Th(_("School grade, advice of the source"), scope="col", className="n"))
    rows = [
        html.Tr(
            [
                html.Th(band_word(one.word), scope="row"),
                html.Td(_span(plain_decimal(one.low), plain_decimal(one.high)), className="n"),
                *([html.Td(_span(*one.grade) if one.grade else "–", className="n")] if graded else []),
            ]
        )
        for one in intervals
    ]
    caption = html.Caption(_("Norm of the source"), className="vh")
    return html.Table([caption, html.Thead(html.Tr(heads)), html.Tbody(rows)], className="bands")


def _span(low: str, high: str) -> str:
    return f"{native(low)}–{native(high)}"


# -- use -----------------------------------------------------------------------------------------------------


def _uses(one: Material, split: set[int]) -> html.Div:
    """The classes of its year, and the pupils of each that have anything of it."""
    rows = [
        html.Li(
            [html.Span(_class_word(reach, split)), html.B(_of_pupils(reach))],
            **attrs(data_class=reach.class_name, data_reached=str(reach.reached), data_all=str(reach.all)),
        )
        for reach in one.uptake
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


def _class_word(reach: Uptake, split: set[int]) -> str:
    name = _("Class {name}", name=reach.class_name)
    return f"{name}, {year_word(reach.year_group)}" if reach.class_id in split else name


def _of_pupils(reach: Uptake) -> str:
    return n_(
        "{reached} of {number} pupil", "{reached} of {number} pupils", reach.all, reached=str(reach.reached)
    )  # fmt: skip


def _tests(one: Material, split: set[int]) -> html.Details:
    """The tests, each with how far the classes are."""
    words = n_("{number} test", "{number} tests", len(one.tests))
    lines = [html.Li([html.B(_test_name(test)), *_far(test, one.progress, split)]) for test in one.tests]
    return html.Details(
        [
            html.Summary([words, hidden(" " + _("of {name}", name=one.name)), sign("chev")]),
            html.Ul(lines, className="tests"),
        ],
        className="fold",
    )


def _test_name(test: CatalogueTest) -> str:
    name = short_test(test.name)
    return f"{name} ({test.version})" if test.version else name


def _far(test: CatalogueTest, sends: bool, split: set[int]) -> list[Any]:
    used = [one for one in test.uptake if one.reached]
    if not used:
        return [html.Small(_("not begun by any class here"))]
    return [
        html.Small(
            [f"{_class_word(one, split)}: {_of_pupils(one)}", *([" · ", _progress(one)] if sends else [])],
            **attrs(data_class=one.class_name),
        )
        for one in used
    ]


def _progress(one: Uptake) -> str:
    if one.done is None or one.busy is None:
        return _("progress not delivered")
    return _("{done} done, {busy} in progress", done=one.done, busy=one.busy)
