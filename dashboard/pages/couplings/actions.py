"""What an administrator can set in motion from the couplings screen; each action says what became of it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import dash
from dash import ALL, Input, Output, State, html

from dashboard.auth import request
from dashboard.text.translate import _, language, n_
from dashboard.ui.signs import note
from models.access.viewer import AccessDenied, Viewer
from models.ingest import identity, rosters
from models.ingest.connection_overview import retry_now, set_stopped
from models.results.subject_mapping import map_subject, unmap_subject
from models.schema import database

Content = Callable[[Viewer], list[Any]]
LARGEST_FILE = 1_000_000


class _ActionRefused(Exception):
    """An action that was not done, with the sentence for people."""


def register(app: dash.Dash, content: Content) -> None:
    """The callbacks of the page; every one reads who looks from the session."""
    done = (
        Output("couplings-done", "children", allow_duplicate=True),
        Output("couplings-content", "children", allow_duplicate=True),
    )

    @app.callback(*done, Input({"type": "coupling", "do": ALL, "index": ALL}, "n_clicks"), prevent_initial_call=True)
    def on_coupling(clicks: object) -> Any:
        return _run(content, clicks, _coupling)

    @app.callback(
        *done,
        Input({"type": "link", "index": ALL}, "n_clicks"),
        State({"type": "link-pupil", "index": ALL}, "value"),
        State({"type": "link-pupil", "index": ALL}, "id"),
        prevent_initial_call=True,
    )
    def on_link(clicks: object, values: object, ids: object) -> Any:
        return _run(content, clicks, lambda viewer, asked: _link(viewer, asked, values, ids))

    @app.callback(*done, Input({"type": "unlink", "index": ALL}, "n_clicks"), prevent_initial_call=True)
    def on_unlink(clicks: object) -> Any:
        return _run(content, clicks, _unlink)

    @app.callback(
        *done,
        Input({"type": "subject", "source": ALL, "field": ALL, "index": ALL}, "value"),
        prevent_initial_call=True,
    )
    def on_subject(_values: object) -> Any:
        chosen = dash.ctx.triggered[0]["value"] if dash.ctx.triggered else None
        return _run(content, [1] if chosen else [], lambda viewer, asked: _assign(viewer, asked, chosen))

    @app.callback(
        *done,
        Input({"type": "unassign", "source": ALL, "field": ALL, "index": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def on_unassign(clicks: object) -> Any:
        return _run(content, clicks, _unassign)

    @app.callback(*done, Input({"type": "roster", "do": ALL, "index": ALL}, "n_clicks"), prevent_initial_call=True)
    def on_roster(clicks: object) -> Any:
        return _run(content, clicks, _decide)

    @app.callback(*done, Input({"type": "links-file", "index": ALL}, "contents"), prevent_initial_call=True)
    def on_file(files: object) -> Any:
        given = [file for file in files if file] if isinstance(files, list) else []
        return _run(content, [1] if given else [], lambda viewer, _asked: _link_file(viewer, given[0]))


def _run(content: Content, clicks: object, action: Callable[[Viewer, dict[str, Any]], str]) -> Any:
    """Do what was asked, as who looks; show the sentence and the page as it is now."""
    viewer = request.viewer()
    pressed = isinstance(clicks, list) and any(isinstance(click, int) and click > 0 for click in clicks)
    if viewer is None or not viewer.may_administer or not pressed:
        raise dash.exceptions.PreventUpdate
    triggered = dash.ctx.triggered_id
    asked = dict(triggered) if isinstance(triggered, dict) else {}
    try:
        sentence = action(viewer, asked)
    except AccessDenied:
        return _not_done(_("You may not do this.")), dash.no_update
    except (identity.LinkRefused, rosters.NotPending) as refused:
        return _not_done(refused.sentence_nl if language() == "nl" else refused.sentence_en), dash.no_update
    except _ActionRefused as refused:
        return _not_done(str(refused)), dash.no_update
    return note("ok", "check", html.P(sentence)), content(viewer)


def _not_done(sentence: str) -> html.Div:
    return note("fa", "cross", html.P([html.B(_("Nothing was changed.")), " ", sentence]), role="alert")


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _ActionRefused(_("This is not there any more."))
    return value


def _coupling(viewer: Viewer, asked: dict[str, Any]) -> str:
    source_id, do = _number(asked.get("index")), asked.get("do")
    with database.write_transaction(request.context().engine, viewer.school_id) as connection:
        if do == "retry":
            retry_now(connection, viewer, source_id)
            return _("The source will be asked again within a minute.")
        set_stopped(connection, viewer, source_id, stopped=do == "stop")
    return _("The coupling is stopped; its results stay.") if do == "stop" else _("The coupling goes on.")


def _link(viewer: Viewer, asked: dict[str, Any], values: object, ids: object) -> str:
    identifier_id = _number(asked.get("index"))
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
    return _("Linked. The results now stand with the pupil.")


def _unlink(viewer: Viewer, asked: dict[str, Any]) -> str:
    with database.write_transaction(request.context().engine, viewer.school_id) as connection:
        identity.undo_link(connection, viewer, _number(asked.get("index")))
    return _("The link is undone.")


def _assign(viewer: Viewer, asked: dict[str, Any], subject: object) -> str:
    source_id, field, pattern = _line(asked)
    with database.write_transaction(request.context().engine, viewer.school_id) as connection:
        map_subject(connection, viewer, source_id, field, pattern, str(subject))
    return _("{pattern} now has a subject.", pattern=pattern)


def _unassign(viewer: Viewer, asked: dict[str, Any]) -> str:
    source_id, field, pattern = _line(asked)
    with database.write_transaction(request.context().engine, viewer.school_id) as connection:
        unmap_subject(connection, viewer, source_id, field, pattern)
    return _("{pattern} has no subject of your school any more.", pattern=pattern)


def _line(asked: dict[str, Any]) -> tuple[int, str, str]:
    return _number(asked.get("source")), str(asked.get("field")), str(asked.get("index"))


def _decide(viewer: Viewer, asked: dict[str, Any]) -> str:
    context, apply = request.context(), asked.get("do") == "apply"
    rosters.decide_pending(context.engine, context.cipher, viewer, _number(asked.get("index")), apply)
    return _("The pupil list is applied.") if apply else _("The pupil list is not used; nothing has changed.")


def _link_file(viewer: Viewer, contents: object) -> str:
    text = _text_of(contents)
    context = request.context()
    with database.write_transaction(context.engine, viewer.school_id) as connection:
        done = identity.link_csv(connection, context.cipher, viewer, text)
    if done.errors:
        first = done.errors[0]
        raise _ActionRefused(first.sentence_nl if language() == "nl" else first.sentence_en)
    return n_("{number} identifier linked.", "{number} identifiers linked.", done.linked)


def _text_of(contents: object) -> str:
    """The text of an uploaded file: a data address with base64, UTF-8."""
    wrong = _ActionRefused(_("This file is not a CSV file in UTF-8."))
    if not isinstance(contents, str) or "," not in contents:
        raise wrong
    try:
        data = base64.b64decode(contents.partition(",")[2], validate=True)
        if len(data) > LARGEST_FILE:
            raise wrong
        return data.decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise wrong from error
