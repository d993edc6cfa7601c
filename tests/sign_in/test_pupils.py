"""A pupil and a parent come in at the certified provider by an invitation, and see one page: their own."""

from __future__ import annotations

import pytest

from models.access import accounts
from models.access.audit import Looked, open_audit
from models.access.viewer import Role, Viewer
from models.schema import database
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_web import shown_page
from tests.sign_in.conftest import HERE, OWN, SAM, Visitor, invited
from tests.sign_in.test_certified import accept

AISHA, MILA = 1, 101
PAGE = "/mijn-resultaten"
OTHERS = [last for _first, _prefix, last in (*school.NAMES[1:], *school.NAMES_B)]


@pytest.fixture
def invitation(school_store: Store, role: Role) -> str:
    """The path of an invitation to see the page of Aïsha, which the school switched on."""
    with database.write_transaction(school_store.engine, school.SCHOOL) as connection:
        accounts.show_own_page(connection, SAM, True)
    return invited(school_store, name="Iemand", role=role, teacher_id=None, pupil_id=AISHA)


@pytest.mark.parametrize("role", [Role.PUPIL, Role.PARENT])
def test_who_is_invited_sees_the_own_page_and_nothing_of_anybody_else(
    visitor: Visitor, school_store: Store, role: Role, invitation: str
) -> None:
    accept(visitor, invitation, "joris", "eigen")
    assert visitor.get("/").status_code == 200
    page = shown_page(visitor.client, PAGE)
    assert "Aïsha" in page
    for path in ("/groep", "/leerlingen", "/leerling/1-1", f"/leerling/1-{MILA}", "/signalen", "/digibord", "/inzage",
                 "/leermiddelen", "/accounts", "/koppelingen", "/leerlinggegevens", "/scholen"):  # fmt: skip
        for search in ("", f"?leerling=1-{MILA}", "?klas=1-1"):
            shown = shown_page(visitor.client, path, search)
            assert not [last for last in OTHERS if last in shown], f"{path}{search}"
            assert "Toets blok" not in shown, f"{path}{search}"
    shown = shown_page(visitor.client, PAGE, f"?leerling=1-{MILA}&klas=1-1")
    assert not [last for last in OTHERS if last in shown]
    for number in (AISHA, MILA):
        saved = visitor.client.get(f"/leerlinggegevens/bestand/1-{number}.json", base_url=HERE, headers=OWN)
        assert (saved.status_code, "Bouzid" in saved.text) == (403, False)
    assert visitor.post(f"/leerling/notitie/{AISHA}", soort="note", tekst="x").status_code == 403
    log = open_audit(school_store.engine, school_store.cipher)
    events = [entry.event for entry in log.about_pupil(Viewer(school.SCHOOL, Role.SUPPORT), AISHA, 99)]
    assert Looked("own results", (AISHA,)) in events
    assert visitor.post("/afmelden").headers["Location"].startswith("/afgemeld")
    assert visitor.get(PAGE).headers["Location"].startswith("/aanmelden")


@pytest.mark.parametrize("role", [Role.PARENT])
def test_an_account_that_was_not_invited_or_whose_role_ended_sees_nothing(
    visitor: Visitor, school_store: Store, invitation: str
) -> None:
    other = Visitor(visitor.web, visitor.provider)
    assert other.signs_in("hanna", "eigen").headers["Location"] == "/rol"
    assert other.get(PAGE).headers["Location"] == "/rol"
    accept(visitor, invitation, "joris", "eigen")
    visitor.get("/")
    assert "Aïsha" in shown_page(visitor.client, PAGE)
    with database.write_transaction(school_store.engine, school.SCHOOL) as connection:
        (role,) = [item for item in accounts.accounts_of_school(connection, SAM) if item.role is Role.PARENT]
        accounts.end_role(connection, SAM, role.role_id)
    assert visitor.get(PAGE).headers["Location"] == "/rol"
    again = Visitor(visitor.web, visitor.provider)
    assert again.signs_in("joris", "eigen").headers["Location"] == "/rol"
