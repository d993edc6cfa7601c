"""The panels below the table of sources: refused messages, unlinked identifiers, unmapped subjects, pending rosters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc

from dashboard.pages.connections.actions import LARGEST_FILE, MAX_FOUND, linkable_words
from dashboard.pages.connections.refused_message_actions import view_form
from dashboard.text.translate import _, language, moment, n_
from dashboard.text.words import parked_word, pattern_words, subject_word
from dashboard.ui.components import Select
from dashboard.ui.controls import Options
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, sign
from models.ingest.connection_overview import ConnectionOverview, RefusalReason, RefusedMessage
from models.ingest.identity import ParkedIdentifier
from models.ingest.link_candidates import MOST, Candidate, LinkablePupil
from models.results.subject_mapping import UnmappedTerm
from models.results.subjects import SUBJECTS, SubjectMapping

SHOWN = 25
REASONS_SHOWN = 3
OWN_RULES = ("school.other",)  # may be caused by the connection here and not by the sender


def refused_panel(connection_overview: ConnectionOverview) -> html.Section:
    """The messages that were refused this school year, each with reason and remedy."""
    items = [
        html.Li(
            [
                html.B(_message_name(refused_message.source, refused_message.what)),
                html.P(
                    _(
                        "received {moment}, message {number}",
                        moment=moment(refused_message.received_us),
                        number=refused_message.id,
                    ),
                    className="xs t3",
                ),
                *_pass_on(refused_message),
                *(html.P(_reason(reason)) for reason in refused_message.reasons[:REASONS_SHOWN]),
                *([html.P(refused_message.fault)] if not refused_message.reasons and refused_message.fault else []),
                *([view_form(refused_message.id)] if refused_message.in_quarantine else []),
            ],
            **attrs(data_refused=str(refused_message.id)),
        )
        for refused_message in connection_overview.refused
    ]
    return _panel(
        "refused",
        _("Refused"),
        n_("{number} message", "{number} messages", len(connection_overview.refused)),
        items,
        _("Nothing was refused this school year."),
    )


def _pass_on(refused_message: RefusedMessage) -> list[Any]:
    """Whom to forward it to: the sender, where it is known and the message breaks a rule."""
    if refused_message.source is None or not any(reason.rule not in OWN_RULES for reason in refused_message.reasons):
        return []
    return [html.P(html.B(_("Pass this on to {source}:", source=refused_message.source)))]


def _message_name(source: str | None, what: str) -> str:
    kind = _("pupil list") if what == "roster" else _("results")
    return f"{source or unknown_source()}: {kind}"


def unknown_source() -> str:
    """The name of an unknown sender."""
    return _("Unknown source")


def _reason(refusal_reason: RefusalReason) -> list[Any]:
    dutch = language() == "nl"
    sentence, remedy = (
        (refusal_reason.sentence_nl, refusal_reason.remedy)
        if dutch
        else (refusal_reason.sentence_en, refusal_reason.remedy_en)
    )
    where = (
        _("line {line}, column {column}", line=refusal_reason.line, column=refusal_reason.column or 1)
        if refusal_reason.line is not None
        else ""
    )
    position = f" ({where})" if where else ""
    return [
        html.Span(f"{sentence}{position}"),
        html.Small(f" {refusal_reason.rule}", className="t3"),
        html.Br(),
        html.Small(remedy, className="t3"),
    ]


def parked_panel(
    parked: list[ParkedIdentifier],
    pupils: list[LinkablePupil],
    candidates: Mapping[int, Sequence[Candidate]],
    connection_overview: ConnectionOverview,
) -> html.Section:
    """Identifiers without a pupil with a choice of pupils, current links, and the upload of a file of links."""
    words_of = {item.pupil.id: linkable_words(item) for item in pupils}
    items = [_parked_item(item, words_of, candidates.get(item.id)) for item in parked[:SHOWN]]
    total = sum(item.count for item in parked)
    words = (
        n_("{number} result", "{number} results", total)
        + " · "
        + n_("{number} identifier", "{number} identifiers", len(parked))
    )
    more = (
        [html.P(_("The first {number} are shown; a file links them all at once.", number=SHOWN), className="xs t3")]
        if len(parked) > SHOWN
        else []
    )
    links = [
        html.Li(
            [
                html.B(link.pupil or _("Pupil without name")),
                html.P(_("linked by {name}, {moment}", name=link.by, moment=moment(link.linked_us)), className="xs t3"),
                html.Button(
                    [_("Undo"), html.Span(f" {link.pupil or ''}", className="vh")],
                    id={"type": "unlink", "index": link.id},
                    className="btn q",
                ),
            ]
        )
        for link in connection_overview.links
    ]
    upload = html.Details(
        [
            html.Summary([sign("chev"), _("Link by a file")]),
            html.P(
                [
                    _("A CSV file with two columns, named in its first line."),
                    " ",
                    _("identifier: the number as the source sent it, as shown in this list."),
                    " ",
                    _("pupil: the key of the pupil in your pupil administration."),
                ],
                className="xs t2",
            ),
            html.Label(  # labels the field; it opens the file dialog itself, so the field must not
                dcc.Upload(
                    id={"type": "links-file", "index": 0},
                    children=html.Span([sign("menu"), _("Choose a CSV file")], className="btn"),
                    className="choose",
                    accept=".csv,text/csv",
                    max_size=LARGEST_FILE,
                    disable_click=True,
                )
            ),
        ],
        className="fold",
    )
    return _panel(
        "parked", _("Without pupil"), words, items, _("All results have a pupil."),
        [*more, upload, *([html.H3(_("Linked by hand")), html.Ul(links, className="ls")] if links else [])],
    )  # fmt: skip


def _link_options(words_of: Mapping[int, str], candidates: Sequence[Candidate]) -> Options:
    """Those who may be meant; others come as they are typed (`actions.find_pupils`)."""
    return [
        {"value": str(item.pupil_id), "label": words_of[item.pupil_id]}
        for item in candidates[:MOST]
        if item.pupil_id in words_of
    ]


def _candidate_lines(
    parked: ParkedIdentifier, words_of: Mapping[int, str], candidates: Sequence[Candidate] | None
) -> list[Any]:
    """Who may be meant and why, so that nobody has to guess; `candidates` None: no class sat the tests."""
    if candidates is None:
        return [html.P(_("Nobody fits: no class took these tests on these days."), className="sm t2")]
    if not candidates:
        words = _("Nobody fits: in the class that took these tests everybody already has results.")
        return [html.P(words, className="sm t2")]
    sources = ", ".join(name for name, _number in parked.results)
    reason = _(
        "{number} pupils of the class took the same tests on the same days and have no results from {sources} yet.",
        number=candidates[0].classmates,
        sources=sources,
    )
    lines = [html.Li(words_of.get(item.pupil_id, "")) for item in candidates[:MOST]]
    more = len(candidates) - MOST
    rest = [html.Li(n_("and {number} more pupil", "and {number} more pupils", more))] if more > 0 else []
    return [
        html.P([html.B(_("May be meant:")), " ", reason], className="sm"),
        html.Ul([*lines, *rest], className="sm", **attrs(data_candidates=str(len(candidates)))),
    ]


def _parked_item(
    parked: ParkedIdentifier, words_of: Mapping[int, str], candidates: Sequence[Candidate] | None
) -> html.Li:
    results = ", ".join(
        n_("{name}: {number} result", "{name}: {number} results", number, name=name) for name, number in parked.results
    )
    return html.Li(
        [
            html.B(_("Number {label}", label=parked.label)),
            html.P(f"{results}. {parked_word(parked.reason)}"),
            *_candidate_lines(parked, words_of, candidates),
            html.Div(
                [
                    Select(
                        id={"type": "link-pupil", "index": parked.id},
                        **attrs(aria_label=_("Pupil for number {label}", label=parked.label)),
                        placeholder=_("Choose a pupil"),
                        data=_link_options(words_of, candidates or ()),
                        searchable=True,
                        nothing=_("Nothing found"),
                        hint=_("Type two letters of a name, or a number"),
                        found="",
                        limit=MAX_FOUND,
                        className="f grow",
                    ),
                    html.Button(_("Link"), id={"type": "link", "index": parked.id}, className="btn"),
                ],
                className="acts",
            ),
        ],
        **attrs(data_parked=str(parked.id)),
    )


def subjects_panel(
    open_subjects: list[UnmappedTerm], lines: list[SubjectMapping], connection_overview: ConnectionOverview
) -> html.Section:
    """Terms and codes without a subject, with a choice of subjects; the school's own mappings, which can be undone."""
    options = [{"value": item, "label": subject_word(item)} for item in SUBJECTS]
    names = {row.state.id: row.state.name for row in connection_overview.rows}
    items = [
        html.Li(
            [
                html.B(pattern_words(subject.pattern), title=subject.pattern),
                html.P(f"{subject.source} · " + n_("{number} test", "{number} tests", subject.tests)),
                html.Div(
                    [
                        Select(
                            id={
                                "type": "subject",
                                "source": subject.source_id,
                                "field": subject.field,
                                "index": subject.pattern,
                            },
                            **attrs(aria_label=_("Subject for {pattern}", pattern=pattern_words(subject.pattern))),
                            placeholder=_("Choose a subject"),
                            data=options,
                            searchable=True,
                            nothing=_("Nothing found"),
                            className="f grow",
                        ),
                    ],
                    className="acts",
                ),
            ],
            **attrs(data_term=subject.pattern),
        )
        for subject in open_subjects[:SHOWN]
    ]
    mapped = [
        html.Li(
            [
                html.B(pattern_words(line.pattern), title=line.pattern),
                html.P(f"{names.get(line.source_id, '')} · {subject_word(line.subject)}"),
                html.Button(
                    [_("Undo"), html.Span(f" {pattern_words(line.pattern)}", className="vh")],
                    id={"type": "unassign", "source": line.source_id, "field": line.field, "index": line.pattern},
                    className="btn q",
                ),
            ]
        )
        for line in lines
    ]
    words = n_("{number} term without subject", "{number} terms without subject", len(open_subjects))
    more = [html.H3(_("Assigned by your school")), html.Ul(mapped, className="ls")] if mapped else []
    return _panel("subjects", _("Subjects to assign"), words, items, _("Every test has a subject."), more)


