"""The files of a class screen: made of the snapshot that stood on the screen, for who saw it."""

from __future__ import annotations

import re

import flask
from flask.typing import ResponseReturnValue

from dashboard.auth import request
from dashboard.export import file_formats
from dashboard.pages.class_page.page import FILE_PATH
from dashboard.text.translate import _
from dashboard.ui import addresses
from models.access.people import can_see_all
from models.schema import clock, database


def register(server: flask.Flask) -> None:
    """The route."""
    server.add_url_rule(f"{FILE_PATH}/<token>.<kind>", "group_file", group_file)


def group_file(token: str, kind: str) -> ResponseReturnValue:
    """The sheet of a screen as a file; back to the screen where it is not kept any more."""
    viewer = request.viewer()
    if viewer is None or kind not in file_formats.FILES:
        flask.abort(404)
    context = request.context()
    sheet = context.snapshots.find(viewer, token)
    if sheet is not None:
        with database.read_transaction(context.engine) as connection:
            if not can_see_all(connection, viewer, {row.pupil_id for row in sheet.rows}):
                sheet = None  # who lost the class since does not take its results along
    if sheet is None:
        request.flash(_("What stood on that screen is not kept any more. Save it from here."), well=False)
        return flask.redirect(addresses.CLASSES, 303)
    make, media_type = file_formats.FILES[kind]
    answer = flask.Response(make(sheet), content_type=media_type)
    day = clock.from_us(sheet.taken_us).astimezone(clock.AMSTERDAM).date().isoformat()
    name = re.sub(r"[^A-Za-z0-9]+", "-", sheet.title).strip("-").lower() or "groep"
    answer.headers["Content-Disposition"] = f'attachment; filename="rondblik-{name}-{day}.{kind}"'
    return answer
