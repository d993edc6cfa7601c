"""UWLR documents for tests: valid ones, drawn or complete, and copies of them with one change.

Builders ask a ``Choose`` what to put in. ``Drawn`` lets Hypothesis answer, ``Fullest`` says yes to
everything, so that the same code yields random documents and one that holds every element there is.
Profiles are those of the pupil data: "edexml", "lvs" and "narrow".
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st
from lxml import etree

from connectors.uwlr import names

LR = "http://www.edustandaard.nl/leerresultaten/2/leerresultaten"
LG = "http://www.edustandaard.nl/leerresultaten/2/leerlinggegevens"
TD = "http://www.edustandaard.nl/leerresultaten/2/toetsdefinities"
AU = "http://www.edustandaard.nl/leerresultaten/2/autorisatie"
OSO = "http://www.edustandaard.nl/oso_gegevensset/1.2/dossier"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
VOORTGANG = "urn:rondblik:voortgang:1"
PULL = "urn:rondblik:leerresultaten-ophalen:1"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

PROFILES = ("edexml", "lvs", "narrow")
STAGED = ("structuur", "leerlingen", "leerkrachten")
LISTED_YEARS = tuple(f"{year}-{year + 1}" for year in range(1991, 2025))
YEARS = ("2024-2025", "2025-2026", "1991-1992", "1990-1991", "2031-2032", "2025-2020")
MOMENTS = (
    "2025-11-11T00:05:46",
    "2025-11-11T00:05:46Z",
    "2025-11-11T00:05:46.123+01:00",
    "2024-02-29T24:00:00",
)
DATES = ("2025-11-10", "2024-02-29", "2025-11-10Z", "2025-11-10+01:00")
# fmt: off
JAARGROEPEN = (
    "B", "D", "0", "1", "2", "3", "4", "5", "6", "7", "8",
    "11", "12", "13", "14", "15", "16", "S", "V", "C", "N", "H",
)
ROLES = (
    "ADJ", "ADM", "CON", "DIR", "ICT", "IB", "KLA", "LRK", "LOS", "LOC", "OWA", "OUD", "RT",
    "SMW", "STA", "VAK",
)
# fmt: on

T = TypeVar("T")
Child = etree._Element | str | None | Sequence["Child"]


class Choose(Protocol):
    """Answers the questions that a builder asks while it makes a document."""

    def maybe(self) -> bool: ...
    def one_of(self, options: Sequence[T]) -> T: ...
    def some(self, options: Sequence[T]) -> list[T]: ...
    def text(self, longest: int) -> str: ...


class Drawn:
    """Random answers, drawn and shrunk by Hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def maybe(self) -> bool:
        return self.draw(st.booleans())

    def one_of(self, options: Sequence[T]) -> T:
        return self.draw(st.sampled_from(options))

    def some(self, options: Sequence[T]) -> list[T]:
        return self.draw(st.lists(st.sampled_from(options), min_size=1, max_size=2))

    def text(self, longest: int) -> str:
        short = st.text("aZ09 -_|<&\"'\n\té漢٣😀", min_size=1, max_size=min(longest, 5))
        return self.draw(st.one_of(short, st.just("x" * longest), st.just("é" * longest), st.just(" ")))


class Fullest:
    """Every optional part, each option in turn; ``start`` turns the options along."""

    def __init__(self, start: int = 0) -> None:
        self.start = start
        self.turns: dict[tuple[object, ...], int] = {}

    def maybe(self) -> bool:
        return True

    def one_of(self, options: Sequence[T]) -> T:
        turn = self.turns.get(tuple(options), self.start)
        self.turns[tuple(options)] = turn + 1
        return options[turn % len(options)]

    def some(self, options: Sequence[T]) -> list[T]:
        return list(options)

    def text(self, longest: int) -> str:
        return "t" * min(longest, 4)


def node(namespace: str | None, name: str, /, *children: Child, **attributes: str | None) -> etree._Element:
    """An element with text, elements or nested lists of them inside; ``None`` leaves a part out."""
    element = etree.Element(f"{{{namespace}}}{name}" if namespace else name)
    for key, value in attributes.items():
        if value is not None:
            element.set(key, value)
    fill(element, children)
    return element


def fill(element: etree._Element, children: Sequence[Child]) -> None:
    for child in children:
        if isinstance(child, str):
            element.text = child or None  # an empty text node is nothing that a parser would make
        elif isinstance(child, list | tuple):
            fill(element, child)
        elif child is not None:
            element.append(child)


