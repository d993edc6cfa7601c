"""The side panels of the pupil page: signals, goals, notes and agreements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from dashboard.pages.pupil.series import goal_number, in_subject_order
from dashboard.pages.signals.page import settle_buttons
from dashboard.text.signal_words import (
    evidence_words,
    headline,
    material_words,
    resolution_words,
    rule_title,
    rule_words,
    suppressed_words,
)
from dashboard.text.translate import _, at_moment, day_name
from dashboard.text.words import subject_word
from dashboard.ui import addresses
from dashboard.ui.elements import Input, html
from dashboard.ui.fields import text_field
from dashboard.ui.markup import block
from dashboard.ui.signs import KEEP_DRAFT, attrs, card, sign, state
from models.access.accounts import shows_own_page
from models.access.people import PupilRecord
from models.access.viewer import Viewer
from models.classroom.attention import Placement
from models.classroom.class_state import ClassState, class_state
from models.classroom.goals import Goal, goals_of
from models.classroom.holidays import Holidays
from models.classroom.notes import Note, NoteKind, all_notes_of
from models.classroom.signals import Signal
from models.classroom.timeline import PupilTimeline
from models.results.periods import of_school_year
from models.results.subject_materials import SubjectMaterial
from models.schema.encryption import PiiCipher

GOAL_PATH, NOTE_PATH = f"{addresses.PUPIL}/doel", f"{addresses.PUPIL}/notitie"


@dataclass(frozen=True, slots=True)
class Side:
    """The data of the side panels."""

    state: ClassState | None
    signals: tuple[Signal, ...]
    goals: dict[SubjectMaterial, Goal]
    notes: tuple[Note, ...]
    region: str
    placement: Placement | None  # in this school year; None for who is in no class
    further_classes: dict[int, str]  # the names of those besides the first
    own_page: bool  # whether the school shows pupils and parents the page with own results

    @property
    def sending(self) -> set[SubjectMaterial]:
        """The materials with progress in the classes of the pupil."""
        if self.state is None:
            return set()
        return {
            progress.subject_material
            for progress_records in self.state.class_data.progress.values()
            for progress in progress_records
        }


def read_side(
    connection: Connection, cipher: PiiCipher, viewer: Viewer, pupil: PupilRecord, school_year: str, holidays: Holidays
) -> Side:
    """Read the signals, goals and notes of a pupil."""
    home = [class_ref.id for class_ref in pupil.classes]
    state = class_state(connection, viewer, home, school_year, holidays) if home else None
    goals = goals_of(connection, viewer, [pupil.id]).get(pupil.id, {})
    notes = all_notes_of(connection, cipher, viewer, [pupil.id]).get(pupil.id, [])
    own_page = shows_own_page(connection, viewer)
    if state is None:
        return Side(None, (), goals, tuple(notes), "midden", None, {}, own_page)
    of_pupil = tuple(signal for signal in state.signals if signal.pupil_id == pupil.id)
    year = of_school_year(school_year)
    placement = state.once(("placements of a year", year), lambda: state.placements(year)).get(pupil.id)
    further = {class_ref.id: class_ref.name for class_ref in pupil.classes[1:]}
    return Side(state, of_pupil, goals, tuple(notes), state.region, placement, further, own_page)


# -- signals -------------------------------------------------------------------------------------------------


def signals_panel(viewer: Viewer, pupil_id: int, name: str, side: Side) -> html.Section:
    """The signals of the pupil with their reasons, and the buttons that resolve them."""
    back = addresses.pupil_href(pupil_id)
    rows = [_signal(viewer, side, signal, back) for signal in side.signals if not signal.suppressed]
    suppressed = [_suppressed(side, signal) for signal in side.signals if signal.suppressed]
    empty = [] if rows or suppressed else [html.P(_("There is no signal now."), className="t2 sm")]
    about = _("About this school year and the last, whatever period is chosen.")
    return card(_("Signals of {name}", name=name), [*rows, *suppressed, *empty], about, id="pupil-signals")


def _signal(viewer: Viewer, side: Side, signal: Signal, back: str) -> html.Div:
    assert side.state is not None
    limits = side.state.thresholds[signal.class_id]
    rule = rule_words(signal, limits, side.further_classes.get(signal.class_id))
    settled: list[Any] = []
    if signal.resolution is not None and not signal.open:
        settled = [html.Small(state("no", "check", resolution_words(signal.resolution)))]
    return html.Div(
        [
            html.P(html.B([sign("flag") if signal.open else sign("check"), " ", material_words(signal)])),
            html.P(headline(signal), className="sm"),
            html.Small(f"{evidence_words(side.state.class_data, signal)} {rule}", className="t2"),
            *settled,
            html.Div(
                settle_buttons([signal], "", viewer, back, f"{material_words(signal)}, {rule_title(signal.rule)}"),
                className="acts two_",
            ),
        ],
        className="sig",
        **attrs(data_rule=signal.rule.value, data_state="open" if signal.open else "klaar"),
    )


def _suppressed(side: Side, signal: Signal) -> html.P:
    assert side.state is not None
    source = next((source for source in side.state.class_data.sources if source.id == signal.source_id), None)
    subject = html.B(f"{subject_word(signal.subject_material.subject)}: ")
    return html.P([sign("clock"), " ", subject, suppressed_words(source, None)], className="sm sig")


# -- goals ---------------------------------------------------------------------------------------------------


def goals_panel(viewer: Viewer, timeline: PupilTimeline, side: Side) -> html.Section:
    """The goals that teachers set for the pupil."""
    rows = [_goal(viewer, timeline.pupil.id, goal) for goal in side.goals.values()]
    empty = [] if rows else [html.P(_("No goal is set. No source sends any."), className="t2 sm")]
    form = [_goal_form(timeline)] if viewer.teaches and timeline.series else []
    return card(_("Goals"), [*empty, block(html.Ul(rows, className="ls")) if rows else None, *form], id="goals")


def _goal(viewer: Viewer, pupil_id: int, goal: Goal) -> html.Li:
    words = f"{subject_word(goal.subject_material.subject)} · {goal.subject_material.material}: "
    until = " " + _("before {day}", day=day_name(goal.due_on)) if goal.due_on else ""
    stop = html.Form(
        html.Button(
            _("End this goal"), type="submit", name="weg", value=goal.subject_material.key, className="btn q small"
        ),
        action=f"{GOAL_PATH}/{pupil_id}",
        method="POST",
    )
    who = _("set by {name}, {moment}", name=goal.set_by, moment=at_moment(goal.set_us))
    return html.Li(
        [words, html.B(goal_number(goal), className="goal"), until, html.Small(f" {who}", className="t3"),
         stop if viewer.teaches else None]
    )  # fmt: skip


def _goal_form(timeline: PupilTimeline) -> html.Details:
    all_series = in_subject_order(timeline.series)
    names = timeline.catalogue.material_names({series.subject_material for series in all_series})
    return html.Details(
        [
            html.Summary(_("Set a goal"), className="btn q"),
            html.Form(
                [
                    html.Label(_("Material"), htmlFor="goal-field", className="lab"),
                    block(
                        html.Select(
                            [
                                html.Option(
                                    f"{subject_word(series.subject_material.subject)} · "
                                    f"{names[series.subject_material]}",
                                    value=series.key,
                                )
                                for series in all_series
                            ],
                            name="materiaal",
                            id="goal-field",
                            className="native",
                        )
                    ),
                    text_field(_("Score to reach, as the material gives it"), "waarde", required=True),
                    text_field(_("Before which day (may be empty)"), "dag", placeholder=_("dd-mm-yyyy")),
                    html.Button(_("Save goal"), type="submit", className="btn pri"),
                ],
                action=f"{GOAL_PATH}/{timeline.pupil.id}",
                method="POST",
                className="form",
                **KEEP_DRAFT,
            ),
        ],
        className="fold_",
    )


# -- notes and agreements ------------------------------------------------------------------------------------


def notes_panel(viewer: Viewer, pupil_id: int, side: Side) -> html.Section:
    """The notes and agreements, newest first; of a restricted note only that it exists."""
    rows = [note_row(viewer, pupil_id, note, side.own_page) for note in side.notes]
    empty = [] if rows else [html.P(_("Nothing is written down yet."), className="t2 sm")]
    form = block(_note_form(pupil_id, side.own_page))
    return card(
        _("Notes and agreements"),
        [*empty, block(html.Ol(rows, className="notes")) if rows else None, form],
        id="notes",
    )


def note_row(viewer: Viewer | None, pupil_id: int, note: Note, own_page: bool = False) -> html.Li:
    """A note; `viewer` None: read-only. `own_page`: an agreement may be for the pupil too."""
    kind = _("Agreement") if note.kind is NoteKind.AGREEMENT else _("Note")
    title = [sign("lock"), " ", _("Restricted note")] if note.restricted else [kind]
    title += [", ", _("also for the pupil and the parents")] if note.for_pupil else []
    until = " " + _("until {day}", day=day_name(note.until_on)) if note.until_on else ""
    return html.Li(
        [
            html.P([html.B(title), html.Small(f" {at_moment(note.written_us)}{until}", className="t3")]),
            *_note_text(note),
            html.Small(note.author, className="t3"),
            *_settled(viewer, pupil_id, note),
            *_earlier_texts(note),
            *_own_note_forms(viewer, pupil_id, note, own_page),
        ],
        **attrs(
            data_note=note.kind.value,
            data_restricted="true" if note.restricted else None,
            data_withdrawn="true" if note.withdrawn_us is not None else None,
        ),
    )


def _note_text(note: Note) -> list[Any]:
    """The text; of a withdrawn note that it is one, and its text only on demand."""
    text = html.P(note.text, className="sm") if note.text is not None else None
    if note.withdrawn_us is not None:
        withdrawn = _("Withdrawn by the author, {moment}.", moment=at_moment(note.withdrawn_us))
        return [html.P(withdrawn, className="sm t3"), _folded(_("Withdrawn text"), [text])] if text else [
            html.P(withdrawn, className="sm t3")
        ]  # fmt: skip
    return [text or html.P(_("Only its author and learning support can read this one."), className="sm t3")]


def _settled(viewer: Viewer | None, pupil_id: int, note: Note) -> list[Any]:
    """When an agreement was settled and by whom, or the button for it."""
    if note.settled_us is not None:
        words = _("Marked as done by {name}, {moment}.", name=note.settled_by, moment=at_moment(note.settled_us))
        return [html.Small(state("no", "check", words))]
    if not note.runs or note.text is None or viewer is None or not viewer.teaches:
        return []
    button = html.Button(
        _("Agreement is done"), type="submit", name="klaar", value=str(note.id), className="btn q small"
    )
    return [html.Form(button, action=f"{NOTE_PATH}/{pupil_id}", method="POST")]


def _earlier_texts(note: Note) -> list[Any]:
    """What a corrected note said before, for its author and learning support."""
    if not note.earlier:
        return []
    texts = [
        html.P([html.Small(at_moment(earlier.written_us), className="t3"), html.Br(), earlier.text], className="sm")
        for earlier in note.earlier
    ]
    return [_folded(_("Corrected; earlier text"), texts)]


def _folded(summary: str, content: list[Any]) -> html.Details:
    return html.Details([html.Summary(summary, className="sm t3"), *content], className="fold_")


def _own_note_forms(viewer: Viewer | None, pupil_id: int, note: Note, own_page: bool) -> list[Any]:
    """The forms with which an author corrects and withdraws a note."""
    if viewer is None or not note.own or note.text is None or note.withdrawn_us is not None:
        return []
    action = f"{NOTE_PATH}/{pupil_id}/{note.id}"
    withdraw = html.Button(
        _("Withdraw this note"), type="submit", name="intrekken", value="ja", className="btn q small"
    )
    return [
        html.Details(
            [
                html.Summary(_("Correct or withdraw"), className="btn q small"),
                html.Form(
                    [
                        *_note_fields(f"note-{note.id}", own_page, note),
                        html.Button(_("Save correction"), type="submit", className="btn pri"),
                    ],
                    action=action, method="POST", className="form", **KEEP_DRAFT,
                ),
                html.Form(withdraw, action=action, method="POST"),
            ],
            className="fold_",
        )
    ]  # fmt: skip


def _note_fields(ids: str, own_page: bool, note: Note | None = None) -> list[Any]:
    """The fields of a note's text, day and readers, filled with those of `note`; `ids` begins the id of each."""
    agreement = note is None or note.kind is NoteKind.AGREEMENT
    until = note.until_on if note is not None and note.until_on else ""
    day = f"{until[8:]}-{until[5:7]}-{until[:4]}" if until else ""
    day_label = _("Until which day (of an agreement; may be empty)")
    restricted = note is not None and note.restricted
    for_pupil = note is not None and note.for_pupil
    with_pupil = html.Option(
        _("The pupil and the parents too, on their own page (an agreement only)"), value="leerling", selected=for_pupil
    )
    return [
        html.Label(_("Text"), htmlFor=f"{ids}-text", className="lab"),
        html.Textarea(note.text if note is not None else "", name="tekst", id=f"{ids}-text", required=True, rows=3,
                      className="native"),
        *(
            [
                html.Label(day_label, htmlFor=f"{ids}-day", className="lab"),
                Input(type="text", name="dag", id=f"{ids}-day", value=day, placeholder=_("dd-mm-yyyy"),
                           className="native"),
            ]
            if agreement
            else []
        ),
        html.Label(_("Who may read it?"), htmlFor=f"{ids}-for", className="lab"),
        html.Select(
            [
                html.Option(_("All teachers of this pupil"), value="", selected=not restricted and not for_pupil),
                html.Option(_("Only I and learning support"), value="besloten", selected=restricted),
                *([with_pupil] if for_pupil or (own_page and agreement) else []),
            ],
            name="voor", id=f"{ids}-for", className="native",
        ),
    ]  # fmt: skip


def _note_form(pupil_id: int, own_page: bool) -> html.Details:
    return html.Details(
        [
            html.Summary(_("Write a note"), className="btn q"),
            html.Form(
                [
                    html.Label(_("What is it?"), htmlFor="note-kind", className="lab"),
                    html.Select(
                        [html.Option(_("Note"), value="note"), html.Option(_("Agreement"), value="agreement")],
                        name="soort", id="note-kind", className="native",
                    ),
                    *_note_fields("note", own_page),
                    html.Button(_("Save note"), type="submit", className="btn pri"),
                ],
                action=f"{NOTE_PATH}/{pupil_id}",
                method="POST",
                className="form",
                **KEEP_DRAFT,
            ),
        ],
        className="fold_",
    )  # fmt: skip
