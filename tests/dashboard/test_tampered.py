"""What a browser sends that no page of ours sends: every value of every callback, form and address, of any type.

A callback is found by asking Dash for all of them, so that a new one is tampered with too.
"""

from __future__ import annotations

import base64
import copy
import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product
from typing import Any
from urllib.parse import urlencode

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from dashboard.auth.guard import CALLBACK
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.pages.all_pages import PAGES
from dashboard.server.wsgi import create_app
from dashboard.ui import addresses
from models.access.viewer import Role
from models.schema import database
from models.schema.tables import teacher_groups, teachers
from tests import encrypted
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS, PUPIL, VENDOR
from tests.dashboard.test_web import HERE, OWN, as_persona

LONG = 20_000
HOSTILE: tuple[Any, ...] = (
    None, True, -1, 2**63, 2**200, 0.5, float("nan"), "NaN", "9" * 5_000, "٣", "x" * LONG, "a\0b", "\ud800",
    [], [None], [[1, "1"]], ["x"], {}, {"a": {"b": [1]}},
)  # fmt: skip
FEW: tuple[Any, ...] = (None, True, 2**200, "\ud800", [1], [[1]], {"a": {}}, [{}])
EVERY = 1 if "RONDBLIK_FUZZ" in os.environ else 7  # of the thousands of requests; `make fuzz` sends all
ALLOWED = {200, 204, 400, 401, 403, 409, 413}
SECRETS = (*(name[2] for name in school.NAMES_B), "Zoë", "Anders", "Elders")  # of another class, and of another school
VERA = DemoUser("vera", "Vera Berg", Role.TEACHER, 4, school.SCHOOL)  # sees spelling alone
OTHER_SUBJECTS = ("Cijferpad groep 6", "Toets blok", "Rekenen M6", *school.SUM_PARTS)
EVERYBODY = (*PERSONAS, VERA, VENDOR, replace(PUPIL, name="Leerling"))  # those who can be chosen are named on pages


