"""A vendor in a real browser: a test address that really takes messages, and an uploaded message that is judged."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from dashboard.auth.request import AppOptions
from dashboard.server.wsgi import create_app
from dashboard.settings.schema import Receive
from dashboard.worker.context import WorkContext
from dashboard.worker.loop import work_once
from models.sandbox import situations
from models.schema import clock
from tests.browser.conftest import Served, Watched, address_of
from tests.conftest import Store
from tests.connectors.sending import Account, Answer, Receiver, enveloped
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS, VENDOR
from tests.uwlr.messages import message, result_xml


def zipped(name: str, content: bytes) -> bytes:
    """A zip with one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """The web app on the known school; a vendor is who looks first."""
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
        app = create_app(store.engine, store.cipher, AppOptions(demo=True, users=(VENDOR, *PERSONAS)))
        with address_of(app) as address:
            yield Served(store, address, app)


@dataclass
class Sender:
    """A publisher's system, filled in with what the page of a room says."""

    filled_in: dict[str, str]
    minute: int = 0

    @property
    def header(self) -> str:
        given = self.filled_in
        return Account(given["Klantcode"], given["Klantnaam"], given["Autorisatiesleutel"]).header

    def message(self, dependance: str = "00", **changes: object) -> bytes:
        """The next message, for one of the two locations."""
        self.minute += 1
        options: dict[str, object] = {
            "brin": self.filled_in["BRIN"].split()[0], "leerlingid": "proef-01",
            "aanmaakdatum": f"2026-11-11T10:{self.minute:02d}:00", **changes,
        }  # fmt: skip
        data = message(**options)  # type: ignore[arg-type]
        return data.replace(b"</brincode>", f"</brincode><dependancecode>{dependance}</dependancecode>".encode())

    def post(self, data: bytes, header: str | None = None) -> Answer:
        address = urlsplit(self.filled_in["Adres"])
        assert address.port is not None
        return Receiver(address.port).post(enveloped(data, header or self.header), path=address.path)


def make_room(watched: Watched) -> Sender:
    """A test address, made by the button, and what its page says to fill in."""
    page = watched.page
    watched.open("/")
    page.click("button:has-text('Maak een proefadres')")
    page.wait_for_selector("#account")
    read = "all => all.map(one => [one.innerText, one.nextElementSibling.innerText.trim()])"
    return Sender(dict(page.locator("#account dt").evaluate_all(read)))


def states(page: Page) -> dict[str, str]:
    """The word of every situation."""
    read = "all => all.map(one => [one.dataset.situation, one.querySelector('.st').innerText.trim()])"
    return dict(page.locator("[data-situation]").evaluate_all(read))


def wait_for(page: Page, situation: str, state: str = "done") -> None:
    page.wait_for_selector(f"[data-situation={situation}][data-state={state}]", timeout=10_000)


