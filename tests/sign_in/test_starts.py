"""Beginning to sign in, which anybody may do, is limited: for one address, and in what is remembered of it."""

from __future__ import annotations

import flask
import pytest
from sqlalchemy import func, select

from dashboard.server import pending, sign_in
from models.schema import clock, database
from models.schema.rate_limit import Rate
from models.schema.tables import rate_buckets, sign_in_states
from tests.conftest import Store
from tests.sign_in.conftest import HERE, Provider, Visitor, invited


def rows(store: Store) -> int:
    """How many sign-ins are under way."""
    with database.read_transaction(store.engine) as connection:
        return connection.scalar(select(func.count()).select_from(sign_in_states)) or 0


def start(web: flask.Flask, address: str) -> int:
    """Begin to sign in from an address."""
    client = web.test_client()
    answer = client.get("/aanmelden/bij/entree", base_url=HERE, environ_overrides={"REMOTE_ADDR": address})
    if answer.status_code == 429:
        assert "Wacht een minuut" in client.get(
            "/aanmelden/bij/entree", base_url=HERE, headers={"Accept": "text/html"},
            environ_overrides={"REMOTE_ADDR": address},
        ).text  # fmt: skip
    return answer.status_code


def test_a_large_school_behind_one_address_signs_in_at_half_past_eight_and_one_address_pushes_nobody_out() -> None:
    rate, pupils, tries = sign_in.STARTS, 1_000, 2  # within minutes, each of whom begins twice
    assert rate.tokens >= pupils * tries
    while_kept = rate.tokens + rate.tokens / rate.seconds * pending.KEEP_US / clock.SECOND_US
    assert while_kept < pending.MOST


def test_an_address_begins_so_many_and_others_still_can(
    web: flask.Flask, school_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "STARTS", Rate(3, 900.0))
    assert [start(web, "192.0.2.7") for _time in range(5)] == [302, 302, 302, 429, 429]
    assert rows(school_store) == 3
    assert start(web, "192.0.2.8") == 302
    for address, status in (("192.0.2.7", 429), ("192.0.2.8", 302)):  # which asks the provider too
        client = web.test_client()
        path, where = "/aanmelden/afmelden/entree", {"REMOTE_ADDR": address}
        assert client.get(path, base_url=HERE, environ_overrides=where).status_code == status


def test_addresses_of_one_network_of_ipv6_are_one(
    web: flask.Flask, school_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "STARTS", Rate(3, 900.0))
    same = [start(web, f"2001:db8:0:7::{number:x}") for number in range(1, 6)]
    assert same == [302, 302, 302, 429, 429]
    assert start(web, "2001:db8:0:8::1") == 302
    with database.read_transaction(school_store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(rate_buckets)) == 2


def test_of_too_many_that_are_under_way_the_oldest_is_forgotten_and_can_begin_again(
    web: flask.Flask, provider: Provider, school_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "MOST", 5)
    first, last = Visitor(web, provider), Visitor(web, provider)
    code = invited(school_store).rpartition("/")[2]
    forgotten = first.comes_back("hanna", query=f"?uitnodiging={code}")
    for number in range(1, 10):
        assert start(web, f"192.0.2.{number}") == 302
        assert rows(school_store) <= 5
    kept = last.comes_back("hanna", query=f"?uitnodiging={code}")
    assert first.get(forgotten).status_code == 403
    assert last.get(kept).headers["Location"] == "/"
