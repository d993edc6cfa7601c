"""What changed between two runs of the same kind on the same target: of every rule and every scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.conformance.scenarios import State
from models.schema.records import Text

NEW, MENDED, STILL, TESTED, UNTESTED = "new", "mended", "still", "tested", "untested"
CHANGES = {
    NEW: Text("nieuw", "new"),
    MENDED: Text("verholpen", "fixed"),
    STILL: Text("nog steeds", "still there"),
    TESTED: Text("nu wel getest", "tested now"),
    UNTESTED: Text("niet meer getest", "not tested any more"),
}
_SEVERITY = {State.PASSED: 0, State.WARNED: 1, State.FAILED: 2}


def changes_since(previous: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """What changed since an earlier report (both as JSON), by kind of change.

    Lists of rules and scenarios with their state before and now: `new` (worse than before), `mended` (better), `still`
    (wrong or a warning, as before), `tested` (right, and not tested before), `untested` (tested before). What a
    report does not have counts as not tested.
    """
    changes: dict[str, Any] = {"made": previous.get("made"), **{kind: [] for kind in CHANGES}}
    before_of, now_of = _states(previous), _states(report)
    for item in now_of | before_of:
        before, now = before_of.get(item, State.NOT_TESTED), now_of.get(item, State.NOT_TESTED)
        kind = _kind(before, now)
        if kind is not None:
            what, name = item
            changes[kind].append({"what": what, "id": name, "before": before.value, "now": now.value})
    return changes


def _states(report: Mapping[str, Any]) -> dict[tuple[str, str], State]:
    """The state of every scenario and rule of a report; a rule and a scenario may have the same id."""
    states = {("scenario", outcome["scenario"]): State(outcome["state"]) for outcome in report.get("outcomes", ())}
    return states | {("rule", rule): State(state) for rule, state in report.get("rules", {}).items()}


def _kind(before: State, now: State) -> str | None:
    """The kind of a change; None for what is right or not tested as before."""
    if now is State.NOT_TESTED:
        return None if before is State.NOT_TESTED else UNTESTED
    worse = _SEVERITY[now] - _SEVERITY.get(before, 0)
    if worse > 0:
        return NEW
    if before is State.NOT_TESTED:
        return TESTED
    if worse < 0:
        return MENDED
    return STILL if _SEVERITY[now] else None
