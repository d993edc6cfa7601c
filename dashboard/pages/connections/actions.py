"""The actions of an administrator on the connections page; each returns a sentence with its outcome."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

import dash
from dash import ALL, MATCH, Input, Output, State

from dashboard.auth import audit_trail, request
from dashboard.auth.callbacks import with_viewer
from dashboard.pages.page import administers
from dashboard.text.translate import _, language, n_
from dashboard.text.words import class_in_sentence, pattern_words
from dashboard.ui.controls import Options
from dashboard.ui.elements import html
from dashboard.ui.matrix_table import pupil_word
from dashboard.ui.signs import note
from models.access.audit import Administered
from models.access.viewer import AccessDenied, Viewer
from models.ingest import identity, rosters
from models.ingest.connection_overview import retry_now, set_stopped
from models.ingest.link_candidates import LinkablePupil, linkable_pupils
from models.ingest.link_file import LineError
from models.results.subject_mapping import map_subject, unmap_subject
from models.schema import database

Content = Callable[[Viewer], list[Any]]
LARGEST_FILE = 1_000_000
MAX_SENTENCES = 50
LEAST_TYPED, MAX_TYPED = 2, 100  # characters by which a pupil is looked for
MAX_FOUND = 30


class _ActionRefused(Exception):
    """An action that was refused, with the sentence for the user, or several."""


def register(app: dash.Dash, content: Content) -> None:
    """The callbacks of the page, for administrators."""
    outputs = (
        Output("couplings-done", "children", allow_duplicate=True),
        Output("couplings-content", "children", allow_duplicate=True),
    )

    @app.callback(*outputs, Input({"type": "coupling", "do": ALL, "index": ALL}, "n_clicks"), prevent_initial_call=True)
    @with_viewer(administers)
    def on_connection(viewer: Viewer, clicks: object) -> Any:
        return _run(viewer, content, clicks, _set_connection)

    @app.callback(
        *outputs,
        Input({"type": "link", "index": ALL}, "n_clicks"),
        State({"type": "link-pupil", "index": ALL}, "value"),
        State({"type": "link-pupil", "index": ALL}, "id"),
        prevent_initial_call=True,
    )
    @with_viewer(administers)
    def on_link(viewer: Viewer, clicks: object, values: object, ids: object) -> Any:
        return _run(viewer, content, clicks, lambda viewer, button: _link(viewer, button, values, ids))

    @app.callback(
        Output({"type": "link-pupil", "index": MATCH}, "data"),
        Output({"type": "link-pupil", "index": MATCH}, "found"),
        Input({"type": "link-pupil", "index": MATCH}, "search"),
        State({"type": "link-pupil", "index": MATCH}, "value"),
        prevent_initial_call=True,
    )
    @with_viewer(administers)
    def on_search(viewer: Viewer, search: object, chosen: object) -> Any:
        typed = search.strip() if isinstance(search, str) else ""
        if not LEAST_TYPED <= len(typed) <= MAX_TYPED:
            raise dash.exceptions.PreventUpdate
        return find_pupils(viewer, typed, chosen if isinstance(chosen, str) else None), search

    @app.callback(*outputs, Input({"type": "unlink", "index": ALL}, "n_clicks"), prevent_initial_call=True)
    @with_viewer(administers)
    def on_unlink(viewer: Viewer, clicks: object) -> Any:
        return _run(viewer, content, clicks, _unlink)

    @app.callback(
        *outputs,
        Input({"type": "subject", "source": ALL, "field": ALL, "index": ALL}, "value"),
        prevent_initial_call=True,
    )
    @with_viewer(administers)
    def on_subject(viewer: Viewer, _values: object) -> Any:
        chosen = dash.ctx.triggered[0]["value"] if dash.ctx.triggered else None
        return _run(viewer, content, [1] if chosen else [], lambda viewer, button: _assign(viewer, button, chosen))

    @app.callback(
        *outputs,
        Input({"type": "unassign", "source": ALL, "field": ALL, "index": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    @with_viewer(administers)
    def on_unassign(viewer: Viewer, clicks: object) -> Any:
        return _run(viewer, content, clicks, _unassign)

    @app.callback(*outputs, Input({"type": "roster", "do": ALL, "index": ALL}, "n_clicks"), prevent_initial_call=True)
    @with_viewer(administers)
    def on_roster(viewer: Viewer, clicks: object) -> Any:
        return _run(viewer, content, clicks, _decide)

    @app.callback(*outputs, Input({"type": "links-file", "index": ALL}, "contents"), prevent_initial_call=True)
    @with_viewer(administers)
    def on_file(viewer: Viewer, files: object) -> Any:
        uploads = [file for file in files if file] if isinstance(files, list) else []
        return _run(viewer, content, [1] if uploads else [], lambda viewer, _button: _link_file(viewer, uploads[0]))


def _run(viewer: Viewer, content: Content, clicks: object, action: Callable[[Viewer, dict[str, Any]], str]) -> Any:
    """Do the action of the button that was clicked; show its outcome and the page with the new state."""
    if not (isinstance(clicks, list) and any(isinstance(click, int) and click > 0 for click in clicks)):
        raise dash.exceptions.PreventUpdate
    triggered = dash.ctx.triggered_id
    button = dict(triggered) if isinstance(triggered, dict) else {}
    try:
        sentence = action(viewer, button)
    except AccessDenied:
        return _not_done(_("You may not do this.")), dash.no_update
    except (identity.LinkRefused, rosters.NotPending) as refused:
        return _not_done(refused.sentence_nl if language() == "nl" else refused.sentence_en), dash.no_update
    except _ActionRefused as refused:
        return _not_done(*refused.args), dash.no_update
    return note("ok", "check", html.P(sentence)), content(viewer)


def _not_done(*sentences: str) -> html.Div:
    start = html.B(_("Nothing was changed."))
    if len(sentences) == 1:
        return note("fa", "cross", html.P([start, " ", sentences[0]]), role="alert")
    return note("fa", "cross", [html.P(start), html.Ul([html.Li(sentence) for sentence in sentences])], role="alert")


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _ActionRefused(_("This no longer exists."))
    return value


def _set_connection(viewer: Viewer, button: dict[str, Any]) -> str:
    source_id, do = _number(button.get("index")), button.get("do")
    with database.write_transaction(request.context().engine, viewer.school_id) as connection:
        if do == "retry":
            retry_now(connection, viewer, source_id)
            audit_trail.record(Administered("connection asked again", source_id))
            return _("The source will be asked again within a minute.")
        set_stopped(connection, viewer, source_id, stopped=do == "stop")
    audit_trail.record(Administered("connection stopped" if do == "stop" else "connection goes on", source_id))
    return _("The connection is stopped; its results stay.") if do == "stop" else _("The connection is resumed.")


def _link(viewer: Viewer, button: dict[str, Any], values: object, ids: object) -> str:
    identifier_id = _number(button.get("index"))
    chosen = None
    if isinstance(values, list) and isinstance(ids, list) and len(values) == len(ids):
        pairs = zip(ids, values, strict=True)
        chosen = next(
            (value for item, value in pairs if isinstance(item, dict) and item.get("index") == identifier_id), None
        )
    if not isinstance(chosen, str) or not chosen.isascii() or not chosen.isdigit() or len(chosen) > 9:
        raise _ActionRefused(_("Choose a pupil first."))
    with database.write_transaction(request.context().engine, viewer.school_id) as connection:
        identity.link(connection, viewer, identifier_id, int(chosen))
    audit_trail.record(Administered("identifier linked", identifier_id, (int(chosen),)))
    return _("Linked. The results are now with the pupil.")


def find_pupils(viewer: Viewer, typed: str, chosen: str | None) -> Options:
    """The pupils of the school whose name, class or number holds what was typed, and who was chosen before."""
    context, wanted = request.context(), typed.lower()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        linkable = linkable_pupils(connection, viewer, context.cipher)
    words_of = {item.pupil.id: linkable_words(item) for item in linkable}
    first = [pupil_id for pupil_id in words_of if str(pupil_id) == chosen]
    found = [pupil_id for pupil_id, words in words_of.items() if wanted in words.lower()]
    shown = list(dict.fromkeys((*first, *found[:MAX_FOUND])))
    audit_trail.looked("links of pupils", shown)
    return [{"value": str(pupil_id), "label": words_of[pupil_id]} for pupil_id in shown]


def linkable_words(item: LinkablePupil) -> str:
    """A pupil in the choice of a link: name, class and number in the pupil administration."""
    number = _("number {label}", label=item.las_number) if item.las_number else ""
    of_class = class_in_sentence(item.class_name) if item.class_name else _("in no class")
    return " · ".join(filter(None, (pupil_word(item.pupil), of_class, number)))


def _unlink(viewer: Viewer, button: dict[str, Any]) -> str:
    identifier_id = _number(button.get("index"))
    with database.write_transaction(request.context().engine, viewer.school_id) as connection:
        identity.undo_link(connection, viewer, identifier_id)
    audit_trail.record(Administered("link undone", identifier_id))
    return _("The link is undone.")


def _assign(viewer: Viewer, button: dict[str, Any], subject: object) -> str:
    source_id, field, pattern = _term(button)
    with database.write_transaction(request.context().engine, viewer.school_id) as connection:
        map_subject(connection, viewer, source_id, field, pattern, str(subject))
    audit_trail.record(Administered("subject assigned", source_id))
    return _("{pattern} now has a subject.", pattern=pattern_words(pattern))


def _unassign(viewer: Viewer, button: dict[str, Any]) -> str:
    source_id, field, pattern = _term(button)
    with database.write_transaction(request.context().engine, viewer.school_id) as connection:
        unmap_subject(connection, viewer, source_id, field, pattern)
    audit_trail.record(Administered("subject taken away", source_id))
    return _("{pattern} no longer has a subject of your school.", pattern=pattern_words(pattern))


def _term(button: dict[str, Any]) -> tuple[int, str, str]:
    return _number(button.get("source")), _stored(button.get("field")), _stored(button.get("index"))


def _stored(value: object) -> str:
    """A text that a database can hold: none with a NUL or half a character."""
    text = str(value)
    if "\0" in text or text != text.encode(errors="replace").decode():
        raise _ActionRefused(_("This no longer exists."))
    return text


def _decide(viewer: Viewer, button: dict[str, Any]) -> str:
    context, apply = request.context(), button.get("do") == "apply"
    roster_id = _number(button.get("index"))
    rosters.decide_pending(context.engine, context.cipher, viewer, roster_id, apply)
    audit_trail.record(Administered("pupil list applied" if apply else "pupil list not used", roster_id))
    return _("The pupil list is applied.") if apply else _("The pupil list is not used; nothing has changed.")


def _link_file(viewer: Viewer, contents: object) -> str:
    text = _text_of(contents)
    context = request.context()
    with database.write_transaction(context.engine, viewer.school_id) as connection:
        report = identity.link_csv(connection, context.cipher, viewer, text)
    if report.errors:
        raise _ActionRefused(*_error_sentences(report.errors))
    audit_trail.record(Administered("identifiers linked by file", report.linked))
    return n_("{number} identifier linked.", "{number} identifiers linked.", report.linked)


def _error_sentences(errors: Sequence[LineError]) -> list[str]:
    """A sentence for each line that is wrong; of very many the first, and how many more there are."""
    sentences = [error.sentence_nl if language() == "nl" else error.sentence_en for error in errors[:MAX_SENTENCES]]
    more = len(errors) - len(sentences)
    return [*sentences, n_("And {number} more line.", "And {number} more lines.", more)] if more else sentences


def _text_of(contents: object) -> str:
    """The text of an uploaded file: a data URL with base64, in UTF-8."""
    refusal = _ActionRefused(_("This file is not a CSV file in UTF-8. Choose CSV UTF-8 when you save it."))
    if not isinstance(contents, str) or "," not in contents:
        raise refusal
    try:
        data = base64.b64decode(contents.partition(",")[2], validate=True)
        if len(data) > LARGEST_FILE:
            raise refusal
        return data.decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise refusal from error
