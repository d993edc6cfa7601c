"""What a callback may be called with: the form in which Dash sends it, and values that the store can be asked for.

Values may still be of any type; what a page does not know it leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

LARGEST = 2**63 - 1  # that a database counts to


def is_callback_body(body: object) -> bool:
    """Whether a body is one as Dash sends it: names are texts, lists are lists, and no number is beyond 64 bits."""
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        return False
    changed = body.get("changedPropIds", [])
    return (
        isinstance(changed, list)
        and all(isinstance(item, str) for item in changed)
        and all(_are_entries(body.get(name, [])) for name in ("inputs", "state"))
        and all(_is_plain(value) for value in _values(body))
    )


def _are_entries(entries: object) -> bool:
    """Whether these are inputs or states; a list within is one with wildcards."""
    return isinstance(entries, list) and all(
        all(_is_entry(item) for item in entry) if isinstance(entry, list) else _is_entry(entry) for entry in entries
    )


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("property"), str):
        return False
    identifier = entry.get("id")
    parts = identifier.values() if isinstance(identifier, dict) else [identifier]
    return all(isinstance(part, str | int) and not isinstance(part, bool) for part in parts)


def _values(tree: object) -> Iterator[object]:
    """Every value in a body and every name of one, however deep."""
    left = [tree]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        else:
            yield value


def _is_plain(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) <= LARGEST
    return not isinstance(value, float) or math.isfinite(value)
