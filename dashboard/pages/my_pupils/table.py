"""The table of Mijn leerlingen: a row per pupil; per subject a sparkline with numbers, then signals and agreement."""

from __future__ import annotations

from typing import Any

from dashboard.auth import request
from dashboard.pages.my_pupils.questions import name_of
from dashboard.pages.pupil.series import level_state
from dashboard.text.scores import growth_with_numbers, level_meanings, score_words, span_words
from dashboard.text.signal_words import settled_words
from dashboard.text.translate import _, day_name, language, n_, native, short_day
from dashboard.text.words import (
    ATTENTION_GROUP_SIGNS,
    GROWTH_SIGNS,
    attention_group_word,
    class_in_sentence,
    future_words,
    growth_word,
    norm_counts_word,
    subject_word,
)
from dashboard.ui import addresses
from dashboard.ui.elements import Link, html
from dashboard.ui.markup import Written, written
from dashboard.ui.matrix_columns import CellContent
from dashboard.ui.matrix_table import missing_lines, scale_word, value
from dashboard.ui.my_pupils_view import MyPupilsView, SubjectColumn, SubjectSeries, bound_of, column_series
from dashboard.ui.signs import attrs, hidden, more_columns, sign, state
from dashboard.ui.sparklines import sparkline
from models.access.people import Member
from models.classroom.class_data import counted_tests
from models.classroom.notes import Note, NoteKind
from models.results.growth import TREND_POINTS, Growth
from models.results.scales import one_norm_group, plain_decimal
from models.schema import clock


def my_pupils_table(view: MyPupilsView) -> html.Section:
    """The table with all subjects per pupil; on a phone every row is a block with labels."""
    heading = _("All subjects per pupil") if view.filters.subject is None else subject_word(view.filters.subject)
    if not view.pupils:
        return html.Section(
            [html.H2(heading), html.P(_("There are no pupils with these filters."), className="t2 sm")],
            className="card mt",
            id="mine-empty",
        )
    lines = [column_series(view, column) for column in view.columns]
    all_lines = [line for of_column in lines for line in of_column.values()]
    return html.Section(
        [
            html.Header(
                [
                    html.H2(heading),
                    html.P(
                        " ".join(
                            [
                                _("The dotted line is the norm of the source. Without it the source sends no norm."),
                                *level_meanings(line.newest.reading for line in all_lines if line.newest is not None),
                            ]
                        )
                    ),
                    more_columns(),
                ]
            ),
            html.Div(
                html.Table(
                    [
                        html.Caption(_("Newest score, level and growth per pupil and subject"), className="vh"),
                        html.Thead(_heads(view)),
                        html.Tbody([_row(view, pupil, [line[pupil.id] for line in lines]) for pupil in view.pupils]),
                    ],
                    className="mt9 stk",
                    id="mine-table",
                    style={"minWidth": f"{430 + 240 * len(view.columns)}px"},
                ),
                className="tw",
                tabIndex=0,
                role="region",
                **attrs(aria_label=heading),
            ),
        ],
        className="card mt flush",
    )


def _heads(view: MyPupilsView) -> html.Tr:
    signals = [html.B(_("Signals"))]
    if view.filters.subject is not None:
        signals.append(subject_word(view.filters.subject))
    agreement = [html.B(_("Agreement")), *([_("of all subjects")] if view.filters.subject is not None else [])]
    return html.Tr(
        [
            html.Th([html.B(_("Pupil")), _("by class and name")], scope="col"),
            html.Th(signals, scope="col"),
            *([] if view.notes is None else [html.Th(agreement, scope="col")]),
            *(html.Th(_subject_head(view, column), scope="col", className="sub_") for column in view.columns),
        ]
    )


def _subject_head(view: MyPupilsView, column: SubjectColumn) -> list[Any]:
    """The subject, and the material with most scores and its scale."""
    others = len(column.subject_materials) - 1
    words = [view.material(column.subject_material)]
    if column.newest:
        levels = one_norm_group(scored_test.reading for scored_test in column.newest)
        words.append(scale_word([scored_test.norm for scored_test in column.newest], levels))
    if others:
        words.append(n_("and {number} more material", "and {number} more materials", others))
    return [html.B(subject_word(column.subject)), " · ".join(words)]


