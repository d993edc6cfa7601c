"""Signals: what asks for a teacher's attention, each with its rule, its thresholds and the evidence."""

from models.classroom.signals.hard import Topic, topics
from models.classroom.signals.kind import DueDate, Evidence, SignalInputs, SignalKind
from models.classroom.signals.signal import Signal, SignalRule, in_order, kind_of, open_by_pupil, signals

__all__ = [
    "DueDate",
    "Evidence",
    "Signal",
    "SignalInputs",
    "SignalKind",
    "SignalRule",
    "Topic",
    "in_order",
    "kind_of",
    "open_by_pupil",
    "signals",
    "topics",
]
