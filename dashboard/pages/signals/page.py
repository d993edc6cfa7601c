"""The signals page: each signal with its rule, threshold, evidence and resolution; the thresholds of the class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import dash
from dash import ClientsideFunction, Input, Output, dcc

from dashboard.auth import audit_trail, request
from dashboard.auth.callbacks import with_viewer
from dashboard.pages.page import Body, Page, reads_results
from dashboard.pages.signals.due_form import due_panel
from dashboard.pages.signals.resolution_forms import resolution_form
from dashboard.pages.signals.threshold_form import threshold_panel
from dashboard.text.signal_words import (
    evidence_words,
    headline,
    material_words,
    resolution_words,
    rule_title,
    rule_words,
    suppressed_words,
)
from dashboard.text.translate import _, language, n_
from dashboard.text.words import class_word, no_classes_word
from dashboard.ui import addresses
from dashboard.ui.controls import class_select, options, select
from dashboard.ui.coverage import coverage
from dashboard.ui.elements import Link, html
from dashboard.ui.filters import current_school_year, read_filters
from dashboard.ui.markup import Written, block, blocks, written
from dashboard.ui.matrix_table import pupil_word
from dashboard.ui.own_subjects import own_subjects_note
from dashboard.ui.page_address import address_asked, asked_id, asked_store, bar_marks, query_and_controls
from dashboard.ui.signs import attrs, card, note, sign, state
from models.access.people import ClassRef, PupilName, class_list
from models.access.viewer import Viewer
from models.classroom.class_state import ClassState, class_state
from models.classroom.class_thresholds import Change, changes
from models.classroom.signal_resolutions import ResolutionAction
from models.classroom.signals import Signal, SignalRule
from models.schema import database

CONTROLS = ("klas", "regel", "toestand")
OPEN, HELD, SETTLED = "open", "wacht", "klaar"
STATES = (OPEN, HELD, SETTLED)
SETTLING = (ResolutionAction.SEEN, ResolutionAction.DISCUSSED, ResolutionAction.AGREED, ResolutionAction.NOT_NEEDED)


@dataclass(frozen=True, slots=True)
class SignalFilters:
    """The filters of the page; `rule` None: all rules."""

    class_ids: tuple[int, ...]
    rule: SignalRule | None = None
    state: str = OPEN

    @property
    def query(self) -> str:
        """The query of the address, without defaults."""
        values = {
            "klas": addresses.numbers(self.class_ids),
            "regel": self.rule.value if self.rule is not None else "",
            "toestand": self.state if self.state != OPEN else "",
        }
        return "?" + urlencode({key: value for key, value in values.items() if value}, safe=",")


@dataclass(frozen=True, slots=True)
class _SignalsView:
    """The data of one page."""

    classes: list[ClassRef]
    filters: SignalFilters
    state: ClassState
    changed: dict[int, list[Change]]

    def of_state(self, state: str) -> list[Signal]:
        """The signals in a state, of the selected rule."""
        chosen = [signal for signal in self.state.signals if self.filters.rule in (None, signal.rule)]
        return [signal for signal in chosen if state_of(signal) == state]


def state_of(signal: Signal) -> str:
    """The state of a signal: open, suppressed or resolved."""
    if signal.suppressed:
        return HELD
    return OPEN if signal.open else SETTLED


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Signals")


def frame() -> Body:
    """The page without data."""
    return Body([html.Div(id="signals-content")], _bar([], SignalFilters(())))


def layout(viewer: Viewer, /, **query: object) -> Body:
    """The whole page for an address."""
    classes, filters, shown = _read(viewer, query)
    return Body([html.Div(_content(viewer, shown), id="signals-content")], _bar(classes, filters))


def _read(viewer: Viewer, address: Mapping[str, object]) -> tuple[list[ClassRef], SignalFilters, _SignalsView | None]:
    context = request.context()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        classes = class_list(connection, viewer)
        filters = _filters(classes, address)
        if not classes:
            return classes, filters, None
        chosen = list(filters.class_ids)
        state = class_state(connection, viewer, chosen, current_school_year(classes), context.options.holidays)
        changed = {class_id: changes(connection, viewer, class_id) for class_id in chosen}
    audit_trail.looked("signals", {signal.pupil_id for signal in state.signals if signal.pupil_id is not None})
    return classes, filters, _SignalsView(classes, filters, state, changed)


def _filters(classes: list[ClassRef], address: Mapping[str, object]) -> SignalFilters:
    rule, state = address.get("regel"), address.get("toestand")
    return SignalFilters(
        read_filters(classes, {"klas": address.get("klas")}).class_ids,
        SignalRule(rule)
        if isinstance(rule, str) and rule in [signal_rule.value for signal_rule in SignalRule]
        else None,
        state if isinstance(state, str) and state in STATES else OPEN,
    )


def register(app: dash.Dash) -> None:
    """The callbacks of the page."""

    @app.callback(
        Output("signals-content", "children"),
        Output("signals-query", "data"),
        *(Output(f"signals-{name}", "value") for name in CONTROLS),
        Input(asked_id("signals"), "data"),
        *(Input(f"signals-{name}", "value") for name in CONTROLS),
        prevent_initial_call=True,
    )
    @with_viewer(reads_results)
    def show(viewer: Viewer, address: object, *values: object) -> tuple[Any, ...]:
        by_address = address_asked("signals", address)
        chosen = dict(zip(CONTROLS, values, strict=True)) if by_address is None else by_address
        _classes, filters, shown = _read(viewer, chosen)
        changed = query_and_controls(by_address, filters.query, _control_values(filters))
        return _content(viewer, shown), *changed

    app.clientside_callback(
        ClientsideFunction("rondblik", "keepAddress"),
        Output("signals-query", "modified_timestamp"),
        Input("signals-query", "data"),
        prevent_initial_call=True,
    )


# -- the page ------------------------------------------------------------------------------------------------


def _state_word(name: str) -> str:
    return {OPEN: _("Open"), HELD: _("Cannot be assessed now"), SETTLED: _("Settled")}[name]


def _bar(classes: list[ClassRef], filters: SignalFilters) -> html.Div:
    rules = {signal_rule.value: rule_title(signal_rule) for signal_rule in SignalRule}
    states = [{"value": name, "label": _state_word(name)} for name in STATES]
    return html.Div(
        html.Div(
            [
                class_select("signals-klas", classes, filters.class_ids),
                select("signals-regel", _("Rule"), options(_("All rules"), rules), filters.rule or ""),
                select("signals-toestand", _("State"), states, filters.state),
                html.Button(
                    _("More filters"), className="btn phone", **attrs(data_toggle="bar", aria_expanded="false")
                ),
                dcc.Store(id="signals-query", storage_type="memory"),
                asked_store("signals"),
            ]
        ),
        className="bar",
        id="bar",
        **bar_marks("signals"),
    )


def _control_values(filters: SignalFilters) -> list[str | list[str]]:
    """The values of the controls, in the order of CONTROLS."""
    rule = filters.rule.value if filters.rule is not None else ""
    return [[str(item) for item in filters.class_ids], rule, filters.state]


def _content(viewer: Viewer, shown: _SignalsView | None) -> list[Any]:
    if shown is None:
        text = no_classes_word()
        return [html.Div(html.Div(html.H1(_("Signals"))), className="head"), note("", "notbegun", html.P(text))]
    class_data = shown.state.class_data
    return [
        block(html.Div(html.Div([html.H1(_("Signals")), coverage(class_data.sources)]), className="head")),
        *blocks(own_subjects_note((member.id for member in class_data.members), class_data.limited)),
        html.Div(
            [
                html.Div(_list(viewer, shown), className="stack"),
                html.Div(
                    [
                        panel
                        for class_ref in shown.classes
                        if class_ref.id in shown.filters.class_ids
                        for panel in _class_panels(viewer, shown, class_ref)
                    ],
                    className="stack",
                ),
            ],
            className="cols",
        ),
    ]


def _class_panels(viewer: Viewer, shown: _SignalsView, class_ref: ClassRef) -> list[Any]:
    limits = threshold_panel(
        viewer, class_ref, shown.state.thresholds[class_ref.id], shown.changed[class_ref.id], addresses.SIGNALS
    )
    return [limits, due_panel(viewer, class_ref, shown.state, f"{addresses.SIGNALS}{shown.filters.query}")]


def _list(viewer: Viewer, shown: _SignalsView) -> list[Any]:
    """The signals of the state that is chosen, written once for each version of the data.

    Those that cannot be judged name the moment at which a source last delivered, which is newer than the data.
    """
    if shown.filters.state == HELD:
        return blocks(_cards(viewer, shown))
    key = ("signals", shown.filters, tuple(shown.classes), language())
    return shown.state.once(key, lambda: blocks(_cards(viewer, shown)))


def _cards(viewer: Viewer, shown: _SignalsView) -> list[Any]:
    signals = shown.of_state(shown.filters.state)
    counts = " · ".join(f"{_state_word(name).lower()}: {len(shown.of_state(name))}" for name in STATES)
    if shown.filters.state == HELD:
        return [card(_state_word(HELD), _suppressed(shown, signals), counts, id="signal-list")]
    if not signals:
        empty = html.P(_("There is no signal here by the rules of these classes."), className="t2 sm")
        return [card(_state_word(shown.filters.state), [empty], counts, id="signal-list")]
    names = {
        member.id: PupilName(member.id, member.first_name, member.name) for member in shown.state.class_data.members
    }
    rows: list[Any] = [html.P(counts, className="sm t2", id="signal-counts")]
    for rule in SignalRule:
        of_rule = [signal for signal in signals if signal.rule is rule]
        if of_rule:
            number = n_("{number} signal", "{number} signals", len(of_rule))
            items = [_written_row(viewer, shown, names, signal) for signal in of_rule]
            rows.append(card(rule_title(rule), [html.Ul(items, className="att")], number, id=f"rule-{rule.value}"))
    return rows


def _written_row(viewer: Viewer, shown: _SignalsView, names: Mapping[int, PupilName], signal: Signal) -> Written:
    """A row as it was written before, where the results of others changed alone."""
    state = shown.state
    newest = signal.evidence.totals[-1:]
    parts = [part for scored_test in newest for part in state.class_data.parts_of(scored_test.total.sitting)]
    key = ("signal", signal.target, shown.filters, tuple(shown.classes), language())
    return state.piece(key, (signal, parts), lambda: written(_row(viewer, shown, names, signal)))


def _row(viewer: Viewer, shown: _SignalsView, names: Mapping[int, PupilName], signal: Signal) -> html.Li:
    class_name = next(class_ref.name for class_ref in shown.classes if class_ref.id == signal.class_id)
    if signal.pupil_id is None:
        subject: Any = html.B(class_word(class_name))
    else:
        subject = html.B(Link(pupil_word(names[signal.pupil_id]), href=addresses.pupil_href(signal.pupil_id)))
    rule = rule_words(signal, shown.state.thresholds[signal.class_id])
    name = class_name if signal.pupil_id is None else pupil_word(names[signal.pupil_id])
    about = f"{name}, {material_words(signal)}, {rule_title(signal.rule)}"
    return html.Li(
        [
            html.Div([subject, html.Small(material_words(signal))], className="who_"),
            html.Div(
                [
                    html.P(html.B(headline(signal))),
                    html.Small(f"{evidence_words(shown.state.class_data, signal)} {rule}"),
                    _resolution_words(signal),
                ],
                className="why_",
            ),
            html.Div(settle_buttons([signal], shown.filters.query, viewer, about=about), className="acts two_"),
        ],
        **attrs(
            data_rule=signal.rule.value,
            data_pupil=None if signal.pupil_id is None else str(signal.pupil_id),
            data_state=state_of(signal),
        ),
    )


def _resolution_words(signal: Signal) -> Any:
    """Who resolved it last and when; for an open signal, that it came back on new data."""
    if signal.resolution is None:
        return None
    words = resolution_words(signal.resolution)
    came_back = signal.open and signal.resolution.action is not ResolutionAction.REOPENED
    return html.Small([state("no", "check", words), " ", _("New data came in since.") if came_back else ""])


def settle_buttons(
    signals: Sequence[Signal], query: str, viewer: Viewer, path: str = addresses.SIGNALS, about: str | None = None
) -> list[Any]:
    """The four buttons that resolve open signals, or one that reopens them; `about` names them for screen readers."""
    if not viewer.teaches:
        return []
    back = f"{path}{query}"
    if all(signal.open for signal in signals):
        return [resolution_form(signals, action, back, "btn small_", about) for action in SETTLING]
    return [resolution_form(signals, ResolutionAction.REOPENED, back, "btn q", about)]


def _suppressed(shown: _SignalsView, signals: Sequence[Signal]) -> list[Any]:
    """A sentence per rule and source about suppressed signals; never a list of pupils."""
    if not signals:
        return [html.P(_("Every source delivers, so everything can be assessed."), className="t2 sm")]
    sources = {source.id: source for source in shown.state.class_data.sources}
    counted: dict[tuple[SignalRule, int], set[int]] = {}
    for signal in signals:
        counted.setdefault((signal.rule, signal.source_id), set()).add(signal.pupil_id or 0)
    return [
        html.P(
            [sign("clock"), " ", html.B(f"{rule_title(rule)}: "), suppressed_words(sources.get(source_id), len(pupils))]
        )
        for (rule, source_id), pupils in counted.items()
    ]


PAGE = Page(
    "signals", addresses.SIGNALS, title, layout, frame, reads_results, in_menu_of=reads_results, register=register
)