class Tamper:
    """Sends tampered requests as one user, and collects what was answered as it must not be."""

    def __init__(self, client: FlaskClient, secrets: tuple[str, ...]) -> None:
        self.client = client
        self.secrets = secrets
        self.wrong: list[str] = []
        self.sent = 0

    def call(self, body: Any, about: str) -> None:
        """Call a callback with a body."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.client.post(CALLBACK, data=data, content_type="application/json", base_url=HERE, headers=OWN)
        self.judge(answer, ALLOWED, about)

    def judge(self, answer: Any, allowed: set[int], about: str) -> None:
        """Note an answer with another status, or with something of another class or school in it."""
        self.sent += 1
        text = answer.text
        text = text + json.dumps(answer.json, ensure_ascii=False) if answer.is_json and answer.data else text
        leaks = [secret for secret in self.secrets if secret in text]
        if answer.status_code not in allowed or leaks:
            self.wrong.append(f"{answer.status_code} {leaks} {about}"[:300])


# -- the callbacks -------------------------------------------------------------------------------------------------

INDEX = {"do": "retry", "index": 1, "source": 1, "field": "toetscode"}
UPLOAD = "data:text/xml;base64," + base64.b64encode(b"<a/>").decode()
VALUES: dict[str, Any] = {
    "why-asked.data": {"kind": "cell", "search": "?klas=1", "pupil": "1", "column": "arithmetic", "group": "aandacht"},
    "number-asked.data": {"index": "1_2026-11-10_1"},
    "room-seen.data": {"mark": "", "at": 0},
    "upload-small.data": UPLOAD,
    "upload.filename": "bericht.xml",
    "endpoint-kind.value": "las",
    "endpoint-profile.value": "edexml",
    "endpoint-url.value": "https://uwlr.voorbeeld.nl/soap",
    "endpoint-brin.value": "99XX",
    "_pages_location.pathname": "/leerling/1-1",
    "_pages_location.search": "?klas=1-1",
}
PROPERTIES: dict[str, Any] = {
    "n_clicks": 1,
    "n_submit": 1,
    "n_intervals": 1,
    "contents": UPLOAD,
    "search": "Zoë",
    "value": "1",
    "data": {"search": "?klas=1-1&vak=arithmetic&leerling=1-1"},
}


def entry(spec: dict[str, Any], path: str | None) -> Any:
    """An input or state as the page sends it; with wildcards a list of them."""
    identifier, name = spec["id"], spec["property"]
    if identifier.startswith("{"):
        wild = {key: item if isinstance(item, str) else INDEX[key] for key, item in json.loads(identifier).items()}
        value = wild if name == "id" else PROPERTIES.get(name)
        item = {"id": wild, "property": name, "value": value}
        return item if "MATCH" in identifier else [item]
    value = VALUES.get(f"{identifier}.{name}", PROPERTIES.get(name))
    if (identifier, name) == ("_pages_location", "pathname") and path is not None:
        value = path
    return {"id": identifier, "property": name, "value": value}


def outputs_of(output: str) -> Any:
    """The outputs that a page states with the name of a callback."""
    pieces = output[2:-2].split("...") if output.startswith("..") else [output]
    outputs = []
    for piece in pieces:
        identifier, _dot, name = piece.rpartition(".")
        if "MATCH" in identifier:
            identifier = {key: INDEX.get(key, item) for key, item in json.loads(identifier).items()}
        outputs.append({"id": identifier, "property": name})
    return outputs if output.startswith("..") else outputs[0]


def body_of(dependency: dict[str, Any], path: str | None) -> dict[str, Any]:
    """The request of a callback as a page would send it."""
    inputs = [entry(spec, path) for spec in dependency["inputs"]]
    return {
        "output": dependency["output"],
        "outputs": outputs_of(dependency["output"]),
        "inputs": inputs,
        "state": [entry(spec, path) for spec in dependency["state"]],
        "changedPropIds": [changed(inputs[0])],
    }


def changed(item: Any) -> str:
    """The name of an input among those that changed."""
    item = item[0] if isinstance(item, list) else item
    identifier = item["id"]
    text = json.dumps(identifier, sort_keys=True, separators=(",", ":")) if isinstance(identifier, dict) else identifier
    return f"{text}.{item['property']}"


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a tree, itself included."""
    yield before
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*before, key))


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The tree with another value at a place."""
    if not path:
        return value
    changed_tree = copy.deepcopy(tree)
    at = changed_tree
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed_tree


def tampered(body: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """The request with each of its values replaced, and each field of it; a button with a hostile id says so itself."""
    for path in places(body):
        if path[:1] == ("outputs",) and len(path) > 1 and path[1] not in (0, "id"):
            continue  # each is as the first
        is_value = "value" in path or (path and isinstance(path[-1], str) and "id" in path[:-1])
        for value in HOSTILE if is_value else FEW:
            yield with_trigger(replaced(body, path, value), path), f"{path} = {str(value)[:40]!r}"
    for key in body:
        yield {name: item for name, item in body.items() if name != key}, f"without {key}"
    yield {**body, "inputs": []}, "no inputs"
    yield {**body, "state": body["state"] * 2}, "states twice"
    yield {**body, "extra": 1}, "extra"


def with_trigger(body: Any, path: tuple[Any, ...]) -> Any:
    """The request that says that the input at this place has changed, as a page would."""
    if path[:1] == ("inputs",) and len(path) > 1:
        try:
            return {**body, "changedPropIds": [changed(body["inputs"][path[1]])]}
        except (TypeError, KeyError, IndexError):
            return body
    return body


RAW = (
    b"", b"null", b"[]", b"1", b'"x"', b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b'{"output": 1e999}',
    b'{"inputs": ' + b"9" * 5_000 + b"}", b"{}", "{\"output\": \"\ud800\"}".encode("utf-8", "surrogatepass"),
)  # fmt: skip


def paths_of(client: FlaskClient) -> dict[str, str]:
    """The addresses of pages that stand for something: a sandbox, a check, a refused message, an erasure."""
    room = client.post(addresses.SANDBOXES, base_url=HERE, headers=OWN).headers["Location"]
    report = client.post(f"{room}/rapport", base_url=HERE, headers=OWN).headers["Location"].partition("?")[0]
    refused = client.post("/koppelingen/geweigerd/1", base_url=HERE, headers=OWN).headers["Location"]
    counted = client.post("/leerlinggegevens/tellen/1", base_url=HERE, headers=OWN).headers["Location"]
    return {"room": room, "result": report, "refused": refused, "erasure": counted}


def app_for_everybody(store: Store) -> flask.Flask:
    """The web app on the known school, with everybody who may look."""
    with database.write_transaction(store.engine) as connection:
        connection.execute(insert(teachers).values(**encrypted.teacher(store.cipher, school.SCHOOL, 4)))
        link = {"school_id": school.SCHOOL, "teacher_id": 4, "group_id": 1, "roles": "VAK,docent spelling"}
        connection.execute(insert(teacher_groups).values(**link, from_us=1))
    return create_app(store.engine, store.cipher, AppOptions(demo=True, users=EVERYBODY))


def secrets_of(key: str) -> tuple[str, ...]:
    """What must not be in an answer: pupils of other classes and schools, any pupil, other subjects; an ECK iD."""
    first, second = (tuple(name[2] for name in names) for names in (school.NAMES, school.NAMES_B))
    of_school = {
        "vera": second + OTHER_SUBJECTS,
        "hanna": second, "noa": second, "joris": first, "marjan": first + second, "eva": first + second,
        "leverancier": first + second, "kind": first[1:] + second,
    }  # fmt: skip
    return (*of_school.get(key, ()), "Zoë", "Elders", "ketenid")


@pytest.mark.long
def test_no_tampered_callback_fails_or_shows_what_it_must_not(
    known_school: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Each callback as who uses it; `make fuzz` has each callback tampered with as everybody."""
    web = app_for_everybody(known_school)
    visitors = {user.key: as_persona(web, user.key) for user in EVERYBODY}
    shown = visitors["sam"].post(f"{addresses.ACCOUNTS}/leerlingpagina", data={"aan": "1"}, base_url=HERE, headers=OWN)
    assert shown.status_code == 303
    paths = paths_of(visitors["sam"])
    dependencies = [
        dependency
        for dependency in visitors["hanna"].get("/_dash-dependencies", base_url=HERE).json
        if dependency["clientside_function"] is None
    ]
    assert len(dependencies) >= 20
    tampers = {key: Tamper(client, secrets_of(key)) for key, client in visitors.items()}
    with caplog.at_level(logging.DEBUG, "rondblik"):
        for dependency in dependencies:
            name = dependency["output"].strip(".").split("-")[0]
            body = body_of(dependency, paths.get(name))
            own = name in paths or any(part in dependency["output"] for part in ("vendor-go", "couplings"))
            for key in visitors if EVERY == 1 else ("sam" if own else "hanna",):
                tampers[key].call(body, f"{key} {name}: as a page sends it")
                for sample, about in islice(tampered(body), None, None, EVERY):
                    tampers[key].call(sample, f"{key} {name}: {about}")
        for raw in RAW:
            tampers["hanna"].call(raw, repr(raw[:30]))
    wrong = [line for tamper in tampers.values() for line in tamper.wrong]
    sent = {key: tamper.sent for key, tamper in tampers.items() if tamper.sent}
    print(f"tampered calls: {len(dependencies)} callbacks, {sum(sent.values())} calls ({sent}), {len(wrong)} wrong")
    assert not wrong, f"{len(wrong)} of {sent}: " + "\n".join(wrong[:60])
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]
    assert "x" * 50 not in caplog.text


