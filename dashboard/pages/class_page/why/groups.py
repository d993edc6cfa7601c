"""Where the counts of groups, parts and hidden results come from."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from dashboard.pages.class_page.attention import norm_words, shown_topics, with_norm
from dashboard.pages.class_page.why.parts import (
    Fact,
    Told,
    facts,
    period_fact,
    pupil_list,
    rule,
    score_words,
    source_facts,
)
from dashboard.text.signal_words import material_words, rule_title, rule_with
from dashboard.text.translate import _, n_, short_day
from dashboard.text.words import attention_group_rule, attention_group_word, subject_word
from dashboard.ui.class_view import ClassView
from dashboard.ui.matrix_table import pupil_word
from models.access.people import PupilName
from models.classroom.attention import AttentionGroup
from models.classroom.signals import SignalRule


def explain_group(view: ClassView, name: str) -> Told:
    """Who is in one of the four groups, and by which rule with which thresholds."""
    course = next((one for one in AttentionGroup if one.value == name), None)
    if course is None:
        return None
    pupils = view.of_group(course)
    everyone = len(view.overview.pupils)
    return [
        html.H3(attention_group_word(course)),
        rule(
            _("Each pupil is in exactly one group: an open signal decides, then how much is known, then the levels."),
            _("A score that is missing does not count."),
        ),
        facts(
            [
                *_group_rules(view, course),
                (_("Counted"), _("{counted} of {all} pupils shown", counted=len(pupils), all=everyone)),
                period_fact(view),
                *source_facts(view, _sources_of(view, pupils)),
            ]
        ),
        *pupil_list(_("Pupils"), [(one, _group_reason(view, course, one)) for one in pupils], "pupils"),
    ]


def _group_rules(view: ClassView, course: AttentionGroup) -> list[Fact]:
    """The rule with its thresholds, of each class where they differ; for who asks for attention those of signals."""
    found: list[Fact] = []
    for class_id in view.filters.class_ids:
        limits = view.state.thresholds[class_id]
        found.append((_("Rule"), attention_group_rule(course, limits)))
        if course is AttentionGroup.ATTENTION:
            found += [(rule_title(one), rule_with(one, limits)) for one in SignalRule if one is not SignalRule.HARD]
    return list(dict.fromkeys(found))


def _sources_of(view: ClassView, pupils: Sequence[PupilName]) -> set[int]:
    """The sources that the judgement of these pupils rests on."""
    scores = {one.source_id for pupil in pupils for one in with_norm(view, pupil.id)}
    return scores | {one.source_id for pupil in pupils for one in view.state.open_signals.get(pupil.id, ())}


def _group_reason(view: ClassView, course: AttentionGroup, pupil: PupilName) -> str:
    if course is AttentionGroup.ATTENTION:
        several = view.state.open_signals[pupil.id]
        return ", ".join(dict.fromkeys(f"{rule_title(one.rule)} ({material_words(one)})" for one in several))
    return norm_words(with_norm(view, pupil.id))


def explain_scores(view: ClassView, pupil_id: int | None) -> Told:
    """The scores with a norm that the group of a pupil is judged by."""
    pupil = next((one for one in view.overview.pupils if one.id == pupil_id), None)
    if pupil is None:
        return None
    several = sorted(with_norm(view, pupil.id), key=lambda one: one.taken_on, reverse=True)
    names = view.state.class_data.catalogue.definitions
    rows = [
        html.Li(
            [
                html.Span(
                    f"{subject_word(one.subject_material.subject)} · {one.subject_material.material} · {names[one.definition_id].name} · "
                    f"{short_day(one.taken_on)}"
                ),
                html.Span(score_words(one.reading, one.total.derived)),
            ]
        )
        for one in several
    ]
    return [
        html.H3(f"{pupil_word(pupil)} · {norm_words(several)}"),
        rule(_("All totals in the period that came with a norm of the source, of every material.")),
        facts([period_fact(view), *source_facts(view, {one.source_id for one in several})]),
        html.Ul(rows),
    ]


def explain_hidden(view: ClassView) -> Told:
    """Of whom the period hides results, and how many."""
    overview = view.overview
    rows = [
        (one, n_("{number} result", "{number} results", overview.hidden_of[one.id]))
        for one in overview.pupils
        if overview.hidden_of.get(one.id)
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


def explain_topic(view: ClassView, field: str, part: str) -> Told:
    """How many made a part and who of them scored below its norm."""
    topic = next((one for one in shown_topics(view) if one.subject_material.key == field and one.part == part), None)
    if topic is None:
        return None
    period = view.overview.period
    scores = {
        one.pupil_id: one
        for one in sorted(view.state.class_data.parts, key=lambda one: one.taken_on)
        if (one.test_id, one.subject_material, one.name.name) == (topic.test_id, topic.subject_material, topic.part)
        and one.reading.counts
        and one.reading.has_norm
        and one.taken_on in period
    }
    shown = {one.id: one for one in view.overview.pupils}
    below = [(one, score_words(scores[one.id].reading, False)) for one in shown.values() if one.id in topic.pupils]
    limits = [view.state.thresholds[class_id] for class_id in view.filters.class_ids]
    days = sorted({scores[one].taken_on for one in scores if one in shown})
    rules = list(dict.fromkeys(rule_with(SignalRule.HARD, one) for one in limits))
    return [
        html.H3(topic.part),
        rule(
            _("Who scored below the norm of the source, of those who made the part; of each pupil the newest score."),
            _("Who did not make it does not count."),
        ),
        facts(
            [
                (_("Made by"), _("{counted} of {all} pupils shown", counted=topic.made, all=len(view.overview.pupils))),
                (_("Below the norm"), _("{below} of {made}", below=topic.below, made=topic.made)),
                *((_("Signal"), one) for one in rules),
                (_("Material"), topic.subject_material.material),
                (_("Test"), topic.test),
                (_("Made on"), ", ".join(map(short_day, days))),
                *source_facts(view, [topic.source_id]),
            ]
        ),
        *pupil_list(_("Below the norm"), below, "below"),
    ]
