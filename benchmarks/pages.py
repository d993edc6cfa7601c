"""`make bench`: what a page costs the server, beside an empty callback of Dash and beside plain Python.

A generated school: classes of 30 pupils, twelve materials, 48 tests, half of them with four parts, norms on most. Each
page is read as a browser asks for it, in this process, with the compression that a browser accepts. `again` is a page
whose data did not change since, `changed` one after a change that may concern the whole school. In between are messages
with results: of a pupil who is on every page, and of the last pupil of the last class. Milliseconds of processor time,
the median of several rounds; the last line is flat JSON. An empty callback fits in the cache of any processor and a
page does not, so that figures of two machines are compared by `reference`, which works on as many objects as a page.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from html import escape
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import Any

import brotli
import dash
import flask
from dash import Input, Output, html
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from connectors.intake.destinations import AnySchool
from connectors.intake.judge import ResultSource, process_results, spool
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.auth.start_codes import start_path
from dashboard.server.wsgi import create_app
from models.access.viewer import Role
from models.schema import clock, database
from models.schema.encryption import PiiCipher
from models.schema.records import Verdict
from models.schema.store_key import open_encrypted
from tests.dashboard import large_school
from tests.dashboard.page_client import PageClient
from tests.uwlr.messages import message, result_xml

CALLBACK = "/_dash-update-component"
COLUMNS = 12
PAGES = {
    "class": "/groep?klas=1",
    "pupil": "/leerling/1",
    "my_pupils_90": "/leerlingen?klas=1,2,3",
    "my_pupils_270": "/leerlingen?klas=1,2,3,4,5,6,7,8,9",
    "signals": "/signalen?klas=1,2,3,4,5,6,7,8,9",
    "materials": "/leermiddelen",
    "board": "/digibord?klas=1",
    "talk_sheet": "/gesprek/1",
}
SHORT = ("class", "pupil", "my_pupils_90", "signals")  # what a check compares


def reference() -> None:
    """Work of the kind that a page is, without our code: group, sort and write 20,000 rows, and compress them."""
    rows = [
        {"pupil": number % 270, "day": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}", "score": number * 7 % 101}
        for number in range(20_000)
    ]
    by_pupil: dict[object, list[dict[str, object]]] = {}
    for row in rows:
        by_pupil.setdefault(row["pupil"], []).append(row)
    for own in by_pupil.values():
        own.sort(key=itemgetter("day", "score"))
    cells = [
        f'<td data-day="{own[0]["day"]}">{escape(str(row["score"]))}</td>' for own in by_pupil.values() for row in own
    ]
    brotli.compress(json.dumps(cells).encode()[:200_000], quality=4)


def empty_callback() -> Callable[[], None]:
    """A callback that does nothing, of an app that does nothing: the floor."""
    app = dash.Dash("empty", server=flask.Flask("empty"), enable_mcp=False)
    app.layout = html.Div([html.Div(id="input"), html.Div(id="output")])
    app.callback(Output("output", "children"), Input("input", "children"))(lambda _children: "")
    client = app.server.test_client()
    body = {
        "output": "output.children", "outputs": {"id": "output", "property": "children"},
        "inputs": [{"id": "input", "property": "children", "value": None}], "changedPropIds": ["input.children"],
    }  # fmt: skip

    def call() -> None:
        assert client.post(CALLBACK, json=body, headers={"Accept-Encoding": "br"}).status_code == 200

    return call


def page_body(callback: dict[str, Any], path: str) -> dict[str, Any]:
    """What a browser posts to open a page."""
    pathname, _, query = path.partition("?")
    values = {"pathname": pathname, "search": f"?{query}" if query else ""}
    outputs = [item.rsplit(".", 1) for item in callback["output"].strip(".").split("...")]
    return {
        "output": callback["output"],
        "outputs": [{"id": name, "property": kind} for name, kind in outputs],
        "inputs": [{**item, "value": values[item["property"]]} for item in callback["inputs"]],
        "changedPropIds": [f"{item['id']}.{item['property']}" for item in callback["inputs"]],
        "state": [{**item, "value": values.get(item["property"])} for item in callback["state"]],
    }


def median_ms(call: Callable[[], object], rounds: int, before: Callable[[], None] = lambda: None) -> float:
    """Processor time of a call, in milliseconds."""
    times = []
    for _ in range(rounds):
        before()
        begin = time.process_time()
        call()
        times.append((time.process_time() - begin) * 1e3)
    return statistics.median(times)


Read = Callable[[], TestResponse]


def page_reader(engine: Engine, cipher: PiiCipher, role: Role = Role.SUPPORT) -> Callable[[str], Read]:
    """How somebody who sees the whole school reads the page at an address, as a browser asks for it."""
    flask.Flask.test_client_class = PageClient
    teacher = large_school.TEACHER if role is Role.SUPPORT else None
    user = DemoUser("els", "Els Prins", role, teacher, large_school.SCHOOL)
    app = create_app(engine, cipher, AppOptions(demo=True, users=(user,)))
    client = app.test_client()
    client.get(start_path(app), follow_redirects=True)
    callbacks = client.get("/_dash-dependencies").get_json()
    pages = next(callback for callback in callbacks if "_pages_content.children" in callback["output"])

    def reader(path: str) -> Read:
        body = page_body(pages, path)

        def read() -> TestResponse:
            answer = client.post(CALLBACK, json=body, headers={"Accept-Encoding": "br"})
            assert answer.status_code == 200, answer.text
            return answer

        return read

    return reader


def send_result(engine: Engine, cipher: PiiCipher, pupil: int, number: int) -> None:
    """Take in a message with a new result of a pupil, of a test that is known from the second message on."""
    result = result_xml(f"m{number}", str(number % 10))
    moment = (large_school.NOW - timedelta(days=1) + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S")
    with spool([message(results=result, leerlingid=str(pupil), aanmaakdatum=moment)]) as spooled:
        source = ResultSource(source_id=1, destination=AnySchool(engine), channel="load")
        if process_results(engine, cipher, spooled, source).verdict is Verdict.REJECT:
            raise SystemExit("a message was refused")


def measure(
    folder: Path, classes: int, rounds: int, pages: Mapping[str, str], *, after_messages: bool
) -> dict[str, float]:
    """The figures of these pages; after messages as well where that is asked for."""
    engine = database.open_engine(database.sqlite_url(folder))
    cipher = open_encrypted(engine, folder)
    large_school.build(engine, cipher, [30] * classes, COLUMNS)
    reader = page_reader(engine, cipher)
    numbers = count()

    def change() -> None:
        with database.write_transaction(engine, large_school.SCHOOL):
            pass

    def of_page() -> None:
        send_result(engine, cipher, 1, next(numbers))

    def of_another() -> None:
        send_result(engine, cipher, 30 * classes, next(numbers))

    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the server does
    empty = empty_callback()
    empty()
    floor = median_ms(empty, rounds * 5)
    print(f"empty callback {floor:25.2f} ms")
    figures = {"empty_callback_ms": floor}
    beside = median_ms(reference, rounds * 3)
    print(f"plain Python   {beside:25.2f} ms")
    if after_messages:
        of_another()
    for name, path in pages.items():
        read = reader(path)
        changed = median_ms(read, rounds, change)
        again = median_ms(read, rounds * 3)
        size = len(read().data) / 1e3
        figures |= {f"{name}_again_ratio": again / floor, f"{name}_changed_ratio": changed / floor, f"{name}_kb": size}
        figures |= {f"{name}_again_of_reference": again / beside, f"{name}_changed_of_reference": changed / beside}
        print(
            f"{name:15} again {again:8.1f} ms {again / floor:6.1f} x   changed {changed:8.1f} ms "
            f"{changed / floor:7.1f} x   {size:6.1f} kB"
        )
        if after_messages:
            of_first, of_last = median_ms(read, rounds, of_page), median_ms(read, rounds, of_another)
            figures |= {f"{name}_message_ratio": of_first / floor, f"{name}_other_message_ratio": of_last / floor}
            print(f"{'':15} after a message of the first pupil {of_first:8.1f} ms, of the last {of_last:8.1f} ms")
    engine.dispose()
    return figures


def main() -> None:
    """Print every figure; the last line is flat JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer pages and rounds, as the tests run it")
    short = parser.parse_args().short
    pages = {name: PAGES[name] for name in SHORT} if short else PAGES
    with tempfile.TemporaryDirectory(prefix="rondblik-bench-") as name, clock.fixed(large_school.NOW):
        figures = measure(Path(name), 9, 3 if short else 7, pages, after_messages=not short)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