def _row(view: MyPupilsView, member: Member, lines: list[SubjectSeries]) -> html.Tr:
    class_label = class_in_sentence(view.class_name(member.class_id))
    return html.Tr(
        [
            html.Th(
                [
                    Link(name_of(member), href=addresses.pupil_href(member.id)),
                    html.Small(class_label),
                    placement_line(view, member),
                ],
                scope="row",
            ),
            html.Td(
                _signals(view, member),
                **attrs(data_l=_("Open signals"), data_signals=str(len(view.signals_of(member.id)))),
            ),
            *([] if view.notes is None else [_agreement(view.notes.get(member.id, []))]),
            *(_written_cell(view, member, column, line) for column, line in zip(view.columns, lines, strict=True)),
        ],
        **attrs(data_pupil=str(member.id)),
    )


def placement_line(view: MyPupilsView, member: Member) -> html.Small:
    """The attention group of a pupil, with the counts by the norm; not where no result of the pupil may be seen."""
    if view.class_data.limited.get(member.id) == frozenset():
        return html.Small([sign("lock"), " ", _("no subject known")])
    placement = view.placements[member.id]
    words = f"{attention_group_word(placement.group)} · {norm_counts_word(placement.counts)}"
    return html.Small(
        [sign(ATTENTION_GROUP_SIGNS[placement.group]), " ", words], **attrs(data_group=placement.group.value)
    )


# -- a subject of a pupil ------------------------------------------------------------------------------------


def _written_cell(view: MyPupilsView, member: Member, column: SubjectColumn, line: SubjectSeries) -> Written:
    """A cell as it was written before, where the results of others changed alone."""
    key = ("my pupils cell", member.id, column.subject, view.period, language(), request.scheme())
    of_other = line.subject_material != column.subject_material and view.material(line.subject_material)
    return view.state.piece(key, (line, of_other), lambda: written(_cell(view, member, column, line)))


def _cell(view: MyPupilsView, member: Member, column: SubjectColumn, line: SubjectSeries) -> html.Td:
    marks: dict[str, Any] = attrs(
        data_l=subject_word(column.subject), data_pupil=str(member.id), data_subject=column.subject
    )
    if line.newest is None:
        assert line.missing is not None
        words = missing_lines(CellContent(None, 0, line.missing, line.progress))
        return html.Td(
            html.Div(words, className="none"), className="sp", **marks, **attrs(data_state=line.missing.value)
        )
    reading = line.newest.reading
    missing = reading.missing.value if reading.missing is not None else None
    marks |= attrs(
        data_material=line.subject_material.material,
        data_value=reading.text,
        data_state=missing,
        data_date=line.newest.taken_on,
    )
    if line.spark is not None:
        bound = line.spark.bound
        marks |= attrs(
            data_line=",".join(plain_decimal(value) for value in line.spark.values),
            data_bound=plain_decimal(bound) if bound is not None else None,
        )
    parts = numbers(line)
    if line.subject_material != column.subject_material:
        parts.append(html.Small(view.material(line.subject_material)))
    return html.Td(html.Div([*_image(column, line), html.P(parts)]), className="sp", **marks)


def _image(column: SubjectColumn, line: SubjectSeries) -> list[Any]:
    if line.spark is None or len(line.spark.values) == 1:
        return []  # a single point is no line; the number next to it is enough
    return [sparkline(line.spark, request.scheme(), spark_sentence(column.subject, line))]


def spark_sentence(subject: str, line: SubjectSeries) -> str:
    """What the sparkline shows, in one sentence for screen readers."""
    words = n_(
        "{subject} with {material}, {number} score: {numbers}",
        "{subject} with {material}, {number} scores: {numbers}",
        len(line.drawn),
        subject=subject_word(subject),
        material=line.subject_material.material,
        numbers=span_words(line.drawn),
    )
    bound = bound_of(line.drawn[-1])
    return (
        f"{words}."
        if bound is None
        else _("{words}; the norm is {bound}.", words=words, bound=native(plain_decimal(bound)))
    )


