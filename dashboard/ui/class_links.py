"""The choice of a class by links, on pages where a pupil is chosen from the class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dashboard.text.translate import _
from dashboard.text.words import class_word
from dashboard.ui import addresses
from dashboard.ui.elements import Link, html
from dashboard.ui.signs import attrs
from models.access.people import ClassRef

WITHOUT = "geen"  # in place of the number of a class: pupils who are in none now


def read_class(value: object, classes: Sequence[ClassRef]) -> ClassRef | None:
    """The class of these that an address names; None where it names none of them."""
    number = addresses.read_number(value)
    return next((item for item in classes if item.id == number), None)


def class_links(
    classes: Sequence[ClassRef], chosen: str, href: Callable[[str], str], without: bool = False
) -> html.Nav:
    """A link for each class, and one for pupils without a class where those can be chosen too.

    `chosen` and what `href` gets are the value of the parameter in the address.
    """
    values = {addresses.number(item.id): class_word(item.name) for item in classes}
    values |= {WITHOUT: _("Without a class")} if without else {}
    links = [
        Link(
            words,
            href=href(value),
            className="btn pri" if value == chosen else "btn",
            **attrs(aria_current="true" if value == chosen else None),
        )
        for value, words in values.items()
    ]
    return html.Nav(links, className="acts mt", **attrs(aria_label=_("Class")))
