"""The accessibility statement: what was tested and how, what is known not to meet, and how to report."""

from __future__ import annotations

from typing import Any

from dashboard.pages.page import Body, Page, everybody
from dashboard.text.translate import _, day_name
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.signs import card
from models.access.viewer import Viewer

LOOKED_ON = "2026-11-24"  # the day on which the statement was last held against the pages


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Accessibility")


def frame() -> Body:
    """The whole page, which holds no data."""
    return Body(content())


def layout(_viewer: Viewer, /, **_query: object) -> Body:
    """The whole page, the same for everybody."""
    return frame()


def content() -> list[Any]:
    """The statement."""
    aim = _("Rondblik aims at WCAG 2.1, level AA, on every page.")
    day = _("Last reviewed on {day}.", day=day_name(LOOKED_ON))
    return [
        html.Div(html.Div([html.H1(_("Accessibility")), html.P(f"{aim} {day}")]), className="head"),
        card(_("What was tested, and how"), [_points(_tested())], className="prose"),
        card(_("What does not comply, or may not"), [_points(_known())], className="prose mt"),
        card(_("Does something not work for you?"), [html.P(item) for item in _report()], className="prose mt"),
    ]


def _points(texts: list[str]) -> html.Ul:
    return html.Ul([html.Li(text) for text in texts], className="dots")


def _tested() -> list[str]:
    return [
        _(
            "Every page is checked automatically with axe-core against the rules of WCAG 2.0 and 2.1, levels A and AA: "
            "in light and in dark, on a phone (360 pixels wide), a tablet (768) and a large screen (1920). It finds no "
            "violations. Such a check sees a part of all problems, not all."
        ),
        _(
            "Tasks are done in a browser with the keyboard alone: choosing a class, reading who needs help and why, "
            "settling a signal, going to a pupil."
        ),
        _("Every chart has a table with the same numbers and a summary of one sentence."),
        _("Nothing is said by colour alone: a level has a sign and a word, a missing score a sign and the reason."),
        _("Print is in grey: the same words and signs, without colour."),
        _("On a device that is set to less motion nothing moves."),
    ]


def _known() -> list[str]:
    return [
        _(
            "Nobody who uses a screen reader has tested Rondblik yet, and no outside party has judged it. Until then "
            "this is a statement of our own."
        ),
        _("The charts themselves are pictures to a screen reader. All their numbers are in tables."),
        _(
            "The choices above the pages come from a library. They work by keyboard; how each screen reader reads them "
            "has not been tested."
        ),
        _(
            "On a tablet the table of the class is wider than the screen and scrolls in its own frame. On a phone "
            "there is a list instead."
        ),
        _("Names of tests, parts and levels are those of the publishers, in their language and abbreviations."),
        _("Rondblik needs scripts. Without them the pages stay empty."),
        _("Pages of publishers that Rondblik links to are not part of this statement."),
    ]


def _report() -> list[str]:
    return [
        _(
            "Tell the administrator of your school which page it is and what you wanted to do. The administrator "
            "passes it on to whoever runs Rondblik for the school."
        ),
        _("What you need to know can meanwhile be handed to you in another form, such as on paper."),
    ]


PAGE = Page("accessibility", addresses.ACCESSIBILITY, title, layout, frame, may_see=everybody)
