"""What can go wrong on the way in, as one tree.

ConnectorError            something between us and a source; carries a sentence in Dutch and in English
├── Retriable             may be better later: no connection, time out, 5xx, half an answer. Outcome unknown
│   └── ClockSetBack      our own clock is wrong, so what comes in cannot be judged by it
├── Fatal                 will not be better by itself: not SOAP, certificate, a setting that is wrong
│   └── TooLarge          more bytes than we take
└── Refused               the other side, or we, said no; carries the fault code of the standard

A sentence never holds a value of a message, a key or a name of a person.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Something between us and a source, in a sentence for people."""

    def __init__(self, sentence_nl: str, sentence_en: str) -> None:
        super().__init__(sentence_en)
        self.sentence_nl = sentence_nl
        self.sentence_en = sentence_en


class Retriable(ConnectorError):
    """May be better later; asked again with back-off, after `wait_seconds` where the other side says so."""

    def __init__(self, sentence_nl: str, sentence_en: str, wait_seconds: float | None = None) -> None:
        super().__init__(sentence_nl, sentence_en)
        self.wait_seconds = wait_seconds


class ClockSetBack(Retriable):
    """A message is from the future by our clock, which was set back itself."""

    def __init__(self) -> None:
        super().__init__(
            "De klok van Rondblik zelf loopt achter, waardoor een bericht uit de toekomst lijkt; zet hem goed.",
            "The clock of Rondblik itself is behind, so that a message seems to be of the future; set it right.",
        )


class Fatal(ConnectorError):
    """Will not be better by itself; somebody must change a setting."""


class TooLarge(Fatal):
    """More than the `cap` bytes that we take of a message, a document or an answer."""

    def __init__(self, cap: int) -> None:
        limit = f"{cap / 1_000_000:g} MB"
        super().__init__(
            f"Het bericht is groter dan {limit}; laat de leverancier het splitsen of verhoog limits.max_bytes.",
            f"The message is larger than {limit}; have the supplier split it or raise limits.max_bytes.",
        )


class Refused(ConnectorError):
    """Said no, with a fault code of the standard."""

    def __init__(self, fault: str, sentence_nl: str, sentence_en: str) -> None:
        super().__init__(sentence_nl, sentence_en)
        self.fault = fault
