"""Elements that need no callback, written as HTML on the server: for the browser they are one Dash component.

Dash's renderer keeps a subscription for each component and notifies all of them of each new one, so that a page with
thousands of components blocks the browser (docs/adr/0016). `block` returns an element whose content is a text; the
script of assets/rondblik.js turns it into elements. All escaping happens here, in `to_html`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from html import escape
from typing import Any
from urllib.parse import urlsplit

from dash.development.base_component import Component

MARKUP = "data-markup"
LINK = "data-link"  # a link that changes the page without reloading, as Link does

_LINK_OF_DASH = ("dash_core_components", "Link")
_TAGS_OF_DASH = {_LINK_OF_DASH: "a", ("dash_core_components", "Input"): "input"}
_VOID = frozenset({"br", "wbr", "img", "input"})
_TAGS = _VOID | {
    "a", "article", "b", "button", "caption", "code", "dd", "details", "div", "dl", "dt", "footer", "form", "h1", "h2",
    "h3", "h4", "h5", "header", "i", "label", "li", "mark", "nav", "ol", "option", "p", "q", "section", "select",
    "small", "span", "summary", "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "time", "tr", "u", "ul",
}  # fmt: skip
_NAMES = {"className": "class", "htmlFor": "for"}
_NOT_WRITTEN = frozenset({"children", "available_properties", "available_wildcard_properties"})
_NAME = re.compile(r"(?!on)[a-z][a-z0-9-]*", re.ASCII)
_ADDRESSES = frozenset({"href", "src", "action"})
_SCHEMES = frozenset({"", "http", "https"})
_IMAGE = "data:image/svg+xml,"


def block(element: Component) -> Component:
    """The same element with its content as markup; a link stays as it is.

    Raises ValueError where something in it must stay a component.
    """
    if (element._namespace, element._type) == _LINK_OF_DASH:
        return element
    return type(element)(**dict(_properties(element)), **{MARKUP: to_html(getattr(element, "children", None))})


def blocks(elements: Iterable[Any]) -> list[Any]:
    """Each element as `block`; None is left out."""
    return [block(element) for element in elements if element is not None]


class Written(str):
    """An element as HTML that `written` made of it; it may stand in another one."""

    __slots__ = ()


def written(element: Component) -> Written:
    """An element as HTML, for whoever has it in several pages. Raises ValueError as `to_html` does."""
    return Written(to_html(element))


def to_html(node: object) -> str:
    """A tree of `html` components, `Link` and `Input` as HTML that is XML too; every text and value in it is escaped.

    Raises ValueError for any other component, which needs Dash in the browser.
    """
    pieces: list[str] = []
    _write(node, pieces.append)
    return "".join(pieces)


def _write(node: object, write: Callable[[str], None]) -> None:
    if isinstance(node, str):
        write(node if isinstance(node, Written) else escape(node))
    elif node is None or isinstance(node, bool):
        return
    elif isinstance(node, list | tuple):
        for item in node:
            _write(item, write)
    elif isinstance(node, Component):
        _write_element(node, write)
    else:
        write(escape(str(node)))


def _write_element(node: Any, write: Callable[[str], None]) -> None:
    tag, is_link = _tag(node._namespace, node._type)
    write(f"<{tag}{''.join([_attribute(name, value) for name, value in _properties(node)])}")
    if is_link:
        write(f' {LINK}=""')
    if tag in _VOID:
        write("/>")
        return
    write(">")
    _write(getattr(node, "children", None), write)
    write(f"</{tag}>")


@cache
def _tag(namespace: str, kind: str) -> tuple[str, bool]:
    """The name of the element that a component is written as, and whether it is a link of Dash."""
    of_dash = _TAGS_OF_DASH.get((namespace, kind))
    tag = of_dash or kind.lower()
    if tag not in _TAGS or not (of_dash or namespace == "dash_html_components"):
        raise ValueError(f"{namespace}.{kind} must stay a component")
    return tag, (namespace, kind) == _LINK_OF_DASH


def _properties(node: Component) -> list[tuple[str, Any]]:
    """The properties of an element that are set."""
    return [item for item in vars(node).items() if item[0] not in _NOT_WRITTEN and item[0][0] != "_"]


def _attribute(name: str, value: object) -> str:
    """An attribute with a leading space; empty where it has no value."""
    written = _written_name(name)
    if isinstance(value, dict) != (name == "style"):
        raise ValueError(f"{name} is no attribute of markup")
    if value is None:
        return ""
    if isinstance(value, bool):
        if not written.startswith(("aria-", "data-")):
            return f' {written}=""' if value else ""
        value = "true" if value else "false"
    if isinstance(value, dict):
        value = ";".join(f"{_css_name(key)}:{item}" for key, item in value.items())
    if written in _ADDRESSES and not _is_plain_address(str(value)):
        raise ValueError(f"{name} leads to no page and no image")
    return f' {written}="{escape(str(value))}"'


@cache
def _written_name(name: str) -> str:
    """The name of an attribute in HTML. Raises ValueError for one that could run a script."""
    written = _NAMES.get(name) or name.lower()
    if _NAME.fullmatch(written) is None:
        raise ValueError(f"{name} is no attribute of markup")
    return written


def _css_name(name: str) -> str:
    return re.sub("[A-Z]", lambda match: f"-{match[0].lower()}", name)


def _is_plain_address(address: str) -> bool:
    """Whether an address is a path, a web page or one of our images: nothing that runs as a script."""
    return address.startswith(_IMAGE) or (
        address.isprintable() and address == address.strip() and urlsplit(address).scheme in _SCHEMES
    )