def test_all_nine_situations_turn_while_the_page_stays_open(watched: Watched) -> None:
    page, sender = watched.page, make_room(watched)
    assert set(states(page).values()) == {"wacht"}
    page.evaluate("window.notReloaded = true")

    first = sender.message(scores=["0", "7"])
    assert sender.post(first).confirmed
    wait_for(page, "first")
    assert sender.post(first).confirmed
    assert sender.post(sender.message(scores=["1", "7"])).confirmed
    wait_for(page, "correction")
    assert states(page)["schools"] == "bezig"
    assert sender.post(sender.message("01", scores=["4"])).confirmed
    wrong = sender.header.replace("</a:autorisatiesleutel>", "x</a:autorisatiesleutel>")
    assert sender.post(sender.message(), wrong).fault == "Client.AutorisatieOngeldig"
    assert sender.post(sender.message(xsdversie="1.0")).fault == "Client.XsdVersieOngeldig"
    assert sender.post(sender.message(leerlingid="onbekend")).fault == "Client.LeerlingOngeldig"
    many = "".join(result_xml(f"n{number}", "3") for number in range(situations.LARGE))
    assert sender.post(sender.message(results=many)).confirmed
    wait_for(page, "large")
    assert [name for name, word in states(page).items() if word != "gedaan"] == ["fault"]

    page.click("#room-provoke")
    wait_for(page, "fault", "busy")
    last = sender.message(scores=["9"])
    answer = sender.post(last)
    assert answer.fault == "Server.TijdelijkNietBeschikbaar"
    code = "".join(filter(str.isdigit, answer.sentence))[:4]
    page.wait_for_selector("#room-fault:has-text('De fout is verstuurd')")
    assert code not in page.inner_text("main")
    page.fill("#room-code", "0")
    page.click("#room-confirm")
    page.wait_for_selector("#room-said:has-text('niet de code')")
    page.fill("#room-code", code)
    page.press("#room-code", "Enter")
    page.wait_for_selector("#room-said:has-text('Dat is de juiste code.')")
    assert sender.post(last).confirmed
    wait_for(page, "fault")
    assert set(states(page).values()) == {"gedaan"}
    assert "9 van 9 gedaan" in page.inner_text("#situations")
    assert "Nieuwste bericht vandaag om 8:12: bevestigd" in page.inner_text("#room-news")
    assert page.evaluate("window.notReloaded") is True


def test_what_one_types_and_where_one_is_stay_while_messages_come_in(watched: Watched) -> None:
    page, sender = watched.page, make_room(watched)
    page.click("#pupils summary")
    page.fill("#room-code", "12")
    sender.post(sender.message())
    wait_for(page, "first")
    assert page.input_value("#room-code") == "12"
    assert page.evaluate("document.activeElement.id") == "room-code"
    assert page.evaluate("document.querySelector('#pupils').open")


def test_what_came_in_says_what_is_wrong_where_and_how_to_mend_it(watched: Watched) -> None:
    page, sender = watched.page, make_room(watched)
    sender.post(sender.message())
    sender.post(sender.message(scores=["zeven"]))
    newest = page.locator("[data-arrival]").first
    expect(newest).to_contain_text("geweigerd", timeout=10_000)
    text = newest.inner_text()
    for word in ("Client.ScoreOngeldig", "vandaag 8:12", "xsd.value", "UWLR 2.2 XSD", "regel 1, kolom", "/score", "kB"):
        assert word in text
    assert "1 resultaat" in page.locator("[data-arrival]").last.inner_text()


def test_a_vendor_looks_as_a_teacher_at_its_own_results_and_goes_back(watched: Watched) -> None:
    page, sender = watched.page, make_room(watched)
    room_page = page.url
    sender.post(sender.message(scores=["0"]))
    sender.post(sender.message(leerlingid="proef-02", results=result_xml("x2", "8")))
    page.click("button:has-text('Bekijk als leraar')")
    page.wait_for_selector("#matrix")
    assert page.url.endswith("/groep")
    assert page.locator("main h1").inner_text() == "Groep Proefgroep 6"
    read = "rows => rows.map(row => [row.querySelector('th a').innerText, row.querySelector('td b')?.innerText ?? ''])"
    shown = dict(page.locator("#matrix tbody tr[data-pupil]").evaluate_all(read))
    assert len(shown) == 10
    assert (shown["Noa Proef"], shown["Bas Proef"], shown["Sem Proef"]) == ("0", "8", "")
    page.click("#matrix tbody th a:has-text('Noa Proef')")
    page.wait_for_selector("#lanes .lane")
    assert "U bekijkt een proefschool" in page.inner_text(".proofbar")
    page.click(".proofbar button")
    page.wait_for_selector("#account")
    assert page.url == room_page
    assert page.locator(".proofbar").count() == 0
    assert "Leverancier" in page.inner_text("#who > summary")


