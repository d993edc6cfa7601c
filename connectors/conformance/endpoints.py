"""The kinds of endpoint (LAS, publisher): the scenarios for each, and the session that runs them."""

from __future__ import annotations

from collections.abc import Callable

from connectors.conformance import las, publisher
from connectors.conformance.exchange import Endpoint
from connectors.conformance.scenarios import LAS, PUBLISHER, Scenario, Session

SCENARIOS: dict[str, tuple[Scenario, ...]] = {LAS: las.SCENARIOS, PUBLISHER: publisher.SCENARIOS}
SESSIONS: dict[str, Callable[[Endpoint], Session]] = {LAS: las.LasSession, PUBLISHER: publisher.PublisherSession}
