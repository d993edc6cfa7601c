"""The materials page: materials per subject and year with overlap, gaps, use, progress and norms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import dash
from dash import ClientsideFunction, Input, Output, dcc

from dashboard.auth import request
from dashboard.auth.callbacks import with_viewer
from dashboard.pages.materials.card import material_card
from dashboard.pages.page import Body, Page, reads_results
from dashboard.text.translate import _, n_
from dashboard.text.words import classes_word, no_classes_word, subject_word, subjects_word, year_word
from dashboard.ui.controls import options, select
from dashboard.ui.elements import Link, html
from dashboard.ui.markup import blocks
from dashboard.ui.matrix_columns import subject_order
from dashboard.ui.own_subjects import own_subjects_note
from dashboard.ui.page_address import address_asked, asked_id, asked_store, bar_marks, query_and_controls
from dashboard.ui.signs import attrs, card, note, sign
from models.access.viewer import Viewer
from models.classroom.material_uptake import Material, MaterialCatalogue, material_catalogue, year_order
from models.schema import database

PATH = "/leermiddelen"
CONTROLS = ("vak", "jaar", "uitgever")
NO_YEAR = "onbekend"


@dataclass(frozen=True, slots=True)
class MaterialFilters:
    """The filters of the page; None: all. `year` is a code, or `onbekend` where no year was stated."""

    subject: str | None = None
    year: str | None = None
    source: int | None = None

    @property
    def query(self) -> str:
        """The query of the address."""
        values = zip(CONTROLS, (self.subject, self.year, self.source), strict=True)
        return "?" + urlencode({name: str(value) for name, value in values if value is not None})

    def shows(self, material: Material) -> bool:
        """Whether a material passes the filters."""
        return (
            self.subject in (None, material.subject)
            and self.year in (None, material.year or NO_YEAR)
            and self.source in (None, material.source_id)
        )


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Materials")


def frame() -> Body:
    """The page without data."""
    return Body([html.Div(id="materials-content")], _bar(None, MaterialFilters()))


def layout(viewer: Viewer, /, **query: object) -> Body:
    """The whole page for an address."""
    catalogue = _read(viewer)
    filters = read_filters(catalogue, query)
    content = html.Div(_content(viewer, catalogue, filters), id="materials-content")
    return Body([content], _bar(catalogue, filters))


def register(app: dash.Dash) -> None:
    """The callbacks of the page."""

    @app.callback(
        Output("materials-content", "children"),
        Output("materials-query", "data"),
        *(Output(f"materials-{name}", "value") for name in CONTROLS),
        Input(asked_id("materials"), "data"),
        *(Input(f"materials-{name}", "value") for name in CONTROLS),
        prevent_initial_call=True,
    )
    @with_viewer(reads_results)
    def show(viewer: Viewer, address: object, *chosen: object) -> tuple[Any, ...]:
        catalogue = _read(viewer)
        by_address = address_asked("materials", address)
        filters = read_filters(
            catalogue, dict(zip(CONTROLS, chosen, strict=True)) if by_address is None else by_address
        )
        changed = query_and_controls(by_address, filters.query, _control_values(filters))
        return _content(viewer, catalogue, filters), *changed

    app.clientside_callback(
        ClientsideFunction("rondblik", "keepAddress"),
        Output("materials-query", "modified_timestamp"),
        Input("materials-query", "data"),
        prevent_initial_call=True,
    )


def _read(viewer: Viewer) -> MaterialCatalogue:
    with database.read_transaction(request.context().engine, viewer.school_id) as connection:
        return material_catalogue(connection, viewer)


def read_filters(catalogue: MaterialCatalogue, address: Mapping[str, object]) -> MaterialFilters:
    """The filters of an address or of the controls; values that no material has are ignored."""
    values = (address.get(name) for name in CONTROLS)
    subject, year, source = (value if isinstance(value, str) else None for value in values)
    sources = {str(material.source_id): material.source_id for material in catalogue.materials}
    return MaterialFilters(
        subject if subject in {material.subject for material in catalogue.materials} else None,
        year if year in {*catalogue.years, *(material.year or NO_YEAR for material in catalogue.materials)} else None,
        sources.get(source) if source is not None else None,
    )


# -- the bar -------------------------------------------------------------------------------------------------


def _bar(catalogue: MaterialCatalogue | None, filters: MaterialFilters) -> html.Div:
    sources = (
        {str(material.source_id): material.source for material in catalogue.materials} if catalogue is not None else {}
    )
    years = {year or NO_YEAR: year_word(year) for year in _years(catalogue)}
    subjects = {subject: subject_word(subject) for subject in _subjects(catalogue)}
    subject, year, source = _control_values(filters)
    return html.Div(
        html.Div(
            [
                select("materials-vak", _("Subject"), options(_("All subjects"), subjects), subject, "f k"),
                select("materials-jaar", _("Year"), options(_("All years"), years), year, "f k"),
                select("materials-uitgever", _("Publisher"), options(_("All publishers"), sources), source, "f k"),
                Link(_("Clear filters"), href=PATH, className="btn q"),
                dcc.Store(id="materials-query", storage_type="memory"),
                asked_store("materials"),
            ]
        ),
        className="bar",
        **bar_marks("materials"),
    )


def _control_values(filters: MaterialFilters) -> list[str]:
    """The values of the controls, in the order of CONTROLS."""
    return [filters.subject or "", filters.year or "", "" if filters.source is None else str(filters.source)]


def _subjects(catalogue: MaterialCatalogue | None) -> list[str]:
    subjects = {material.subject for material in catalogue.materials} if catalogue is not None else set()
    return sorted(subjects, key=lambda item: (subject_order(item), item))


def _years(catalogue: MaterialCatalogue | None) -> list[str | None]:
    years = {*catalogue.years, *(material.year for material in catalogue.materials)} if catalogue is not None else set()
    return sorted(years, key=year_order)


# -- content -------------------------------------------------------------------------------------------------


def _content(viewer: Viewer, catalogue: MaterialCatalogue, filters: MaterialFilters) -> list[Any]:
    """Everything below the filter bar, as markup."""
    return blocks(_sections(viewer, catalogue, filters))


def _sections(viewer: Viewer, catalogue: MaterialCatalogue, filters: MaterialFilters) -> list[Any]:
    if not catalogue.classes:
        text = no_classes_word()
        return [html.Div(html.Div(html.H1(_("Materials"))), className="head"), note("", "notbegun", html.P(text))]
    shown = [material for material in catalogue.materials if filters.shows(material)]
    head = html.Div(html.Div([html.H1(_("Materials")), html.P(_scope(viewer, catalogue))]), className="head")
    own = _own_subjects(catalogue)
    if not catalogue.materials:
        nothing = note("", "notbegun", html.P(_("No results have come in yet this school year.")))
        return [head, *(own or [nothing])]
    years = [year for year in _years(catalogue) if filters.year in (None, year or NO_YEAR)]
    subjects = [subject for subject in _subjects(catalogue) if filters.subject in (None, subject)]
    return [
        head,
        *own,
        _overview(catalogue, filters, subjects, years),
        *(
            _subject(catalogue, shown, subject, years)
            for subject in subjects
            if any(material.subject == subject for material in shown)
        ),
    ]


def _scope(viewer: Viewer, catalogue: MaterialCatalogue) -> str:
    words = _("School year {year}.", year=catalogue.school_year)
    if viewer.sees_whole_school:
        return words + " " + _("All classes of the school.")
    return words + f" {classes_word([class_ref.name for class_ref in catalogue.classes])}."


def _own_subjects(catalogue: MaterialCatalogue) -> list[Any]:
    """For a subject teacher, which subjects are seen, in which of the classes where that differs."""
    limits = {class_ref.id: catalogue.limited.get(class_ref.id) for class_ref in catalogue.classes}
    if len(set(limits.values())) == 1:
        return own_subjects_note(limits, catalogue.limited)
    parts = [
        f"{class_ref.name}: {subjects_word(subjects) or _('no subject known')}"
        for class_ref in catalogue.classes
        if (subjects := limits[class_ref.id]) is not None
    ]
    words = _("Of some classes you see the subject that you teach alone. {classes}.", classes="; ".join(parts))
    return [html.P([sign("info"), " ", words], className="hid sm t2")]


def _overview(
    catalogue: MaterialCatalogue, filters: MaterialFilters, subjects: list[str], years: list[str | None]
) -> html.Section:
    """A table of subjects and years with their materials, marking overlap and gaps."""
    gaps = catalogue.gaps
    rows = [
        html.Tr(
            [
                html.Th(subject_word(subject), scope="row"),
                *(_cell(catalogue, filters, gaps, subject, year) for year in years),
            ]
        )
        for subject in subjects
    ]
    heads = [html.Th(_("Subject"), scope="col"), *(html.Th(html.B(year_word(year)), scope="col") for year in years)]
    name = _("Per subject and year")
    remark = _gap_words(gaps, subjects, years, filters == MaterialFilters())
    table = html.Table(
        [html.Caption(name, className="vh"), html.Thead(html.Tr(heads)), html.Tbody(rows)], className="ct", id="shelf"
    )
    return html.Section(
        [
            html.Header(html.Div([html.H2(name), *([html.P(remark)] if remark else [])])),
            html.Div(table, className="tw", tabIndex=0, role="region", **attrs(aria_label=name)),
        ],
        className="card flush",
    )


def _gap_words(gaps: set[tuple[str, str]], subjects: list[str], years: list[str | None], everything: bool) -> str:
    number = sum(subject in subjects and year in years for subject, year in gaps)
    if number == 0:
        return _("Every subject that some class has, has a material in every year.") if everything else ""
    return n_(
        "{number} place without material: no source has results of it or defines tests for it.",
        "{number} places without material: no source has results of it or defines tests for it.",
        number,
    )


def _cell(
    catalogue: MaterialCatalogue, filters: MaterialFilters, gaps: set[tuple[str, str]], subject: str, year: str | None
) -> html.Td:
    materials = catalogue.at(subject, year)
    shown = [material for material in materials if filters.shows(material)]
    marks = {"data-subject": subject, "data-year": year or NO_YEAR, "data-materials": str(len(shown))}
    if shown:
        href = PATH + replace(filters, subject=subject, year=year or NO_YEAR).query
        names = ", ".join(dict.fromkeys(material.name for material in shown))
        return html.Td([Link(names, href=href), *_overlap(shown)], **marks)
    if (subject, year) in gaps:
        return html.Td([sign("notset"), " ", _("no material")], className="t2", **marks, **attrs(data_gap="true"))
    return html.Td(_("of another publisher") if materials else "–", className="t3", **marks)


def _overlap(shown: list[Material]) -> list[Any]:
    if len(shown) < 2:
        return []
    return [html.Small(n_("{number} material", "{number} materials", len(shown)))]


def _subject(
    catalogue: MaterialCatalogue, shown: list[Material], subject: str, years: list[str | None]
) -> html.Section:
    """The materials of one subject, side by side per year."""
    parts: list[Any] = []
    for year in years:
        materials = [material for material in shown if (material.subject, material.year) == (subject, year)]
        if materials:
            cards = html.Div([material_card(material, catalogue) for material in materials], className="shelf")
            parts.append(html.Div([html.H3(year_word(year)), cards], className=f"of-{min(len(materials), 3)}"))
    return card(subject_word(subject), [html.Div(parts, className="years")], className="mt", id=f"subject-{subject}")


PAGE = Page("materials", PATH, title, layout, frame, reads_results, in_menu_of=reads_results, register=register)
