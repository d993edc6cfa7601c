"""The known school, and the web app on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flask
import pytest

from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.server.wsgi import create_app
from models.access.viewer import Role
from models.schema import clock
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.installation import Installation, configured
from tests.dashboard.page_client import PageClient

VENDOR = DemoUser("leverancier", "Leverancier", Role.VENDOR, None, 0)
PUPIL = DemoUser("kind", "Aïsha Bouzid", Role.PUPIL, None, school.SCHOOL, pupil_id=1)  # where the page is on
PERSONAS = (
    DemoUser("hanna", "Hanna Vos", Role.TEACHER, school.TEACHER_A, school.SCHOOL),
    DemoUser("joris", "Joris Blom", Role.TEACHER, school.TEACHER_B, school.SCHOOL),
    DemoUser("noa", "Noa Berg", Role.MENTOR, school.TEACHER_A, school.SCHOOL),
    DemoUser("sam", "Sam de Groot", Role.ADMINISTRATOR, None, school.SCHOOL),
    DemoUser("iris", "Iris Smit", Role.SUPPORT, None, school.SCHOOL),
    DemoUser("marjan", "Marjan Bakker", Role.LEADER, None, school.SCHOOL),
    DemoUser("eva", "Eva Willems", Role.BOARD, None, school.SCHOOL),
)


@pytest.fixture(autouse=True)
def _requests_come_from_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test client sends what a page of ours sends."""
    monkeypatch.setattr(flask.Flask, "test_client_class", PageClient)


@pytest.fixture
def known_school(store: Store) -> Iterator[Store]:
    """The known school in a store of its own; the clock stands at its Thursday morning."""
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
        yield store


@pytest.fixture
def web(known_school: Store) -> flask.Flask:
    """The web app on the known school."""
    return create_app(known_school.engine, known_school.cipher, AppOptions(demo=True, users=PERSONAS))


@pytest.fixture
def known(any_store: Store, tmp_path: Path) -> Iterator[Installation]:
    """The known school, whose clock stands still, on each database."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        url = any_store.engine.url.render_as_string(hide_password=False)
        any_store.engine.dispose()
        if any_store.engine.dialect.name == "postgresql":
            (tmp_path / "keys").rename(tmp_path / "data")
        yield configured(tmp_path / "data", url)


@pytest.fixture
def vendor_web(known_school: Store) -> flask.Flask:
    """The web app on the known school, with a vendor among those who look."""
    users = (*PERSONAS, VENDOR)
    return create_app(known_school.engine, known_school.cipher, AppOptions(demo=True, users=users))
