"""Where the counts of groups, parts and hidden results come from."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.pages.class_page.attention import shown_topics, with_norm
from dashboard.pages.class_page.why.parts import (
    Explanation,
    Fact,
    facts,
    period_fact,
    pupil_list,
    rule,
    score_words,
    source_facts,
)
from dashboard.text.scores import level_meanings
from dashboard.text.signal_words import material_words, rule_title, rule_with
from dashboard.text.translate import _, n_, short_day
from dashboard.text.words import attention_group_rule, attention_group_word, norm_counts_word, part_word, subject_word
from dashboard.ui.class_view import ClassView
from dashboard.ui.elements import html
from dashboard.ui.matrix_table import pupil_word
from models.access.people import PupilName
from models.classroom.attention import AttentionGroup
from models.classroom.signals import SignalRule, kind_of


def explain_group(view: ClassView, name: str) -> Explanation:
    """Who is in an attention group, by which rule and with which thresholds."""
    attention_group = next(
        (attention_group for attention_group in AttentionGroup if attention_group.value == name), None
    )
    if attention_group is None:
        return None
    pupils = view.of_group(attention_group)
    everyone = len(view.overview.pupils)
    return [
        html.H3(attention_group_word(attention_group)),
        rule(
            _("Each pupil is in exactly one group: an open signal decides, then the norms of the sources."),
            _("A score that is missing does not count."),
        ),
        facts(
            [
                *_group_rules(view, attention_group),
                (_("Counted"), _("{counted} of {all} pupils shown", counted=len(pupils), all=everyone)),
                period_fact(view),
                *source_facts(view, _sources_of(view, pupils)),
            ]
        ),
        *pupil_list(_("Pupils"), [(pupil, _group_reason(view, attention_group, pupil)) for pupil in pupils], "pupils"),
    ]


def _group_rules(view: ClassView, attention_group: AttentionGroup) -> list[Fact]:
    """The rule with its thresholds, per class where they differ; for the attention group those of its signals."""
    rules: list[Fact] = []
    for class_id in view.filters.class_ids:
        limits = view.state.thresholds[class_id]
        rules.append((_("Rule"), attention_group_rule(attention_group, limits)))
        if attention_group is AttentionGroup.ATTENTION:
            rules += [
                (rule_title(signal_rule), rule_with(signal_rule, limits))
                for signal_rule in SignalRule
                if not kind_of(signal_rule).of_class
            ]
    return list(dict.fromkeys(rules))


def _sources_of(view: ClassView, pupils: Sequence[PupilName]) -> set[int]:
    """The sources of the scores that decided on the group of these pupils."""
    scores = {scored_test.source_id for pupil in pupils for scored_test in with_norm(view, pupil.id)}
    signals = view.signals_of_pupils
    return scores | {signal.source_id for pupil in pupils for signal in signals.get(pupil.id, ()) if signal.open}


def _group_reason(view: ClassView, attention_group: AttentionGroup, pupil: PupilName) -> str:
    if attention_group is AttentionGroup.ATTENTION:
        signals = [signal for signal in view.signals_of_pupils[pupil.id] if signal.open]
        return ", ".join(dict.fromkeys(f"{rule_title(signal.rule)} ({material_words(signal)})" for signal in signals))
    return norm_counts_word(view.placements[pupil.id].counts)


def explain_scores(view: ClassView, pupil_id: int | None) -> Explanation:
    """The scores with a norm that decide on the attention group of a pupil."""
    pupil = next((pupil for pupil in view.overview.pupils if pupil.id == pupil_id), None)
    if pupil is None:
        return None
    scored_tests = with_norm(view, pupil.id)
    names = view.state.class_data.catalogue.definitions
    rows = [
        html.Li(
            [
                html.Span(
                    f"{subject_word(scored_test.subject_material.subject)} · {scored_test.subject_material.material} · "
                    f"{names[scored_test.definition_id].name} · {short_day(scored_test.taken_on)}"
                ),
                html.Span(score_words(scored_test.reading, scored_test.total.derived)),
            ]
        )
        for scored_test in scored_tests
    ]
    return [
        html.H3(f"{pupil_word(pupil)} · {norm_counts_word(view.placements[pupil.id].counts)}"),
        rule(
            _("All totals in the period, within the filters, that are below, on or above a norm of the source."),
            *level_meanings(scored_test.reading for scored_test in scored_tests),
        ),
        facts([period_fact(view), *source_facts(view, {scored_test.source_id for scored_test in scored_tests})]),
        html.Ul(rows),
    ]


def explain_hidden(view: ClassView) -> Explanation:
    """The pupils with results outside the period, and how many."""
    overview = view.overview
    rows = [
        (pupil, n_("{number} result", "{number} results", overview.hidden_of[pupil.id]))
        for pupil in overview.pupils
        if overview.hidden_of.get(pupil.id)
    ]
    words = n_(
        "The period hides {number} result of these pupils.",
        "The period hides {number} results of these pupils.",
        overview.hidden,
    )
    return [
        html.H3(words),
        rule(_("All results of the pupils shown within the other filters, with a test date outside of the period.")),
        facts([period_fact(view)]),
        *pupil_list(_("Pupils"), rows, "pupils"),
    ]


def explain_topic(view: ClassView, field: str, part: str) -> Explanation:
    """How many pupils took a part, and who scored below its norm."""
    topic = next(
        (topic for topic in shown_topics(view) if topic.subject_material.key == field and topic.part == part), None
    )
    if topic is None:
        return None
    period = view.overview.period
    scores = {
        part.pupil_id: part
        for part in sorted(view.state.class_data.parts, key=lambda scored_part: scored_part.taken_on)
        if (part.test_id, part.subject_material, part.name.name) == (topic.test_id, topic.subject_material, topic.part)
        and part.reading.counts
        and part.reading.has_norm
        and part.taken_on in period
    }
    shown = {pupil.id: pupil for pupil in view.overview.pupils}
    below = [
        (pupil, score_words(scores[pupil.id].reading, False)) for pupil in shown.values() if pupil.id in topic.pupils
    ]
    limits = [view.state.thresholds[class_id] for class_id in view.filters.class_ids]
    days = sorted({scores[score].taken_on for score in scores if score in shown})
    rules = list(dict.fromkeys(rule_with(SignalRule.HARD, limit) for limit in limits))
    return [
        html.H3(part_word(topic.part), title=topic.part),
        rule(
            _(
                "The pupils who scored below the norm of the source, of those who took the part; of each pupil the "
                "newest score."
            ),
            _("Pupils who did not take it do not count."),
        ),
        facts(
            [
                (
                    _("Taken by"),
                    _("{counted} of {all} pupils shown", counted=topic.made, all=len(view.overview.pupils)),
                ),
                (_("Below the norm"), _("{below} of {made}", below=topic.below, made=topic.made)),
                *((_("Signal"), rule) for rule in rules),
                (_("Material"), topic.subject_material.material),
                (_("Test"), topic.test),
                (_("Made on"), ", ".join(map(short_day, days))),
                *source_facts(view, [topic.source_id]),
            ]
        ),
        *pupil_list(_("Below the norm"), below, "below"),
    ]
