"""What the tests of the service share."""

from __future__ import annotations

import pytest

from tests.connectors import sending


@pytest.fixture(params=sending.APPS)
def every_app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with each app that has the service: alone, and beside the dashboard."""
    monkeypatch.setattr(sending, "chosen_app", request.param)
