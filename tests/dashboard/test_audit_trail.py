"""What requests leave in the audit log: every view of pupils, every file, every change; and its page and commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import flask
import pytest
from sqlalchemy import func, select, text

from dashboard.auth.request import AppOptions
from dashboard.cli import main as cli
from dashboard.export.file_formats import FORMATS
from dashboard.server.wsgi import create_app
from dashboard.text.audit_words import event_words
from models.access.audit import AuditLog, Event, Exported, Looked, SetForClass, WroteAbout, audit_events, open_audit
from models.access.viewer import Role, Viewer
from models.schema import clock
from models.schema.database import open_engine, read_transaction, short_write, sqlite_url
from models.schema.store_key import open_encrypted
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.page_list import OPEN_PAGES, address
from tests.dashboard.test_privacy_papers import BAKEN, HORIZON, Operator, operator
from tests.dashboard.test_web import CALLBACK, HERE, OWN, as_persona, shown_page

__all__ = ["operator"]
REVIEWER = Viewer(school.SCHOOL, Role.ADMINISTRATOR)
PUPIL = re.compile(r"/leerling/1-(\d+)")


@pytest.fixture
def web(known_school: Store) -> flask.Flask:
    """The web app with an intern begeleider besides the usual users."""
    return create_app(known_school.engine, known_school.cipher, AppOptions(demo=True, users=PERSONAS))


def log_of(web: flask.Flask) -> AuditLog:
    log: AuditLog = web.extensions["rondblik"].audit
    return log


def number(web: flask.Flask) -> int:
    """How many events there are."""
    with read_transaction(log_of(web).engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(audit_events)) or 0)


def newest(web: flask.Flask, count: int = 1) -> list[Event]:
    """The newest events, the oldest of them first."""
    entries = log_of(web).month(REVIEWER, clock.today().isoformat()[:7], count)
    return [entry.event for entry in reversed(entries)]


@pytest.mark.parametrize("key", ["hanna", "noa", "iris"])
def test_every_page_that_names_pupils_is_in_the_log_with_all_of_them(web: flask.Flask, key: str) -> None:
    client = as_persona(web, key)
    seen = set()
    for page in OPEN_PAGES:
        before = number(web)
        shown = {int(item) for item in PUPIL.findall(shown_page(client, address(page)))}
        events = newest(web, number(web) - before) if number(web) > before else []
        logged = {pupil_id for event in events for pupil_id in event.pupil_ids}
        assert len(events) <= 1, page.name  # one event a view
        if page.name in ("pupil", "talk_sheet"):
            shown &= {1}  # the neighbours are links by first name only
        assert shown <= logged, page.name
        seen |= {page.name} if events else set()
    assert seen >= {"home", "group", "signals", "pupil"}


def test_a_filter_logs_just_the_pupils_on_the_screen(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    shown_page(client, "/groep")
    everybody = newest(web)[0]
    shown_page(client, "/leerling/1")
    assert newest(web) == [Looked("pupil", (1,))]
    assert isinstance(everybody, Looked)
    assert everybody.pupil_ids == tuple(range(1, 13))
    assert [entry.user_key for entry in log_of(web).about_pupil(REVIEWER, 1, 9)] == ["hanna", "hanna"]


def test_who_is_refused_a_pupil_leaves_no_view(web: flask.Flask) -> None:
    client = as_persona(web, "joris")
    before = number(web)
    assert "U mag deze leerling niet zien" in shown_page(client, "/leerling/1")
    assert number(web) == before


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_a_saved_file_is_in_the_log(web: flask.Flask, kind: str) -> None:
    client = as_persona(web, "hanna")
    link = re.search(rf"/groep/bestand/[^\"?&\\ ]+\.{kind}", shown_page(client, "/groep"))
    assert link is not None
    assert client.get(link[0], base_url=HERE).status_code == 200
    looked, exported = newest(web, 2)
    assert exported == Exported("class", kind, looked.pupil_ids)


def test_what_a_teacher_writes_and_sets_is_in_the_log_and_what_was_refused_is_not(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    forms: list[tuple[str, dict[str, str], Event]] = [
        ("/leerling/notitie/1", {"soort": "agreement", "tekst": "Oefenen."}, WroteAbout("note written", (1,))),
        ("/leerling/notitie/1/1", {"tekst": "Meer oefenen."}, WroteAbout("note corrected", (1,))),
        ("/leerling/notitie/1", {"klaar": "2"}, WroteAbout("agreement settled", (1,))),
        ("/leerling/notitie/1/2", {"intrekken": "ja"}, WroteAbout("note withdrawn", (1,))),
        ("/leerling/doel/1", {"materiaal": school.SUMS_FIELD.key, "waarde": "80"}, WroteAbout("goal set", (1,))),
        ("/leerling/doel/1", {"weg": school.SUMS_FIELD.key}, WroteAbout("goal ended", (1,))),
        ("/signalen/drempels/1", {"drop_percent": "20"}, SetForClass("thresholds", 1)),
    ]
    for path, form, event in forms:
        assert client.post(path, data=form, base_url=HERE, headers=OWN).status_code == 303
        assert newest(web) == [event], path
    before = number(web)
    for path, form in (
        ("/leerling/notitie/1", {"soort": "note", "tekst": " "}),
        ("/leerling/notitie/1/2", {"tekst": "x"}),
        ("/leerling/doel/1", {"materiaal": school.SUMS_FIELD.key, "waarde": "veel"}),
        ("/signalen/drempels/1", {"drop_percent": "1"}),
    ):
        client.post(path, data=form, base_url=HERE, headers=OWN)
    assert number(web) == before
    with read_transaction(log_of(web).engine) as connection:
        assert "efenen" not in " ".join(connection.scalars(select(audit_events.c.about)))  # what happened, not the text


def test_without_a_log_nothing_is_shown(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    with short_write(log_of(web).engine) as connection:
        connection.execute(text("ALTER TABLE audit_heads RENAME TO away"))
    body = {
        "output": "..group-content.children..", "outputs": [], "inputs": [], "changedPropIds": [],
    }  # fmt: skip
    assert client.post(CALLBACK, json=body, base_url=HERE, headers=OWN).status_code >= 400
    with pytest.raises(AssertionError):
        shown_page(client, "/groep")
    with short_write(log_of(web).engine) as connection:
        connection.execute(text("ALTER TABLE away RENAME TO audit_heads"))
    assert "Aïsha" in shown_page(client, "/groep")


# -- the page ----------------------------------------------------------------------------------------------------


def test_the_page_shows_a_month_and_who_looked_at_a_pupil(web: flask.Flask) -> None:
    shown_page(as_persona(web, "hanna"), "/leerling/12")
    for key in ("iris", "sam"):
        client = as_persona(web, key)
        month = shown_page(client, "/inzage")
        assert "Bekeken: Leerling" in month
        assert "Hanna Vos" in month
        assert "Niemand heeft gekeken." in shown_page(client, "/inzage", "?maand=2026-01")
        of_pupil = shown_page(client, "/inzage", "?leerling=1-12")
        for words in ("Lars Boon", "groep 6a", "Hanna Vos", "Bekeken: Leerling · 1 leerling"):
            assert words in of_pupil
        who_can_see = of_pupil.split("Wie Lars Boon nu mag zien")[1].split("Wie heeft gekeken")[0]
        assert "Iris Smit" in who_can_see  # without an account, and she sees the whole school
        assert "Sam de Groot" not in who_can_see
    assert "/inzage?leerling=1-12" in shown_page(as_persona(web, "iris"), "/leerling/12")
    teacher = as_persona(web, "hanna")
    assert "alleen voor beheerders en intern begeleiders" in shown_page(teacher, "/inzage", "?leerling=1-12")
    assert "/inzage?leerling" not in shown_page(teacher, "/leerling/12")


NOTHING = {
    "?maand=2026-13": "november 2026", "?maand=x": "november 2026", "?maand=0000-01": "november 2026",
    "?leerling=x": "november 2026", "?leerling=2-1": "andere school", "?leerling=1-9999": "deze leerling bestaat niet",
}  # fmt: skip


@pytest.mark.parametrize("search", NOTHING)
def test_an_address_that_names_nothing_fails_in_words(web: flask.Flask, search: str) -> None:
    shown = shown_page(as_persona(web, "sam"), "/inzage", search)
    assert NOTHING[search] in shown.lower()


# -- the commands ------------------------------------------------------------------------------------------------


def test_the_commands_verify_export_and_find_a_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def type_(*words: str) -> tuple[int, str]:
        code = cli.run(["--data", str(tmp_path / "data"), *words])
        return code, capsys.readouterr().out

    engine = open_engine(sqlite_url(tmp_path / "data"))
    cipher = open_encrypted(engine, tmp_path / "data")
    school.build(engine, cipher)
    web = create_app(engine, cipher, AppOptions(demo=True, users=PERSONAS))
    client = as_persona(web, "hanna")
    for path in ("/groep", "/leerling/1"):
        shown_page(client, path)
    code, head = type_("audit", "head")
    assert (code, head.split()[:2]) == (0, ["1", "2"])
    (tmp_path / "heads").write_text(head)
    code, printed = type_("audit", "verify", "--heads", str(tmp_path / "heads"))
    assert (code, printed) == (0, "school 1: 2 events\nNo sign of tampering.\n")
    events = [json.loads(line) for line in type_("audit", "export", "1")[1].splitlines()]
    assert [event["about"]["screen"] for event in events] == ["class", "pupil"]
    assert type_("audit", "export", "99")[0] == 2
    with short_write(log_of(web).engine) as connection:
        connection.execute(text("UPDATE audit_events SET user_name = 'Iemand Anders' WHERE id = 2"))
    code, printed = type_("audit", "verify")
    assert code == 1
    assert "school 1: Event 2 is not as it was written." in printed
    (tmp_path / "heads").write_text("1 x\n")
    assert type_("audit", "verify", "--heads", str(tmp_path / "heads"))[0] == 2


def test_what_an_operator_does_is_in_the_log_of_each_school_that_it_concerns(
    operator: Operator, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GEHEIM", "een lang wachtwoord")
    sender, schools = ("--klantnaam", "Rekenwijs"), ("--school", HORIZON)
    operator.type("sender", "add", *sender, *schools, "--school", BAKEN)
    operator.type("sender", "key", *sender, *schools)
    operator.type("sender", "set", *sender, "--policy", "tolerant")
    operator.type("sender", "revoke", *sender, "--key", "2")
    operator.type("account", "add", "sam", "--name", "Sam Beheer", *schools, "--password-env", "GEHEIM")
    operator.type("account", "remove", "sam")
    operator.type("retention", "hold", *schools)
    operator.type("retention", "release", *schools)
    for days in (400, 400, 730):
        operator.config["schools"][0]["pupil_retention"] = {"left_days": days}
        operator.type("sync")
    operator.type("person", "export", *schools, "--pupil", "1", "--to", str(tmp_path))
    operator.type("person", "erase", *schools, "--pupil", "1", "--yes")

    events = [json.loads(line) for line in operator.type("audit", "export", "1").splitlines()]
    done = [(event["user_name"], event["about"].get("action") or event["about"]["left_days"]) for event in events]
    assert done == [
        ("config.yaml", "connection added"),
        ("rondblik sender", "sender added"), ("rondblik sender", "sender key added"),
        ("rondblik sender", "sender terms changed"), ("rondblik sender", "sender key revoked"),
        ("rondblik account", "role given"), ("rondblik account", "role ended"),
        ("rondblik retention", "legal hold placed"), ("rondblik retention", "legal hold ended"),
        ("config.yaml", 400), ("config.yaml", 730),
        ("rondblik person", "pupil data given"), ("rondblik person", "pupil erased"),
    ]  # fmt: skip
    assert {event["at_us"] for event in events} == {clock.now_us()}
    log = open_audit(store.engine, store.cipher)
    words = [event_words(entry.event) for entry in log.month(Viewer(1, Role.SUPPORT), "2026-11", 50)]
    retention = "Bewaartermijnen gewijzigd: leerlingen die weg zijn {}, resultaten zonder leerling 1 jaar, geweigerde "
    assert [line for line in words if line.startswith(retention.format("400 dagen"))] != []
    elsewhere = [json.loads(line)["about"]["action"] for line in operator.type("audit", "export", "2").splitlines()]
    assert elsewhere == ["connection added", "sender added", "sender terms changed"]
