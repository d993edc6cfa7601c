"""What keeps a command from running; what is wrong with the configuration in a sentence in Dutch and one in English.

A sentence names file, key and remedy, and never a value: that may be a secret.
"""

from __future__ import annotations


class CannotStart(Exception):
    """What keeps a command from running, in a sentence for the operator."""


class ConfigError(CannotStart):
    """The configuration cannot be used; says in which file and key, and what to do."""

    def __init__(self, nl: str, en: str) -> None:
        super().__init__(f"{nl} / {en}")
