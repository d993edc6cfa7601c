"""The attention groups of the class page, the list of the open group, and the parts that are hard for many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from dashboard.auth import request
from dashboard.pages.signals.resolution_forms import resolution_form
from dashboard.text.signal_words import (
    evidence_words,
    headline,
    material_words,
    rule_with,
    rule_words,
    settled_words,
    suppressed_words,
)
from dashboard.text.translate import _
from dashboard.text.words import (
    ATTENTION_GROUP_SIGNS,
    attention_group_rule,
    attention_group_word,
    class_in_sentence,
    norm_counts_word,
    part_word,
    short_test,
)
from dashboard.ui import addresses
from dashboard.ui.class_view import ClassView
from dashboard.ui.elements import Link, html
from dashboard.ui.filters import BOTH_YEARS, THIS_YEAR, ClassFilters
from dashboard.ui.matrix_table import pupil_word
from dashboard.ui.signs import attrs, card, num, sign
from models.access.people import PupilName
from models.classroom.attention import AttentionGroup, totals_with_position
from models.classroom.class_data import ScoredTest
from models.classroom.signal_resolutions import ResolutionAction
from models.classroom.signals import Signal, SignalRule, Topic, topics
from models.classroom.thresholds import Thresholds

MAX_TOPICS = 6


def attention_cards(view: ClassView) -> html.Nav:
    """The groups with their number of pupils; each opens its list."""
    return html.Nav(
        [_card(view, attention_group) for attention_group in AttentionGroup],
        className="groups",
        **attrs(aria_label=_("Groups of pupils")),
    )


def _card(view: ClassView, attention_group: AttentionGroup) -> html.Div:
    number = len(view.of_group(attention_group))
    is_open = view.filters.open_group is attention_group
    link = Link(
        [
            html.Span(
                [sign(ATTENTION_GROUP_SIGNS[attention_group]), attention_group_word(attention_group)], className="name"
            ),
            html.Small(_by_class(view, lambda limits: attention_group_rule(attention_group, limits))),
        ],
        href=f"{addresses.CLASSES}{view.filters.replacing(open_group=attention_group).query}",
    )
    return html.Div(
        [num("group", html.B(str(number)), attention_group_word(attention_group)), link],
        className="on" if is_open else "",
        id=f"stand-{attention_group.value}",
        **attrs(
            data_group=attention_group.value, data_count=str(number), **({"aria_current": "true"} if is_open else {})
        ),
    )


def _by_class(view: ClassView, rule: Callable[[Thresholds], str]) -> str:
    """A rule with its thresholds, per class where the thresholds differ."""
    names = {class_ref.id: class_ref.name for class_ref in view.classes}
    words = {class_id: rule(view.state.thresholds[class_id]) for class_id in view.filters.class_ids}
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return " · ".join(f"{names[class_id]}: {text}" for class_id, text in words.items())


def attention_panel(view: ClassView) -> html.Section:
    """The list of the open group: signals with their reasons, or the pupils by name."""
    attention_group = view.filters.open_group
    pupils = view.of_group(attention_group)
    rows: list[Any]
    signals = view.signals_of_pupils
    if attention_group is AttentionGroup.ATTENTION:
        rows = [_attention_row(view, pupil, signals[pupil.id]) for pupil in pupils]
        words = _suppressed(view)
    else:
        rows = [_pupil_row(view, pupil, signals.get(pupil.id, [])) for pupil in pupils]
        rule = _by_class(view, lambda limits: attention_group_rule(attention_group, limits))
        words = [" ".join([f"{rule}.", *beyond_filters(view.filters)])]
    nobody = (
        _("Nobody needs attention now.")
        if attention_group is AttentionGroup.ATTENTION
        else _("Nobody is in this group now.")
    )
    empty = html.P(nobody, className="t2 sm")
    return card(
        attention_group_word(attention_group),
        [html.Ul(rows, className="att", id="course-list") if rows else empty, _class_signals(view)],
        words,
        id="course-panel",
    )


def beyond_filters(filters: ClassFilters) -> list[str]:
    """What the groups and signals are about, where a filter does not limit them."""
    words = []
    if filters.period not in (THIS_YEAR, BOTH_YEARS):
        words.append(_("Signals are about this school year and the last, whatever period is chosen."))
    if filters.goal is not None:
        words.append(_("The groups are about whole tests, not about the goal that is chosen."))
    return words


def _suppressed(view: ClassView) -> list[Any]:
    """A sentence per source with suppressed signals: they cannot be evaluated now."""
    shown = {pupil.id for pupil in view.overview.pupils}
    counts = Counter(signal.source_id for signal in view.signals if signal.suppressed and signal.pupil_id in shown)
    sources = {source.id: source for source in view.state.class_data.sources}
    lines: list[Any] = [" ".join([_("Who and why."), *beyond_filters(view.filters)])]
    for source_id, number in sorted(counts.items()):
        lines += [
            " ",
            html.Span([sign("clock"), " ", suppressed_words(sources.get(source_id), number)], className="held"),
        ]
    return lines


def _attention_row(view: ClassView, pupil: PupilName, all_signals: Sequence[Signal]) -> html.Li:
    name, signals = pupil_word(pupil), [signal for signal in all_signals if signal.open]
    called = pupil.first_name or name
    return html.Li(
        [
            html.Div(
                [
                    html.B(Link(name, href=addresses.pupil_href(pupil.id))),
                    *_class_of(view, pupil),
                    html.Small(num("scores", norm_counts_word(view.placements[pupil.id].counts))),
                    html.Small(" · ".join(dict.fromkeys(material_words(item) for item in signals))),
                ],
                className="who_",
            ),
            html.Div(
                [*(signal_lines(view, signal) for signal in signals), *settled_lines(all_signals)], className="why_"
            ),
            html.Div(
                [
                    Link(_("See {name}", name=called), href=addresses.pupil_href(pupil.id), className="btn"),
                    resolution_form(
                        signals,
                        ResolutionAction.SEEN,
                        f"{addresses.CLASSES}{view.filters.query}",
                        hidden_words=_("the signals of {name}", name=name),
                    )
                    if _may_resolve()
                    else None,
                ],
                className="acts",
            ),
        ],
        **attrs(data_pupil=str(pupil.id)),
    )  # fmt: skip


def _class_of(view: ClassView, pupil: PupilName) -> list[Any]:
    """The class of a pupil, where more than one class is shown."""
    name = view.class_names.get(pupil.id)
    return [html.Small(class_in_sentence(name))] if name is not None else []


def _may_resolve() -> bool:
    viewer = request.viewer()
    return viewer is not None and viewer.teaches


def signal_lines(view: ClassView, signal: Signal) -> html.Div:
    """A signal in words: headline, evidence and rule."""
    names = {class_ref.id: class_ref.name for class_ref in view.classes if class_ref.id not in view.filters.class_ids}
    rule = rule_words(signal, view.state.thresholds[signal.class_id], names.get(signal.class_id))
    return html.Div(
        [html.P(html.B(headline(signal))), html.Small(f"{evidence_words(view.state.class_data, signal)} {rule}")],
        **attrs(data_rule=signal.rule.value, data_field=signal.subject_material.key),
    )


def settled_lines(signals: Sequence[Signal]) -> list[html.Small]:
    """The signals of a pupil that teachers settled: which, by whom and when."""
    return [
        html.Small([sign("check"), " ", settled_words(signal)], **attrs(data_settled=signal.rule.value))
        for signal in signals
        if signal.settled
    ]


def _pupil_row(view: ClassView, pupil: PupilName, signals: Sequence[Signal]) -> html.Li:
    return html.Li(
        [
            html.B(Link(pupil_word(pupil), href=addresses.pupil_href(pupil.id))),
            *_class_of(view, pupil),
            html.Small(num("scores", norm_counts_word(view.placements[pupil.id].counts))),
            *settled_lines(signals),
        ],
        className="one",
        **attrs(data_pupil=str(pupil.id)),
    )


def with_norm(view: ClassView, pupil_id: int) -> list[ScoredTest]:
    """The scores of a pupil that decide on the attention group, newest first."""
    return totals_with_position(view.state.class_data.all_totals(pupil_id, view.overview.period, view.filters.matches))


def _class_signals(view: ClassView) -> Any:
    """The signals about the class as a whole, at the end of the attention list."""
    signals = [signal for signal in view.signals if signal.pupil_id is None and signal.open]
    if view.filters.open_group is not AttentionGroup.ATTENTION or not signals:
        return None
    return html.Div(
        [
            html.H3(_("For the whole class")),
            *(html.Div([sign("flag"), signal_lines(view, signal)], className="whole") for signal in signals),
        ],
        className="forall",
    )


def topics_panel(view: ClassView, filters: ClassFilters) -> html.Section:
    """The parts on which most pupils who took them scored below the norm."""
    rows = [_topic(topic, filters) for topic in shown_topics(view)]
    words = _by_class(view, lambda limits: rule_with(SignalRule.HARD, limits))
    foot = html.P(words, className="xs t3") if rows else None
    empty = html.P(_("No part with a norm of the source stands out."), className="t2 sm")
    return card(
        _("Hard for many"),
        [*(rows or [empty]), foot],
        _("Pupils below the norm, of those who took the part."),
        id="topics",
    )


def shown_topics(view: ClassView) -> list[Topic]:
    """The parts that are hard for many of the pupils shown, by the rule of one of their classes; hardest first."""
    pupil_ids = {pupil.id for pupil in view.overview.pupils}
    limits = view.state.shown_thresholds
    hard_topics = [
        topic
        for topic in topics(view.state.class_data, None, view.overview.period, pupil_ids)
        if view.matches(topic.subject_material)
        and view.is_goal(topic.part)
        and any(topic.is_hard(limit) for limit in limits)
    ]
    return hard_topics[:MAX_TOPICS]


def _topic(topic: Topic, filters: ClassFilters) -> html.Div:
    share = 100 * topic.below / topic.made
    return html.Div(
        [
            html.Span(
                Link(
                    part_word(topic.part),
                    title=topic.part,
                    href=f"{addresses.CLASSES}{filters.replacing(goal=topic.part).query}",
                )
            ),
            num("topic", html.B(_("{below} of {made}", below=topic.below, made=topic.made)), part_word(topic.part)),
            html.Span(html.I(style={"width": f"{share:.0f}%"}), className="tr"),
            html.Small(f"{topic.subject_material.material} · {short_test(topic.test)}", title=topic.test),
        ],
        className="hb acc",
        **attrs(
            data_topic=topic.part,
            data_field=topic.subject_material.key,
            data_below=str(topic.below),
            data_made=str(topic.made),
        ),
    )