class Builder:
    """Makes elements of one namespace, required or optional, with the answers of a ``Choose``."""

    def __init__(self, namespace: str | None, choose: Choose) -> None:
        self.namespace = namespace
        self.choose = choose

    def has(self, name: str, *children: Child, **attributes: str | None) -> etree._Element:
        return node(self.namespace, name, *children, **attributes)

    def text(self, name: str, longest: int) -> etree._Element:
        return self.has(name, self.choose.text(longest))

    def pick(self, name: str, options: Sequence[str]) -> etree._Element:
        return self.has(name, self.choose.one_of(options))

    def maybe(self, make: Callable[..., T], *arguments: object) -> T | None:
        return make(*arguments) if self.choose.maybe() else None

    def key(self) -> str:
        return self.choose.text(256)

    def school_reference(self, longest_key: int = 256) -> list[Child]:
        if self.choose.one_of(("brin", "key")) == "key":
            return [self.text("schoolkey", longest_key)]
        return [
            self.pick("brincode", ("99XX", "٩٩ÀÉ")),
            self.maybe(self.pick, "dependancecode", ("00", "07", "")),
        ]


# --- results -------------------------------------------------------------------------------------


class ResultsBuilder(Builder):
    """Deliveries of results and their test definitions."""

    def delivery(self, result_kinds: Sequence[str]) -> etree._Element:
        pupils = [self.administration(result_kinds) for _ in self.choose.some(("first", "second"))]
        return self.has("leerresultaten_verzoek", self.school(), self.has("toetsafnames", pupils), self.tests())

    def school(self) -> etree._Element:
        return self.has(
            "school",
            self.pick("schooljaar", YEARS),
            self.school_reference(),
            self.pick("aanmaakdatum", MOMENTS),
            self.maybe(self.text, "auteur", 128),
            self.has("xsdversie", "2.2"),
            self.maybe(self.text, "commentaar", 128),
        )

    def administration(self, result_kinds: Sequence[str]) -> etree._Element:
        results = [self.result(kind) for kind in self.choose.some(result_kinds)]
        return self.has(
            "toetsafname",
            self.text("leerlingid", 256),
            self.maybe(self.text, "eckid", 256),
            self.maybe(self.text, "resultaatverwerkerid", 256),
            self.has("resultaten", results),
        )

    def result(self, kind: str) -> etree._Element:
        value = {"score": self.score, "oso": self.oso, "progress": self.progress}[kind]
        return self.has(
            "resultaat",
            self.pick("afnamedatum", DATES),
            self.has("toetscode", "T1"),
            self.maybe(self.term, "versie"),
            self.maybe(self.text, "toetsonderdeelcode", 256),
            value(),
            self.maybe(self.text, "infourl", 256),
            key=self.key(),
        )

    def score(self) -> etree._Element:
        return self.pick("score", ("7", "0", "+7", "007", " 7 ", "-0", "9" * 26))

    def oso(self) -> etree._Element:
        scores = [self.oso_reference() for _ in self.choose.some(("first", "second"))] if self.choose.maybe() else None
        return self.has("osoresultaat", self.maybe(self.oso_test), scores)

    def oso_test(self) -> etree._Element:
        oso = Builder(OSO, self.choose)
        counts = [
            oso.maybe(oso.pick, name, ("12", "-3"))
            for name in ("aantalopgaven", "aantalgoed", "aantalfout", "aantalgelezen")
        ]
        return oso.has(
            "toetsscore",
            counts,
            oso.maybe(oso.pick, "tijd", ("12.5", "-1")),
            oso.maybe(oso.pick, "vaardigheidsscore", ("103.2",)),
            oso.maybe(oso.text, "codevaardigheidsschaal", 300),
            oso.maybe(oso.has, "betrouwbaarheidsinterval", [oso.has("bivlaag", "1.5"), oso.has("bivhoog", "3")]),
        )

    def oso_reference(self) -> etree._Element:
        oso = Builder(OSO, self.choose)
        required = [oso.text(name, 300) for name in ("codereferentiescore", "codevergelijkingsgroep", "waarde")]
        return oso.has("referentiescore", required, oso.maybe(oso.text, "kwalificatie", 300))

    def progress(self) -> etree._Element:
        own = Builder(VOORTGANG, self.choose)
        counts = [own.maybe(own.pick, name, ("0", "12", "1000000")) for name in names.PROGRESS_COUNTS]
        element = etree.Element(f"{{{self.namespace}}}anderresultaat", nsmap={"v": VOORTGANG})
        element.set(f"{{{XSI}}}type", "v:Voortgang")
        fill(
            element,
            [
                self.maybe(self.text, "andere_score", 300),
                own.pick("status", ("niet-begonnen", "bezig", "afgerond")),
                own.maybe(own.pick, "tijd", ("P2D", "PT1H", "PT90M", "PT0S", "P1DT2H3M4.125S")),
                counts,
            ],
        )
        return element

    def tests(self) -> etree._Element:
        return self.has("toetsen", [self.test() for _ in self.choose.some(("first",))])

    def test(self) -> etree._Element:
        return self.has(
            "toets",
            self.has("toetscode", "T1", **self.vocabulary()),
            self.maybe(self.term, "versie"),
            self.maybe(self.text, "toetsnaam", 128),
            self.maybe(self.term, "leerjaar"),
            self.maybe(self.term, "vakgebied"),
            self.maybe(self.norms, "toetsnormering"),
            self.maybe(self.hierarchy),
            self.maybe(self.parts),
        )

    def hierarchy(self) -> etree._Element:
        levels = self.choose.some(("0", "1", "-1"))
        return self.has("toetshierarchie", [self.term("ingang", niveau=level) for level in levels])

    def parts(self) -> etree._Element:
        return self.has("toetsonderdelen", [self.part(number) for number in self.choose.some(("1", "+02"))])

    def part(self, number: str) -> etree._Element:
        return self.has(
            "toetsonderdeel",
            self.has("toetsonderdeelvolgnummer", number),
            self.term("toetsonderdeelcode"),
            self.maybe(self.text, "toetsonderdeelnaam", 128),
            self.maybe(self.norms, "toetsonderdeelnormering"),
        )

    def norms(self, name: str) -> etree._Element:
        return self.has(
            name,
            self.maybe(self.term, "toetscategorie"),
            self.maybe(self.term, "toetsniveau"),
            self.maybe(self.pick, "wegingsfactor", ("1", "-2.50", ".5")),
            [self.norm() for _ in self.choose.some(("first", "second"))],
            **self.vocabulary(),
        )

    def norm(self) -> etree._Element:
        return self.has(
            "norm",
            self.text("term", 64),
            self.maybe(self.text, "omschrijving", 128),
            self.pick("beginnormwaarde", ("0", "10")),
            self.pick("eindnormwaarde", ("20", "5")),
            self.maybe(self.colour),
            self.maybe(self.pick, "schoolcijfer_vanaf", ("1", "5.5")),
            self.maybe(self.pick, "schoolcijfer_totenmet", ("10.00", "9.999")),
        )

    def colour(self) -> etree._Element:
        parts = [self.pick(name, ("0", "255", "017")) for name in ("rood_code", "groen_code", "blauw_code")]
        return self.has("normkleur", parts, self.pick("transparantie", ("0", "1.00", "0.5")))

    def term(self, name: str, **attributes: str) -> etree._Element:
        return self.has(name, self.choose.text(256), **attributes, **self.vocabulary())

    def vocabulary(self) -> dict[str, str | None]:
        location = "http://purl.edustandaard.nl/concept/x"
        return {
            "vocabulaire": location if self.choose.maybe() else None,
            "vocabulairelocatie": location if self.choose.maybe() else None,
        }


