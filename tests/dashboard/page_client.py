"""A test client that does what the script of a page does: it says for whom the page was made, and marks forms."""

from __future__ import annotations

import re
import uuid
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.auth.guard import CALLBACK, ONCE_HEADER, PAGE_HEADER

PAGE_MARK = re.compile(r'id="trouble"[^>]* data-page="([0-9a-f]{32})"')


class PageClient(FlaskClient):
    """A browser with one tab: requests come from the page that it opened last or was led to by a form."""

    mark: str | None = None
    led_to: str | None = None

    def open(self, *args: Any, **more: Any) -> TestResponse:
        """Ask for a page, or send what a page sends; `headers` that are given go before those of the page."""
        if more.get("method", "GET") != "GET":
            return self._send(*args, **more)
        answer = super().open(*args, **more)
        match = PAGE_MARK.search(answer.text) if answer.mimetype == "text/html" else None
        if match is not None:
            self.mark, self.led_to = match[1], None
        return answer

    def _send(self, *args: Any, **more: Any) -> TestResponse:
        if self.led_to is not None:
            self.get(self.led_to, base_url=more.get("base_url"))
        own = {} if self.mark is None else {PAGE_HEADER: self.mark}
        if args[0] != CALLBACK:
            own[ONCE_HEADER] = uuid.uuid4().hex
        given = dict(more.pop("headers", None) or {})
        answer = super().open(*args, headers={**own, **given}, **more)
        if answer.status_code == 303:
            self.led_to = answer.headers["Location"]
        return answer
