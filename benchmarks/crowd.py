"""`make bench-full`: thirty teachers who open five pages each at the same moment, on the real server.

The school is that of `benchmarks.pages`. Each teacher has a session and one of nine classes, and opens pages one after
the other without pause, over HTTP on a connection that stays open. What is measured is the time of each page and how
many pages a second all get, with one process on SQLite. The last line is flat JSON.
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import flask

from benchmarks.pages import CALLBACK, COLUMNS, page_body
from dashboard.auth.guard import PAGE_HEADER
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.auth.start_codes import start_path
from dashboard.server.serving import bind
from dashboard.server.wsgi import create_app
from models.access.viewer import Role
from models.schema import clock, database
from models.schema.store_key import open_encrypted
from tests.connectors.sending import serving_app
from tests.dashboard import large_school
from tests.dashboard.page_client import PAGE_MARK

TEACHERS, CLASSES, ROUNDS = 30, 9, 3
HEADERS = {
    "Content-Type": "application/json", "Accept-Encoding": "br", "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty",
}  # fmt: skip


class Teacher:
    """A browser that is signed in."""

    def __init__(self, port: int, app: flask.Flask, class_id: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.class_id = class_id
        self.connection.request("GET", start_path(app))
        response = self.connection.getresponse()
        response.read()
        cookies = [value for name, value in response.getheaders() if name.lower() == "set-cookie"]
        self.headers = {**HEADERS, "Cookie": "; ".join(cookie.partition(";")[0] for cookie in cookies)}
        self.connection.request("GET", "/", headers={"Cookie": self.headers["Cookie"]})
        mark = PAGE_MARK.search(self.connection.getresponse().read().decode())
        assert mark is not None
        self.headers[PAGE_HEADER] = mark[1]
        plain = {**self.headers, "Accept-Encoding": "identity"}
        self.connection.request("GET", "/_dash-dependencies", headers=plain)
        self.callback: dict[str, Any] = next(
            item for item in json.loads(self.connection.getresponse().read()) if "_pages_content" in item["output"]
        )

    def paths(self) -> list[str]:
        """The five pages that this teacher opens."""
        first_pupil = (self.class_id - 1) * 30 + 1
        class_page = f"/groep?klas={self.class_id}"
        return [class_page, f"/leerling/{first_pupil}", f"/leerling/{first_pupil + 1}", "/signalen", class_page]

    def open_pages(self) -> list[float]:
        """Seconds of each page."""
        times = []
        for path in self.paths():
            body = json.dumps(page_body(self.callback, path)).encode()
            begin = time.perf_counter()
            self.connection.request("POST", CALLBACK, body, self.headers)
            response = self.connection.getresponse()
            answer = response.read()
            times.append(time.perf_counter() - begin)
            if response.status != 200:
                raise SystemExit(f"{path}: {response.status} {answer[:200]!r}")
        return times


def main() -> None:
    """Print every figure; the last line is flat JSON."""
    with tempfile.TemporaryDirectory(prefix="rondblik-bench-") as name, clock.fixed(large_school.NOW):
        engine = database.open_engine(database.sqlite_url(Path(name)))
        cipher = open_encrypted(engine, Path(name))
        large_school.build(engine, cipher, [30] * CLASSES, COLUMNS)
        user = DemoUser("els", "Els Prins", Role.SUPPORT, large_school.TEACHER, large_school.SCHOOL)
        app = create_app(engine, cipher, AppOptions(demo=True, users=(user,)))
        with serving_app(app, bind("127.0.0.1", 0)) as port, ThreadPoolExecutor(TEACHERS) as pool:
            teachers = [Teacher(port, app, 1 + number % CLASSES) for number in range(TEACHERS)]
            alone = statistics.median(time for _ in range(3) for time in teachers[0].open_pages())
            rounds = []
            for _ in range(ROUNDS):
                begin = time.perf_counter()
                times = [seconds for opened in pool.map(Teacher.open_pages, teachers) for seconds in opened]
                rounds.append((statistics.quantiles(times, n=20)[-1], len(times) / (time.perf_counter() - begin)))
        engine.dispose()
    slowest, a_second = (statistics.median(values) for values in zip(*rounds, strict=True))
    print(
        f"{TEACHERS} teachers at once: p95 {slowest * 1e3:.0f} ms, {a_second:.0f} pages a second; "
        f"alone {alone * 1e3:.0f} ms"
    )
    print(json.dumps({"crowd_p95_ms": round(slowest * 1e3, 1), "crowd_pages_a_second": round(a_second, 1)}))


if __name__ == "__main__":
    main()