def test_erasing_asks_first_and_leaves_nothing(watched: Watched) -> None:
    page, sender = watched.page, make_room(watched)
    room_page = page.url
    sender.post(sender.message())
    assert not page.locator("button:has-text('Ja, wis alles')").is_visible()
    page.click("#erase summary")
    page.click("button:has-text('Ja, wis alles')")
    page.wait_for_selector("text=Het proefadres is gewist")
    page.goto(room_page)
    page.wait_for_selector("h1:has-text('Dit proefadres is er niet (meer)')")
    assert sender.post(sender.message()).fault == "Client.AutorisatieOngeldig"


def test_an_uploaded_message_is_judged_by_the_worker(served: Served, watched: Watched, tmp_path: Path) -> None:
    page, file = watched.page, tmp_path / "bericht.xml"
    file.write_bytes(message(scores=["7,4", "8"]).replace(b"><", b">\n<"))
    watched.open("/toets")
    page.set_input_files("#upload input", file)
    page.wait_for_selector("text=De test begint zo.")
    assert work_once(WorkContext(served.store.engine, served.store.cipher))
    page.wait_for_selector("#headline")
    assert page.inner_text("#headline") == "1 fout"
    assert "Een ontvanger weigert dit met Client.ScoreOngeldig." in page.inner_text("#levels")
    levels = page.locator("[data-check]").evaluate_all("all => all.map(one => one.dataset.state)")
    assert levels == ["passed", "passed", "failed", "not_tested", "not_tested", "not_tested"]
    row = page.locator("#findings [data-rule='xsd.value']")
    line = message(scores=["7,4", "8"]).replace(b"><", b">\n<").split(b"7,4")[0].count(b"\n") + 1
    assert f"regel {line}, kolom" in row.inner_text()
    row.locator(".where a").click()
    excerpt = page.locator(".excerpt:target pre").inner_text()
    assert "<score>7,4</score>" in excerpt
    assert "L1" not in excerpt
    for kind in ("html", "json", "xml"):
        with page.expect_download() as saved:
            page.click(f"#files a[href$='rapport.{kind}']")
        assert saved.value.suggested_filename == f"uwlr-toets.{kind}"
        assert Path(saved.value.path()).stat().st_size > 100


def test_the_findings_can_be_narrowed_to_what_is_wrong(served: Served, watched: Watched, tmp_path: Path) -> None:
    page, sender = watched.page, make_room(watched)
    sender.post(sender.message(scores=["zeven"]))
    sender.post(sender.message(scores=["1"]))
    sender.post(sender.message(leerlingid="proef-02", scores=["1"]))  # the same key of another pupil: a warning
    page.click("button:has-text('Rapport')")
    page.wait_for_selector("h1:has-text('Uitslag van de test')")
    assert work_once(WorkContext(served.store.engine, served.store.cipher))
    page.wait_for_selector("#findings")
    shown = page.locator("#findings tr[data-level]:visible")
    read = "all => all.map(one => one.dataset.level)"
    assert shown.evaluate_all(read) == ["error", "warning"]
    page.click("#findings label:has-text('Waarschuwing')")
    assert shown.evaluate_all(read) == ["warning"]
    page.click("#findings label:has-text('Fout')")
    assert shown.evaluate_all(read) == ["error"]
    assert page.locator("#scenarios [data-scenario]").count() == 10


def test_an_address_is_called_after_the_form_is_filled_in(served: Served, watched: Watched) -> None:
    page = watched.page
    watched.open("/toets")
    page.fill("#endpoint-url", f"{served.address}/uwlr/leerresultaten")
    page.click("#endpoint-call")
    page.wait_for_selector("#endpoint-said:has-text('Noem de testschool')")
    for name, value in (("brin", "99xx"), ("customer_code", "K-1"), ("customer_name", "Klant"), ("key", "geheim")):
        page.fill(f"#endpoint-{name}", value)
    assert page.get_attribute("#endpoint-key", "type") == "password"
    page.click("#endpoint-call")
    page.wait_for_selector("text=De test begint zo.")
    assert work_once(WorkContext(served.store.engine, served.store.cipher, receive=Receive(check_loopback=True)))
    page.wait_for_selector("#scenarios")
    assert page.locator("#scenarios [data-scenario='publisher.right'][data-state=failed]").count() == 1
    assert "geheim" not in page.content()


