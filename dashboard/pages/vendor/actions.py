"""What a button of the pages for vendors asks for: a test room, its report, its end, its teacher; and reports as files.

Each is a form that goes where the answer says; the guard has looked at the session and at where the request is from.
"""

from __future__ import annotations

import json

import flask
from flask.typing import ResponseReturnValue

from dashboard.auth import request
from dashboard.auth.sessions import DemoUser
from dashboard.pages.vendor.parts import FULL, NOT_NOW, OFTEN, RESULT_PATH, ROOM_PATH, read_token
from dashboard.text.translate import _
from models.access.viewer import Role
from models.ingest import page_requests
from models.sandbox import sandboxes
from models.sandbox.sandboxes import Sandbox
from models.schema.rate_limit import Rate

START = "/toets"
SANDBOX_RATE = Rate(5, 3600.0)  # of one browser
# Name in the address, name in the store, media type.
FILES = {
    "html": ("html", "text/html; charset=utf-8"),
    "json": ("json", "application/json"),
    "xml": ("junit", "application/xml"),
}


def register(server: flask.Flask) -> None:
    """The routes of the pages for vendors."""
    post = ["POST"]
    server.add_url_rule("/toets/proef", "make_room", create_sandbox, methods=post)
    server.add_url_rule("/toets/proef/<token>/bekijk", "look_at_room", view_as_teacher, methods=post)
    server.add_url_rule("/toets/proef/<token>/terug", "leave_room", leave_sandbox, methods=post)
    server.add_url_rule("/toets/proef/<token>/rapport", "report_on_room", report_on_sandbox, methods=post)
    server.add_url_rule("/toets/proef/<token>/wissen", "erase_room", erase_sandbox, methods=post)
    server.add_url_rule("/toets/uitslag/<token>/rapport.<kind>", "report_file", report_file)


def create_sandbox() -> ResponseReturnValue:
    """A new test room, and to its page; back with the reason where there can be none now."""
    viewer, context = request.viewer(), request.context()
    if viewer is None or not viewer.may_test:
        flask.abort(403)
    if not request.within_rate_limit(SANDBOX_RATE):
        return flask.redirect(f"{START}?{NOT_NOW}={OFTEN}", 303)
    try:
        sandbox = sandboxes.create_sandbox(context.engine, context.cipher, viewer.name, context.options.sandbox_days)
    except sandboxes.NoSandboxAvailable:
        return flask.redirect(f"{START}?{NOT_NOW}={FULL}", 303)
    return flask.redirect(ROOM_PATH + sandbox.account.token, 303)


def view_as_teacher(token: str) -> ResponseReturnValue:
    """Look at the room's first school as its made-up teacher, at nothing else, until going back."""
    sandbox, context = _sandbox_of(token), request.context()
    request.leave_sandbox()  # who looks at a room already is somebody else of their own
    teacher = DemoUser(
        "proef",
        _("Teacher of the test school"),
        Role.TEACHER,
        sandboxes.teacher_of(context.engine, context.cipher, sandbox),
        sandbox.school_id,
        sandbox.account.token,
    )
    request.sign_in_as(teacher, request.current_user())
    return flask.redirect("/groep", 303)


def leave_sandbox(token: str) -> ResponseReturnValue:
    """Be oneself again, at the page of the room."""
    request.leave_sandbox()
    found = read_token(token)
    return flask.redirect(ROOM_PATH + found if found else START, 303)


def report_on_sandbox(token: str) -> ResponseReturnValue:
    """Ask for a report on a room, and to its page; back with the reason where too much waits."""
    sandbox, context = _sandbox_of(token), request.context()
    given = json.dumps({"token": sandbox.account.token}).encode()
    title = sandbox.account.customer_name
    try:
        found = page_requests.submit(
            context.engine,
            context.cipher,
            page_requests.ROOM,
            title,
            given,
            sandbox.id,
            asked_by=request.browser_session_id(),
        )
    except page_requests.TooManyRequests as too_many:
        why = OFTEN if too_many.own else FULL
        return flask.redirect(f"{ROOM_PATH}{sandbox.account.token}?{NOT_NOW}={why}", 303)
    return flask.redirect(f"{RESULT_PATH}{found}?proef={sandbox.account.token}", 303)


def erase_sandbox(token: str) -> ResponseReturnValue:
    """Erase a room with all that is of it; who looked at it as its teacher is oneself again."""
    sandbox, context = _sandbox_of(token), request.context()
    sandboxes.erase_sandbox(context.engine, sandbox.id)
    return flask.redirect(f"{START}?gewist=1", 303)


def report_file(token: str, kind: str) -> ResponseReturnValue:
    """The report of a check as a file to keep."""
    found, context = read_token(token), request.context()
    if found is None or kind not in FILES:
        flask.abort(404)
    name, media_type = FILES[kind]
    content = page_requests.file_of(context.engine, context.cipher, found, name)
    if content is None:
        flask.abort(404)
    answer = flask.Response(content, content_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="uwlr-toets.{kind}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _sandbox_of(token: str) -> Sandbox:
    """The room with this token; 404 where there is none."""
    found, context = read_token(token), request.context()
    sandbox = sandboxes.find_sandbox(context.engine, context.cipher, found) if found else None
    if sandbox is None:
        flask.abort(404)
    return sandbox
