"""What changed since the vendor's last check of the same file, address or test address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dashboard.pages.vendor.parts import finding_sentence, requirement_link
from dashboard.pages.vendor.words import RESULT_LOOKS, result_word
from dashboard.text.translate import _, at_moment
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, sign, state
from models.sandbox.requirements import SCENARIO
from models.schema import clock

Report = Mapping[str, Any]
SENDER = "sender"  # the kind of a report on a test address


def changes_panel(report: Report) -> list[html.Section]:
    """The panel; empty for a report from before checks were compared."""
    if "since" not in report:
        return []
    since = report["since"]
    if since is None:
        words = _("This is your first check of this within two weeks. The next one says here what changed.")
        return [_panel("", [html.P(words, className="sm t2")])]
    kinds = [part for name, title, folded in _kinds() if (part := _kind(report, since.get(name, ()), title, folded))]
    children = kinds or [html.P(_("Nothing changed."), className="sm t2")]
    if report.get("kind") == SENDER:
        words = _("The states of rules are those of the messages that came in since then.")
        children.append(html.P(words, className="xs t3 mt"))
    return [_panel(_("the one of {moment}", moment=at_moment(_us(since["made"]))), children)]


def _kinds() -> tuple[tuple[str, str, bool], ...]:
    """The kinds of change in order: name, title, and whether the list is folded."""
    return (
        ("new", _("New"), False),
        ("mended", _("Fixed"), False),
        ("still", _("Still there"), False),
        ("tested", _("Tested now, and right"), True),
        ("untested", _("Not tested any more"), True),
    )


def _panel(of: str, children: list[Any]) -> html.Section:
    head = html.Header([html.H2(_("Since your last check")), html.P(of)])
    return html.Section([head, *children], className="card", id="changes")


def _us(made: str) -> int:
    return clock.to_us(datetime.fromisoformat(made))


def _kind(report: Report, items: Sequence[Mapping[str, str]], title: str, folded: bool) -> Any:
    """The list of one kind of change; None where there is none."""
    if not items:
        return None
    words = f"{title} ({len(items)})"
    rows = html.Ul([_item(report, item) for item in items], className="sn")
    if folded:
        return html.Details([html.Summary([sign("chev"), words]), rows], className="fold")
    return html.Div([html.H3(words), rows], className="kind")


def _item(report: Report, item: Mapping[str, str]) -> html.Li:
    before, now = item["before"], item["now"]
    name = html.B(_title_of(report, item["id"])) if item["what"] == SCENARIO else requirement_link(item["id"])
    was = html.Small(_("before: {state}", state=result_word(before)))
    return html.Li(
        [state(*RESULT_LOOKS.get(now, ("no", "info")), result_word(now)), html.Div([name, " ", was])],
        **attrs(data_change=item["id"], data_what=item["what"], data_before=before, data_now=now),
    )


def _title_of(report: Report, scenario: str) -> str:
    outcome = next((item for item in report.get("outcomes", ()) if item.get("scenario") == scenario), None)
    return scenario if outcome is None else finding_sentence(outcome, "title")
