"""Signals in words, as screens ask for them; the texts of each kind stand in `signal_texts`."""

from __future__ import annotations

from dashboard.text.signal_texts import text_of
from dashboard.text.translate import _, at_moment, n_, once_per_language
from dashboard.text.words import attention_threshold_words, class_in_sentence, subject_word
from models.classroom.class_data import ClassData
from models.classroom.signal_resolutions import ResolutionAction, SignalResolution
from models.classroom.signals import Signal, SignalRule
from models.classroom.thresholds import Threshold, Thresholds
from models.ingest.freshness import SourceState


def rule_title(rule: SignalRule) -> str:
    """What a rule is called."""
    return text_of(rule).title()


def headline(signal: Signal) -> str:
    """What is the matter, in one sentence."""
    return text_of(signal.rule).headline(signal)


def evidence_words(class_data: ClassData, signal: Signal) -> str:
    """What the signal rests on besides its headline: dates, the mean, the parts below the norm."""
    return text_of(signal.rule).evidence(class_data, signal)


def rule_words(signal: Signal, limits: Thresholds, class_name: str | None = None) -> str:
    """The rule of a signal with its thresholds, as the class has set them; and that class, where it is named."""
    rule = rule_with(signal.rule, limits)
    if class_name is None:
        return rule
    return f"{rule} " + _("Assessed in {class_name}.", class_name=class_in_sentence(class_name))


def rule_with(rule: SignalRule, limits: Thresholds) -> str:
    """A rule with its thresholds."""
    return text_of(rule).rule(limits)


def threshold_word(threshold: Threshold) -> str:
    """What a threshold counts."""
    words = attention_threshold_words()
    for rule in SignalRule:
        words |= text_of(rule).thresholds()
    return words[threshold]


def late_word(source: SourceState | None) -> str:
    """Since when a source has not delivered, that it does not answer now, or that what it sends is refused."""
    name = source.name if source is not None else ""
    if source is not None and source.refused:
        return _("What {name} sends is refused.", name=name)
    if source is None or source.last_success_us is None:
        return _("{name} has not delivered yet.", name=name)
    since = at_moment(source.last_success_us)
    if source.delivered_this_week:
        return _("{name} does not answer now, last {moment}.", name=name, moment=since)
    return _("{name} has not delivered since {moment}.", name=name, moment=since)


def suppressed_words(source: SourceState | None, pupils: int | None) -> str:
    """That signals of so many pupils cannot be judged while a source is late or down.

    `pupils` is None where the page is about one pupil.
    """
    since = late_word(source)
    if pupils is None:
        return _("Cannot be assessed now: {since}", since=since)
    return n_(
        "Cannot be assessed for {number} pupil: {since}",
        "Cannot be assessed for {number} pupils: {since}",
        pupils,
        since=since,
    )


def material_words(signal: Signal, with_source: bool = True) -> str:
    """The subject and the material of a signal."""
    subject = subject_word(signal.subject_material.subject)
    return f"{subject} · {signal.subject_material.material}" if with_source else subject


def resolution_words(resolution: SignalResolution) -> str:
    """What was done with a signal, by whom and when."""
    return _(
        "{action} by {name}, {moment}.",
        action=action_word(resolution.action),
        name=resolution.resolved_by,
        moment=at_moment(resolution.resolved_us),
    )


def settled_words(signal: Signal) -> str:
    """A settled signal in one line: the rule, the material, and who settled it."""
    assert signal.resolution is not None
    return f"{rule_title(signal.rule)}, {material_words(signal)}: {resolution_words(signal.resolution)}"


@once_per_language
def action_word(action: ResolutionAction) -> str:
    """What a teacher did with a signal."""
    return {
        ResolutionAction.SEEN: _("Seen"),
        ResolutionAction.DISCUSSED: _("Discussed"),
        ResolutionAction.AGREED: _("Agreed"),
        ResolutionAction.NOT_NEEDED: _("Not needed"),
        ResolutionAction.REOPENED: _("Open again"),
    }[action]
