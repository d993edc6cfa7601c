"""Real-shaped messages of the reference papers: accepted, refused or tolerated as they should be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.intake.destinations import AnySchool
from connectors.intake.judge import ResultSource, process_results, spool
from connectors.uwlr.agreement import Policy, of_policy
from models.ingest import schools
from models.ingest.result_store import Receipt
from models.schema import clock, database
from models.schema.records import Verdict
from tests.conftest import SHARED, Store
from tests.models.spelled import spelled
from tests.models.test_store import current, state

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SAMPLES = SHARED / "uwlr" / "samples"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the reference papers are not present")


def take(store: Store, name: str, policy: Policy = "strict") -> Receipt:
    with database.write_transaction(store.engine) as connection:
        source_id = schools.ensure_source(connection, "bestand", "Bestand", "publisher")
    with clock.fixed(NOW), spool([next(iter(SAMPLES.glob(name))).read_bytes()]) as spooled:
        return process_results(
            store.engine,
            store.cipher,
            spooled,
            ResultSource(
                source_id=source_id,
                destination=AnySchool(store.engine),
                channel="load",
                agreement=of_policy(policy),
            ),
        )


@pytest.mark.parametrize(
    "name", sorted(path.name for pattern in ("control-valid-*", "synthetic-*") for path in SAMPLES.glob(pattern))
)
def test_a_valid_message_is_accepted_and_its_unknown_pupil_parked(store: Store, name: str) -> None:
    receipt = take(store, name)
    assert receipt.verdict is not Verdict.REJECT
    assert receipt.counts["new"] == receipt.counts["parked"] == receipt.counts["results"] > 0


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("control-invalid-*")))
def test_an_invalid_message_is_refused_and_changes_nothing(store: Store, name: str) -> None:
    receipt = take(store, name)
    assert receipt.verdict is Verdict.REJECT
    assert receipt.fault == "Client.OngeldigBericht"
    assert current(store.engine) == []


@pytest.mark.parametrize("name", ["vo-sender-1-*", "vo-sender-2-*", "vo-sender-12-*"])
def test_the_question_level_sender_needs_the_tolerant_policy(store: Store, name: str) -> None:
    assert take(store, name).verdict is Verdict.REJECT
    assert current(store.engine) == []
    receipt = take(store, name, "tolerant")
    assert receipt.verdict is Verdict.WARN
    assert {
        "header.unqualified", "version.missing", "score.decimal", "score.not-offered", "norm.maximum-only"
    } <= {finding.rule for finding in receipt.findings}  # fmt: skip


def test_a_re_export_leaves_the_same_number_of_current_results(store: Store) -> None:
    take(store, "vo-sender-1-*", "tolerant")
    before = visible(store)
    take(store, "vo-sender-2-*", "tolerant")
    assert visible(store) == before == 8


def visible(store: Store) -> int:
    """Results that count: neither superseded nor a possible duplicate of a newer one."""
    return sum(row.standing == "counts" for row in spelled(store.engine))


@pytest.mark.parametrize("policy", ["strict", "tolerant"])
def test_an_unescaped_ampersand_is_refused_with_line_and_column(store: Store, policy: Policy) -> None:
    receipt = take(store, "vo-sender-3-*", policy)
    assert receipt.verdict is Verdict.REJECT
    (escape,) = [finding for finding in receipt.findings if finding.rule == "xml.escape"]
    data: bytes = next(iter(SAMPLES.glob("vo-sender-3-*"))).read_bytes()
    at = data.index(b"& ")
    assert escape.line == 1
    assert escape.column is not None
    assert abs(escape.column - len(data[:at].decode())) <= 8


def test_a_request_is_refused_as_a_request_with_nothing_to_store(store: Store) -> None:
    receipt = take(store, "las-request-1.xml")
    assert [finding.rule for finding in receipt.findings] == ["soap.request"]
    assert state(store.engine) == ([], [], [])