def pending_rosters_panel(connection_overview: ConnectionOverview) -> list[Any]:
    """Pending rosters that seem incomplete, with buttons to apply or drop them."""
    if not connection_overview.pending_rosters:
        return []
    items = [
        html.Li(
            [
                html.B(f"{roster.source or unknown_source()} · {roster.school_year}"),
                html.P(
                    " ".join(
                        (
                            roster.sentence_nl if language() == "nl" else roster.sentence_en,
                            n_("{number} pupil", "{number} pupils", roster.pupils) + ",",
                            n_("{number} group.", "{number} groups.", roster.groups),
                            _("Received {moment}.", moment=moment(roster.received_us)),
                        )
                    )
                ),
                html.Div(
                    [
                        html.Button(
                            _("Apply this list"),
                            id={"type": "roster", "do": "apply", "index": roster.id},
                            className="btn",
                        ),
                        html.Button(
                            _("Do not use"), id={"type": "roster", "do": "drop", "index": roster.id}, className="btn q"
                        ),
                    ],
                    className="acts",
                ),
            ],
            **attrs(data_roster=str(roster.id)),
        )
        for roster in connection_overview.pending_rosters
    ]
    return [
        _panel(
            "held",
            _("Pupil lists that wait"),
            _("They change nothing until you decide."),
            items,
            "",
            class_name="card mt",
        )
    ]


def _panel(
    anchor: str, title: str, words: str, items: list[Any], empty: str, more: Any = (), class_name: str = "card"
) -> html.Section:
    body = html.Ul(items, className="ls") if items else html.P([sign("check"), " ", empty], className="sm t2")
    return html.Section([html.Header([html.H2(title), html.P(words)]), body, *more], className=class_name, id=anchor)
