"""An administrator uploads a file of links: all of it is linked, or each bad line gets its sentence."""

from __future__ import annotations

import base64

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from dashboard.pages.connections.actions import LARGEST_FILE, MAX_SENTENCES
from models.schema import database
from tests.conftest import Store
from tests.dashboard.test_web import CALLBACK, HERE, OWN, as_persona, output_of

PARKED, KEY = "20417", "L10001"


def upload(client: FlaskClient, content: bytes, status: int = 200) -> str:
    """The answer of the page to a file."""
    output = output_of(client, "links-file")
    names = [item.partition("@")[0].split(".") for item in output.removeprefix("..").removesuffix("..").split("...")]
    value = f"data:text/csv;base64,{base64.b64encode(content).decode()}"
    field = {"index": 0, "type": "links-file"}
    body = {
        "output": output,
        "outputs": [{"id": name, "property": prop} for name, prop in names],
        "inputs": [[{"id": field, "property": "contents", "value": value}]],
        "changedPropIds": ['{"index":0,"type":"links-file"}.contents'],
    }
    answer = client.post(CALLBACK, json=body, base_url=HERE, headers=OWN)
    assert answer.status_code == status
    return answer.text


def pupil_of(store: Store) -> int | None:
    with database.read_transaction(store.engine) as connection:
        pupil_id: int | None = connection.scalar(
            text("SELECT pupil_id FROM identifiers WHERE school_id = 1 AND id = 500")
        )
    return pupil_id


@pytest.mark.parametrize("separator", [";", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_good_file_links(web: flask.Flask, known_school: Store, separator: str, encoding: str) -> None:
    content = f"identifier{separator}pupil{separator}naam\r\n{PARKED}{separator}{KEY}{separator}Zoë\r\n"
    assert "1 nummer gekoppeld" in upload(as_persona(web, "sam"), content.encode(encoding))
    assert pupil_of(known_school) == 1


def test_every_bad_line_gets_a_sentence_and_nothing_is_linked(web: flask.Flask, known_school: Store) -> None:
    content = f"identifier;pupil\n{PARKED};{KEY}\n{PARKED};\ngeheim;{KEY}\n{PARKED};geheim\n"
    answer = upload(as_persona(web, "sam"), content.encode())
    assert "Er is niets veranderd." in answer
    assert "Regel 2:" not in answer
    for line in (3, 4, 5):
        assert f"Regel {line}: " in answer
    assert "geheim" not in answer
    assert pupil_of(known_school) is None


def test_of_very_many_bad_lines_the_first_are_said_and_the_rest_counted(web: flask.Flask) -> None:
    content = "identifier;pupil\n" + "x;y\n" * (MAX_SENTENCES + 7)
    answer = upload(as_persona(web, "sam"), content.encode())
    assert answer.count("Regel ") == MAX_SENTENCES
    assert "En nog 7 regels." in answer


@pytest.mark.parametrize(
    "content",
    [f"identifier;pupil;naam\n{PARKED};{KEY};Zoë\n".encode("cp1252"), b"x" * (LARGEST_FILE + 1)],
    ids=["cp1252", "large"],
)
def test_a_file_that_cannot_be_read_says_how_to_save_it(web: flask.Flask, known_school: Store, content: bytes) -> None:
    assert "Kies bij het opslaan CSV UTF-8." in upload(as_persona(web, "sam"), content)
    assert pupil_of(known_school) is None


def test_only_an_administrator_links_by_a_file(web: flask.Flask, known_school: Store) -> None:
    upload(as_persona(web, "hanna"), f"identifier;pupil\n{PARKED};{KEY}\n".encode(), status=204)
    assert pupil_of(known_school) is None
