"""The three questions of a mentor, each with its answer in one line and a panel with details."""

from __future__ import annotations

from typing import Any

from dashboard.text.signal_words import rule_with
from dashboard.text.translate import _, n_, short_day
from dashboard.text.words import part_word, short_test
from dashboard.ui import addresses
from dashboard.ui.elements import Link, html
from dashboard.ui.matrix_table import pupil_word
from dashboard.ui.my_pupils_view import READY, TOPICS, WITH, WITHOUT, MyPupilsFilters, MyPupilsView
from dashboard.ui.signs import attrs, card, sign
from models.access.people import Member, PupilName
from models.classroom.readiness import Readiness
from models.classroom.signals import SignalRule, Topic
from models.schema.collation import collation_key

MAX_TOPICS = 8
MAX_NAMED = 2


def question_cards(view: MyPupilsView, path: str) -> html.Nav:
    """The three questions; each opens a panel or sets a filter, and a second click undoes that."""
    filters = view.filters
    plain = filters.replacing(signals=None, question=None, material=None)
    cards = [
        ("signals", filters.signals == WITH, plain.replacing(signals=WITH),
         _("Whom must I urge on?"), _signals_answer(view)),
        ("topics", filters.question == TOPICS, plain.replacing(question=TOPICS),
         _("What is hard for many?"), topics_answer(view)),
        ("ready", filters.question == READY, plain.replacing(question=READY),
         _("Who is ready for the test?"), ready_answer(view)),
    ]  # fmt: skip
    return html.Nav(
        [
            html.Div(
                Link(
                    [html.B(question), html.Small(answer), sign("chev" if is_open else "next")],
                    href=f"{path}{(plain if is_open else target).query}",
                ),
                id=f"question-{name}",
                className="on" if is_open else "",
                **attrs(aria_current="true" if is_open else None),
            )
            for name, is_open, target, question, answer in cards
        ],
        className="qs",
        **attrs(aria_label=_("Three first questions")),
    )


def _signals_answer(view: MyPupilsView) -> str:
    number = len(view.with_signal)
    suppressed = sum(bool(view.held_of(member.id)) for member in view.everyone)
    words = (
        n_("{number} pupil with an open signal", "{number} pupils with an open signal", number)
        if number
        else _("nobody has an open signal")
    )
    if not suppressed:
        return words
    late = n_("{number} cannot be assessed now", "{number} cannot be assessed now", suppressed)
    return f"{words} · {late}"


def topics_answer(view: MyPupilsView) -> str:
    """The hardest part, where it is hard for many by the rule of the classes; otherwise that there is none."""
    if not view.topics:
        return _("no part with a norm of the source stands out")
    topic = view.topics[0]
    return _(
        "{part}, for {below} of {made} who took it",
        part=part_word(topic.part, topic.test),
        below=topic.below,
        made=topic.made,
    )


def ready_answer(view: MyPupilsView) -> str:
    """How many pupils finished everything, per material that sends progress; that the other materials send none."""
    if not view.readiness:
        return _("no source reports how far pupils are")
    words = [_ready_words(readiness) for readiness in view.readiness[:MAX_NAMED]]
    more = len(view.readiness) - MAX_NAMED
    if more > 0:
        words.append(n_("and {number} more material", "and {number} more materials", more))
    silent = len(view.without_progress)
    if silent:
        words.append(n_("not known for {number} material", "not known for {number} materials", silent))
    return " · ".join(words)


def _ready_words(readiness: Readiness) -> str:
    return _(
        "{material}: everything finished by {done} of {all}",
        material=readiness.material,
        done=len(readiness.finished),
        all=len(readiness.set_for),
    )


def shown_words(filters: MyPupilsFilters) -> str:
    """Which pupils the filters select, in words; empty where they select everybody."""
    parts = []
    if filters.signals == WITH:
        parts.append(_("with an open signal"))
    if filters.signals == WITHOUT:
        parts.append(_("without an open signal"))
    if filters.question == READY:
        parts.append(
            _("finished everything of {material}", material=filters.material)
            if filters.material is not None
            else _("finished everything that is assigned")
        )
    if filters.pupil_ids:
        parts.append(_("chosen pupils"))
    return ", ".join(parts)


# -- what opens ----------------------------------------------------------------------------------------------


