"""`rondblik retention` as an operator types it, the worker that does it every day, and the page that says it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.auth.request import AppOptions
from dashboard.cli import main as cli
from dashboard.server.wsgi import create_app
from dashboard.settings.schema import Settings
from dashboard.text.audit_words import event_words
from dashboard.worker.context import make_context
from dashboard.worker.retention_task import RetentionTask
from models.access.audit import open_audit
from models.access.viewer import Role, Viewer
from models.schema import clock
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.test_web import as_persona, shown_page
from tests.models.test_erasure import SCHOOL
from tests.models.test_pupil_retention import LEAVES, keys, left, pupil_of

SCHOOL_NAME = ("--school", "99YY/00")
SUPPORT = Viewer(SCHOOL, Role.SUPPORT)
__all__ = ["left"]


@pytest.fixture
def any_store(store: Store) -> Store:
    """What an operator has before them is in files, so only SQLite."""
    return store


class Operator:
    """Somebody at the command line, on the day that pupils who left are due."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self.capsys = data, capsys

    def type(self, *words: str) -> tuple[int, str]:
        code = cli.run(["--data", str(self.data), "retention", *words])
        out, err = self.capsys.readouterr()
        return code, out + err


@pytest.fixture
def operator(
    left: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operator]:
    monkeypatch.chdir(tmp_path)
    with clock.fixed(school.NOW + timedelta(days=731)):
        yield Operator(tmp_path / "data", capsys)


def test_what_is_deleted_is_said_beforehand_and_noted_afterwards(left: Store, operator: Operator) -> None:
    gone = pupil_of(left, LEAVES)
    code, said = operator.type("--dry-run")
    assert code == 0
    assert "after 730 days" in said
    assert pupil_of(left, LEAVES) == gone
    code, said = operator.type()
    assert code == 0
    assert "pupils deleted" in said
    assert pupil_of(left, LEAVES) is None
    content = b"".join(file.read_bytes() for file in operator.data.glob("rondblik.db*"))
    assert b"van wie vertrekt" not in content
    entry = open_audit(left.engine, left.cipher).about_pupil(SUPPORT, gone or 0, 9)[0]
    assert entry.user_name == "Rondblik"
    assert event_words(entry.event).startswith("Gewist wat lang genoeg bewaard was")
    assert operator.type() == (0, "")


def test_an_operator_holds_a_pupil_and_lets_go_again(left: Store, operator: Operator) -> None:
    pupil = ("--pupil", str(pupil_of(left, LEAVES)))
    assert operator.type("hold", *SCHOOL_NAME, *pupil) == (0, "Held.\n")
    assert operator.type("hold", *SCHOOL_NAME, *pupil) == (0, "It was held already.\n")
    operator.type()
    assert "van wie vertrekt" in keys(left)
    code = cli.run(["--data", str(operator.data), "person", "erase", *SCHOOL_NAME, *pupil, "--yes"])
    assert code == 2
    assert "legal hold" in operator.capsys.readouterr().err
    assert operator.type("release", *SCHOOL_NAME, *pupil) == (0, "Released.\n")
    assert operator.type("release", *SCHOOL_NAME, *pupil)[0] == 2
    operator.type()
    assert "van wie vertrekt" not in keys(left)


def test_a_school_has_terms_of_its_own_and_the_worker_keeps_to_them(left: Store, operator: Operator) -> None:
    named = {"name": "De Baken", "identifications": [{"brin": "99YY"}]}
    longer = Settings.model_validate({"schools": [{**named, "pupil_retention": {"left_days": 800}}]})
    RetentionTask(make_context(longer, left.engine, left.cipher, ())).run()
    assert "van wie vertrekt" in keys(left)
    usual = Settings.model_validate({"schools": [named]})
    RetentionTask(make_context(usual, left.engine, left.cipher, ())).run()
    assert "van wie vertrekt" not in keys(left)


def test_the_page_says_what_is_deleted_to_administrators(left: Store, operator: Operator) -> None:
    app = create_app(left.engine, left.cipher, AppOptions(demo=True, users=PERSONAS))
    shown = shown_page(as_persona(app, "sam"), "/bewaren")
    assert "2 jaar na vertrek" in shown
    assert "Er wordt niets aangehouden." in shown
