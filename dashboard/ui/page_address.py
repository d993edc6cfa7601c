"""Pages whose filters live in the address: links that only change it, Back and Forward redraw the content alone.

The script (assets/rondblik.js) puts the address into the store of the page, which the callback of its controls listens
to as well: that answers with the content and with the values of the controls.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import dash
from dash import dcc

from dashboard.ui.signs import attrs

LONGEST = 2000
MAX_FIELDS = 40


def asked_id(page: str) -> str:
    """The name of the store that the script puts an address into."""
    return f"{page}-asked"


def asked_store(page: str) -> dcc.Store:
    """The store itself."""
    return dcc.Store(id=asked_id(page), storage_type="memory")


def bar_marks(page: str) -> dict[str, Any]:
    """What tells the script on the filter bar that, and where, this page can be asked for another address."""
    return attrs(data_asks=asked_id(page))


def address_asked(page: str, asked: object) -> dict[str, object] | None:
    """The filters of the address that a callback was asked for; None where a control called it."""
    if dash.ctx.triggered_id != asked_id(page):
        return None
    search = asked.get("search") if isinstance(asked, dict) else None
    return filters_of(search)


def filters_of(search: object) -> dict[str, object]:
    """The filters in what stands behind the path of an address; of what is no address none."""
    if not isinstance(search, str) or len(search) > LONGEST:
        return {}
    try:
        return dict(parse_qsl(search.removeprefix("?"), max_num_fields=MAX_FIELDS))
    except ValueError:
        return {}