@pytest.mark.parametrize(
    ("name", "content", "headline"),
    [
        ("BERICHT.XML", message(), "Alles is goed"),
        ("bericht.txt", message(), "Alles is goed"),
        ("bericht", message(), "Alles is goed"),
        ("berichten.ZIP", zipped("een.XML", message()), "Alles is goed"),
        ("berichten.pdf", zipped("een.xml", message()), "Alles is goed"),
        ("brief.docx", zipped("brief.txt", b"Beste ouders"), None),
        ("brief.txt", b"Beste ouders", "1 fout"),
    ],
)
def test_a_file_of_any_name_is_judged_by_what_is_in_it(
    served: Served, watched: Watched, tmp_path: Path, name: str, content: bytes, headline: str | None
) -> None:
    page, file = watched.page, tmp_path / name
    file.write_bytes(content)
    watched.open("/toets")
    page.set_input_files("#upload input", file)
    page.wait_for_selector("text=De test begint zo.")
    assert work_once(WorkContext(served.store.engine, served.store.cipher))
    if headline is None:
        page.wait_for_selector("text=geen XML-bestanden")
        return
    page.wait_for_selector("#headline")
    assert page.inner_text("#headline") == headline
    assert headline == "Alles is goed" or "Het bericht is geen XML" in page.inner_text("#findings")


def test_a_file_that_is_too_large_is_said_so_and_not_sent(watched: Watched, tmp_path: Path) -> None:
    page, file = watched.page, tmp_path / "groot.xml"
    file.write_bytes(b"<a>" + b"x" * 8_000_000 + b"</a>")
    watched.open("/toets")
    page.set_input_files("#upload input", file)
    page.wait_for_selector("#upload-large:has-text('groter dan 4 MB')")
    assert page.url.endswith("/toets")


def test_everything_can_be_reached_by_keyboard(watched: Watched) -> None:
    page = watched.page
    watched.open("/toets")
    assert page.get_by_label("Kies een bestand").count() == 1
    page.wait_for_load_state("networkidle")  # until then the page is drawn again, and the field loses its focus
    with page.expect_file_chooser():
        page.locator("#upload input").press("Enter")
    make_room(watched)
    for name in ("Bekijk als leraar", "Rapport", "Beantwoord het volgende bericht met een fout", "Bevestigen"):
        button = page.get_by_role("button", name=name, exact=True)
        button.focus()
        assert button.evaluate("one => one === document.activeElement")
    assert page.get_by_label("De code op uw scherm").count() == 1
    unnamed = """all => all.filter(one => one.checkVisibility() && !one.innerText.trim() && !one.labels?.length
        && !one.getAttribute('aria-label') && !one.getAttribute('aria-labelledby')).map(one => one.outerHTML)"""
    assert page.locator("main button, main a, main input, main select, main summary").evaluate_all(unnamed) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_for_vendors_scrolls_sideways(served: Served, watched: Watched, scheme: str) -> None:
    page, sender = watched.page, make_room(watched)
    page.context.add_cookies([{"name": "kleur", "value": scheme, "url": served.address}])
    sender.post(sender.message(scores=["zeven"]))
    sender.post(sender.message())
    room_page = urlsplit(page.url).path
    page.click("button:has-text('Rapport')")
    page.wait_for_selector("h1:has-text('Uitslag van de test')")
    work_once(WorkContext(served.store.engine, served.store.cipher))
    result_page = urlsplit(page.url).path
    for path in ("/toets", room_page, result_page, "/toets/proef/weg"):
        watched.open(path)
        if path == room_page:
            page.click("#pupils summary")
        for width in (1440, 768, 360):
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
        assert page.evaluate("document.documentElement.dataset.colours") == scheme
