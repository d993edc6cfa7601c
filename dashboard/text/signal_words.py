"""Signals in words: what is the matter, on which evidence, by which rule; no judgement of a child."""

from __future__ import annotations

from dashboard.text.translate import _, at_moment, n_, native, short_day, tenths
from dashboard.text.words import subject_word
from models.classroom.class_data import ClassData, ScoredTest
from models.classroom.signal_resolutions import ResolutionAction
from models.classroom.signals import Signal, SignalRule
from models.classroom.thresholds import Thresholds
from models.ingest.freshness import SourceState
from models.results.scales import NormPosition

MAX_PARTS = 2


def rule_title(rule: SignalRule) -> str:
    """What a rule is called."""
    return {
        SignalRule.DROP: _("Sharp drop against own past"),
        SignalRule.STUCK: _("Stuck below the norm"),
        SignalRule.IDLE: _("No work"),
        SignalRule.OVERDUE: _("Past the agreed date"),
        SignalRule.HARD: _("Hard for many"),
    }[rule]


def headline(signal: Signal) -> str:
    """What is the matter, in one sentence."""
    evidence = signal.evidence
    if signal.rule is SignalRule.DROP:
        earlier = ", ".join(_number(score) for score in evidence.totals[:-1])
        return _("Drops against own past: {last} after {earlier}.", last=_number(evidence.totals[-1]), earlier=earlier)
    if signal.rule is SignalRule.STUCK:
        scores = ", ".join(_number(score) for score in evidence.totals)
        return _("{number} times in a row in the lowest level: {scores}.", number=len(evidence.totals), scores=scores)
    if signal.rule is SignalRule.IDLE:
        return n_("{number} school day without work.", "{number} school days without work.", evidence.days)
    if signal.rule is SignalRule.OVERDUE:
        return _(
            "{test} is not finished. The agreement was {day}.", test=evidence.test, day=short_day(evidence.due_on or "")
        )
    return _(
        "{part}: {below} of {made} pupils below the norm.", part=evidence.part, below=evidence.below, made=evidence.made
    )


def _number(scored_test: ScoredTest) -> str:
    text = native(scored_test.reading.text or "")
    return (
        _("{score} of {maximum}", score=text, maximum=native(scored_test.reading.maximum))
        if scored_test.reading.maximum
        else text
    )


def evidence_words(class_data: ClassData, signal: Signal) -> str:
    """What the signal rests on beside its headline: dates, the mean, the parts below the norm."""
    evidence = signal.evidence
    if signal.rule is SignalRule.DROP and evidence.mean is not None:
        mean = _("Own mean before: {mean}.", mean=tenths(evidence.mean))
        return " ".join([mean, *_weak_parts(class_data, signal)])
    if signal.rule is SignalRule.STUCK:
        days = ", ".join(short_day(score.taken_on) for score in evidence.totals)
        return " ".join([_("Tests of {days}.", days=days), *_weak_parts(class_data, signal)])
    if signal.rule is SignalRule.IDLE:
        if evidence.last_on is None:
            return _("Nothing was made with this source yet.")
        return _("Last worked on {day}. Holidays are not counted.", day=short_day(evidence.last_on))
    if signal.rule is SignalRule.OVERDUE:
        return n_("{number} school day ago.", "{number} school days ago.", evidence.days)
    return f"{evidence.test}."


def _weak_parts(class_data: ClassData, signal: Signal) -> list[str]:
    """The parts of the newest test below the norm of the source, in the order of the test: parts have unlike scales."""
    newest = signal.evidence.totals[-1]
    weak = [
        part
        for part in class_data.parts
        if part.pupil_id == signal.pupil_id and part.test_id == newest.test_id and part.taken_on == newest.taken_on
        if part.reading.position is NormPosition.BELOW and part.reading.value is not None
    ]
    if not weak:
        return []
    weak.sort(key=lambda part: (part.name.number, part.name.code))
    names = [f"{part.name.name} ({native(part.reading.text or '')})" for part in weak[:MAX_PARTS]]
    more = len(weak) - MAX_PARTS
    if more > 0:
        names.append(n_("and {number} more part", "and {number} more parts", more))
    return [_("Below the norm: {parts}.", parts=", ".join(names))]


def rule_words(signal: Signal, limits: Thresholds) -> str:
    """The rule with its threshold, as the class has set it."""
    return rule_with(signal.rule, limits)


def rule_with(rule: SignalRule, limits: Thresholds) -> str:
    """A rule with its thresholds."""
    if rule is SignalRule.DROP:
        return _(
            "Rule: {percent} % of the scale or more below the mean of the {number} scores before.",
            percent=limits.drop_percent,
            number=limits.drop_earlier,
        )
    if rule is SignalRule.STUCK:
        return _("Rule: {number} scores in a row in the lowest level of the source.", number=limits.stuck_times)
    if rule is SignalRule.IDLE:
        return _(
            "Rule: {number} school days without work, while at least half of the class worked.",
            number=limits.idle_school_days,
        )
    if rule is SignalRule.OVERDUE:
        return _("Rule: {number} school days after the agreed date.", number=limits.overdue_school_days)
    return _(
        "Rule: {percent} % or more below the norm, of at least {number} pupils who made it.",
        percent=limits.hard_percent,
        number=limits.hard_pupils,
    )


def late_word(source: SourceState | None) -> str:
    """Since when a source does not deliver, or that it does not answer now."""
    name = source.name if source is not None else ""
    if source is None or source.last_success_us is None:
        return _("{name} has not delivered yet.", name=name)
    since = at_moment(source.last_success_us)
    if source.delivered_this_week:
        return _("{name} does not answer now, last {moment}.", name=name, moment=since)
    return _("{name} has not delivered since {moment}.", name=name, moment=since)


def suppressed_words(source: SourceState | None, pupils: int | None) -> str:
    """That a signal cannot be judged: its source is late or down; `pupils` None: that of the pupil of the page."""
    since = late_word(source)
    if pupils is None:
        return _("Not to be judged now: {since}", since=since)
    return n_(
        "Not to be judged for {number} pupil: {since}",
        "Not to be judged for {number} pupils: {since}",
        pupils,
        since=since,
    )


def material_words(signal: Signal, with_source: bool = True) -> str:
    """The subject, and the material."""
    subject = subject_word(signal.subject_material.subject)
    return f"{subject} · {signal.subject_material.material}" if with_source else subject


def action_word(action: ResolutionAction) -> str:
    """What a teacher did with a signal."""
    return {
        ResolutionAction.SEEN: _("Seen"),
        ResolutionAction.DISCUSSED: _("Discussed"),
        ResolutionAction.AGREED: _("Agreed"),
        ResolutionAction.NOT_NEEDED: _("Not needed"),
        ResolutionAction.REOPENED: _("Open again"),
    }[action]