def delivery(choose: Choose, result_kinds: Sequence[str] = ("score", "oso")) -> etree._Element:
    """A ``leerresultaten_verzoek``; add "progress" to the kinds for our own result type."""
    return ResultsBuilder(LR, choose).delivery(result_kinds)


def test_definitions(choose: Choose) -> etree._Element:
    return node(TD, "Toetsdefinities", ResultsBuilder(LR, choose).tests())


test_definitions.__test__ = False  # type: ignore[attr-defined]  # a document, not a test


def pull_request(choose: Choose) -> etree._Element:
    own = Builder(PULL, choose)
    return own.has(
        "leerresultaten_ophalen_verzoek",
        own.pick("schooljaar", YEARS),
        own.school_reference(),
        own.has("xsdversie", "2.2"),
        own.maybe(own.text, "gegevenssetid", 64),
        own.maybe(own.pick, "laatstontvangen", MOMENTS),
    )


def authorisation(choose: Choose) -> etree._Element:
    own = Builder(AU, choose)
    return own.has("autorisatie", [own.text(name, 64) for name in ("autorisatiesleutel", "klantcode", "klantnaam")])


# --- pupil data ----------------------------------------------------------------------------------


class PupilsBuilder(Builder):
    """Requests for pupil data and the answers to them, in one profile."""

    def __init__(self, choose: Choose, profile: str) -> None:
        super().__init__(LG, choose)
        self.full = profile == "edexml"
        self.lvs = profile == "lvs"
        self.narrow = profile == "narrow"

    def only(self, allowed: bool, make: Callable[..., T], *arguments: object) -> T | None:
        """An optional part that not every profile has."""
        return self.maybe(make, *arguments) if allowed else None

    def must(self, required: bool, make: Callable[..., T], *arguments: object) -> T | None:
        """A part that one profile requires and the others allow."""
        return make(*arguments) if required else self.maybe(make, *arguments)

    # requests

    def request(self, name: str) -> etree._Element:
        groups = self.wanted_groups() if name.lower().startswith(("leerlingen_", "leerkrachten_")) else None
        return self.has(
            name,
            self.pick("schooljaar", YEARS),
            self.school_reference(256 if self.full else 64),
            self.has("xsdversie", "2.2"),
            self.only(self.full, self.text, "gegevenssetid", 64),
            self.maybe(self.pick, "laatstontvangengegevens", MOMENTS),
            groups,
        )

    def wanted_groups(self) -> etree._Element:
        kinds = self.choose.some(("groep", "samengestelde_groep"))
        return self.has("groepen", [self.has(kind, key=self.maybe(self.key)) for kind in kinds])

    # answers

    def answer(self, name: str, data: str) -> etree._Element:
        content = self.choose.one_of((data, "geenwijzigingen", "geengegevens"))
        return self.has(name, self.data(data) if content == data else self.has(content))

    def data(self, name: str) -> etree._Element:
        parts: list[Child] = [self.school()]
        if name in ("leerlinggegevens", "leerlinggegevens-structuur"):
            parts.append(self.only(self.full, self.locations))
            parts.append(self.must(self.lvs and name.endswith("structuur"), self.groups))
        if name in ("leerlinggegevens", "leerlinggegevens-leerlingen"):
            parts.append(self.pupils())
        if name in ("leerlinggegevens", "leerlinggegevens-leerkrachten"):
            parts.append(self.maybe(self.teachers))
        return self.has(name, parts)

    def school(self) -> etree._Element:
        return self.has(
            "school",
            self.pick("schooljaar", YEARS),
            self.must(self.lvs, self.pick, "peildatum", DATES),
            self.school_numbers(),
            self.must(self.lvs, self.pick, "aanmaakdatum", MOMENTS),
            self.maybe(self.text, "auteur", 128),
            self.must(self.lvs, self.has, "xsdversie", "2.2"),
            self.maybe(self.text, "commentaar", 400),
        )

    def school_numbers(self) -> list[Child]:
        kind = self.choose.one_of(("brin", "flemish", "none"))
        number: list[Child] = []
        if kind == "brin":
            number = [self.has("brincode", "99XX"), self.maybe(self.has, "dependancecode", "00")]
        if kind == "flemish":
            number = [self.pick("instellingsnummer", ("12", "123456"))]
        return [number, self.maybe(self.text, "schoolkey", 256)]

    def locations(self) -> etree._Element:
        location = self.has(
            "vestiging",
            self.text("naam", 64),
            self.maybe(self.text, "omschrijving", 256),
            self.maybe(self.pick, "mutatiedatum", MOMENTS),
            key=self.key(),
        )
        return self.has("vestigingen", location)

    def groups(self) -> etree._Element:
        kinds = self.choose.some(("groep", "samengestelde_groep"))
        return self.has("groepen", [self.group(kind) for kind in kinds])

    def group(self, kind: str) -> etree._Element:
        return self.has(
            kind,
            self.text("naam", 64),
            self.pick("jaargroep", JAARGROEPEN) if kind == "groep" else None,
            self.only(self.full or kind == "samengestelde_groep", self.text, "omschrijving", 256),
            self.only(self.full, self.pick, "mutatiedatum", MOMENTS),
            key=self.key(),
        )

    def pupils(self) -> etree._Element:
        styles = self.choose.some(("surname", "first name", "surname"))
        return self.has("leerlingen", [self.pupil(style) for style in styles])

    def pupil(self, style: str) -> etree._Element:
        return self.has(
            "leerling",
            self.names(style, initials=self.full or self.lvs, first_name_required=self.lvs),
            self.must(self.lvs, self.pick, "geboortedatum", DATES),
            self.must(self.lvs, self.pick, "geslacht", ("1", "2", "0", "9")) if not self.narrow else None,
            self.only(not self.narrow, self.pick, "start_ondw_jgr3", DATES),
            self.must(self.lvs, self.pick, "jaargroep", JAARGROEPEN),
            self.maybe(self.reference, "groep"),
            self.maybe(self.sub_groups),
            self.only(self.full, self.reference, "vestiging"),
            self.full_details() if self.full else None,
            self.has("bsn_ondwnr-4", "1234") if self.lvs else None,
            key=self.key(),
            eckid=self.maybe(self.key),
        )

    def full_details(self) -> list[Child]:
        numbers = (
            ("sofinummer", "123456789"),
            ("bsn", "123456789"),
            ("onderwijsnummer", "123456789"),
            ("bsn_ondwnr-4", "1234"),
            ("rijksregisternummer", "12345678901"),
        )
        postcodes = (("postcodenl", "1234AB"), ("postnummerbe", "1000"), ("postcodeoverig", "SW1A 1AA"))
        return [
            self.maybe(self.text, "gebruikersnaam", 64),
            self.maybe(self.text, "emailadres", 256),
            self.maybe(self.text, "fotourl", 256),
            self.maybe(self.pick, "etniciteit", ("9", "0", "1")),
            [self.maybe(self.pick, name, ("NL", "?", "YO")) for name in ("land", "land_vader", "land_moeder")],
            self.maybe(lambda: self.has(*self.choose.one_of(numbers))),
            self.maybe(self.pick, "gewicht_nieuw", ("?", "0", "0,3", "1,2")),
            self.maybe(self.pick, "gewicht", ("?", "0.00", "0.25", "0.40", "0.70", "0.90")),
            self.maybe(lambda: self.has(*self.choose.one_of(postcodes))),
            self.maybe(self.pick, "instroomdatum", DATES),
            self.maybe(self.pick, "uitstroomdatum", DATES),
            self.maybe(self.pick, "mutatiedatum", MOMENTS),
        ]

    def names(self, style: str, initials: bool, first_name_required: bool = False) -> list[Child]:
        if style == "first name":
            return [self.text("roepnaam", 64)]
        return [
            self.text("achternaam", 200),
            self.maybe(self.text, "voorvoegsel", 10),
            self.only(self.full, self.text, "voornamen", 200),
            self.only(initials, self.text, "voorletters-1", 6),
            self.must(first_name_required, self.text, "roepnaam", 64),
        ]

    def reference(self, name: str) -> etree._Element:
        return self.has(name, key=self.key())

    def sub_groups(self) -> etree._Element:
        keys = self.choose.some(("first", "second"))
        return self.has("samengestelde_groepen", [self.reference("samengestelde_groep") for _ in keys])

    def teachers(self) -> etree._Element:
        styles = self.choose.some(("surname", "first name"))
        return self.has("leerkrachten", [self.teacher(style) for style in styles])

    def teacher(self, style: str) -> etree._Element:
        return self.has(
            "leerkracht",
            self.names(style, initials=self.full),
            self.only(self.full, self.text, "gebruikersnaam", 64),
            self.only(not self.lvs, self.text, "emailadres", 256),
            self.only(self.full, self.roles),
            self.maybe(self.teacher_groups),
            self.only(self.full, self.pick, "mutatiedatum", MOMENTS),
            key=self.key(),
            eckid=self.maybe(self.key),
        )

    def roles(self) -> list[etree._Element]:
        kinds = self.choose.some(("rol", "rolomschrijving"))
        return [self.pick(kind, ROLES) if kind == "rol" else self.text(kind, 64) for kind in kinds]

    def teacher_groups(self) -> etree._Element:
        kinds = self.choose.some(("groep", "samengestelde_groep"))
        return self.has("groepen", [self.has(kind, self.maybe(self.roles), key=self.key()) for kind in kinds])


