"""How each page, callback and route is asked for at a place, and by what it is seen that an answer shows it.

What is needed first, such as an invitation to withdraw, is made with the functions of the program before the probe.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func, insert, select, update

from dashboard.auth.sessions import Entry
from dashboard.pages.all_pages import PAGES
from dashboard.pages.signals.resolution_forms import resolution_form
from dashboard.worker.context import WorkContext
from dashboard.worker.loop import work_once
from models.access import accounts, stand_ins
from models.access.accounts import Invited
from models.access.people import pupil_name
from models.access.viewer import Role, Viewer
from models.classroom.class_state import class_state
from models.classroom.holidays import read_holidays
from models.classroom.signal_resolutions import ResolutionAction
from models.classroom.signals import Signal
from models.ingest import identity, own_connections, page_requests
from models.ingest.page_requests import PageRequest
from models.results import own_subjects
from models.results.subject_mapping import map_subject
from models.results.subjects import SUBJECTS
from models.sandbox import sandboxes
from models.schema import clock, database, tables
from models.schema.encrypted_columns import place
from models.schema.records import Roster, SchoolRef
from tests.dashboard import school
from tests.dashboard.test_tampered import body_of, changed
from tests.rights.visitors import (
    ELSEWHERE,
    NAMES_ELSEWHERE,
    TEACHER_ELSEWHERE,
    WIL,
    Answer,
    Visitor,
    World,
    linked_file,
)

Probe = Callable[[], Answer]

CLASS = {"own": school.CLASS_A, "subject": school.CLASS_A, "group": school.CLASS_B, "school": school.CLASS_ELSEWHERE}
PUPIL = {"own": "1-1", "subject": "1-1", "group": "1-101", "school": "2-1"}
SCHOOL_OF = {"own": school.SCHOOL, "subject": school.SCHOOL, "group": school.SCHOOL, "school": school.OTHER_SCHOOL}
SOURCE = {"own": str(school.SILENT), "school": str(ELSEWHERE)}
CLASS_QUERY = {place: f"?klas={SCHOOL_OF[place]}-{number}" for place, number in CLASS.items()}
CLASS_QUERY["subject"] += "&vak=arithmetic"
LAST_NAMES = {
    "own": [last for _first, _prefix, last in school.NAMES],
    "group": [last for _first, _prefix, last in school.NAMES_B],
    "school": list(NAMES_ELSEWHERE),
}
BOSSES = {place: Viewer(number, Role.ADMINISTRATOR, None, f"Beheer {number}") for place, number in SCHOOL_OF.items()}
_numbers, _percents, _days = itertools.count(20), itertools.cycle(range(20, 40)), itertools.cycle(range(1, 29))
_roster_json = TypeAdapter(Roster)


class Probes:
    """The probes of a world, by the name of what they ask for."""

    def __init__(self, world: World) -> None:
        self.world, self.store = world, world.store
        dependencies = world.visitors["teacher"].session.get(
            f"{world.visitors['teacher'].address}/_dash-dependencies", timeout=60
        )
        self.dependencies = callbacks_by_name(dependencies.json())
        self.made: dict[tuple[str, str], str] = {}

    def probe(self, visitor: Visitor, kind: str, name: str, place: str) -> Probe:
        """The probe of a page, a callback or a route, with everything made that it needs."""
        if kind == "pages":
            return self.page(visitor, name, place)
        if kind == "callbacks":
            body = self.body(name, place)
            return lambda: visitor.call(body)
        if name in self.gets:
            path = self.gets[name](visitor, place)
            return lambda: visitor.get(path)
        if name in self.posts:
            path, form = self.posts[name](place)
            return lambda: visitor.post(path, **form)
        rule = next(rule.rule for rule in self.world.app.url_map.iter_rules() if rule.endpoint == name)
        return lambda: visitor.get(re.sub(r"<[^>]+>", "x", rule))

    def signs(self, name: str, place: str) -> list[str]:
        """By which it is seen that an answer shows what is at a place: any of these."""
        if place == "subject":
            return OTHER_SUBJECT
        by_place = SIGNS.get(name)
        if by_place is not None:
            return [by_place[place]]
        return LAST_NAMES[place]

    def let_leaders_read(self, allowed: bool) -> None:
        """Whether school leaders read results from now on."""
        if self.on("leaders_read") is allowed:
            return
        with database.write_transaction(self.store.engine, school.SCHOOL) as connection:
            accounts.let_leaders_read(connection, BOSSES["own"], allowed)

    # -- pages -----------------------------------------------------------------------------------------------

    def page(self, visitor: Visitor, name: str, place: str) -> Probe:
        """Asks for the content of a page; the HTML before it is the same for every address, and a route of its own."""
        path = next(page.path for page in PAGES if page.name == name)
        about = f"?leerling={PUPIL.get(place)}"
        search = {
            "access_log": about,
            "own_page": about,
            "pupil_data": about,
            "schools_overview": f"?school={SCHOOL_OF.get(place)}",
        }.get(name, CLASS_QUERY.get(place, ""))
        if name == "own_page":  # which an administrator switched off, perhaps
            with database.write_transaction(self.store.engine, school.SCHOOL) as connection:
                accounts.show_own_page(connection, BOSSES["own"], True)
        path = path.replace("<connection>", str(self.sender(place)) if name == "own_connection" else "")
        path = path.replace("<source>", SOURCE[place]) if name == "agreement" else path
        path = path.replace("<pupil_id>", PUPIL.get(place, "")).replace("<token>", self.token(name, place))
        return lambda: visitor.page(path, search)

    # -- what is known by a token ------------------------------------------------------------------------------

    def token(self, name: str, place: str) -> str:
        """The token of something at a place, made when it is first asked for."""
        key = ("sandbox" if name.startswith("room-") or name.endswith("_room") else name.split("-")[0], place)
        make = {"sandbox": self.sandbox, "refused_message": self.refused, "refused": self.refused}
        make |= dict.fromkeys(("check_result", "result", "report_file"), self.result)
        make["erasure"] = self.erasure_count
        if key[0] not in make:
            return ""
        if key not in self.made:
            self.made[key] = make[key[0]](place)
        return self.made[key]

    def sandbox(self, place: str) -> str:
        """A sandbox; of another vendor it is one whose code was not given away."""
        token = sandboxes.create_sandbox(self.store.engine, self.store.cipher, f"Proef {place}").account.token
        return token if place == "own" else token[:-1] + ("A" if token[-1] != "A" else "B")

    def result(self, place: str) -> str:
        """The result of a check that a vendor asked for."""
        token = self.submit(PageRequest("message", f"proef-{place}.xml", b"<proef/>"))
        return token if place == "own" else token[:-1] + ("A" if token[-1] != "A" else "B")

    def refused(self, place: str) -> str:
        """A refused message that its administrator asked for."""
        return self.submit(PageRequest("refused", f"geweigerd-{place}", b"7", school_id=SCHOOL_OF[place]))

    def erasure_count(self, place: str) -> str:
        """What erasing a pupil deletes, as an administrator of the school asked for it."""
        return self.asked_of_pupil(place, page_requests.COUNT_ERASURE)

    def asked_of_pupil(self, place: str, kind: str) -> str:
        """A request about the pupil at a place that was done; these workers erase nobody, as they have no folder."""
        school_id, number = (int(part) for part in PUPIL[place].split("-"))
        about = json.dumps({"pupil": number, "by": "Beheer", "user": ""}).encode()
        return self.submit(PageRequest(kind, str(number), about, school_id=school_id))

    def erasure_done(self, place: str) -> str:
        """The token of an erasure that was done, as the page finds it: its outcome is that of a count."""
        token = self.asked_of_pupil(place, page_requests.COUNT_ERASURE)
        digest = self.store.cipher.digest("check", token)
        done = tables.work_queue.update().where(tables.work_queue.c.token_digest == digest)
        with database.write_transaction(self.store.engine) as connection:
            connection.execute(done.values(kind=page_requests.ERASE))
        return token

    def submit(self, asked: PageRequest) -> str:
        """Queue a request and have the worker do it."""
        token = page_requests.submit(self.store.engine, self.store.cipher, asked)
        while work_once(WorkContext(self.store.engine, self.store.cipher)):
            pass
        return token

    # -- callbacks ---------------------------------------------------------------------------------------------

    def body(self, name: str, place: str) -> dict[str, Any]:
        """What a page sends to a callback, about a place."""
        token = self.token(name, place)
        pupil_page = f"/leerling/{PUPIL.get(place)}"
        path = {"room": f"/toets/proef/{token}", "result": f"/toets/uitslag/{token}",
                "refused": f"/koppelingen/bericht/{token}",
                "erasure": f"/leerlinggegevens/wissen/{token}"}.get(name.split("-")[0], pupil_page)  # fmt: skip
        body = body_of(self.dependencies[name], path)
        given = self.values(name, place)
        for entry in [*body["inputs"], *body["state"]]:
            for item in entry if isinstance(entry, list) else [entry]:
                key = item["id"] if isinstance(item["id"], str) else item["id"]["type"]
                item["id"] = given.get(f"{key}.id", item["id"])
                item["value"] = given.get(f"{key}.{item['property']}", item["value"])
        first = body["inputs"][0]
        first = first[0] if isinstance(first, list) else first
        body["changedPropIds"] = [changed(first)]
        return body

    def values(self, name: str, place: str) -> dict[str, Any]:
        """The values of inputs and states that name a place."""
        query = CLASS_QUERY.get(place, "")
        asked = {"search": query, "at": next(_numbers)}
        why = {"kind": "cell", "search": query, "pupil": PUPIL.get(place, "").partition("-")[2]}
        why |= {"column": FIELD_OF.get(place, school.SUMS_FIELD).key}
        sitting = "4_2026-11-18" if place == "own" else "2_2026-11-13"  # spelling, and arithmetic
        return {
            "group-content": {"group-asked.data": asked},
            "mine-content": {"mine-asked.data": asked},
            "signals-content": {"signals-asked.data": asked},
            "materials-content": {"materials-asked.data": asked},
            "handover-content": {"handover-asked.data": asked},
            "link-pupil": {"link-pupil.search": LAST_NAMES.get(place, [""])[0][:-1]},  # which the answer has, too
            "why-told": {"why-asked.data": why},
            "lanes": {"pupil-asked.data": {"search": "?periode=tweejaar", "at": next(_numbers)}},
            "parts": {"sitting.value": sitting},
            "number-told": {"number-asked.data": {"index": f"{sitting}_0", "at": next(_numbers)}},
            "vendor-go endpoint-call": {"endpoint-schoolkey.value": "", "endpoint-school_year.value": school.YEAR},
            "_pages_content": {"_pages_location.pathname": "/", "_pages_location.search": query},
        }.get(name) or self.pressed(name, place)

    def pressed(self, name: str, place: str) -> dict[str, Any]:
        """The button of the connections page that is pressed, with what it is about."""
        kind, at_school = name.partition(" ")[2], place == "school"
        if kind == "coupling":
            source = ELSEWHERE if at_school else school.SILENT
            known = tables.source_connections.c
            own = (known.school_id == SCHOOL_OF[place], known.source_id == source)
            stopped = self.world.scalar(select(known.stopped).where(*own))
            return {"coupling.id": {"type": "coupling", "do": "go" if stopped else "stop", "index": source}}
        if kind == "link":
            number = 600 if at_school else 500
            return {
                "link.id": {"type": kind, "index": number},
                "link-pupil.id": {"type": "link-pupil", "index": number},
                "link-pupil.value": "1",
            }
        if kind == "unlink":
            return {"unlink.id": {"type": kind, "index": self.linked(place)}}
        if kind in ("subject", "unassign"):
            pattern = f"*|{next(_numbers)}|*"
            term = {"type": kind, "source": school.QUESTIONS, "field": "code", "index": pattern}
            if kind == "unassign":
                with database.write_transaction(self.store.engine, school.SCHOOL) as connection:
                    map_subject(connection, BOSSES["own"], school.QUESTIONS, "code", pattern, "history")
            return {f"{kind}.id": term, f"{kind}.value": "geography"}
        if kind == "roster":
            return {"roster.id": {"type": kind, "do": "drop", "index": self.pending(place)}}
        if kind == "links-file":
            file = base64.b64encode(b"identifier,pupil\nlos502,L10002\n").decode()
            return {"links-file.contents": f"data:text/csv;base64,{file}"}
        return {}

    def linked(self, place: str) -> int:
        """The number of a link by hand that can be undone."""
        identifier = 601 if place == "school" else 501
        with database.write_transaction(self.store.engine, SCHOOL_OF[place]) as connection:
            linked = self.world.scalar(
                select(func.max(tables.identifier_links.c.id)).where(
                    tables.identifier_links.c.identifier_id == identifier, tables.identifier_links.c.undone_us.is_(None)
                )
            )
            linked = linked or identity.link(connection, BOSSES[place], identifier, 1)
            if place == "school":  # numbers are of a school: none of the own school may be in force under this one
                links = tables.identifier_links.c
                ours = (links.school_id == school.SCHOOL, links.id == linked, links.undone_us.is_(None))
                connection.execute(update(tables.identifier_links).where(*ours).values(undone_by="", undone_us=0))
            return linked

    def pending(self, where: str) -> int:
        """The number of a pupil list that waits."""
        number = next(_numbers)
        roster = Roster(school.YEAR, SchoolRef("99XX", "00"), None, None, (), (), ())
        with database.write_transaction(self.store.engine, SCHOOL_OF[where]) as connection:
            connection.execute(
                insert(tables.rosters).values(
                    school_id=SCHOOL_OF[where], id=number, delivery_id=6, school_year=school.YEAR, location="",
                    pupil_count=0, group_count=0, composed_count=0, state="held",
                    sealed=self.store.cipher.encrypt(
                        _roster_json.dump_json(roster), place(tables.rosters.c.sealed, SCHOOL_OF[where], number)
                    ),
                )
            )  # fmt: skip
        return number

    # -- routes ------------------------------------------------------------------------------------------------

    @property
    def gets(self) -> dict[str, Callable[[Visitor, str], str]]:
        """The addresses of routes that are asked for, by endpoint."""
        return {
            "group_file": self.file,
            "pupil_file": lambda _visitor, place: f"/leerlinggegevens/bestand/{PUPIL[place]}.html",
            "erasure_certificate": lambda _visitor, place: f"/leerlinggegevens/bewijs/{self.erasure_done(place)}.html",
            "report_file": lambda _visitor, place: f"/toets/uitslag/{self.token('result', place)}/rapport.json",
        }

    @property
    def posts(self) -> dict[str, Callable[[str], tuple[str, dict[str, str]]]]:
        """The addresses of forms with their fields, by endpoint."""
        pupil = {place: number if place == "school" else number.partition("-")[2] for place, number in PUPIL.items()}
        note = f"/leerling/notitie/{{}}/{self.newest_note()}"
        return {
            "settle_signals": lambda place: ("/signalen/afhandelen", {"opdracht": self.order(place)}),
            "save_goal": lambda place: (
                f"/leerling/doel/{pupil[place]}",
                {"materiaal": FIELD_OF.get(place, school.SUMS_FIELD).key, "waarde": str(next(_numbers))},
            ),
            "save_note": lambda place: (f"/leerling/notitie/{pupil[place]}", {"soort": "note", "tekst": "Geprobeerd"}),
            "change_note": lambda place: (note.format(pupil[place]), {"tekst": f"Verbeterd {next(_numbers)}"}),
            "save_due": lambda place: (
                f"/signalen/datum/{CLASS[place]}",
                {"toets": f"{3 if place == 'own' else 1} zet /groep", "dag": f"{next(_days)}-12-2026"},
            ),
            "save_thresholds": lambda place: (
                f"/signalen/drempels/{CLASS[place]}",
                {"drop_percent": str(next(_percents))},
            ),
            "invite": lambda _place: ("/accounts", {"naam": "Nieuw", "rol": "support", "leraar": "", "mail": ""}),
            "show_own_page": lambda _place: ("/accounts/leerlingpagina", {"aan": "" if self.on("own_page") else "ja"}),
            "let_leaders_read": lambda _place: (
                "/accounts/schoolleiders",
                {"aan": "" if self.on("leaders_read") else "ja"},
            ),
            "mark_subject_school": lambda _place: (
                "/accounts/vakschool",
                {"aan": "" if self.on("subject_teachers") else "ja"},
            ),
            "set_taught_subject": lambda place: (
                "/accounts/vak",
                {"leraar": TEACHER_AT[place], "vak": self.not_taught(place)},
            ),
            "unset_taught_subject": lambda place: ("/accounts/vak/weg", {"weg": self.taught(place)}),
            "withdraw_invitation": lambda place: ("/accounts/intrekken", {"nummer": self.invitation(place)}),
            "end_role": lambda place: ("/accounts/einde", {"nummer": self.role(place)}),
            "end_sessions": lambda place: ("/accounts/afmelden", {"nummer": self.signed_in(place)}),
            "give_stand_in": lambda place: (
                "/accounts/invallen",
                {"wie": self.role(place, Role.STAND_IN), "groep": str(CLASS[place]), "tot": "27-11-2026"},
            ),
            "end_stand_in": lambda place: ("/accounts/invallen/einde", {"nummer": self.stand_in(place)}),
            "add_sender": lambda _place: ("/koppelingen/afzender", {"naam": f"Nieuw {next(_numbers)}"}),
            "try_new_source": lambda _place: (
                "/koppelingen/nieuw/https",
                {"naam": f"Bron {next(_numbers)}", "address": "https://bron.example/x", "every": "60"},
            ),
            **{
                name: lambda place, end=end: self.form_of_sender(place, end)  # type: ignore[misc]
                for name, end in OWN_FORMS.items()
            },
            "set_agreement": lambda place: (
                f"/koppelingen/afspraken/{SOURCE[place]}",
                {"mandate": f"bestuur {next(_numbers)}"},
            ),
            "see_refused": lambda _place: ("/koppelingen/geweigerd/7", {}),
            "judge_anew": lambda _place: ("/koppelingen/opnieuw/7", {}),
            "count_erasure": lambda place: (f"/leerlinggegevens/tellen/{pupil[place]}", {}),
            "erase_pupil": lambda place: (
                f"/leerlinggegevens/wissen/{self.erasure_count(place)}",
                {"naam": self.name_of_pupil(place)},
            ),
            "make_room": lambda _place: ("/toets/proef", {}),
            "report_on_room": lambda place: (f"/toets/proef/{self.sandbox(place)}/rapport", {}),
            "erase_room": lambda place: (f"/toets/proef/{self.sandbox(place)}/wissen", {}),
            "look_at_room": lambda place: (f"/toets/proef/{self.sandbox(place)}/bekijk", {}),
            "leave_room": lambda place: (f"/toets/proef/{self.sandbox(place)}/terug", {}),
            "switch_user": lambda _place: ("/persona", {"persona": "sam"}),
            "take_role": lambda _place: ("/rol", {"rol": "999"}),
        }

    def name_of_pupil(self, place: str) -> str:
        """The name of the pupil at a place, as an administrator types it."""
        school_id, number = (int(part) for part in PUPIL[place].split("-"))
        with database.read_transaction(self.store.engine, school_id) as connection:
            named = pupil_name(connection, BOSSES[place], number)
        return "" if named is None else named.name or ""

    def file(self, visitor: Visitor, place: str) -> str:
        """The address of a saved screen of a class: the own one where there is one, else of somebody who sees it."""
        own = visitor.page("/groep", CLASS_QUERY[place]).text
        return (
            linked_file(own)
            if any(name in own for name in LAST_NAMES.get(place, LAST_NAMES["own"]))
            else self.file_of_owner(place)
        )

    def file_of_owner(self, place: str) -> str:
        """The address of a screen of a class that somebody saw a minute ago: of a fresh one, storing is waited for."""
        key = ("file", place)
        if key not in self.made:
            owner = self.world.visitors[WIL if place == "school" else "support"]
            with clock.fixed(school.NOW - timedelta(minutes=1)):
                self.made[key] = linked_file(owner.page("/groep", CLASS_QUERY[place]).text)
        return self.made[key]

    def order(self, place: str) -> str:
        """What the button sends that settles a signal of a class; of a class without one, a signal that is made up."""
        signal = self.signal(place)
        return str(resolution_form([signal], ResolutionAction.REOPENED, "/signalen").children.value)

    def signal(self, place: str) -> Signal:
        """A signal of the class at a place."""
        viewer = Viewer(SCHOOL_OF[place], Role.SUPPORT)
        with database.read_transaction(self.store.engine) as connection:
            state = class_state(connection, viewer, [CLASS[place]], school.YEAR, read_holidays())
        subject = FIELD_OF.get(place, school.SUMS_FIELD).subject
        return next(signal for signal in state.signals if signal.subject_material.subject == subject)

    def sender(self, place: str) -> int:
        """The number of a publisher that the school at a place added."""
        name = f"Uitgever {place} {next(_numbers)}"
        with database.write_transaction(self.store.engine) as connection:
            issued = own_connections.add_sender(connection, self.store.cipher, BOSSES[place], name, "strict")
        return issued.id

    def form_of_sender(self, place: str, end: str) -> tuple[str, dict[str, str]]:
        """A form about such a publisher."""
        number = self.sender(place)
        with database.read_transaction(self.store.engine) as connection:
            key = own_connections.find_sender(connection, BOSSES[place], number).keys[0]
        return f"/koppelingen/eigen/{number}/{end}", {"nummer": str(key.id), "berichten": "tolerant"}

    def newest_note(self) -> int:
        """The note of the author that is in force."""
        in_force = (tables.notes.c.author == "Hanna Vos", tables.notes.c.replaced_by.is_(None))
        return int(self.world.scalar(select(func.max(tables.notes.c.id)).where(*in_force)) or 0)

    def on(self, column: str) -> bool:
        """Whether something of the school is switched on."""
        query = select(tables.schools.c[column]).where(tables.schools.c.id == school.SCHOOL)
        return bool(self.world.scalar(query))

    def taught(self, place: str) -> str:
        """A subject that was set for a teacher of the school at a place."""
        subject = SUBJECTS[next(_numbers) % len(SUBJECTS)]
        with database.write_transaction(self.store.engine, SCHOOL_OF[place]) as connection:
            own_subjects.set_subject(connection, BOSSES[place], int(TEACHER_AT[place]), subject)
        return f"{TEACHER_AT[place]} {subject}"

    def not_taught(self, place: str) -> str:
        """A subject that is not set for a teacher of the school at a place."""
        subject = self.taught(place).partition(" ")[2]
        with database.write_transaction(self.store.engine, SCHOOL_OF[place]) as connection:
            own_subjects.unset_subject(connection, BOSSES[place], int(TEACHER_AT[place]), subject)
        return subject

    def invitation(self, place: str) -> str:
        """The number of an invitation of the school at a place."""
        with database.write_transaction(self.store.engine, SCHOOL_OF[place]) as connection:
            accounts.invite(connection, self.store.cipher, BOSSES[place], Invited("Wie", Role.SUPPORT))
            return str(connection.scalar(select(func.max(tables.invitations.c.id))))

    def stand_in(self, place: str) -> str:
        """The number by which somebody stands in at the school at a place."""
        role_id = int(self.role(place, Role.STAND_IN))
        with database.write_transaction(self.store.engine, SCHOOL_OF[place]) as connection:
            return str(stand_ins.give(connection, BOSSES[place], role_id, CLASS[place], "2026-11-27"))

    def signed_in(self, place: str) -> str:
        """The number of a role of somebody else who is signed in."""
        role_id = self.role(place)
        account_id = self.world.scalar(select(func.max(tables.account_roles.c.account_id)))
        self.world.app.extensions["rondblik"].sessions.start(Entry.of_account(account_id, int(role_id)))
        return role_id

    def role(self, place: str, role: Role = Role.SUPPORT) -> str:
        """The number of a role of somebody else at the school at a place."""
        with database.write_transaction(self.store.engine, SCHOOL_OF[place]) as connection:
            account_id = accounts.signed_in(connection, self.store.cipher, "elders", f"n{next(_numbers)}", "Iemand")
            values = {"account_id": account_id, "role": role.value, "granted_by": "test", "granted_us": 1}
            connection.execute(insert(tables.account_roles).values(school_id=SCHOOL_OF[place], **values))
            return str(connection.scalar(select(func.max(tables.account_roles.c.id))))


def callbacks_by_name(dependencies: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The callbacks by their first output, and their first input too where several have that output."""
    named: dict[str, list[dict[str, Any]]] = {}
    for dependency in dependencies:
        named.setdefault(first_output(dependency), []).append(dependency)
    return {
        name if len(several) == 1 else f"{name} {first_input(dependency)}": dependency
        for name, several in named.items()
        for dependency in several
    }


