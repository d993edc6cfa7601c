"""The table of sources: last success, last and next attempt, age of the data, and counts of this school year."""

from __future__ import annotations

from typing import Any

from dashboard.auth import request
from dashboard.pages.connections.own_actions import agreement_href, own_href
from dashboard.text.signal_words import late_word
from dashboard.text.translate import _, age, language, moment, n_, whole
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, note, sign, state
from models.ingest.connection_overview import ConnectionOverview, ConnectionRow
from models.ingest.freshness import SourceState
from models.schema import clock
from models.schema.disk_space import disk_spaces

HOUR_US = 3600 * 1_000_000


def disk_notes() -> list[Any]:
    """A notice while one of the disks of this installation fills up."""
    data = request.context().options.data
    low = [] if data is None else [space.percentage for space in disk_spaces(data) if space.is_low]
    if not low:
        return []
    sentence = _("The disk of Rondblik is filling up: {percentage} % is free.", percentage=min(low))
    remedy = _("On a full disk no results can come in. Ask whoever looks after the server to make room.")
    return [note("wa", "clock", html.P([html.B(sentence), " ", remedy]), role="status")]


def late_notes(connection_overview: ConnectionOverview) -> list[Any]:
    """A notice for each source that needs attention."""
    return [
        note(
            "wa",
            "clock",
            html.P([html.B(late_word(row.state)), " ", error_word(row.state) or ""]),
            role="status",
        )
        for row in connection_overview.rows
        if row.state.late
    ]


def error_word(source: SourceState) -> str | None:
    """The error of the last attempt, in the language of the request."""
    return source.error_nl if language() == "nl" else source.error_en


def source_table(connection_overview: ConnectionOverview) -> html.Table:
    """The table with a row per source."""
    heads = (
        (_("Source"), ""),
        (_("Status"), ""),
        (_("Last success"), ""),
        (_("Last try"), ""),
        (_("Next try"), ""),
        (_("Latest data"), ""),
        (_("Received this school year"), "n"),
        (_("Refused"), "n"),
        (_("Without pupil"), "n"),
    )
    return html.Table(
        [
            html.Caption(_("Sources and how they deliver"), className="vh"),
            html.Thead(
                html.Tr(
                    [
                        *(html.Th(word, scope="col", className=kind) for word, kind in heads),
                        html.Th(html.Span(_("Action"), className="vh"), scope="col"),
                    ]
                )
            ),
            html.Tbody([_row(row, connection_overview.pupils) for row in connection_overview.rows]),
        ],
        className="kt stk",
        id="sources",
    )


def _row(row: ConnectionRow, pupils: int) -> html.Tr:
    source = row.state
    publisher = source.role == "publisher"
    received = whole(row.received) if publisher else n_("{number} pupil", "{number} pupils", pupils)
    cells: tuple[tuple[str, Any, str], ...] = (
        (_("Status"), source_status(source), ""),
        (_("Last success"), moment(source.last_success_us) if source.last_success_us is not None else _("never"), ""),
        (_("Last try"), last_try_word(source), ""),
        (_("Next try"), next_try_word(source), ""),
        (_("Latest data"), age(source.last_data_us) if source.last_data_us is not None else "–", ""),
        (_("Received"), received, "n"),
        (_("Refused"), _finding(row.refused, "#refused"), "n"),
        (_("Without pupil"), _finding(row.parked, "#parked") if publisher else "–", "n"),
    )
    return html.Tr(
        [
            html.Th([source.name, html.Small(_role(source)), *_origin(row)], scope="row"),
            *(html.Td(shown, className=kind, **attrs(data_l=word)) for word, shown, kind in cells),
            html.Td(_actions(source), className="bt"),
        ],
        className="hot" if source.late else "",
        **attrs(data_source=str(source.id), data_received=str(row.received), data_parked=str(row.parked)),
    )


