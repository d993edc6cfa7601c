"""Markup in every name that somebody else chose, on every page in a real browser; and an ECK iD in no answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import Page, Response
from sqlalchemy import Text, update

from models.schema import database
from models.schema.tables import classes, groups, pupils, schools, sources, teachers, test_definitions
from tests.browser.conftest import Served, Watched
from tests.browser.test_markup import OTHERWISE, settled
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.page_list import OPEN_PAGES, address

HOSTILE = "<img src=x onerror=\"window.ran='yes'\">\"'><script>window.ran='yes'</script></td></table>"
MORE = ("/groep?weergave=materiaal&stand=norm", "/leerlingen?vraag=stof", "/leerlingen?vraag=klaar",
        "/leerlinggegevens?klas=1-1", "/leerlinggegevens?leerling=1-1")  # fmt: skip
ECK_ID = re.compile(rb"ketenid\.nl/\w+/\w{20}|0{20}")  # that of a pupil begins with zeros
FILE = "a[href*='.csv'], a[href*='.xlsx'], a[href*='.html'], a[href*='.json']"


@dataclass
class Answers:
    """What the server sent to a browser, with the files that pages link to."""

    responses: list[Response] = field(default_factory=list)
    read: int = 0
    files: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def judge(self, page: Page, server: str) -> None:
        """Search the page, the answers since the last time, and the files that the page links to, for an ECK iD."""
        bodies = {page.url: page.content().encode()}
        for response in self.responses:
            if response.request.resource_type in ("document", "xhr", "fetch") and response.ok:
                bodies[response.url] = response.body()
        for link in page.locator(FILE).all():
            path = link.get_attribute("href") or ""
            answer = page.context.request.get(server + path)
            assert answer.ok, path
            self.files.add(path.partition("?")[0].rpartition(".")[2])
            bodies[path] = answer.body()
        self.read += len(bodies)
        self.wrong += [where for where, body in bodies.items() if ECK_ID.search(body)]


def hostile_names(served: Served) -> None:
    with database.write_transaction(served.store.engine) as connection:
        connection.execute(update(pupils).where(pupils.c.id == 1).values(first_name=HOSTILE, last_name=HOSTILE))
        connection.execute(update(teachers).values(first_name=HOSTILE, last_name=HOSTILE))
        for table in (classes, groups, schools):
            connection.execute(update(table).values(name=HOSTILE + table.c.id.cast(Text)))
        connection.execute(update(sources).where(sources.c.id == school.SUMS).values(name=HOSTILE, material=HOSTILE))
        named = update(test_definitions).where(test_definitions.c.source_id == school.SUMS)
        connection.execute(named.values(name=HOSTILE, material=HOSTILE))


def test_nothing_of_a_text_runs_and_no_eck_id_is_sent_on_any_page(served: Served, watched: Watched) -> None:
    hostile_names(served)
    page, answers, hostile = watched.page, Answers(), set()
    page.on("response", lambda response: answers.responses.append(response))  # it wants a function
    viewers = {user.key: user for user in PERSONAS if user.key in ("hanna", "iris", "sam", "marjan", "eva")}
    opened = 0
    for user in viewers.values():
        watched.open("/toegankelijkheid")
        watched.become(user.name)
        paths = [address(item) for item in OPEN_PAGES if item.may_see(user.viewer) and item.name != "home"]
        for path in (*paths, *(MORE if user.viewer.teaches else ())):
            answers.responses.clear()  # of a page before this one a browser keeps no bodies
            watched.open(path)
            settled(page)
            assert page.locator("main img[src=x], main script, header img[src=x]").count() == 0, path
            assert page.evaluate("window.ran") is None, path
            assert page.evaluate(OTHERWISE) == [], path
            if page.get_by_text(HOSTILE).count():
                hostile.add(path)
            answers.judge(page, served.address)
            opened += 1
    print(f"{opened} pages opened, {len(hostile)} with a hostile text, {answers.read} answers and files "
          f"({', '.join(sorted(answers.files))}), {len(answers.wrong)} with an ECK iD")  # fmt: skip
    assert answers.wrong == []
    assert {"/groep", "/leerlingen", "/signalen", "/leerling/1", "/digibord", "/koppelingen", "/accounts"} <= hostile
    assert {"csv", "xlsx", "html", "json"} <= answers.files
