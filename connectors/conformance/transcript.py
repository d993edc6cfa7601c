"""The requests and answers of a run, for who looks at it: each once, with the scenarios that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from connectors.conformance.exchange import Endpoint, Reply
from connectors.intake.transmissions import transmission
from connectors.transport.http_client import HttpRequest
from models.ingest.exchanges import Exchange

MAX_EXCHANGES = 60  # of a run; the scenarios of a LAS need about twenty


class Transcript:
    """Collects the exchanges with an endpoint, in which its key and the values of extra headers are covered."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._secrets = (endpoint.authorisation.key, *endpoint.headers.values())
        self._requests: list[HttpRequest] = []
        self.exchanges: list[Exchange] = []

    def add(self, scenario: str, replies: Sequence[Reply]) -> None:
        """Add the replies of a scenario; one that an earlier scenario had too is not repeated."""
        for reply in replies:
            known = next((index for index, item in enumerate(self._requests) if item is reply.request), None)
            if known is not None:
                exchange = self.exchanges[known]
                self.exchanges[known] = replace(exchange, scenarios=(*exchange.scenarios, scenario))
            elif len(self.exchanges) < MAX_EXCHANGES:
                self._requests.append(reply.request)
                self.exchanges.append(self._exchange(scenario, reply))

    def _exchange(self, scenario: str, reply: Reply) -> Exchange:
        request = reply.request
        path = urlsplit(request.url).path or "/"  # the query may hold a secret
        sent = transmission(f"POST {path}", request.headers, request.body or b"", secrets=self._secrets)
        if reply.status is None:
            return Exchange(reply.operation, (scenario,), sent, None)
        came = transmission(f"HTTP {reply.status}", reply.headers, reply.body, secrets=self._secrets)
        return Exchange(reply.operation, (scenario,), sent, came)
