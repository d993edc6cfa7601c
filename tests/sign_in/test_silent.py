"""A provider that never answers keeps nobody waiting but who signs in there."""

from __future__ import annotations

import socket
import threading
import time

import requests

from dashboard.server.serving import bind, body_limits
from dashboard.settings.schema import Receive
from tests.connectors.sending import serving_app
from tests.sign_in.conftest import MakeApp

SIGNING_IN, SECONDS = 12, 2.0


def test_pages_are_answered_while_a_provider_is_silent(make_app: MakeApp) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        app = make_app(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with serving_app(app, bind("127.0.0.1", 0), body_limits(Receive())) as port:
            address, answers = f"http://127.0.0.1:{port}", []

            def sign_in() -> None:
                answer = requests.get(f"{address}/aanmelden/bij/entree", allow_redirects=False, timeout=60)
                answers.append(answer.status_code)

            waiting = [threading.Thread(target=sign_in) for _ in range(SIGNING_IN)]
            for thread in waiting:
                thread.start()
            times = []
            for _time in range(20):
                began = time.monotonic()
                assert requests.get(f"{address}/groep", allow_redirects=False, timeout=60).status_code == 302
                times.append(time.monotonic() - began)
            assert answers == []  # all of them still wait
            assert max(times) < SECONDS
            for thread in waiting:
                thread.join(60)
    assert answers == [503] * SIGNING_IN
