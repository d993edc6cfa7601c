"""The filter bar of the class page: the class first, the other filters behind a button on a phone."""

from __future__ import annotations

from collections import Counter

from dash import dcc

from dashboard.text.translate import _
from dashboard.text.words import attention_group_word, part_name_word, part_word, subject_word
from dashboard.ui import addresses
from dashboard.ui.class_view import ClassView
from dashboard.ui.components import SegmentedControl
from dashboard.ui.controls import Options, class_select, period_options, select, subgroup_word
from dashboard.ui.elements import Link, html
from dashboard.ui.filters import (
    ATTENTION_GROUP_NAMES,
    BY_MATERIAL,
    BY_SUBJECT,
    ClassFilters,
)
from dashboard.ui.matrix_columns import subject_order
from dashboard.ui.page_address import asked_store, bar_marks
from dashboard.ui.signs import attrs
from models.access.people import ClassRef
from models.classroom.attention import AttentionGroup
from models.schema.collation import collation_key


def filter_bar(classes: list[ClassRef], filters: ClassFilters, view: ClassView | None) -> html.Div:
    """All controls with their options."""
    everything = _("All materials")
    return html.Div(
        html.Div(
            [
                class_select("klas", classes, filters.class_ids),
                select("periode", _("Period"), period_options(classes, filters), filters.period),
                select("vak", _("Subject"), subject_options(view, filters), filters.subject or ""),
                select("uitgever", _("Publisher"), publisher_options(view), _number(filters.source)),
                _view_control(filters),
                html.Button(_("More filters"), className="btn more", **attrs(data_toggle="bar", aria_expanded="false")),
                select("materiaal", _("Material"), material_options(view, filters, everything), filters.material or "",
                        "f o x"),
                select("groep", _("Group in class"), subgroup_options(view), filters.subgroup or "", "f o x"),
                select("doel", _("Goal"), goal_options(view, filters), filters.goal or "", "f o x", searchable=True),
                select("status", _("Pupils"), _status_options(),
                        ATTENTION_GROUP_NAMES[filters.status] if filters.status is not None else "", "f o x"),
                html.Span(
                    Link(
                        _("Clear filters"),
                        href=f"{addresses.CLASSES}{ClassFilters(filters.class_ids).query}",
                        className="btn q",
                    ),
                    className="o x",
                    **attrs(data_clear="true"),
                ),
                dcc.Store(id="group-query", storage_type="memory", data=filters.query),
                asked_store("group"),
            ]
        ),
        className="bar",
        id="bar",
        **bar_marks("group"),
    )  # fmt: skip


def control_values(filters: ClassFilters) -> list[str | list[str]]:
    """The values of the controls, in the order of CONTROLS."""
    return [
        [str(item) for item in filters.class_ids], filters.period, filters.subject or "", filters.material or "",
        _number(filters.source), filters.subgroup or "", filters.goal or "",
        ATTENTION_GROUP_NAMES[filters.status] if filters.status is not None else "", filters.view,
    ]  # fmt: skip


def _view_control(filters: ClassFilters) -> html.Div:
    return html.Div(
        [
            html.Span(_("Columns"), className="lab", id="weergave-label"),
            SegmentedControl(
                id="weergave",
                data=[
                    {"value": BY_SUBJECT, "label": _("Per subject")},
                    {"value": BY_MATERIAL, "label": _("Per material")},
                ],
                value=filters.view,
                **attrs(aria_labelledby="weergave-label"),
            ),
        ],
        className="f o",
    )


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def subject_options(view: ClassView | None, filters: ClassFilters) -> Options:
    """The subjects that have results."""
    subjects = (
        {subject_material.subject for subject_material in view.overview.subject_materials}
        if view is not None
        else set()
    )
    if filters.subject is not None:
        subjects.add(filters.subject)
    ordered = sorted(subjects, key=lambda item: (subject_order(item), item))
    return [{"value": "", "label": _("All subjects")}] + [
        {"value": item, "label": subject_word(item)} for item in ordered
    ]


def material_options(view: ClassView | None, filters: ClassFilters, everything: str) -> Options:
    """The materials that have results of the subject that is chosen."""
    materials = (
        {
            subject_material.material
            for subject_material in view.overview.subject_materials
            if filters.subject in (None, subject_material.subject)
        }
        if view is not None
        else set()
    )
    if filters.material is not None:
        materials.add(filters.material)
    return _named(everything, sorted(materials, key=collation_key))


def goal_options(view: ClassView | None, filters: ClassFilters) -> Options:
    """The names of the parts within the other filters, in words; a name that others would share stands in full."""
    words: dict[str, str] = {}
    if view is not None:
        names = view.overview.catalogue.definitions
        for part in view.state.class_data.parts:
            is_new = part.name.name not in words and part.name.defined
            if is_new and part.taken_on in view.overview.period and view.matches(part.subject_material):
                words[part.name.name] = part_name_word(part.name, names[part.definition_id].name)
    if filters.goal is not None:
        words.setdefault(filters.goal, part_word(filters.goal))
    shared = Counter(words.values())
    labels = {
        name: word if shared[word] == 1 else name if name.startswith(word) else f"{word} · {name}"
        for name, word in words.items()
    }
    ordered = sorted(labels, key=lambda name: collation_key(labels[name]))
    return [{"value": "", "label": _("All goals")}, *({"value": name, "label": labels[name]} for name in ordered)]


def _named(everything: str, names: list[str]) -> Options:
    return [{"value": "", "label": everything}, *({"value": name, "label": name} for name in names)]


def publisher_options(view: ClassView | None) -> Options:
    """The publishers that the school is or was connected to."""
    states = view.overview.sources if view is not None else ()
    choices = [{"value": str(state.id), "label": state.name} for state in states if state.role == "publisher"]
    return [{"value": "", "label": _("All publishers")}, *choices]


def subgroup_options(view: ClassView | None) -> Options:
    """The year groups and other classes that the pupils shown are in."""
    subgroups = view.subgroups if view is not None else ()
    words = [{"value": subgroup.key, "label": subgroup_word(subgroup)} for subgroup in subgroups]
    return [{"value": "", "label": _("Whole class")}, *words]


def _status_options() -> Options:
    choices = [
        {"value": ATTENTION_GROUP_NAMES[attention_group], "label": attention_group_word(attention_group)}
        for attention_group in AttentionGroup
    ]
    return [{"value": "", "label": _("All present pupils")}, *choices]
