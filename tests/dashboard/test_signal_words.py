"""What stands beside a signal."""

from __future__ import annotations

from dataclasses import replace

from dashboard.text.signal_words import evidence_words
from models.classroom.signals import SignalRule
from models.results.catalogue import PartName
from models.schema import clock
from tests.dashboard import school
from tests.models.classroom import Classroom, days


def test_parts_below_the_norm_stand_in_the_order_of_the_test_and_the_others_are_counted() -> None:
    classroom, taken = Classroom(), days(4)
    with clock.fixed(school.NOW):
        for value, day in zip((80, 80, 80, 20), taken, strict=True):
            classroom.score(1, value, day)
        for place, (name, value) in enumerate((("Breuken", 5), ("Klok", 0), ("Meten", 3), ("Geld", 9))):
            classroom.part(1, value, taken[-1], name)
            classroom.parts[-1] = replace(classroom.parts[-1], name=PartName(place, name, name, True))
        classroom.parts.reverse()
        [drop] = [signal for signal in classroom.signals() if signal.rule is SignalRule.DROP]
        assert evidence_words(classroom.class_data, drop).endswith(
            "Onder de norm: Breuken (5), Klok (0), en nog 1 onderdeel."
        )
