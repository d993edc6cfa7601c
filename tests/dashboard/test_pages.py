"""The list of pages: whom each opens for and whom it refuses, what stands in whose menu, and its one address."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import dash
import flask
import pytest

import dashboard
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.pages.all_pages import PAGES
from dashboard.pages.page import Page, everybody
from dashboard.server.wsgi import create_app
from models.access.viewer import Role
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS, PUPIL
from tests.dashboard.page_list import address
from tests.dashboard.test_web import as_persona, shown_page

VENDOR = DemoUser("lev", "Leverancier", Role.VENDOR, None, 0)
PARENT = DemoUser("ouder", "Ouder", Role.PARENT, None, school.SCHOOL, pupil_id=1)
TEACHING = {"hanna", "noa", "iris"}
TESTING = {"sam", "lev"}
WORKING = TEACHING | TESTING | {"marjan", "eva"}
ALL = WORKING | {"kind", "ouder"}
OTHER_ROLE = "Dit hoort niet bij uw rol"

# A text that shows that a page opened, who may see it, and a text that the others get.
EXPECTED: dict[str, tuple[str, set[str], str]] = {
    "home": ("Afmelden", ALL, ""),
    "group": ('"id": "group-content"', TEACHING, OTHER_ROLE),
    "my_pupils": ('"id": "mine-intro"', TEACHING, OTHER_ROLE),
    "signals": ('"id": "signals-content"', TEACHING, OTHER_ROLE),
    "materials": ('"id": "materials-content"', TEACHING, OTHER_ROLE),
    "school_overview": ('"id": "school-figures"', {"marjan"}, "alleen voor schoolleiders"),
    "schools_overview": ('"id": "schools"', {"eva"}, "alleen voor besturen"),
    "connections": ('"id": "couplings-content"', {"sam"}, "alleen voor beheerders"),
    "access_log": ('"id": "access-log"', {"sam", "iris"}, "alleen voor beheerders en intern begeleiders"),
    "retention": ('"id": "retention"', {"sam"}, "alleen voor beheerders"),
    "pupil_data": ('"id": "whose-data"', {"sam", "iris"}, "alleen voor beheerders en intern begeleiders"),
    "erasure": ("Dit bestaat niet (meer)", ALL, ""),
    "accounts": ('"id": "roles"', {"sam"}, "alleen voor beheerders"),
    "vendor": ("Maak een proefadres", TESTING, "voor beheerders en voor leveranciers"),
    "requirements": ('"id": "requirements"', TESTING, "voor beheerders en voor leveranciers"),
    "pupil": ('"id": "lanes"', TEACHING, OTHER_ROLE),
    "talk_sheet": ('"id": "talk-sheet"', TEACHING, OTHER_ROLE),
    "handover": ('"id": "handover-made"', TEACHING, OTHER_ROLE),
    "board": ('"className": "board"', TEACHING, OTHER_ROLE),
    "own_page": ("niet aangezet", {"kind", "ouder"}, "alleen voor leerlingen en hun ouders"),
    "refused_message": ("niet (meer)", ALL, ""),
    "new_connection": ('"id": "kinds"', {"sam"}, "alleen voor beheerders"),
    "agreement": ('"id": "agreement"', {"sam"}, "Deze koppeling bestaat niet (meer)"),
    "own_connection": ("Deze koppeling bestaat niet (meer)", ALL, ""),
    "sandbox": ("Dit proefadres is er niet (meer)", WORKING, OTHER_ROLE),
    "check_result": ("Deze uitslag is er niet (meer)", WORKING, OTHER_ROLE),
    "accessibility": ("WCAG 2.1", ALL, ""),
    "not_found_404": ("Deze pagina bestaat niet", ALL, ""),
}


def expected_of(page: Page) -> tuple[str, set[str], str]:
    """A row of the table; a page without one is open to everybody, and shows its title."""
    return EXPECTED.get(page.name) or (f'"title": "{page.title()} – Rondblik"', ALL, "")


MY_PUPILS, CONNECTIONS = ("/leerlingen", "Mijn leerlingen"), ("/koppelingen", "Koppelingen")
CLASSES, SIGNALS, MATERIALS = ("/groep", "Groepen"), ("/signalen", "Signalen"), ("/leermiddelen", "Leermiddelen")
ACCESS_LOG = ("/inzage", "Wie heeft gekeken")
OVERVIEW = ("/schooloverzicht", "Schooloverzicht")
SCHOOLS = ("/scholen", "Scholen")
TEST = ("/toets", "Test uw koppeling")
REFUSED = [
    ("sam", ("U bent beheerder: u zorgt voor koppelingen", "Een leraar van de groep of de intern begeleider kan")),
    ("marjan", ("U bent schoolleider: u ziet cijfers per groep", "Een leraar van de groep of de intern begeleider")),
    ("eva", ("U bent van het bestuur: u ziet cijfers per school", "De school kan meer laten zien.")),
    ("kind", ("Je ziet de pagina met je eigen resultaten", "Een leraar kan je meer vertellen.")),
    ("lev", ("U bent leverancier: u test een koppeling", "Scholen zien hun eigen resultaten.")),
]
MENUS = {
    "hanna": [CLASSES, MY_PUPILS, SIGNALS, MATERIALS],
    "noa": [CLASSES, MY_PUPILS, SIGNALS, MATERIALS],
    "iris": [CLASSES, MY_PUPILS, SIGNALS, MATERIALS, ACCESS_LOG],
    "sam": [CONNECTIONS, ACCESS_LOG, TEST],
    "marjan": [OVERVIEW],
    "eva": [SCHOOLS],
    "lev": [TEST],
    "kind": [("/mijn-resultaten", "Mijn resultaten")],
    "ouder": [("/mijn-resultaten", "Resultaten van mijn kind")],
}


@pytest.fixture
def all_roles(known_school: Store) -> flask.Flask:
    """The web app on the known school, with a user of every role."""
    options = AppOptions(demo=True, users=(*PERSONAS, VENDOR, PUPIL, PARENT))
    return create_app(known_school.engine, known_school.cipher, options)


# By what the start page of each is known.
STARTS = {
    "hanna": '"id": "group-content"', "noa": '"id": "group-content"', "iris": '"id": "group-content"',
    "sam": '"id": "couplings-content"', "marjan": '"id": "school-figures"', "eva": '"id": "schools"',
    "lev": "Maak een proefadres", "kind": "niet aangezet", "ouder": "niet aangezet",
}  # fmt: skip


def test_every_page_that_refuses_somebody_is_in_this_test() -> None:
    assert {page.name for page in PAGES if page.may_see is not everybody} <= EXPECTED.keys()


@pytest.mark.parametrize("key", sorted(STARTS))
def test_everybody_starts_at_the_first_page_of_their_menu(all_roles: flask.Flask, key: str) -> None:
    shown = shown_page(as_persona(all_roles, key), "/")
    assert STARTS[key] in shown
    assert f'"title": "{MENUS[key][0][1]} – Rondblik"' in shown


@pytest.mark.parametrize(("key", "sentences"), REFUSED)
def test_a_page_of_results_says_what_a_role_is_for_and_who_can_show_it(
    all_roles: flask.Flask, key: str, sentences: tuple[str, ...]
) -> None:
    client = as_persona(all_roles, key)
    for path in ("/groep", "/leerlingen", "/signalen", "/leermiddelen", "/leerling/1", "/gesprek/1", "/digibord"):
        shown = shown_page(client, path)
        assert all(sentence in shown for sentence in sentences), path


@pytest.mark.parametrize("key", sorted(ALL))
def test_each_page_opens_for_who_may_see_it_and_refuses_the_others(all_roles: flask.Flask, key: str) -> None:
    client = as_persona(all_roles, key)
    for page in PAGES:
        opened, may_see, refused = expected_of(page)
        shown = shown_page(client, address(page))
        expected = opened if key in may_see else refused
        assert expected in shown, f"{page.name} as {key}"
        if refused and key in may_see:
            assert refused not in shown, f"{page.name} as {key}"


@pytest.mark.parametrize("key", sorted(ALL))
def test_the_menu_is_that_of_the_role_on_every_page(all_roles: flask.Flask, key: str) -> None:
    client = as_persona(all_roles, key)
    for page in PAGES:
        if page.has_header:
            assert menu(json.loads(shown_page(client, address(page)))) == MENUS[key], page.name


def test_nobody_signed_in_gets_every_page_without_data(all_roles: flask.Flask) -> None:
    with all_roles.test_request_context("/"):
        layouts = {name: entry["layout"]() for name, entry in dash.page_registry.items()}
    assert set(layouts) == {page.name for page in PAGES}
    for name, layout in layouts.items():
        text = json.dumps(layout, default=lambda component: component.to_plotly_json(), ensure_ascii=False)
        assert not [last for _first, _prefix, last in school.NAMES if last in text], name


@pytest.mark.parametrize("name", ["viewer", "_viewer", "self", "page"])
def test_a_parameter_named_as_something_in_the_program_changes_nothing(all_roles: flask.Flask, name: str) -> None:
    client = as_persona(all_roles, "hanna")
    for page in PAGES:
        opened, may_see, _refused = expected_of(page)
        assert "hanna" not in may_see or opened in shown_page(client, address(page), f"?{name}=1")


def test_the_address_of_a_page_stands_in_one_module_only() -> None:
    folders = {f"/{page.path.split('/')[1]}" for page in PAGES} - {"/"}
    modules: dict[str, set[str]] = {folder: set() for folder in folders}
    for path in Path(dashboard.__file__).parent.rglob("*.py"):
        for text in literals(ast.parse(path.read_text(encoding="utf-8"))):
            for folder in folders:
                if text == folder or text.startswith((f"{folder}/", f"{folder}?", f"{folder}#")):
                    modules[folder].add(str(path))
    assert {folder: names for folder, names in modules.items() if len(names) != 1} == {}


def literals(tree: ast.Module) -> list[str]:
    """All texts in a module but its docstrings."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def menu(answer: Any) -> list[tuple[str, str]]:
    """Address and words of the entries of the first main menu on a page."""
    found = next(node for node in nodes(answer) if node.get("type") == "Nav")
    return [(node["props"]["href"], node["props"]["children"]) for node in nodes(found) if node.get("type") == "Link"]


def nodes(tree: Any) -> list[dict[str, Any]]:
    """All objects in an answer, in the order of the page."""
    if isinstance(tree, list):
        return [node for item in tree for node in nodes(item)]
    return [tree, *(node for item in tree.values() for node in nodes(item))] if isinstance(tree, dict) else []
