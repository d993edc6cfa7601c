"""The routes of the data of a pupil: the file, the count of what erasing deletes, the erasure, its certificate."""

from __future__ import annotations

import json
import unicodedata

import flask
from flask.typing import ResponseReturnValue

from dashboard.auth import audit_trail, request
from dashboard.auth.guard import Refused
from dashboard.export.erasure_certificate import erasure_certificate
from dashboard.export.pupil_page import pupil_page
from dashboard.text.translate import _
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.matrix_table import pupil_word
from models.access.audit import Administered, Exported
from models.access.people import pupil_name, school_name
from models.access.viewer import AccessDenied, Viewer
from models.ingest import page_requests
from models.ingest.page_requests import PageRequest, RequestState
from models.ingest.pupil_file import PupilFile, file_for
from models.schema import database

FILES = f"{addresses.PUPIL_DATA}/bestand"
COUNTS = f"{addresses.PUPIL_DATA}/tellen"
ERASURES = f"{addresses.PUPIL_DATA}/wissen"  # with the token of a request: its page, and the form on that
CERTIFICATES = f"{addresses.PUPIL_DATA}/bewijs"
WRONG_FIELD = 422


def register(server: flask.Flask) -> None:
    """The routes."""
    post = ["POST"]
    server.add_url_rule(f"{FILES}/<number>.<kind>", "pupil_file", save_file)
    server.add_url_rule(f"{COUNTS}/<int(max=2147483647):pupil_id>", "count_erasure", count, methods=post)
    server.add_url_rule(f"{ERASURES}/<token>", "erase_pupil", erase, methods=post)
    server.add_url_rule(f"{CERTIFICATES}/<token>.html", "erasure_certificate", save_certificate)


def file_href(pupil_id: int, kind: str) -> str:
    """The address of the file of a pupil; `kind` is html or json."""
    return f"{FILES}/{addresses.number(pupil_id)}.{kind}"


def certificate_href(token: str) -> str:
    """The address of the certificate of an erasure."""
    return f"{CERTIFICATES}/{token}.html"


def count_form(pupil_id: int) -> html.Form:
    """The button that shows what erasing a pupil would delete."""
    return html.Form(
        html.Button(_("Show what erasing deletes"), type="submit", className="btn pri"),
        action=f"{COUNTS}/{pupil_id}",
        method="POST",
    )


def find_request(viewer: Viewer, token: str | None) -> RequestState | None:
    """The count or erasure with this token, where an administrator of the same school asked for it."""
    context = request.context()
    if token is None or not viewer.may_administer:
        return None
    found = page_requests.find(context.engine, context.cipher, token)
    kinds = (page_requests.COUNT_ERASURE, page_requests.ERASE)
    return found if found is not None and found.kind in kinds and found.school_id == viewer.school_id else None


def is_erased(erasure: RequestState) -> bool:
    """Whether a request is of an erasure that was done, and is over: else its report may be there already."""
    is_over = erasure.state in (page_requests.DONE, page_requests.FAILED)
    return erasure.kind == page_requests.ERASE and is_over and erasure.report is not None


def save_file(number: str, kind: str) -> ResponseReturnValue:
    """Everything that is stored about a pupil, as JSON or as a page."""
    viewer, context = request.viewer(), request.context()
    pupil_id = addresses.read_number(number)
    if viewer is None or pupil_id is None or kind not in _WRITTEN:
        flask.abort(404)
    try:
        with database.read_transaction(context.engine, viewer.school_id) as connection:
            file = file_for(connection, context.cipher, viewer, pupil_id)
    except AccessDenied:
        flask.abort(403 if not viewer.gives_pupil_files else 404)
    audit_trail.record(Exported("whole file", kind, (pupil_id,)))
    media_type, write = _WRITTEN[kind]
    return _attached(write(file), media_type, f"leerling-{pupil_id}.{kind}")


def _as_json(file: PupilFile) -> bytes:
    return json.dumps(file, ensure_ascii=False, indent=2).encode()


_WRITTEN = {
    "json": ("application/json; charset=utf-8", _as_json),
    "html": ("text/html; charset=utf-8", pupil_page),
}


def count(pupil_id: int) -> ResponseReturnValue:
    """Have it counted what erasing a pupil of the school would delete."""
    viewer, context = _administrator(), request.context()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        if pupil_name(connection, viewer, pupil_id) is None:
            flask.abort(404)
    audit_trail.record(Administered("erasure counted", pupil_id, (pupil_id,)))
    return _submit(page_requests.COUNT_ERASURE, viewer, pupil_id)


def erase(token: str) -> ResponseReturnValue:
    """Have a pupil erased of whom it was counted what that deletes, and whose name was typed."""
    viewer, context = _administrator(), request.context()
    counted = find_request(viewer, token)
    if counted is None or counted.kind != page_requests.COUNT_ERASURE or counted.report is None:
        flask.abort(404)
    pupil_id = int(counted.report["pupil"])
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        pupil = pupil_name(connection, viewer, pupil_id)
    if pupil is None:
        flask.abort(404)
    if not is_confirmed(flask.request.form.get("naam", ""), pupil_word(pupil)):
        raise Refused(_("This is not the name of the pupil. Nothing was erased."), WRONG_FIELD)
    audit_trail.record(Administered("erasure asked for", pupil_id, (pupil_id,)))
    return _submit(page_requests.ERASE, viewer, pupil_id)


def is_confirmed(typed: str, name: str) -> bool:
    """Whether what was typed is this name, apart from capitals, spaces, and the spelling of accents and quotes."""
    return _plain(typed) == _plain(name)


def _plain(name: str) -> str:
    composed = unicodedata.normalize("NFKC", name).replace("\u2019", "'").replace("\u2018", "'")
    return " ".join(composed.split()).casefold()


def save_certificate(token: str) -> ResponseReturnValue:
    """What was erased and when, as a page without a name."""
    viewer, context = request.viewer(), request.context()
    erasure = None if viewer is None else find_request(viewer, token)
    if viewer is None or erasure is None or erasure.report is None or not is_erased(erasure):
        flask.abort(404)
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        school = school_name(connection, viewer) or ""
    page = erasure_certificate(school, erasure.report)
    return _attached(page, "text/html; charset=utf-8", f"gewist-{erasure.report['pupil']}.html")


def _submit(kind: str, viewer: Viewer, pupil_id: int) -> ResponseReturnValue:
    context = request.context()
    by = {"by": viewer.name, "user": viewer.user_key, "role": viewer.role_id}
    payload = json.dumps({"pupil": pupil_id, **by}).encode()
    asked = PageRequest(kind, str(pupil_id), payload, school_id=viewer.school_id)
    token = page_requests.submit(context.engine, context.cipher, asked)
    return flask.redirect(f"{ERASURES}/{token}", 303)


def _attached(content: bytes, media_type: str, name: str) -> flask.Response:
    answer = flask.Response(content, content_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="rondblik-{name}"'
    return answer


def _administrator() -> Viewer:
    viewer = request.viewer()
    if viewer is None or not viewer.may_administer:
        flask.abort(403)
    return viewer
