"""Figures and lists that more than one folder states, each in one place."""

from __future__ import annotations

from typing import Literal, get_args

MAX_BYTES = 512 * 1024 * 1024  # of a message, unpacked
VENDOR_DAYS = 14  # that a sandbox is stored after its last message, and the report of a check

Version = Literal["2.0", "2.1", "2.2", "2.2.1", "2.3"]  # the xsdversies that are read
ALL_VERSIONS: tuple[Version, ...] = get_args(Version)
SENDER_VERSIONS: tuple[Version, ...] = ("2.1", "2.2", "2.3")  # that a sender may use unless more was agreed