def origin_note(connection_overview: ConnectionOverview) -> list[Any]:
    """Who changes which connections; nothing where the school added all of them."""
    if all(row.own_id is not None or not row.state.active for row in connection_overview.rows):
        return []
    words = _(
        "What is in the configuration file, or was added on the command line, is changed by whoever looks after the "
        "server. What your school adds here, you manage yourself."
    )
    return [html.P(words, className="sources-note")]


def agreements_note(connection_overview: ConnectionOverview) -> list[Any]:
    """Of which connections mandate or agreement are not filled in (all); nothing where they are."""
    links = [
        html.A(row.state.name, href=agreement_href(row.state.id))
        for row in connection_overview.rows
        if row.state.active and row.agreement.missing
    ]
    if not links:
        return []
    listed = [part for link in links for part in (", ", link)][1:]
    words = _("Mandate and agreement, not filled in yet:")
    return [html.P([words, " ", *listed, "."], className="sources-note", id="agreements-open")]


def drafts_note(connection_overview: ConnectionOverview) -> list[Any]:
    """What was added and is not in use yet, with the way to go on."""
    links = [html.Li(html.A(own.name, href=own_href(own.id))) for own in connection_overview.drafts]
    if not links:
        return []
    return [note("", "info", [html.P(_("Added and not in use yet:")), html.Ul(links)])]


def _role(source: SourceState) -> str:
    return _("pupil administration") if source.role == "las" else _("publisher")


def _origin(row: ConnectionRow) -> list[Any]:
    """The page where the school changes what it added itself, or where somebody else changes it; and its agreement."""
    name = html.Span(f" {row.state.name}", className="vh")
    agreed = html.Small(html.A([_("mandate"), name], href=agreement_href(row.state.id)))
    if row.own_id is not None:
        return [html.Small(html.A([_("manage"), name], href=own_href(row.own_id))), agreed]
    if not row.state.active:
        return [agreed]
    return [html.Small(_("command line") if row.origin == "command" else _("configuration file")), agreed]


def source_status(source: SourceState) -> html.Span:
    """The state of a source, as icon and word."""
    if not source.active:
        return state("no", "nolink", _("not connected"))
    if source.stopped:
        return state("no", "stop", _("stopped"))
    if source.leased:
        return state("no", "retry", _("being fetched"))
    if source.failures > 0:
        return state("wa", "clock", n_("failed {number} time", "failed {number} times", source.failures))
    if source.refused:
        return state("wa", "bang", _("messages refused"))
    if source.is_new:
        return state("no", "clock", _("new"))
    if not source.delivered_this_week:
        return state("wa", "clock", _("late"))
    return state("ok", "check", _("works"))


def last_try_word(source: SourceState) -> str:
    """The time of the last poll."""
    if source.pushes:
        return "–"
    return moment(source.last_try_us) if source.last_try_us is not None else _("never")


def next_try_word(source: SourceState) -> str:
    """The time of the next poll."""
    if source.pushes and source.active:
        return _("sends by itself")
    if not source.active or source.stopped or source.next_try_us is None:
        return "–"
    away = source.next_try_us - clock.now_us()
    if away <= 0:
        return _("now")
    if away < HOUR_US:
        return n_("in {number} minute", "in {number} minutes", max(away // (60 * 1_000_000), 1))
    return moment(source.next_try_us)


def _finding(number: int, anchor: str) -> Any:
    return html.A(html.B(whole(number)), href=anchor) if number else html.Span("0", className="t3")


def _actions(source: SourceState) -> list[Any]:
    if not source.active:
        return []
    if source.stopped:
        return [_button("resume", source, "retry", _("Resume"), "btn")]
    again = [] if source.pushes else [_button("retry", source, "retry", _("Try again now"), "btn")]
    return [
        *again,
        _button("stop", source, "stop", _("Stop"), "btn stop"),
    ]


def _button(kind: str, source: SourceState, name: str, word: str, look: str) -> html.Button:
    return html.Button(
        [sign(name), word, html.Span(f" {source.name}", className="vh")],
        id={"type": "coupling", "do": kind, "index": source.id},
        className=look,
    )