# -- forms and addresses -------------------------------------------------------------------------------------------

TEXTS = (
    "", "-1", str(2**63), "9" * 5_000, "NaN", "٣", "a\0b", "x" * LONG, "[]", "[" * 20_000, '[["a"]]',
    f'["seen", [["gap", {2**200}, 1, "", ""]], "/groep"]', "31-02-2027", "9999-12-31", "//elders.example",
    "/groep\r\nX: y", f"{2**63} zet /groep",
)  # fmt: skip
# The fields of the forms of each route; a new route without an entry fails the test.
FIELDS: dict[str, tuple[str, ...]] = {
    "switch_user": ("persona",),
    "settle_signals": ("opdracht",),
    "save_goal": ("materiaal", "weg", "waarde", "dag"),
    "save_note": ("klaar", "soort", "tekst", "voor", "dag"),
    "change_note": ("intrekken", "tekst", "voor", "dag"),
    "save_due": ("toets", "dag"),
    "save_thresholds": ("terug",),
    "make_room": (),
    "look_at_room": (),
    "leave_room": (),
    "report_on_room": (),
    "erase_room": (),
    "see_refused": (),
    "count_erasure": (),
    "erase_pupil": ("naam",),
    "judge_anew": (),
    "add_sender": ("naam", "berichten"),
    "add_sender_key": (),
    "revoke_sender_key": ("nummer",),
    "set_sender_terms": ("berichten",),
    "remove_connection": (),
    "set_agreement": ("mandate", "mandate_on", "agreement_on", "purpose", "categories"),
    "use_source": (),
    "discard_source_draft": (),
    "try_new_source": ("naam", "address", "key", "every", "school_year", "header_name"),
    "try_source": ("naam", "address", "key", "every", "school_year", "header_name"),
    "invite": ("naam", "rol", "leraar", "leerling", "mail"),
    "show_own_page": ("aan",),
    "let_leaders_read": ("aan",),
    "mark_subject_school": ("aan",),
    "set_taught_subject": ("leraar", "vak"),
    "unset_taught_subject": ("weg",),
    "withdraw_invitation": ("nummer",),
    "end_role": ("nummer",),
    "end_sessions": ("nummer",),
    "give_stand_in": ("wie", "groep", "tot"),
    "end_stand_in": ("nummer",),
    "take_role": ("rol",),
    "sign_out": (),
    "change_password": ("oud", "code", "nieuw", "nogmaals"),
}
NUMBERS = ("0", "999999999", str(2**31), str(2**63), "9" * 5_000, "-1", "x", "%00", "%ED%A0%80")
NAMES = ("klas", "periode", "vak", "materiaal", "uitgever", "groep", "doel", "leerling", "vraag", "jaar", "regel",
         "token", "pupil_id", "proef", "school", "niet", "viewer", "taal", "lied[]")  # fmt: skip


