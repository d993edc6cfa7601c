"""What may stand in no log and in no answer about a fault: keys of senders, ECK iDs, and who the pupils are.

Every test is watched: each record of the log that is written in its process, and each Fault that it receives.
"""

from __future__ import annotations

import logging
import re

from dashboard.settings.logs import TextFormatter
from tests.dashboard import school

ECK_ID = re.compile(r"ketenid\.nl/\w+/\w{20}")
PUPILS = tuple(name for _first, _prefix, name in (*school.NAMES, *school.NAMES_B) if len(name) > 4)
SENT = re.compile(rb"<(?:\w+:)?(?:leerlingid|eckid|autorisatiesleutel)(?:\s[^<>]*)?>\s*([^<&\s][^<&]{5,}?)\s*<")
MAX_READ = 200_000  # bytes of one message
ORDINARY = re.compile(r"[\d.,]*|[a-z]+")  # a number or a word may be of something else


class Watch(logging.Handler):
    """Reads what a test logs and which Faults it gets; `wrong` is what stands there and may not."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(TextFormatter())
        self.records = self.faults = 0
        self.values: set[str] = set()
        self.wrong: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """A record, as the program would write it."""
        self.records += 1
        self.judge(self.format(record))

    def sent(self, body: bytes) -> None:
        """Remember whom a message names and the key that it was sent with, until the end of the test."""
        values = {value.decode("utf-8", "replace") for value in SENT.findall(body[:MAX_READ])}
        self.values |= {value for value in values if not ORDINARY.fullmatch(value)}

    def fault(self, answer: bytes) -> None:
        """An answer that refuses a message."""
        self.faults += 1
        self.judge(answer.decode("utf-8", "replace"))

    def judge(self, text: str) -> None:
        """Note a text with something private in it."""
        found = [value for value in (*self.values, *PUPILS) if value in text]
        if found or ECK_ID.search(text):
            self.wrong.append(f"{found}: {text[:300]}")

    def end_of_test(self) -> list[str]:
        """What went wrong in this test; the next begins anew."""
        wrong, self.wrong, self.values = self.wrong, [], set()
        return wrong


watch = Watch()
