"""The connections that an administrator adds: of the own school only, with two keys at once, and results that stay."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select

from connectors.intake.judge import spool
from connectors.intake.push import ReceiverContext, deliver
from models.access.viewer import AccessDenied, Role, Viewer
from models.ingest import connection_overview, connections, own_connections, schools, senders, work_queue
from models.ingest.own_connections import IssuedAccount, OwnConnectionRefused, SourceSettings
from models.ingest.schools import Identification
from models.schema import database
from models.schema.tables import results, sources
from tests.conftest import Store
from tests.connectors.sending import Account, enveloped
from tests.uwlr.messages import message


@pytest.fixture
def administrators(any_store: Store) -> tuple[Viewer, Viewer]:
    """Those of De Horizon and of Het Baken."""
    with database.write_transaction(any_store.engine) as connection:
        ids = [
            schools.ensure_school(connection, [Identification("brin", brin)], name)
            for brin, name in (("99XX", "De Horizon"), ("99YY", "Het Baken"))
        ]
    one, other = (Viewer(school_id, Role.ADMINISTRATOR, name="Sam de Groot") for school_id in ids)
    return one, other


def add(store: Store, viewer: Viewer, name: str = "Rekenwijs") -> IssuedAccount:
    with database.write_transaction(store.engine) as connection:
        return own_connections.add_sender(connection, store.cipher, viewer, name, "strict")


def fault_of(store: Store, issued: IssuedAccount, code: str | None = None, brin: str = "99XX", score: int = 7) -> str:
    """What a publisher with this account gets back for a message; empty where it is accepted."""
    sender = Account(issued.code or code or "", issued.customer_name, issued.key)
    with spool([enveloped(message(brin=brin, scores=[str(score)]), sender.header)]) as spooled:
        return deliver(ReceiverContext(store.engine, store.cipher), spooled).fault or ""


def count(connection: Connection, source_id: int) -> int:
    return len(connection.execute(select(results.c.key).where(results.c.source_id == source_id)).all())


def test_what_is_issued_lets_a_publisher_send_for_the_own_school_only(
    any_store: Store, administrators: tuple[Viewer, Viewer]
) -> None:
    issued = add(any_store, administrators[0])
    assert fault_of(any_store, issued) == ""
    assert fault_of(any_store, issued, brin="99YY") == "Client.AutorisatieOngeldig"
    with database.read_transaction(any_store.engine) as connection:
        overview = connection_overview.connection_overview(connection, administrators[0])
        assert [(row.state.name, row.received, row.origin, row.own_id) for row in overview.rows] == [
            ("Rekenwijs", 1, "page", issued.id)
        ]
        assert connection_overview.connection_overview(connection, administrators[1]).rows == ()
    assert work_queue.claim(any_store.engine) is None


def test_two_keys_are_valid_at_once_and_a_revoked_one_refuses_the_next_message(
    any_store: Store, administrators: tuple[Viewer, Viewer]
) -> None:
    viewer, first = administrators[0], add(any_store, administrators[0])
    with database.write_transaction(any_store.engine) as connection:
        second = own_connections.add_key(connection, any_store.cipher, viewer, first.id)
    assert second.code is None
    assert [fault_of(any_store, issued, first.code, score=score) for issued, score in ((first, 6), (second, 7))] == [
        "",
        "",
    ]
    with database.write_transaction(any_store.engine) as connection:
        with pytest.raises(OwnConnectionRefused, match="keys"):
            own_connections.add_key(connection, any_store.cipher, viewer, first.id)
        newest, oldest = own_connections.find_sender(connection, viewer, first.id).keys
        own_connections.revoke_key(connection, viewer, first.id, oldest.id)
        with pytest.raises(AccessDenied):
            own_connections.revoke_key(connection, viewer, first.id, oldest.id)
    assert fault_of(any_store, first, score=8) == "Client.AutorisatieOngeldig"
    assert fault_of(any_store, second, first.code, score=8) == ""
    with database.write_transaction(any_store.engine) as connection:
        own_connections.revoke_key(connection, viewer, first.id, newest.id)
        overview = connection_overview.connection_overview(connection, viewer)
        assert [row.state.active for row in overview.rows] == [False]
        third = own_connections.add_key(connection, any_store.cipher, viewer, first.id)
    assert fault_of(any_store, third, first.code, score=9) == ""


def test_only_an_administrator_of_the_school_sees_and_changes_it(
    any_store: Store, administrators: tuple[Viewer, Viewer]
) -> None:
    own, other = administrators
    issued, cipher = add(any_store, own), any_store.cipher
    support = Viewer(own.school_id, Role.SUPPORT, name="Hanna Vos")
    forbidden: tuple[Callable[[Connection, Viewer], object], ...] = (
        lambda connection, viewer: own_connections.find_own(connection, viewer, issued.id),
        lambda connection, viewer: own_connections.find_sender(connection, viewer, issued.id),
        lambda connection, viewer: own_connections.add_key(connection, cipher, viewer, issued.id),
        lambda connection, viewer: own_connections.revoke_key(connection, viewer, issued.id, key.id),
        lambda connection, viewer: own_connections.set_policy(connection, viewer, issued.id, "tolerant"),
        lambda connection, viewer: own_connections.remove(connection, viewer, issued.id),
    )
    with database.write_transaction(any_store.engine) as connection:
        (key,) = own_connections.find_sender(connection, own, issued.id).keys
        for viewer in (other, support):
            for attempt in forbidden:
                with pytest.raises(AccessDenied):
                    attempt(connection, viewer)
        with pytest.raises(AccessDenied):
            own_connections.add_sender(connection, cipher, support, "Spelsprong", "strict")
        assert own_connections.own_connections_of(connection, other) == []
    assert fault_of(any_store, issued) == ""


def test_two_schools_may_have_the_same_publisher_each_with_its_own_account(
    any_store: Store, administrators: tuple[Viewer, Viewer]
) -> None:
    first, second = (add(any_store, viewer) for viewer in administrators)
    assert (first.customer_name, second.customer_name) == ("Rekenwijs", "Rekenwijs 99YY/00")
    assert first.source_id != second.source_id
    assert fault_of(any_store, second, brin="99YY") == ""
    with database.write_transaction(any_store.engine) as connection:
        own_connections.remove(connection, administrators[0], first.id)
    assert fault_of(any_store, first) == "Client.OngeldigeKlantIdentificatie"
    assert fault_of(any_store, second, brin="99YY", score=8) == ""


def test_what_is_removed_sends_no_more_and_goes_on_with_its_results_when_it_is_added_again(
    any_store: Store, administrators: tuple[Viewer, Viewer]
) -> None:
    viewer, first = administrators[0], add(any_store, administrators[0])
    assert fault_of(any_store, first) == ""
    with pytest.raises(OwnConnectionRefused, match="taken"):
        add(any_store, viewer, " rékenwijs ")
    with database.write_transaction(any_store.engine) as connection:
        own_connections.remove(connection, viewer, first.id)
        assert count(connection, first.source_id) == 1
    assert fault_of(any_store, first, score=8) == "Client.OngeldigeKlantIdentificatie"
    again = add(any_store, viewer)
    assert (again.source_id, again.code == first.code, again.key == first.key) == (first.source_id, False, False)
    assert again.id != first.id
    assert fault_of(any_store, first, score=8) == "Client.OngeldigeKlantIdentificatie"
    assert fault_of(any_store, again, score=9) == ""


def test_only_settings_that_were_tried_are_used_and_a_change_must_be_tried_again(
    any_store: Store, administrators: tuple[Viewer, Viewer]
) -> None:
    (viewer, other), cipher = administrators, any_store.cipher
    typed = {"how": "soap", "address": "https://uwlr.rekenwijs.nl/", "key": "geheim-4711", "every": "60"}
    typed |= {"customer_code": "RB", "customer_name": "Rondblik"}
    settings = SourceSettings("publisher", "Rekenwijs", typed)
    with database.write_transaction(any_store.engine) as connection:
        number = own_connections.save_draft(connection, cipher, viewer, None, settings)
        with pytest.raises(OwnConnectionRefused, match="untried"):
            own_connections.use_draft(connection, cipher, viewer, number)
        with pytest.raises(AccessDenied):
            own_connections.source_form(connection, cipher, other, number)
    other_settings = replace(settings, values=typed | {"every": "5"})
    own_connections.record_tried(any_store.engine, cipher, viewer.school_id, number, other_settings)
    own_connections.record_tried(any_store.engine, cipher, other.school_id, number, settings)
    with (
        database.write_transaction(any_store.engine) as connection,
        pytest.raises(OwnConnectionRefused, match="untried"),
    ):
        own_connections.use_draft(connection, cipher, viewer, number)
    own_connections.record_tried(any_store.engine, cipher, viewer.school_id, number, settings)
    with database.write_transaction(any_store.engine) as connection:
        source_id = own_connections.use_draft(connection, cipher, viewer, number)
        form = own_connections.source_form(connection, cipher, viewer, number)
        assert (form.drafted, form.kept, "geheim-4711" in repr(form)) == (False, {"key"}, False)
        kept = own_connections.with_kept_secrets(connection, cipher, viewer, number, typed | {"key": ""})
        assert kept == typed
        emptied = typed | {"key": "", "customer_code": "", "customer_name": ""}
        assert own_connections.with_kept_secrets(connection, cipher, viewer, number, emptied) == emptied
        for address in ("https://uwlr.rekenwijs.nl:8443/", "https://elders.nl/", "http://uwlr.rekenwijs.nl/", "x"):
            changed = typed | {"key": "", "address": address}
            with pytest.raises(OwnConnectionRefused, match="secrets"):
                own_connections.with_kept_secrets(connection, cipher, viewer, number, changed)
        own_connections.save_draft(connection, cipher, viewer, number, other_settings)
        with pytest.raises(OwnConnectionRefused, match="untried"):
            own_connections.use_draft(connection, cipher, viewer, number)
        with pytest.raises(AccessDenied):
            own_connections.discard_draft(connection, other, number)
        connections.retire_others(connection, set())
    in_use = own_connections.settings_in_use(any_store.engine, cipher, viewer.school_id, source_id)
    assert in_use == settings
    assert own_connections.settings_in_use(any_store.engine, cipher, other.school_id, source_id) is None
    assert work_queue.claim_poll(any_store.engine, viewer.school_id, source_id) is not None


def test_a_publisher_that_is_fetched_from_can_send_instead_and_the_other_way_round(
    any_store: Store, administrators: tuple[Viewer, Viewer]
) -> None:
    viewer, cipher = administrators[0], any_store.cipher
    settings = SourceSettings("publisher", "Rekenwijs", {"how": "https", "address": "https://rekenwijs.nl/"})

    def fetched() -> tuple[int, int]:
        with database.write_transaction(any_store.engine) as connection:
            number = own_connections.save_draft(connection, cipher, viewer, None, settings)
        own_connections.record_tried(any_store.engine, cipher, viewer.school_id, number, settings)
        with database.write_transaction(any_store.engine) as connection:
            return number, own_connections.use_draft(connection, cipher, viewer, number)

    def removed(number: int) -> None:
        with database.write_transaction(any_store.engine) as connection:
            own_connections.remove(connection, viewer, number)

    number, source_id = fetched()
    with pytest.raises(OwnConnectionRefused, match="taken"):
        add(any_store, viewer)
    removed(number)
    assert work_queue.claim(any_store.engine) is None
    issued = add(any_store, viewer)
    assert issued.source_id == source_id
    assert fault_of(any_store, issued) == ""
    assert work_queue.claim(any_store.engine) is None
    removed(issued.id)
    assert fetched()[1] == source_id
    assert fault_of(any_store, issued, score=8) == "Client.OngeldigeKlantIdentificatie"
    assert work_queue.claim(any_store.engine) is not None


@pytest.mark.parametrize("name", ["", " \t", "x" * 41, "Reken\x07wijs"])
def test_a_name_that_cannot_be_used_is_refused(store: Store, name: str) -> None:
    with database.write_transaction(store.engine) as connection:
        school_id = schools.ensure_school(connection, [Identification("brin", "99XX")])
    with pytest.raises(OwnConnectionRefused, match="name"):
        add(store, Viewer(school_id, Role.ADMINISTRATOR), name)


def test_neither_key_nor_klantcode_is_stored(any_store: Store, administrators: tuple[Viewer, Viewer]) -> None:
    issued = add(any_store, administrators[0])
    assert issued.code is not None
    assert issued.key not in repr(issued)
    with database.read_transaction(any_store.engine) as connection:
        for table in sources.metadata.sorted_tables:
            text = repr(connection.execute(select(table)).all())
            assert issued.key not in text
            assert issued.code not in text
        assert re.fullmatch(r"\d+\.publisher\.rekenwijs", str(connection.scalar(select(sources.c.key))))
        assert senders.by_name(connection, "Rekenwijs").origin == senders.FROM_PAGE