def test_a_callback_in_another_form_than_json_is_refused(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = client.post(CALLBACK, data=b"{}", content_type=kind, base_url=HERE, headers=OWN)
        assert (answer.status_code, answer.is_json) == (400, True)


def test_no_tampered_form_fails_or_shows_what_it_must_not(
    known_school: Store, caplog: pytest.LogCaptureFixture
) -> None:
    web = app_for_everybody(known_school)
    wrong, sent = [], 0
    routes = [
        rule
        for rule in web.url_map.iter_rules()
        if rule.methods is not None
        and "POST" in rule.methods
        and not rule.rule.startswith(("/_", "/<path"))
        and not rule.endpoint.startswith("receive")
    ]
    assert {rule.endpoint for rule in routes} == set(FIELDS)
    for rule in routes:
        for user in [one.key for one in EVERYBODY] if EVERY == 1 else ("hanna", "sam"):
            tamper = Tamper(as_persona(web, user), secrets_of(user))
            fields = FIELDS[rule.endpoint]
            first = re.sub(r"<[^>]+>", "1", rule.rule)
            forms = [(first, {name: text}) for name in fields for text in TEXTS]
            forms += [(first, dict.fromkeys(fields, text)) for text in TEXTS]
            forms += [(re.sub(r"<[^>]+>", number, rule.rule), dict.fromkeys(fields, "1")) for number in NUMBERS]
            for path, form in forms:
                if rule.endpoint == "switch_user" and form.get("persona") == "":
                    continue
                answer = tamper.client.post(path, data=form, base_url=HERE, headers=OWN)
                tamper.judge(answer, {303, 404, 405, 422, *ALLOWED}, f"{path[:60]} {str(form)[:60]}")
            wrong += tamper.wrong
            sent += tamper.sent
    print(f"tampered forms: {len(routes)} routes, {sent} forms, {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong[:60])
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]


GET_NUMBERS = (*NUMBERS, "1", "2-1", "2-999999999", f"1-{2**63}", "1-" + "9" * 40, "1.2", "..", "x" * LONG)


def test_no_tampered_address_of_a_file_fails_or_shows_what_it_must_not(
    known_school: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Files, reports and certificates that are named in the address, as everybody."""
    web = app_for_everybody(known_school)
    rules = [
        rule.rule
        for rule in web.url_map.iter_rules()
        if rule.methods is not None
        and "GET" in rule.methods
        and rule.arguments
        and not rule.rule.startswith(("/_", "/<path", "/static", "/assets"))
        and not rule.endpoint.startswith("receive")
    ]
    wrong, sent = [], 0
    for user in EVERYBODY:
        tamper = Tamper(as_persona(web, user.key), secrets_of(user.key))
        for rule, number in product(rules, GET_NUMBERS):
            path = re.sub(r"<[^>]*kind>", "json", re.sub(r"<(?![^>]*kind>)[^>]+>", number, rule))
            answer = tamper.client.get(path, base_url=HERE, headers=OWN)
            tamper.judge(answer, {302, 303, 404, 405, *ALLOWED}, f"{user.key} {path[:80]}")
        wrong += tamper.wrong
        sent += tamper.sent
    print(f"tampered addresses: {len(rules)} routes, {sent} requests, {len(wrong)} wrong")
    assert len(rules) >= 4
    assert not wrong, "\n".join(wrong[:60])
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]


def test_no_tampered_query_fails_or_shows_what_it_must_not(
    known_school: Store, caplog: pytest.LogCaptureFixture
) -> None:
    web = app_for_everybody(known_school)
    keys = [user.key for user in EVERYBODY] if EVERY == 1 else ["hanna"]
    tampers = [Tamper(as_persona(web, key), secrets_of(key)) for key in keys]
    pages = [re.sub(r"<[^>]+>", "1-1", page.path) for page in PAGES]
    (show,) = [
        body_of(dependency, None)
        for dependency in tampers[0].client.get("/_dash-dependencies", base_url=HERE).json
        if "_pages_content.children" in dependency["output"]
    ]
    for tamper, path in product(tampers, pages):
        for text in (*TEXTS, "1-1,1-2", "2-1", "102"):
            search = "?" + urlencode(dict.fromkeys(NAMES, text))
            show["inputs"] = [
                {**item, "value": {"pathname": path, "search": search}.get(item["property"], "")}
                for item in show["inputs"]
            ]
            tamper.call(show, f"{path} {text[:40]!r}")
        for search in ("?klas=1&klas=2&klas", "?%ED%A0%80=%00&klas=%FF", "?" + "a=1&" * 2_000, "?=&&=1;"):
            answer = tamper.client.get(path + search, base_url=HERE)
            tamper.judge(answer, {302, 404, *ALLOWED}, f"{path} {search[:40]!r}")
    wrong = [line for tamper in tampers for line in tamper.wrong]
    print(f"tampered queries: {len(pages)} pages, {sum(tamper.sent for tamper in tampers)} queries, {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong[:60])
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]
