"""What the standard requires: every clause, what tests it or why nothing does, and how the vendor's last check went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dashboard.auth import request
from dashboard.pages.page import Body, Page, tests_connections
from dashboard.pages.vendor import page as vendor
from dashboard.pages.vendor.parts import test_aid_notice
from dashboard.pages.vendor.words import RESULT_LOOKS, in_language, level_word, result_word
from dashboard.text.translate import _, at_moment, n_
from dashboard.ui import addresses
from dashboard.ui.elements import Link, html
from dashboard.ui.markup import blocks
from dashboard.ui.signs import attrs, note, sign, state
from models.access.viewer import Viewer
from models.ingest import page_requests
from models.ingest.page_requests import LastRun
from models.sandbox.requirements import SCENARIO, Requirement, RequirementPart, RequirementTest

CHECKS = ("well-formed", "envelope", "schema", "keys", "business", "behaviour")
UNTESTED = "geen"  # in an address: what nothing tests
LEVEL = "niveau"


def title(**_address: object) -> str:
    """The title of the page."""
    return _("What the standard requires")


def frame() -> Body:
    """The page without data."""
    return Body([_head(), html.Div(id="requirements")])


def layout(_viewer: Viewer, /, niveau: object = None, **_query: object) -> Body:
    """The whole page, narrowed to the clauses with a test of one level, or without any."""
    level = niveau if isinstance(niveau, str) and niveau in (*CHECKS, UNTESTED) else None
    context = request.context()
    last_run = page_requests.last_run(context.engine, context.cipher, request.vendor_id())
    parts = [part for part in (_narrowed(item, level) for item in context.requirements) if part.requirements]
    sections = [_counts(parts), *(_part(part, last_run) for part in parts)]
    content = [test_aid_notice(), _last_run(last_run), _choice(level), *sections]
    return Body([_head(), html.Div(blocks(content), id="requirements", className="reqs")])


def _narrowed(part: RequirementPart, level: str | None) -> RequirementPart:
    return replace(part, requirements=tuple(item for item in part.requirements if _is_of(item, level)))


def _is_of(requirement: Requirement, level: str | None) -> bool:
    if level == UNTESTED:
        return not requirement.tests
    return level is None or any(test.check == level for test in requirement.tests)


def _head() -> html.Div:
    lead = _("Every clause of UWLR, with the rules and situations that test it, or the reason why it is not tested.")
    back = html.A([sign("back"), _("Test your connection")], href=addresses.VENDOR, className="back")
    return html.Div(html.Div([back, html.H1(title()), html.P(lead)]), className="head")


def _last_run(last_run: LastRun | None) -> html.Div:
    if last_run is None:
        words = _("As soon as you have tested something, each rule says here how it went.")
        return note("", "info", html.P(words))
    words = _("The outcome beside a rule is that of your last check: {title}, {moment}.",
              title=last_run.title, moment=at_moment(last_run.finished_us))  # fmt: skip
    return note("", "info", html.P(words))


def _choice(level: str | None) -> html.Nav:
    """Links that narrow the page; the one that is chosen is marked."""
    choices = [(None, _("Everything")), *((check, level_word(check)) for check in CHECKS), (UNTESTED, _("Not tested"))]
    links = [
        Link(
            words,
            href=addresses.REQUIREMENTS if value is None else f"{addresses.REQUIREMENTS}?{LEVEL}={value}",
            className="btn pri" if value == level else "btn",
            **attrs(aria_current="true" if value == level else None),
        )
        for value, words in choices
    ]
    return html.Nav(links, id="levels-choice", className="acts mt", **attrs(aria_label=_("Only clauses of one level")))


def _counts(parts: list[RequirementPart]) -> html.P:
    requirements = [item for part in parts for item in part.requirements]
    untested = sum(not item.tests for item in requirements)
    words = n_("{number} clause", "{number} clauses", len(requirements))
    none = n_("{number} without a test", "{number} without a test", untested)
    return html.P(f"{words}, {none}", className="sm t2 mt")


def _part(part: RequirementPart, last_run: LastRun | None) -> html.Section:
    report = {} if last_run is None else last_run.report
    number = n_("{number} clause", "{number} clauses", len(part.requirements))
    return html.Section(
        [
            html.Header([html.H2(in_language(part.title)), html.P(number)]),
            *(_requirement(item, report) for item in part.requirements),
        ],
        className="card mt",
    )


def _requirement(requirement: Requirement, report: Mapping[str, Any]) -> html.Article:
    parts: list[Any] = [
        html.H3(html.A(requirement.clause, href=f"#{requirement.anchor}")),
        html.P(in_language(requirement.requires)),
    ]
    if requirement.tests:
        parts.append(html.Ul([_test(test, test.state_in(report)) for test in requirement.tests]))
    if requirement.untested is not None:
        words = _("Not tested:") if not requirement.tests else _("Not fully tested:")
        parts.append(html.P([html.B(words), " ", in_language(requirement.untested)], className="why"))
    return html.Article(parts, id=requirement.anchor, **attrs(data_clause=requirement.clause))


def _test(test: RequirementTest, outcome: str | None) -> html.Li:
    kind = {"error": _("refuses"), "warning": _("warns"), "info": _("reports")}.get(test.severity, "")
    facts = [_("situation") if test.kind == SCENARIO else kind, level_word(test.check)]
    return html.Li(
        [
            html.Div(
                [html.Code(test.id), html.Span(in_language(test.sentence)), html.Small(" · ".join(facts))],
            ),
            *([] if outcome is None else [state(*RESULT_LOOKS.get(outcome, ("no", "info")), result_word(outcome))]),
        ],
        **attrs(data_test=test.id, data_kind=test.kind, data_state=outcome),
    )


PAGE = Page(
    "requirements",
    addresses.REQUIREMENTS,
    title,
    layout,
    frame,
    may_see=tests_connections,
    refusal=vendor.refusal,
    section="vendor",
)
