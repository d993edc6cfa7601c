"""A small page in our own style, outside Dash: for who is not signed in, and for what failed."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import flask

from dashboard.auth import request
from dashboard.server.static_files import STATIC_FILES, StaticFiles
from dashboard.text.translate import language
from dashboard.ui import addresses


def plain_page(title: str, *blocks: str, scripts: bool = False) -> str:
    """The HTML of a page with this title as its heading; `blocks` are HTML, what is text in them escaped.

    `scripts`: with the script that sends forms, which needs the banner among the blocks.
    """
    script = '<script src="/assets/guard.js" defer></script>' if scripts else ""
    html = (
        f'<!DOCTYPE html>\n<html lang="{language()}" data-colours="{request.scheme()}">\n<head>'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{escape(title)} – Rondblik</title><link rel="stylesheet" href="/assets/tokens.css">'
        f'<link rel="stylesheet" href="/assets/rondblik.css">{script}</head>\n<body><header class="top">'
        f'<a class="brand" href="{addresses.CLASSES}"><i class="logo" aria-hidden="true"></i>Rondblik</a></header>'
        f'<main class="page"><div class="head"><div><h1>{escape(title)}</h1></div></div>'
        f'<div class="plain">{"".join(blocks)}</div></main></body></html>\n'
    )
    static_files: StaticFiles = flask.current_app.extensions[STATIC_FILES]
    return static_files.with_digests(html)


def paragraph(text: str) -> str:
    """A paragraph of text."""
    return f"<p>{escape(text)}</p>"


def link(href: str, words: str, css: str = "") -> str:
    """A link in a paragraph of its own."""
    return f'<p><a class="{escape(css)}" href="{escape(href)}">{escape(words)}</a></p>'


def required_fields(fields: Iterable[tuple[str, str, str]]) -> str:
    """Fields of a form that must be filled in: of each the name, its words, and its other attributes as HTML."""
    return "".join(
        f'<label for="{name}">{escape(words)}</label><input id="{name}" class="native" name="{name}" required {more}>'
        for name, words, more in fields
    )