def pupil_message_names(profile: str) -> list[str]:
    """The requests and answers of a profile; the official profile files capitalise the staged ones."""
    staged = STAGED if profile == "edexml" else (*STAGED, *(name.capitalize() for name in STAGED))
    return [f"{name}_{turn}" for name in ("leerlinggegevens", *staged) for turn in ("verzoek", "antwoord")]


def pupil_message(choose: Choose, profile: str, name: str) -> etree._Element:
    """One request or answer about pupils."""
    builder = PupilsBuilder(choose, profile)
    if name.endswith("_verzoek"):
        return builder.request(name)
    subject = name.removesuffix("_antwoord").lower()
    return builder.answer(name, subject if subject == "leerlinggegevens" else f"leerlinggegevens-{subject}")


def pupil_data(choose: Choose, profile: str) -> etree._Element:
    """The ``leerlinggegevens`` element by itself, as inside an answer and, stripped, an EDEXML file."""
    return PupilsBuilder(choose, profile).data("leerlinggegevens")


def without_namespace(element: etree._Element) -> etree._Element:
    """The same content as an EDEXML file: no namespace, root EDEX."""
    bare = copy.deepcopy(element)
    for descendant in bare.iter(etree.Element):
        if etree.QName(descendant).namespace == LG:
            descendant.tag = etree.QName(descendant).localname
    bare.tag = "EDEX"
    return bare