def question_panel(view: MyPupilsView, path: str) -> list[Any]:
    """The panel of the open question: hard parts, or progress per material."""
    if view.filters.question == TOPICS:
        return [_topics_panel(view)]
    if view.filters.question == READY:
        return [_ready_panel(view, path)]
    return []


def _topics_panel(view: MyPupilsView) -> html.Section:
    limits = view.state.shown_thresholds[0]
    names = {member.id: member for member in view.everyone}
    rows = [_topic(view, topic, names) for topic in view.topics[:MAX_TOPICS]]
    empty = html.P(_("No part with a norm of the source stands out."), className="t2 sm")
    foot = html.P(rule_with(SignalRule.HARD, limits), className="xs t3") if rows else None
    return card(
        _("What is hard for many?"),
        [html.Div(rows, className="p3") if rows else empty, foot],
        _("Pupils below the norm, of those who took the part."),
        className="mt",
        id="mine-topics",
    )


def _topic(view: MyPupilsView, topic: Topic, names: dict[int, Member]) -> html.Div:
    share = 100 * topic.below / topic.made
    pupils = sorted((names[pupil_id] for pupil_id in topic.pupils), key=lambda member: collation_key(member.name))
    number = n_("{number} pupil below the norm", "{number} pupils below the norm", len(pupils))
    return html.Div(
        [
            html.Span(part_word(topic.part), title=topic.part),
            html.B(_("{below} of {made}", below=topic.below, made=topic.made)),
            html.Span(html.I(style={"width": f"{share:.0f}%"}), className="tr"),
            html.Small(f"{view.material(topic.subject_material)} · {short_test(topic.test)}", title=topic.test),
            html.Details(
                [
                    html.Summary([number, sign("chev")]),
                    html.Ul([html.Li(_name_link(view, member)) for member in pupils], className="names"),
                ],
                className="fold",
            ),
        ],
        className="hb acc",
        **attrs(data_topic=topic.part, data_below=str(topic.below), data_made=str(topic.made)),
    )


def _name_link(view: MyPupilsView, member: Member) -> html.Span:
    many_classes = len(view.filters.class_ids) > 1
    class_word = f" ({view.class_name(member.class_id)})" if many_classes else ""
    return html.Span([Link(name_of(member), href=addresses.pupil_href(member.id)), class_word])


def name_of(member: Member) -> str:
    """The name of a pupil, or a word for a pupil without a name."""
    return pupil_word(PupilName(member.id, member.first_name, member.name))


def _ready_panel(view: MyPupilsView, path: str) -> html.Section:
    rows = [_material(view, readiness, path) for readiness in view.readiness]
    silent = view.without_progress
    lines = []
    if silent:
        lines.append(
            html.P(
                [sign("nodeliver"), " ", html.B(", ".join(silent)), ": ", _("source does not deliver this")],
                className="sm t2 silent",
            )
        )
    return card(
        _("Who is ready for the test?"),
        [*rows, *lines],
        _("Finished everything that is assigned this school year, as the source says. This does not predict the test."),
        className="mt",
        id="mine-ready",
    )


def _material(view: MyPupilsView, readiness: Readiness, path: str) -> html.Div:
    share = 100 * len(readiness.finished) / len(readiness.set_for)
    only = view.filters.replacing(material=readiness.material)
    nothing = len(view.without_work_set(readiness))
    words = [
        n_("nothing is assigned to {number} pupil", "nothing is assigned to {number} pupils", nothing)
        if nothing
        else "",
        _("as of {day}", day=short_day(readiness.newest_on)),
    ]
    chosen = view.filters.material == readiness.material
    show = n_("show only this pupil", "show only these {number} pupils", len(readiness.finished))
    return html.Div(
        [
            html.Span([readiness.material, " · ", html.B(_("shown below"))])
            if chosen
            else html.Span([f"{readiness.material} · ", Link(show, href=f"{path}{only.query}")])
            if readiness.finished and len(view.readiness) > 1
            else html.Span(readiness.material),
            html.B(
                _("everything finished by {done} of {all}", done=len(readiness.finished), all=len(readiness.set_for))
            ),
            html.Span(html.I(style={"width": f"{share:.0f}%"}), className="tr"),
            html.Small(" · ".join(word for word in words if word)),
        ],
        className="hb",
        **attrs(
            data_material=readiness.material,
            data_done=str(len(readiness.finished)),
            data_set=str(len(readiness.set_for)),
        ),
    )
