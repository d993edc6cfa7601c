"""The texts of every kind of signal: what is the matter, on which evidence, by which rule; no judgement of a child."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import assert_never

from dashboard.text.scores import level_meaning, numbers_words, score_words
from dashboard.text.translate import _, n_, native, short_day, tenths
from dashboard.text.words import part_name_word, part_word, short_test
from models.classroom.class_data import ClassData
from models.classroom.signals import Signal, SignalRule, drop, hard, idle, overdue, stuck
from models.classroom.thresholds import Threshold, Thresholds
from models.results.scales import NormPosition, plain_decimal

MAX_PARTS = 2


class SignalText(ABC):
    """What the screens say about one kind of signal."""

    @abstractmethod
    def title(self) -> str:
        """What the rule is called."""

    @abstractmethod
    def headline(self, signal: Signal) -> str:
        """What is the matter, in one sentence."""

    @abstractmethod
    def evidence(self, class_data: ClassData, signal: Signal) -> str:
        """What the signal rests on besides its headline: dates, the mean, the parts below the norm."""

    @abstractmethod
    def rule(self, limits: Thresholds) -> str:
        """The rule with its thresholds, as a class has set them."""

    @abstractmethod
    def thresholds(self) -> dict[Threshold, str]:
        """What each threshold of the rule counts."""


class DropText(SignalText):
    """Sharp drop."""

    def title(self) -> str:
        return _("Much lower than before")

    def headline(self, signal: Signal) -> str:
        totals = signal.evidence.totals
        return _(
            "Lower than the mean of the scores before: {last} after {earlier}.",
            last=score_words(totals[-1]),
            earlier=numbers_words(totals[:-1]),
        )

    def evidence(self, class_data: ClassData, signal: Signal) -> str:
        assert signal.evidence.mean is not None
        mean, scale = tenths(signal.evidence.mean), signal.evidence.totals[-1].scale
        if scale is None:  # a number without norm or points that is a percentage
            words = _("Own mean before: {mean}, on a scale of 0 to 100: the scores are percentages.", mean=mean)
        else:
            low, high = (native(plain_decimal(bound)) for bound in scale)
            words = _("Own mean before: {mean}, on a scale of {low} to {high}.", mean=mean, low=low, high=high)
        return " ".join([words, *_weak_parts(class_data, signal)])

    def rule(self, limits: Thresholds) -> str:
        return _(
            "Rule: {percent} % of the scale or more below the mean of the {number} scores before.",
            percent=limits[drop.PERCENT],
            number=limits[drop.EARLIER],
        )

    def thresholds(self) -> dict[Threshold, str]:
        return {
            drop.PERCENT: _(
                "Much lower than before: percent of the scale below the own mean (scale: of the norm, the number of "
                "points, or percent)"
            ),
            drop.EARLIER: _("Own mean: number of scores before the drop"),
        }


class StuckText(SignalText):
    """Stays below the norm."""

    def title(self) -> str:
        return _("Stays below the norm")

    def headline(self, signal: Signal) -> str:
        totals = signal.evidence.totals
        return _("{number} times in a row below the norm: {scores}.", number=len(totals), scores=numbers_words(totals))

    def evidence(self, class_data: ClassData, signal: Signal) -> str:
        days = ", ".join(short_day(scored_test.taken_on) for scored_test in signal.evidence.totals)
        levels = ", ".join(scored_test.reading.band or "" for scored_test in signal.evidence.totals)
        meaning = level_meaning(signal.evidence.totals[-1].reading)
        of_level = [_("Levels: {levels} ({meaning}).", levels=levels, meaning=meaning)] if meaning else []
        return " ".join([_("Tests of {days}.", days=days), *of_level, *_weak_parts(class_data, signal)])

    def rule(self, limits: Thresholds) -> str:
        return _("Rule: {number} scores in a row below the norm of the source.", number=limits[stuck.TIMES])

    def thresholds(self) -> dict[Threshold, str]:
        return {stuck.TIMES: _("Stays below the norm: so many scores in a row")}


class IdleText(SignalText):
    """No work."""

    def title(self) -> str:
        return _("No work")

    def headline(self, signal: Signal) -> str:
        return n_("{number} school day without work.", "{number} school days without work.", signal.evidence.days)

    def evidence(self, class_data: ClassData, signal: Signal) -> str:
        if signal.evidence.last_on is None:
            return _("Nothing was made with this source yet.")
        return _("Last worked on {day}. Holidays are not counted.", day=short_day(signal.evidence.last_on))

    def rule(self, limits: Thresholds) -> str:
        return _(
            "Rule: {number} school days without work, while at least half of the class worked.",
            number=limits[idle.SCHOOL_DAYS],
        )

    def thresholds(self) -> dict[Threshold, str]:
        return {idle.SCHOOL_DAYS: _("No work: school days")}


class OverdueText(SignalText):
    """Past the agreed date."""

    def title(self) -> str:
        return _("Past the agreed date")

    def headline(self, signal: Signal) -> str:
        day = short_day(signal.evidence.due_on or "")
        return _(
            "{test} is not finished. The agreement was {day}.", test=short_test(signal.evidence.test or ""), day=day
        )

    def evidence(self, class_data: ClassData, signal: Signal) -> str:
        return n_("{number} school day ago.", "{number} school days ago.", signal.evidence.days)

    def rule(self, limits: Thresholds) -> str:
        return _("Rule: {number} school days after the agreed date.", number=limits[overdue.SCHOOL_DAYS])

    def thresholds(self) -> dict[Threshold, str]:
        return {overdue.SCHOOL_DAYS: _("Past the date: school days after it")}


class HardText(SignalText):
    """Hard for many."""

    def title(self) -> str:
        return _("Hard for many")

    def headline(self, signal: Signal) -> str:
        evidence = signal.evidence
        return _(
            "{part}: {below} of {made} pupils below the norm.",
            part=part_word(evidence.part or ""),
            below=evidence.below,
            made=evidence.made,
        )

    def evidence(self, class_data: ClassData, signal: Signal) -> str:
        return f"{short_test(signal.evidence.test or '')}."

    def rule(self, limits: Thresholds) -> str:
        return _(
            "Rule: {percent} % or more below the norm, of at least {number} pupils who took it.",
            percent=limits[hard.PERCENT],
            number=limits[hard.PUPILS],
        )

    def thresholds(self) -> dict[Threshold, str]:
        return {
            hard.PERCENT: _("Hard for many: percent of the pupils below the norm"),
            hard.PUPILS: _("Pupils needed for hard for many: at least so many took the part"),
        }


def text_of(rule: SignalRule) -> SignalText:
    """The texts of the kind of signal that a rule stands for."""
    match rule:
        case SignalRule.DROP:
            return DropText()
        case SignalRule.STUCK:
            return StuckText()
        case SignalRule.IDLE:
            return IdleText()
        case SignalRule.OVERDUE:
            return OverdueText()
        case SignalRule.HARD:
            return HardText()
        case _:
            assert_never(rule)


def _weak_parts(class_data: ClassData, signal: Signal) -> list[str]:
    """The parts of the newest test below the norm of the source, in the order of the test: their scales differ."""
    newest = signal.evidence.totals[-1]
    weak = [
        part
        for part in class_data.parts_of(newest.total.sitting)
        if part.reading.position is NormPosition.BELOW and part.reading.value is not None
    ]
    if not weak:
        return []
    weak.sort(key=lambda part: (part.name.number, part.name.code))
    names = [f"{part_name_word(part.name)} ({native(part.reading.text or '')})" for part in weak[:MAX_PARTS]]
    more = len(weak) - MAX_PARTS
    if more > 0:
        names.append(n_("and {number} more part", "and {number} more parts", more))
    return [_("Below the norm: {parts}.", parts=", ".join(names))]
