"""The files of a class screen: made of the snapshot that stood on the screen, for who saw it."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import flask
from flask.typing import ResponseReturnValue

from dashboard.auth import audit_trail, request
from dashboard.export.file_formats import FORMATS
from dashboard.pages.class_page.page import FILE_PATH
from dashboard.text.translate import _
from dashboard.ui import addresses
from dashboard.ui.filters import CONTROLS, OPEN_GROUP
from models.access.audit import Exported
from models.access.people import can_see_all
from models.results.result_rows import pupil_identifiers
from models.schema import clock, database


def register(server: flask.Flask) -> None:
    """The route."""
    server.add_url_rule(f"{FILE_PATH}/<token>.<kind>", "group_file", group_file)


def group_file(token: str, kind: str) -> ResponseReturnValue:
    """The sheet of a screen as a file; where it is not kept any more back to the screen, with the same filters."""
    viewer = request.viewer()
    file_format = FORMATS.get(kind)
    if viewer is None or file_format is None:
        flask.abort(404)
    if not viewer.reads_results:
        return flask.redirect(_same_screen(), 303)  # which says what the role is for
    context = request.context()
    sheet = context.snapshots.find(viewer, token)
    if sheet is not None:
        with database.read_transaction(context.engine, viewer.school_id) as connection:
            pupil_ids = {row.pupil_id for row in sheet.rows}
            owners = pupil_identifiers(connection, viewer, sorted(pupil_ids))
            if not can_see_all(connection, viewer, pupil_ids) or not sheet.shows_no_more_than(owners):
                sheet = None  # who lost the class or a subject since does not take its results along
    if sheet is None:
        request.flash(_("That screen is no longer kept. This is the current one; save it from here."), well=False)
        return flask.redirect(_same_screen(), 303)
    audit_trail.record(Exported("class", kind, tuple(sorted({row.pupil_id for row in sheet.rows}))))
    answer = flask.Response(file_format.write(sheet), content_type=file_format.media_type)
    day = clock.from_us(sheet.taken_us).astimezone(clock.AMSTERDAM).date().isoformat()
    name = re.sub(r"[^A-Za-z0-9]+", "-", sheet.title).strip("-").lower() or "groep"
    answer.headers["Content-Disposition"] = f'attachment; filename="rondblik-{name}-{day}.{kind}"'
    return answer


def _same_screen() -> str:
    """The address of the screen that the filters in the address of a file stand for."""
    filters = [(key, value) for key, value in flask.request.args.items() if key in (*CONTROLS, OPEN_GROUP)]
    return addresses.CLASSES + (f"?{urlencode(filters, safe=',')}" if filters else "")
