"""Lets Authlib ask a provider through our own HTTP client, with its limits on time and bytes and without redirects."""

from __future__ import annotations

import io
from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import BaseAdapter

from connectors.transport.http_client import HttpRequest, Limits, fetch, status_error

LIMITS = Limits(connect_seconds=5, idle_seconds=5, total_seconds=10, max_bytes=512 * 1024)
OWN_HEADERS = ("content-length", "connection", "accept-encoding", "user-agent")


class BoundedAdapter(BaseAdapter):
    """The transport of a session of requests. Raises ConnectorError, for a redirect too."""

    def send(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> requests.Response:
        """Ask once; the whole answer is read."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        if request.method == "POST":
            body = body or b""
        headers = {name: str(value) for name, value in request.headers.items() if name.lower() not in OWN_HEADERS}
        with fetch(HttpRequest(request.url or "", body, headers), LIMITS) as answer:
            if 300 <= answer.status < 400:
                problem = status_error(answer.status)
                assert problem is not None
                raise problem
            content = b"".join(answer.chunks)
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status, request.url or "", request
        response.headers.update(answer.headers)
        response.raw = io.BytesIO(content)
        return response

    def close(self) -> None:
        """Nothing is kept open."""


def bounded(session: OAuth2Session) -> OAuth2Session:
    """The same session with our transport, and without what the environment may say of proxies and passwords."""
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter())
    return session
