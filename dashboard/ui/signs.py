"""Small pieces of page that many screens share: a sign, a state, a note, a badge, a panel."""

from __future__ import annotations

from typing import Any

from dashboard.text.translate import _
from dashboard.ui.elements import html

Children = Any

WHY_HINT = "why-hint"  # names the element that says what a number does when it is chosen
KEEP_DRAFT = {"data-draft": "true"}  # of a form whose typed text comes back until it is saved (assets/guard.js)


def attrs(**values: str | None) -> dict[str, Any]:
    """Attributes with a dash in their name (aria_label, data_pupil); those that are None are left out."""
    return {name.replace("_", "-"): value for name, value in values.items() if value is not None}


def sign(name: str) -> html.I:
    """A sign of the tokens; always beside a word, so hidden from screen readers."""
    return html.I(className=f"sg sg-{name}", **attrs(aria_hidden="true"))


def state(kind: str, name: str | None, word: Children) -> html.Span:
    """A sign with its word; kind is be, ab, ok, wa, fa or no."""
    return html.Span([sign(name), word] if name else [word], className=f"st {kind}")


def badge(text: str) -> html.Span:
    """A short fact in a frame."""
    return html.Span(text, className="badge")


def note(kind: str, name: str, children: Children, role: str | None = None) -> html.Div:
    """A message across the page; kind is wa, fa, ok or empty."""
    return html.Div([sign(name), html.Div(children)], className=f"note {kind}".strip(), **attrs(role=role))


def card(title: str, children: Children, subtitle: Children = None, **extra: Any) -> html.Section:
    """A panel with its title."""
    classes = f"card {extra.pop('className', '')}".strip()
    head = [html.H2(title), html.P(subtitle)] if subtitle is not None else [html.H2(title)]
    return html.Section([html.Header(head), *children], className=classes, **extra)


def more_columns() -> html.Button:
    """What scrolls the table of a panel sideways; shown where columns are out of view (assets/in-view.js)."""
    return html.Button(
        [_("More columns"), sign("next")], className="btn q sideways", **attrs(data_sideways="true", type="button")
    )


def num(kind: str, shown: Children, about: str = "") -> html.Button:
    """A number that says where it comes from when it is chosen.

    `kind` is one of `pages.why.KINDS`; what the number is of stands in the data attributes of what it stands in.
    """
    inside = [shown, hidden(f" {about}")] if about else shown
    return html.Button(inside, className="num", **attrs(data_why=kind, aria_describedby=WHY_HINT))


def copy_button(name: str) -> html.Button:
    """A button that copies the text beside it; `name` is what that is (assets/rondblik.js)."""
    return html.Button(
        [html.Span(_("Copy")), hidden(f" {name}")],
        className="btn q small noprint",
        **attrs(data_copy="true", data_copied=_("Copied"), type="button"),
    )


def hidden(text: str) -> html.Span:
    """A text for screen readers only."""
    return html.Span(text, className="vh")
