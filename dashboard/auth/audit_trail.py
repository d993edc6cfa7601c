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
    flask.g.setdefault("audited", []).append((viewer, event))


def write_events(answer: flask.Response) -> flask.Response:
    """Write what was noted; where that cannot be done, nothing is shown. A sandbox has fictitious pupils and no log."""
    user = request.current_user()
    noted: list[tuple[Viewer | None, Event]] = flask.g.get("audited", [])
    views: dict[str, set[int]] = flask.g.get("audited_views", {}) if answer.status_code < 400 else {}
    own: list[Event] = [Looked(screen, tuple(sorted(ids))) for screen, ids in views.items() if ids]
    if user is None or user.sandbox is None:
        own += [event for viewer, event in noted if viewer is None and user is not None]
        try:
            if user is not None:
                request.context().audit.append(user.viewer, own)
            for viewer, event in noted:
                if viewer is not None:
                    request.context().audit.append(viewer, [event])
        except SQLAlchemyError as failed:
            log.error("%s: the audit log cannot be written", type(failed).__name__)
            sentence = _("The database of Rondblik does not answer. Try again in a few minutes.")
            return flask.make_response(flask.jsonify({"error": sentence}), 503)
    return answer
