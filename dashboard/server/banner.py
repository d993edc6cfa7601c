"""The banner of a page whose requests fail: assets/guard.js fills it in, with texts that the page brings along."""

from __future__ import annotations

from html import escape

from dashboard.auth import request
from dashboard.text.translate import _


def banner() -> str:
    """The empty place of the banner; it tells the script for whom the page is made too."""
    values = {"page": request.page_mark(), **_texts()}
    attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in values.items())
    return f'<div id="trouble" role="alert" {attributes}></div>'


def _texts() -> dict[str, str]:
    """What is said by the status of an answer, what the links are called, and what is said of what was typed."""
    user = request.current_user()
    name = user.name if user is not None else ""
    return {
        "401": _("Your session has ended. This page does not follow what you choose any more, and saves nothing."),
        "409": _(
            "This page was made for {name}, and somebody else looks in this browser now, perhaps in another tab. "
            "This page does not show or save anything any more.",
            name=name,
        ),
        "503": _("The database of Rondblik does not answer. What you see may not be right any more."),
        "silent": _("Rondblik does not answer. What you see may not be right any more."),
        "failed": _("Something went wrong in Rondblik. What you see may not be right any more."),
        "typed": _("What you typed is still here. Copy it before you load the page again."),
        "reload": _("Load again"),
        "home": _("To the start page"),
        "draft": _("You typed this before. It is not saved yet."),
        "discard": _("Throw away"),
    }
