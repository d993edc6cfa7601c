"""Names stand in the order of the language on the screen and in files, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import bindparam, select, update

from dashboard.auth.request import AppOptions
from dashboard.server.wsgi import create_app
from models.access.people import class_list, members, pupil_names
from models.access.viewer import Role, Viewer
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.tables import classes, pupils
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.test_exports import fetched, read_csv, screen
from tests.dashboard.test_web import as_persona

FIRST_NAMES = [
    "Adam", "Ángel", "Björn", "Çağla", "Cato", "Daan", "Emma", "Éva", "Fien", "Guus", "Île", "Jet", "Kind 2", "Kind 3",
    "Kind 10", "Łukasz", "Mees", "Özlem", "Pim", "Sem", "Şeyma", "Tess", "Ümit", "Vera", "Wim", "Xandra", "Zoë",
]  # fmt: skip
CLASS_NAMES = ["groep 3", "Groep 4", "groep 10", "Unit 2", "Unit 10"]
SUPPORT = Viewer(school.SCHOOL, Role.SUPPORT, None, "Iris Smit")


@pytest.fixture
def named(any_store: Store) -> Iterator[Store]:
    """The known school with pupils and classes whose names only a language can sort."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        with write_transaction(any_store.engine) as connection:
            for table, column, names in ((pupils, "first_name", FIRST_NAMES), (classes, "name", CLASS_NAMES)):
                here = table.c.school_id == school.SCHOOL
                ids = list(connection.scalars(select(table.c.id).where(here)))
                spread = [names[7 * number % len(names)] for number in range(len(names))]  # in no order
                changes = [{"row": row, "new": name} for row, name in zip(ids, spread, strict=False)]
                assert len(changes) == len(ids)
                named_row = update(table).where(here, table.c.id == bindparam("row"))
                connection.execute(named_row.values({column: bindparam("new")}), changes)
        yield any_store


def in_order(shown: list[str], names: list[str]) -> bool:
    """Whether texts that begin with these names stand in their order."""
    places = [next(place for place, name in enumerate(names) if f"{text} ".startswith(f"{name} ")) for text in shown]
    return places == sorted(set(places))


def test_pupils_of_each_group_on_the_class_page_and_in_its_file(named: Store) -> None:
    client = as_persona(create_app(named.engine, named.cipher, AppOptions(demo=True, users=PERSONAS)), "hanna")
    shown = screen(client)
    groups: dict[str, list[str]] = {}
    for group, pupil, _cells in shown.rows:
        groups.setdefault(group, []).append(pupil)
    assert max(map(len, groups.values())) >= 4
    for names in groups.values():
        assert in_order(names, FIRST_NAMES), names
    names_in_file = [row[1] for row in read_csv(fetched(client, shown, "csv")).rows]
    assert names_in_file == [pupil for _group, pupil, _cells in shown.rows]


def test_classes_and_pupils_to_choose_from(named: Store) -> None:
    with read_transaction(named.engine) as connection:
        class_refs = class_list(connection, SUPPORT)
        everybody = pupil_names(connection, SUPPORT)
        of_class = members(connection, SUPPORT, [class_refs[0].id])
    assert len(class_refs) > 1
    assert in_order([ref.name for ref in class_refs if not ref.composed], CLASS_NAMES)
    for names in (everybody, of_class):
        assert len(names) > 4
        assert in_order([pupil.name or "" for pupil in names], FIRST_NAMES)
