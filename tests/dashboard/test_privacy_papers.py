"""`rondblik privacy` as an operator types it, on a store with two schools: each fact is the one that is in force."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import lxml.html
import pytest
import yaml
from sqlalchemy import insert, update

from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.cli import main as cli
from dashboard.server.wsgi import create_app
from models.access.viewer import Role
from models.schema import clock, tables
from models.schema.database import write_transaction
from tests import encrypted
from tests.conftest import Store
from tests.dashboard.installation import Installation
from tests.dashboard.test_own_connections import post
from tests.dashboard.test_web import as_persona, shown_page
from tests.models.test_erasure import ECK_ID
from tests.uwlr.messages import message

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HORIZON, BAKEN = "99XX/00", "99YY/00"
PROGRESS = Path(__file__).resolve().parents[1] / "messages" / "good-progress.xml"
PAPERS = ("notice", "register")
PROVIDER = {
    "id": "entree", "name": "Entree Federatie", "issuer": "https://oidc.example", "client_id": "rondblik",
    "client_secret": "geheim-van-entree", "schools": ["De Horizon"],
}  # fmt: skip
# What must never be in a paper: people, their identifiers, and secrets.
NAMES = (
    "Noor",
    "Voorbeeld",
    "Piet",
    "Anders",
    "Jo Les",
    "Sam Beheer",
    "L1",
    "jo@les.example",
    "geheim-van-entree",
    "wachtwoord-van",
)
ROSTER = """<?xml version="1.0" encoding="UTF-8"?>
<EDEX><school><schooljaar>2026-2027</schooljaar><brincode>{brin}</brincode><aanmaakdatum>2026-11-01T08:00:00</aanmaakdatum>
<xsdversie>2.1</xsdversie></school>
<groepen><groep key="g5"><naam>5a</naam><jaargroep>5</jaargroep></groep></groepen>
<leerlingen>{pupils}</leerlingen></EDEX>
"""
PUPIL = """<leerling key="{key}"><achternaam>{last}</achternaam><roepnaam>{first}</roepnaam><geslacht>2</geslacht>
<jaargroep>5</jaargroep><groep key="g5"/></leerling>"""


class Operator:
    """Somebody at the command line, who changes config.yaml."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "inbox").mkdir()
        self.config: dict[str, Any] = {
            "data": "data",
            "schools": [
                {"name": "De Horizon", "identifications": [{"brin": "99XX"}]},
                {"name": "De Baken", "identifications": [{"brin": "99YY"}]},
            ],
            "publishers": [
                {"id": "toetsplein", "name": "Toetsplein", "kind": "folder", "path": "inbox", "school": "De Horizon"},
                {"id": "lettertuin", "name": "Lettertuin", "kind": "folder", "path": "inbox", "school": "De Baken"},
            ],
        }

    def type(self, *words: str) -> str:
        """What a command prints."""
        code, out, err = self.outcome(*words)
        assert code == 0, err
        return out

    def outcome(self, *words: str) -> tuple[int, str, str]:
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.config), "utf-8")
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = cli.run(words)
        return code, out.getvalue(), err.getvalue()

    def load(self, name: str, content: bytes, *words: str) -> None:
        file = self.folder / name
        file.write_bytes(content)
        self.type("load", *words, str(file))

    def paper(self, which: str = "notice", school: str = HORIZON) -> Paper:
        return Paper(self.type("privacy", which, "--school", school))


class Paper:
    """A paper as somebody reads it."""

    def __init__(self, markup: str) -> None:
        self.markup = markup
        self.page = lxml.html.fromstring(markup)
        self.text = " ".join(self.page.text_content().split())

    def agreed(self, name: str) -> list[str]:
        """The row of a connection in the table of what was agreed."""
        return self.row(name, "//div[@aria-label='Afspraken per koppeling']").split(" | ")

    def row(self, name: str, place: str = "") -> str:
        """The row of a table, or what is beside a term, by its name."""
        for head in self.page.xpath(f"{place}//th[@scope='row'] | {place}//dt"):
            if " ".join(head.text_content().split()) == name:
                beside = head.xpath("following-sibling::td") or head.xpath("following-sibling::dd[1]")
                return " | ".join(" ".join(cell.text_content().split()) for cell in beside)
        raise AssertionError(f"there is no row {name}")

    def names(self, name: str) -> bool:
        return name in self.text