def enveloped(payload: etree._Element) -> etree._Element:
    return node(SOAP, "Envelope", node(SOAP, "Header"), node(SOAP, "Body", copy.deepcopy(payload)))


# --- strategies ----------------------------------------------------------------------------------


@st.composite
def deliveries(draw: st.DrawFn, result_kinds: Sequence[str] = ("score", "oso")) -> etree._Element:
    return delivery(Drawn(draw), result_kinds)


@st.composite
def pupil_messages(draw: st.DrawFn) -> etree._Element:
    profile = draw(st.sampled_from(PROFILES))
    return pupil_message(Drawn(draw), profile, draw(st.sampled_from(pupil_message_names(profile))))


# --- changes: each turns a document into one with a single difference ---------------------------------

# fmt: off
VALUES = (
    "", " ", "\n", "X", "x", "?", "J", "NL", "nl", "XX", "LRK", "true", "NaN", "INF", "1e2", "0x1",
    "-1", "-0", "0", "+7", "007", " 7 ", "7.5", "7.", ".5", "1,2", "0,3", "0.3", "0.30", "0.70", "9" * 26,
    "1.0000000000000000000000001", "10.01", "10.00", "0.99", "255", "256", "2147483648", "-2147483649",
    "00", "01", "+1", "1", "9", "10", "11", "16", "17", "99", "000", "٣٣",
    "1234", "123456", "1234567", "123456789", "1234567890", "12345678901",
    "1234AB", "1234 AB", "1234ab", "99XX", "99xx", "99XX0", "99XX ", "٩٩ÀÉ",
    "2025-2026", "2024-2025", "2025-2020", "3025-3026", "1990-1991", "2025", "2025-2026 ",
    "٢٠٢٥-٢٠٢٦", "1٠٢٥-2026",
    "2025-11-10", "2025-02-29", "2025-11-10Z", "2025-11-10+14:00", "2025-11-10+15:00",
    "-0001-01-01", "25-11-10",
    "2025-11-11T00:05:46", "2025-11-11T24:00:00", "2025-11-11T24:00:01", "2025-11-11T00:05",
    "http://a/ b", "%zz", "http://[", "https://ketenid.nl/201703/ab", "é", "😀", "😀" * 256, "é" * 257,
    *("x" * (limit + extra) for limit in (6, 10, 32, 64, 128, 200, 256) for extra in (0, 1)),
)
# fmt: on
NAMES = (
    "score",
    "osoresultaat",
    "anderresultaat",
    "schoolkey",
    "brincode",
    "peildatum",
    "roepnaam",
    "achternaam",
)
ATTRIBUTES = ("key", "eckid", "niveau", "vocabulaire", "vocabulairelocatie", "onbekend", f"{{{LR}}}key")
ATTRIBUTES_OF_ALL = (f"{{{XSI}}}nil", f"{{{XSI}}}type", "{http://www.w3.org/XML/1998/namespace}lang")
OTHER_NAMESPACES = (LR, LG, OSO, VOORTGANG, "urn:elsewhere", None)

