"""What was sent and received in a check: text that is masked, never markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.pages.vendor.words import size_word
from dashboard.text.translate import _, at_moment, n_
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, sign
from models.ingest.exchanges import Exchange, Transmission


def exchanges_of(exchanges: Sequence[Exchange], scenario: str) -> list[Any]:
    """The exchanges of a scenario, folded away; empty where it has none."""
    own = [exchange for exchange in exchanges if scenario in exchange.scenarios]
    if not own:
        return []
    words = n_("Request and answer", "{number} requests and answers", len(own))
    parts = [part for exchange in own for part in _exchange(exchange)]
    return [html.Details([html.Summary([sign("chev"), words]), *parts], className="fold exchanges")]


def not_kept() -> html.Small:
    """The notice at a scenario whose exchange is not kept, while those of others are."""
    return html.Small(_("Request and answer are not kept of this one: only those of the newest messages."))


def document_panel(exchanges: Sequence[Exchange]) -> list[html.Section]:
    """An uploaded message, and the answer that a receiver gives; empty where there is none to show."""
    own = [exchange for exchange in exchanges if not exchange.scenarios]
    if not own:
        return []
    heads = [html.H2(_("The message and its answer")), html.P(_("Personal data is masked"))]
    parts = [part for exchange in own for part in _exchange(exchange, uploaded=True)]
    return [html.Section([html.Header(heads), *parts], className="card exchanges", id="exchange")]


def _exchange(exchange: Exchange, *, uploaded: bool = False) -> list[Any]:
    name = exchange.operation
    when = "" if exchange.at_us is None else at_moment(exchange.at_us)
    sent = _("Your message") if uploaded else _("Request")
    came = _("The answer that a receiver gives") if uploaded and exchange.request is not None else _("Answer")
    if uploaded and exchange.request is None:
        came = _("Your message")
    title = " ".join(part for part in (name, when) if part)
    return [
        *([html.H3(title)] if title else []),
        *(_transmission(sent, name, exchange.request) if exchange.request is not None else []),
        *(
            _transmission(came, name, exchange.answer)
            if exchange.answer is not None
            else [html.P(_("No (whole) answer came."), className="sm")]
        ),
    ]


def _transmission(words: str, name: str, transmission: Transmission) -> list[Any]:
    text = f"{transmission.head}\n\n{transmission.text}" if transmission.head else transmission.text
    cut = _("Only the beginning is kept; the whole is {size}.", size=size_word(transmission.size))
    return [
        html.H4(words),
        html.Pre(text, tabIndex=0, role="region", **attrs(aria_label=f"{words} {name}".strip())),
        *([] if transmission.whole else [html.P(cut, className="xs t3")]),
    ]