def numbers(line: SubjectSeries) -> list[Any]:
    """The numbers next to a sparkline: newest value with date, level and growth."""
    newest = line.newest
    assert newest is not None
    day = html.Time(short_day(newest.taken_on), title=day_name(newest.taken_on))
    parts: list[Any] = [html.Span([value(newest.reading), " · ", day], className="v")]
    if newest.reading.missing is None and newest.reading.text is not None:
        parts.append(level_of(line))
    if newest.reading.missing is not None and line.drawn:
        last = line.drawn[-1]
        words = _("last score {score}, {day}", score=score_words(last), day=short_day(last.taken_on))
        parts.append(html.Small(words))
    parts.append(html.Small(growth_of(line, narrow=True)))
    if line.future:
        parts.append(html.Small([sign("clock"), future_words(line.future)]))
    return parts


def level_of(line: SubjectSeries) -> html.Span:
    """The level of the newest value as icon and word; whether the value is a sum of parts."""
    newest = line.newest
    assert newest is not None
    if newest.total.derived:
        return state("no", None, _("sum of parts"))
    without = newest.reading.band is None and not newest.reading.has_norm and not newest.reading.suspect
    return state("no", None, _("no norm")) if without else level_state(newest.reading)


def growth_of(line: SubjectSeries, narrow: bool = False) -> list[Any]:
    """How the last scores of the period go, with their numbers; below three scores, how many there are."""
    growth = line.growth
    word = growth_word(growth)
    if growth is Growth.TOO_FEW:
        return [sign("few"), _("{word}, {number} of {needed}", word=word, number=line.counted, needed=TREND_POINTS)]
    if growth is Growth.OTHER_SCALE and narrow:
        return [_("scored differently"), hidden(f": {word}")]
    name = GROWTH_SIGNS.get(growth)
    return [*([sign(name)] if name else []), growth_with_numbers(growth, counted_tests(line.totals))]


# -- signals and agreement -----------------------------------------------------------------------------------


def _signals(view: MyPupilsView, member: Member) -> list[Any]:
    number, suppressed = len(view.signals_of(member.id)), len(view.held_of(member.id))
    parts: list[Any] = []
    if number:
        words = [
            sign("flag"),
            _("{number} open", number=number),
            hidden(_(": signals of {name}", name=name_of(member))),
        ]
        parts.append(Link(words, href=addresses.pupil_href(member.id), className="st be"))
    if suppressed:
        parts.append(state("no", "clock", _("{number} cannot be assessed", number=suppressed)))
    parts += [html.Small([sign("check"), " ", settled_words(signal)]) for signal in view.settled_of(member.id)]
    nothing_seen = view.class_data.limited.get(member.id) == frozenset()
    return parts or [html.Span("–" if nothing_seen else _("none"), className="t3")]


def _agreement(notes: list[Note]) -> html.Td:
    return html.Td(agreement_words(notes), className="t2 ag", **attrs(data_l=_("Agreement")))


def agreement_words(notes: list[Note]) -> Any:
    """The newest current agreement, or else the newest settled one; of a restricted agreement only that it exists."""
    agreements = [note for note in notes if note.kind is NoteKind.AGREEMENT]
    agreement = next((agreement for agreement in agreements if agreement.runs), None) or next(iter(agreements), None)
    if agreement is None:
        return ["–", hidden(_("no agreement"))]
    if agreement.restricted and agreement.text is None:
        return state("no", "lock", _("restricted agreement"))
    if agreement.settled_us is not None:
        done = clock.from_us(agreement.settled_us).astimezone(clock.AMSTERDAM).date().isoformat()
        return _("Agreement settled on {day}", day=short_day(done))
    if agreement.until_on is None:
        return _("Agreement runs")
    if agreement.until_on < clock.today().isoformat():
        return state("wa", "clock", _("Agreement ran until {day}", day=short_day(agreement.until_on)))
    return _("Agreement runs until {day}", day=short_day(agreement.until_on))
