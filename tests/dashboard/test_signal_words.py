"""What stands beside a signal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.text.signal_texts import text_of
from dashboard.text.signal_words import evidence_words, threshold_word
from models.classroom.attention import GROUP_THRESHOLDS
from models.classroom.class_thresholds import THRESHOLDS
from models.classroom.signals import SignalRule, kind_of
from models.classroom.thresholds import Thresholds
from models.results.catalogue import PartName
from models.schema import clock
from tests.dashboard import school
from tests.dashboard.test_texts import in_language
from tests.models.classroom import Classroom, days


def test_parts_below_the_norm_stand_in_the_order_of_the_test_and_the_others_are_counted() -> None:
    classroom, taken = Classroom(), days(4)
    with clock.fixed(school.NOW):
        for value, day in zip((80, 80, 80, 20), taken, strict=True):
            classroom.score(1, value, day)
        for number, (name, value) in enumerate((("Breuken", 5), ("Klok", 0), ("Meten", 3), ("Geld", 9))):
            classroom.part(1, value, taken[-1], name)
            classroom.parts[-1] = replace(classroom.parts[-1], name=PartName(number, name, name, True))
        classroom.parts.reverse()
        [drop] = [signal for signal in classroom.signals() if signal.rule is SignalRule.DROP]
        assert evidence_words(classroom.class_data, drop).endswith(
            "Onder de norm: Breuken (5), Klok (0), en nog 1 onderdeel."
        )


@pytest.mark.parametrize("rule", SignalRule)
def test_every_kind_of_signal_names_its_thresholds_and_states_them_in_its_rule(rule: SignalRule) -> None:
    text, thresholds = text_of(rule), kind_of(rule).thresholds
    assert list(text.thresholds()) == list(thresholds)
    for threshold in thresholds:
        assert "87" in text.rule(Thresholds({threshold.name: 87}))


def test_every_threshold_has_its_own_name_and_words() -> None:
    everything = [*GROUP_THRESHOLDS, *(threshold for rule in SignalRule for threshold in kind_of(rule).thresholds)]
    assert len(everything) == len(THRESHOLDS)
    assert set(everything) == set(THRESHOLDS.values())
    assert len({threshold_word(threshold) for threshold in THRESHOLDS.values()}) == len(THRESHOLDS)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_two_thresholds_begin_with_the_same_words(language: str) -> None:
    with in_language(language):
        beginnings = [" ".join(threshold_word(threshold).split()[:2]) for threshold in THRESHOLDS.values()]
    assert [words for words in beginnings if beginnings.count(words) > 1] == []