@pytest.fixture
def operator(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """Two schools of one database, each with a pupil list, a publisher and a pupil of its own."""
    monkeypatch.chdir(tmp_path)
    with clock.fixed(NOW):
        operator = Operator(tmp_path)
        operator.type("sync")
        for brin, key, first, last in (("99XX", "L1", "Noor", "Voorbeeld"), ("99YY", "L9", "Piet", "Anders")):
            pupil = PUPIL.format(key=key, first=first, last=last)
            operator.load(f"{brin}.xml", ROSTER.format(brin=brin, pupils=pupil).encode(), "--roster")
        operator.load("results.xml", message(scores=["7", "0"]), "--source", "toetsplein")
        operator.load("others.xml", message(brin="99YY", leerlingid="L9"), "--source", "lettertuin")
        yield operator


def test_a_paper_has_the_facts_of_its_school_and_none_of_the_other(operator: Operator) -> None:
    for which in PAPERS:
        ours, theirs = operator.paper(which), operator.paper(which, BAKEN)
        assert (ours.row("School"), theirs.row("School")) == ("De Horizon", "De Baken")
        assert (ours.row("BRIN en vestiging"), theirs.row("BRIN en vestiging")) == (HORIZON, BAKEN)
        assert [ours.names(name) for name in ("Toetsplein", "Lettertuin", "De Baken", "99YY")] == [True] + [False] * 3
        assert [theirs.names(name) for name in ("Lettertuin", "Toetsplein", "De Horizon", "99XX")] == [True] + [
            False
        ] * 3
    assert ours.row("Toetsplein").split(" | ")[2:5] == [
        "vr 20 nov 2026", "in gebruik", "2 resultaten met score; leerling aangeduid met leerlingnummer van het LAS"
    ]  # fmt: skip
    assert "1 resultaat met score" in theirs.row("Lettertuin")
    assert theirs.names("Er staan 2 scholen in deze database.")


def test_nobody_is_named_and_nothing_of_the_page_comes_from_elsewhere(operator: Operator, store: Store) -> None:
    with write_transaction(store.engine) as connection:
        named = {"first_name": "Jo", "last_name": "Les", "email": "jo@les.example"}
        connection.execute(insert(tables.teachers).values(encrypted.teacher(store.cipher, 1, 1) | named))
        _account(connection, 1, 1, Role.ADMINISTRATOR)
    operator.config["sign_in"] = [PROVIDER]
    operator.config["server"] = {"public_address": "https://rondblik.example"}
    for which in PAPERS:
        markup = operator.paper(which).markup
        assert [name for name in NAMES if re.search(rf"\b{re.escape(name)}\b", markup)] == []
        assert re.findall(r"<script|<img|<link|src=|href=", markup) == []


def test_a_publisher_is_shown_as_it_is_connected(operator: Operator, store: Store) -> None:
    def state() -> str:
        return operator.paper().row("Toetsplein").split(" | ")[3]

    assert state() == "in gebruik"
    with write_transaction(store.engine) as connection:
        connection.execute(
            update(tables.source_connections).where(tables.source_connections.c.school_id == 1).values(stopped=True)
        )
    assert state() == "gestopt"
    assert operator.paper(school=BAKEN).row("Lettertuin").split(" | ")[3] == "in gebruik"
    del operator.config["publishers"][0]
    operator.type("sync")
    assert state() == "beëindigd"
    operator.type("sender", "add", "--klantnaam", "Rekenwijs", "--school", HORIZON)
    kind, origin, since, connected, held = operator.paper().row("Rekenwijs").split(" | ")
    assert (kind, origin, since) == ("uitgever die stuurt", "beheerder van de installatie", "vr 20 nov 2026")
    assert (connected, held[:10]) == ("in gebruik", "nog niets;")
    assert not operator.paper(school=BAKEN).names("Rekenwijs")


AGREED = {
    "mandate": "het bestuur", "mandate_on": "2026-06-01", "agreement_on": "2026-06-15",
    "purpose": "de voortgang van leerlingen volgen",
}  # fmt: skip


def test_what_was_agreed_about_a_connection_is_in_both_papers(operator: Operator, store: Store) -> None:
    derived = "leerlingnummer van het LAS; toets, datum en norm; score"
    kept = "2 jaar na vertrek van de leerling; zonder leerling 1 jaar na binnenkomst"
    open_ = "[in te vullen]"
    assert operator.paper().agreed("Toetsplein") == [f"{open_}, {open_}", open_, open_, derived, kept]
    operator.config["publishers"][0]["agreement"] = {**AGREED, "mandate_on": date(2026, 6, 1)}  # as YAML reads it
    operator.type("sync")
    told = ["het bestuur, ma 1 jun 2026", "ma 15 jun 2026", AGREED["purpose"], derived, kept]
    for which in PAPERS:
        assert operator.paper(which).agreed("Toetsplein") == told
        assert " ".join(operator.paper(which, BAKEN).agreed("Lettertuin")).count(open_) == 4

    sam = DemoUser("sam", "Sam de Groot", Role.ADMINISTRATOR, None, 1)
    client = as_persona(create_app(store.engine, store.cipher, AppOptions(demo=True, users=[sam])), "sam")
    listed = shown_page(client, "/koppelingen")
    assert '"id": "agreements-open"' not in listed
    page = "/koppelingen/afspraken/1"
    assert all(text in shown_page(client, page) for text in ("het bestuur", "configuratiebestand", derived))
    assert post(client, page, mandate="een ander").status_code == 422  # what the file says is not changed here
    assert operator.paper().agreed("Toetsplein") == told

    del operator.config["publishers"][0]["agreement"]
    operator.type("sync")
    assert '"id": "agreements-open"' in shown_page(client, "/koppelingen")
    typed = AGREED | {"mandate_on": "1-6-2026", "agreement_on": "15-6-2026", "categories": "alleen scores"}
    assert post(client, page, **typed).status_code == 303
    operator.type("sync")  # which says nothing of it, and leaves what the school filled in
    assert operator.paper("register").agreed("Toetsplein") == [*told[:3], "alleen scores", kept]
    operator.config["publishers"][0]["agreement"] = {"mandate_on": "gisteren"}
    assert "moet een dag zijn" in operator.outcome("sync")[2] + operator.outcome("sync")[1]


def test_what_a_publisher_really_delivered_is_told(operator: Operator) -> None:
    assert operator.paper().row("Toetsplein").count("resultaten met score;") == 1
    operator.load("progress.xml", PROGRESS.read_bytes(), "--source", "toetsplein")
    after = operator.paper().row("Toetsplein")
    assert "3 resultaten met score, niet gemaakt of status, aantal opgaven, gewerkte tijd" in after
    assert "gewerkte tijd" not in operator.paper(school=BAKEN).row("Lettertuin")


def test_a_publisher_of_two_schools_is_counted_for_each_apart(operator: Operator) -> None:
    with clock.fixed(NOW - timedelta(days=10)):
        operator.type("sender", "add", "--klantnaam", "Rekenwijs", "--id", "rekenwijs", "--school", BAKEN)
    operator.type("sender", "key", "--klantnaam", "Rekenwijs", "--school", HORIZON)
    with_eck_id = message(brin="99YY", leerlingid="L9").replace(
        b"</leerlingid>", f"</leerlingid><eckid>{ECK_ID}</eckid>".encode()
    )
    operator.load("score.xml", with_eck_id, "--source", "rekenwijs")
    operator.load("progress.xml", PROGRESS.read_bytes(), "--source", "rekenwijs")
    ours, theirs = operator.paper(), operator.paper(school=BAKEN)
    assert not theirs.names(ECK_ID)
    assert ours.row("Rekenwijs").split(" | ")[2:5] == [
        "vr 20 nov 2026", "in gebruik",
        "1 resultaat met niet gemaakt of status, aantal opgaven, gewerkte tijd; leerling aangeduid met leerlingnummer "
        "van het LAS",
    ]  # fmt: skip
    assert theirs.row("Rekenwijs").split(" | ")[2:5] == [
        "di 10 nov 2026", "in gebruik",
        "1 resultaat met score; leerling aangeduid met leerlingnummer van het LAS en ECK iD",
    ]  # fmt: skip
    assert [paper.row("Keten-ID (ECK iD)") for paper in (ours, theirs)] == ["versleuteld | 0", "versleuteld | 1"]


def test_a_connection_begins_with_the_first_message_that_was_accepted(operator: Operator) -> None:
    def load(days: int, school: str, source: str, scores: list[str]) -> None:
        file = operator.folder / f"{days}.xml"
        file.write_bytes(message(brin=school, scores=scores, aanmaakdatum=f"2026-11-{20 - days}T00:05:46"))
        with clock.fixed(NOW - timedelta(days=days)):
            operator.outcome("load", "--source", source, str(file))

    load(9, "99XX", "toetsplein", ["x"])
    load(8, "99YY", "toetsplein", ["7"])
    assert operator.paper().row("Toetsplein").split(" | ")[2] == "vr 20 nov 2026"
    load(7, "99XX", "toetsplein", ["7"])
    assert operator.paper().row("Toetsplein").split(" | ")[2] == "vr 13 nov 2026"


def test_terms_and_limits_are_those_of_the_school(operator: Operator) -> None:
    left = "Leerlingen die weg zijn, met resultaten, notities en doelen"
    paper = operator.paper()
    assert (paper.row(left), paper.row("Geweigerde berichten, versleuteld")) == ("2 jaar na vertrek", "30 dagen")
    assert paper.row("Aanvaarde berichten, versleuteld") == "niet bewaard"
    assert paper.names("na 240 minuten zonder gebruik en na 720 minuten")
    operator.config["retention"] = {"refused_days": 10, "accepted_days": 1}
    operator.config["schools"][0] |= {
        "pupil_retention": {"left_days": 400, "unmatched_days": 40},
        "sessions": {"idle_minutes": 30, "total_minutes": 300},
    }
    for which in PAPERS:
        paper, other = operator.paper(which), operator.paper(which, BAKEN)
        assert (paper.row(left), other.row(left)) == ("400 dagen na vertrek", "2 jaar na vertrek")
        assert paper.row("Resultaten die bij geen leerling horen") == "40 dagen na binnenkomst"
        assert paper.row("Geweigerde berichten, versleuteld") == "10 dagen"
        assert paper.row("Aanvaarde berichten, versleuteld") == "1 dag"
        assert paper.names("na 30 minuten zonder gebruik en na 300 minuten")
    operator.type("retention", "hold", "--school", HORIZON)
    assert operator.paper().row("Aanhoudingen (wissen uitgesteld)") == "1"
    assert other.row("Aanhoudingen (wissen uitgesteld)") == "0"
    operator.type("retention", "release", "--school", HORIZON)
    assert operator.paper().row("Aanhoudingen (wissen uitgesteld)") == "0"


def test_who_has_access_is_counted_by_role_and_by_school(operator: Operator, store: Store) -> None:
    assert operator.paper().names("Niemand heeft een account met een rol.")
    with write_transaction(store.engine) as connection:
        for number, role in enumerate([*Role, Role.TEACHER], 1):
            _account(connection, number, 1, role)
        _open_and_ended(connection)
    paper = operator.paper()
    assert paper.names("Open uitnodigingen: 1. Invallers nu: 1.")
    assert operator.paper(school=BAKEN).names("Open uitnodigingen: 0. Invallers nu: 0.")
    assert paper.row("leraar") == "2 | leerlingen van de eigen groepen"
    assert all(paper.row(name)[0] == "1" for name in ("mentor", "beheerder", "schoolleider", "invaller"))
    assert operator.paper(school=BAKEN).names("Niemand heeft een account met een rol.")
    with write_transaction(store.engine) as connection:
        ended = update(tables.account_roles).values(ended_us=clock.now_us(), ended_by="Sam Beheer")
        connection.execute(ended.where(tables.account_roles.c.role == Role.TEACHER.value))
    assert not operator.paper().names("leerlingen van de eigen groepen | leraar")
    with pytest.raises(AssertionError):
        operator.paper().row("leraar")


def test_the_notice_says_who_gives_and_who_erases(operator: Operator) -> None:
    paper = operator.paper()
    assert paper.names("kan de intern begeleider van de school zelf uitvoeren, wissen een beheerder van de school")
    assert paper.names("Alle gegevens van een leerling")


def test_the_register_names_pupils_and_parents_where_they_have_accounts(operator: Operator, store: Store) -> None:
    def of_accounts() -> dict[str, str]:
        activity = operator.paper("register").page.xpath("//h3[.='Accounts en aanmelden']/following-sibling::dl[1]")[0]
        texts = [" ".join(part.text_content().split()) for part in activity]
        return dict(zip(texts[::2], texts[1::2], strict=True))

    with write_transaction(store.engine) as connection:
        _account(connection, 1, 1, Role.TEACHER)
    assert of_accounts()["Betrokkenen"] == "medewerkers"
    assert "leerling" not in of_accounts()["Gegevens"]
    with write_transaction(store.engine) as connection:
        _account(connection, 2, 1, Role.PARENT)
    assert of_accounts()["Betrokkenen"] == "medewerkers, ouders met een account"
    assert "van welke leerling de resultaten zijn" in of_accounts()["Gegevens"]
    with write_transaction(store.engine) as connection:
        _account(connection, 3, 1, Role.PUPIL)
    assert of_accounts()["Betrokkenen"] == "medewerkers, leerlingen met een account, ouders met een account"
    assert "kan zien" in of_accounts()["Ontvangers"]
    assert operator.paper("register").names("leerlingen en ouders met een account (alleen als rol en nummer)")


def test_local_accounts_are_counted_by_school(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEHEIM", "een lang wachtwoord")
    operator.type("account", "add", "sam", "--name", "Sam Beheer", "--school", BAKEN, "--password-env", "GEHEIM")
    assert operator.paper(school=BAKEN).names("met een wachtwoord en een code (1 account).")
    assert operator.paper("register", BAKEN).names("1 account met een rol, 0 open uitnodigingen")
    assert not operator.paper().names("met een wachtwoord")


def test_how_people_sign_in_and_the_log_are_those_of_the_school(operator: Operator) -> None:
    assert operator.paper().names("Er is geen aanmelding ingesteld")
    operator.config["sign_in"] = [PROVIDER]
    operator.config["server"] = {"public_address": "https://rondblik.example"}
    paper = operator.paper()
    assert paper.names("Gebruikers melden zich aan bij Entree Federatie.")
    assert paper.names("Browsers bereiken het programma op https://rondblik.example.")
    assert not operator.paper(school=BAKEN).names("Entree")
    assert paper.names("het heeft nu 1 gebeurtenis van")  # the configuration added the LAS
    operator.type("retention", "hold", "--school", HORIZON)
    assert operator.paper("register").row("Omvang nu")  # the first activity
    assert operator.paper().names("het heeft nu 2 gebeurtenissen")
    assert operator.paper(school=BAKEN).names("het heeft nu 1 gebeurtenis van")


def test_a_name_with_marks_of_a_page_is_only_text(operator: Operator) -> None:
    hostile = "<script>alert(1)</script>{{ here.place }}"
    operator.config["publishers"][0]["name"] = hostile
    operator.type("sync")
    for which in PAPERS:
        paper = operator.paper(which)
        assert paper.names(hostile)
        assert paper.page.xpath("//script") == []


def test_both_state_the_classes_of_protection_and_the_place(operator: Operator, tmp_path: Path) -> None:
    for which in PAPERS:
        paper = operator.paper(which)
        for name in ("Beschikbaarheid: Midden", "Integriteit: Hoog", "Vertrouwelijkheid: Hoog"):
            assert paper.row(name)
        assert paper.names(f"Een SQLite-bestand: {tmp_path / 'data' / 'rondblik.db'}.")


def test_a_school_that_is_not_there_is_a_sentence(operator: Operator) -> None:
    code, out, err = operator.outcome("privacy", "notice", "--school", "88AA/00")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no such school" in err


@pytest.mark.parametrize("which", PAPERS)
def test_on_each_database_and_without_a_change(known: Installation, which: str) -> None:
    before = known.rows()
    code, out, err = known.outcome("privacy", which, "--school", HORIZON)
    assert (code, err) == (0, "")
    paper = Paper(out)
    on_postgresql = known.url.startswith("postgresql")
    assert paper.names("PostgreSQL: t") is on_postgresql
    assert "12 leerlingen" not in paper.text  # those of class 6b, and who left, are stored too
    assert paper.names("16 leerlingen")
    assert not paper.names("Bouzid")
    no_audit = {"audit_events": [], "audit_heads": [], "audit_pupils": []}  # made by the first who asks, on PostgreSQL
    assert known.rows() in (before, before | no_audit)


def _open_and_ended(connection: Any) -> None:
    """An invitation and a stand-in that are in force, and of each one that ended and one whose time is over."""
    now, day = clock.now_us(), 24 * 3600 * clock.SECOND_US
    for number, (ended_us, until_us, until_on) in enumerate(
        [(None, now + day, "2026-11-20"), (now, now + day, "2026-11-20"), (None, now - day, "2026-11-19")]
    ):
        connection.execute(
            insert(tables.invitations).values(
                school_id=1, code_digest=bytes([number]) * 32, name="Jo Les", role="teacher", invited_by="Sam Beheer",
                invited_us=now, until_us=until_us, ended_us=ended_us,
            )
        )  # fmt: skip
        connection.execute(
            insert(tables.stand_ins).values(
                school_id=1, role_id=1, class_id=1, until_on=until_on, granted_by="Sam Beheer", granted_us=now,
                ended_us=ended_us,
            )
        )  # fmt: skip


def _account(connection: Any, number: int, school_id: int, role: Role) -> None:
    now = clock.now_us()
    connection.execute(
        insert(tables.accounts).values(
            id=number, issuer="https://oidc.example", subject_digest=bytes([number]) * 16, name="Sam Beheer",
            made_us=now, signed_in_us=now,
        )
    )  # fmt: skip
    connection.execute(
        insert(tables.account_roles).values(
            school_id=school_id, account_id=number, role=role.value, granted_by="Sam Beheer", granted_us=now
        )
    )