def first_output(dependency: dict[str, Any]) -> str:
    """The id of the first output, or its type where it is of many."""
    identifier = str(dependency["output"]).removeprefix("..").split("...")[0].partition(".")[0]
    return str(json.loads(identifier)["type"]) if identifier.startswith("{") else identifier


def first_input(dependency: dict[str, Any]) -> str:
    """The id of the first input, or its type where it is of many."""
    identifier = str(dependency["inputs"][0]["id"])
    return str(json.loads(identifier)["type"]) if identifier.startswith("{") else identifier


# The ends of the addresses of forms about a publisher or source of the school.
OWN_FORMS = {
    "add_sender_key": "sleutel", "revoke_sender_key": "intrekken", "set_sender_terms": "afspraken",
    "remove_connection": "weg", "use_source": "gebruik", "try_source": "proberen", "discard_source_draft": "verwerpen",
}  # fmt: skip
# By which an answer shows results in arithmetic: materials, tests and parts of it.
OTHER_SUBJECT = ["Cijferpad groep 6", "Toets blok", "Rekenen M6", *school.SUM_PARTS]
FIELD_OF = {"own": school.SPELL_FIELD}  # of the material that a form is about; elsewhere arithmetic
TEACHER_AT = {"own": str(school.TEACHER_A), "school": str(TEACHER_ELSEWHERE)}
RESULTS = ("check_result", "result-content", "report_file")
# Where no pupil is named, by which an answer is known.
SIGNS: dict[str, dict[str, str]] = {
    "board": {"own": "Groep 6a", "group": "Groep 6b", "school": "6z"},
    "materials": {"own": "Letterlab"},
    "materials-content": {"own": "Letterlab"},
    "new_connection": {"own": '"id": "kinds"'},
    "own_connection": {"own": "Uitgever own", "school": "Uitgever school"},
    "agreement": {"own": '"id": "agreement"', "school": '"id": "agreement"'},
    "trial-outcome": {"school": "Uitgever school"},
    "retention": {"own": '"id": "retention"'},
    "own_page": {"own": "Aïsha", "group": "Mila", "school": "Zofia"},
    "school_overview": {"own": '"id": "school-figures"'},
    "schools_overview": {"own": '"id": "school-groups"', "school": '"id": "school-groups"'},
    "refused_message": {"own": "geweigerd-own", "school": "geweigerd-school"},
    "refused-content": {"own": "geweigerd-own", "school": "geweigerd-school"},
    "accounts": {"own": "Account administrator", "school": "Account elsewhere"},
    "vendor": {"own": "Upload een bericht"},
    "requirements": {"own": '"id": "requirements"'},
    "erasure_certificate": {"own": "Bewijs van wissen", "school": "Bewijs van wissen"},
    "sandbox": dict.fromkeys(("own", "vendor"), '"id": "account"'),
    **dict.fromkeys(
        ("room-situations room-tick", "room-situations room-provoke", "room-situations room-confirm"),
        dict.fromkeys(("own", "vendor"), "Stuur een bericht met resultaten"),
    ),
    **{name: {"own": "proef-own.xml", "vendor": "proef-vendor.xml"} for name in RESULTS},
    "parts": dict.fromkeys(PUPIL, "Toets blok 3") | {"own": "Week 47"},
    "number-told": dict.fromkeys(PUPIL, "Cijferpad groep 6") | {"own": "Letterlab"},
    "lanes": dict.fromkeys(PUPIL, "Cijferpad groep 6") | {"own": "Letterlab"},
}
