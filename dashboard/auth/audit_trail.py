"""What a request adds to the audit log: noted while it is answered, and written before its answer is sent."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import flask
from sqlalchemy.exc import SQLAlchemyError

from dashboard.auth import request
from dashboard.text.translate import _
from models.access.audit import Event, Looked
from models.access.viewer import Viewer

log = logging.getLogger("rondblik.audit")


def looked(screen: str, pupil_ids: Iterable[int]) -> None:
    """Note that the answer shows these pupils; a screen that is read in parts is one event."""
    views: dict[str, set[int]] = flask.g.setdefault("audited_views", {})
    views.setdefault(screen, set()).update(pupil_ids)


def record(event: Event, viewer: Viewer | None = None) -> None:
    """Note something else that the user of this request did; `viewer` where the request began without one."""
    who = viewer or request.viewer()
    if who is not None:
        flask.g.setdefault("audited", []).append((who, event))


def write_events(answer: flask.Response) -> flask.Response:
    """Write what was noted; where that cannot be done, nothing is shown. A sandbox has fictitious pupils and no log."""
    user = request.current_user()
    if user is not None and user.sandbox is not None:
        return answer
    views: dict[str, set[int]] = flask.g.get("audited_views", {}) if answer.status_code < 400 else {}
    by_viewer: dict[Viewer, list[Event]] = {}
    if user is not None:
        by_viewer[user.viewer] = [Looked(screen, tuple(sorted(ids))) for screen, ids in views.items() if ids]
    for viewer, event in flask.g.get("audited", ()):
        by_viewer.setdefault(viewer, []).append(event)
    try:
        for viewer, events in by_viewer.items():
            request.context().audit.append(viewer, events)
    except SQLAlchemyError as failed:
        log.error("%s: the audit log cannot be written", type(failed).__name__)
        sentence = _("The database of Rondblik does not answer. Try again in a few minutes.")
        return flask.make_response(flask.jsonify({"error": sentence}), 503)
    return answer
