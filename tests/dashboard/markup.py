"""What a browser shows of markup, for tests that walk components: the elements in it as Dash would have sent them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lxml import etree
from werkzeug.test import TestResponse

from dashboard.ui.markup import LINK, MARKUP

_NAMES = {"class": "className", "for": "htmlFor", "colspan": "colSpan", "rowspan": "rowSpan", "tabindex": "tabIndex"}

_NUMBERS = ("colSpan", "rowSpan", "tabIndex", "width", "height")


def expanded(tree: Any) -> Any:
    """An answer of Dash with the elements of each markup as children of the component that holds it."""
    if isinstance(tree, list):
        return [expanded(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    expanded_items = {key: expanded(value) for key, value in tree.items()}
    if MARKUP in expanded_items.get("props", {}):
        expanded_items["props"]["children"] = elements_of(expanded_items["props"].pop(MARKUP))
    return expanded_items


@dataclass(frozen=True)
class Shown:
    """An answer to a callback: `json` and `text` with the elements of markup in them, `data` as sent."""

    status_code: int
    json: Any
    text: str
    data: bytes


def shown(answer: TestResponse) -> Shown:
    """What a browser shows of an answer."""
    if not answer.is_json:
        return Shown(answer.status_code, None, answer.text, answer.data)
    page = expanded(answer.json)
    return Shown(answer.status_code, page, json.dumps(page, ensure_ascii=False), answer.data)


def elements_of(markup: str) -> list[Any]:
    """The elements and texts of a markup, which must be well-formed."""
    return _children(etree.fromstring(f"<div>{markup}</div>"))


def _children(element: Any) -> list[Any]:
    content: list[Any] = [element.text] if element.text else []
    for child in element:
        content.append(_component(child))
        if child.tail:
            content.append(child.tail)
    return content


def _component(element: Any) -> dict[str, Any]:
    props: dict[str, Any] = {_NAMES.get(name, name): value for name, value in element.attrib.items()}
    props |= {name: int(props[name]) for name in _NUMBERS if name in props}
    link = props.pop(LINK, None) is not None
    if len(element) or element.text:
        children = _children(element)
        props["children"] = children[0] if len(children) == 1 else children
    kind = "Link" if link else str(element.tag).capitalize()
    return {"type": kind, "namespace": "dash_core_components" if link else "dash_html_components", "props": props}