Change = Callable[[etree._Element], None]


def drop(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def duplicate(element: etree._Element) -> None:
    if element.getparent() is not None:
        element.addnext(copy.deepcopy(element))


def swap(element: etree._Element) -> None:
    following = element.getnext()
    if following is not None:
        following.addnext(element)


def move_to_front(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.insert(0, element)


def empty(element: etree._Element) -> None:
    for child in list(element):
        element.remove(child)
    element.text = None


def stray_text(element: etree._Element) -> None:
    element.text = "stray"


def stray_blank(element: etree._Element) -> None:
    element.text = (element.text or "") + "\n"


def comment(element: etree._Element) -> None:
    element.insert(0, etree.Comment("valid anywhere"))


def instruction(element: etree._Element) -> None:
    element.append(etree.ProcessingInstruction("valid", "anywhere"))


def stray_child(element: etree._Element) -> None:
    element.append(etree.SubElement(element, f"{{{etree.QName(element).namespace}}}onbekend"))


def rename(name: str) -> Change:
    def change(element: etree._Element) -> None:
        element.tag = etree.QName(etree.QName(element).namespace, name).text

    return change


def recase(element: etree._Element) -> None:
    name = etree.QName(element)
    element.tag = etree.QName(name.namespace, name.localname.swapcase()).text


def move_namespace(namespace: str | None) -> Change:
    def change(element: etree._Element) -> None:
        element.tag = etree.QName(namespace, etree.QName(element).localname).text

    return change


def set_text(value: str) -> Change:
    def change(element: etree._Element) -> None:
        if len(element) == 0:
            element.text = value or None

    return change


def set_attribute(name: str, value: str) -> Change:
    def change(element: etree._Element) -> None:
        element.set(name, value)

    return change


def drop_attribute(name: str) -> Change:
    def change(element: etree._Element) -> None:
        element.attrib.pop(name, None)

    return change


STRUCTURE_CHANGES: tuple[Change, ...] = (
    *(drop, duplicate, swap, move_to_front, empty, stray_text, stray_blank),
    *(comment, instruction, stray_child, recase),
    *(rename(name) for name in NAMES),
    *(move_namespace(namespace) for namespace in OTHER_NAMESPACES),
    *(set_attribute(name, "x") for name in ATTRIBUTES),
    *(set_attribute(name, value) for name in ATTRIBUTES_OF_ALL for value in ("nl", "true", "")),
)
ATTRIBUTE_VALUES = ("", " ", "0", "-2", "1.5", "http://[", "x" * 256, "x" * 257)
VALUE_CHANGES: tuple[Change, ...] = tuple(set_text(value) for value in VALUES)


def changes_for(element: etree._Element) -> list[Change]:
    """Every change that makes a difference to an element like this one."""
    changes = list(STRUCTURE_CHANGES)
    for name in map(str, element.attrib):
        changes.append(drop_attribute(name))
        changes += [set_attribute(name, value) for value in ATTRIBUTE_VALUES]
    return changes + list(VALUE_CHANGES) if len(element) == 0 else changes


def changed(document: etree._Element, index: int, change: Change) -> etree._Element:
    """A copy of the document in which the change is made to the element at this place in document order."""
    result = copy.deepcopy(document)
    change(list(result.iter(etree.Element))[index])
    return result


Kind = tuple[str | None, ...]


def kind(element: etree._Element) -> Kind:
    """What an element is to a schema: itself, what it stands in, and what stands before it.

    The last tells the branches of a choice apart, since one name can occur in two of them.
    """
    parent = element.getparent()
    grandparent = None if parent is None else parent.getparent()
    around = (grandparent, parent, element.getprevious(), element)
    return tuple(None if other is None else str(other.tag) for other in around)


def every_change(*documents: etree._Element) -> Iterator[etree._Element]:
    """Copies with one change, for every change to every kind of element in the documents."""
    seen: set[Kind] = set()
    for document in documents:
        for index, element in enumerate(document.iter(etree.Element)):
            if kind(element) not in seen:
                seen.add(kind(element))
                yield from (changed(document, index, change) for change in changes_for(element))


@st.composite
def one_change(draw: st.DrawFn, document: etree._Element) -> etree._Element:
    elements = list(document.iter(etree.Element))
    index = draw(st.integers(0, len(elements) - 1))
    return changed(document, index, draw(st.sampled_from(changes_for(elements[index]))))
