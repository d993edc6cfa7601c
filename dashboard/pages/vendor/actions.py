"""The form routes of the vendor pages: create, view, report on and erase a sandbox; download a report.

Each answers with a redirect; the guard has checked the session and the origin of the request.
"""

from __future__ import annotations

import json
from dataclasses import replace

import flask
from flask.typing import ResponseReturnValue

from dashboard.auth import request
from dashboard.pages.vendor.parts import FULL, NOT_NOW, OFTEN, read_token
from dashboard.ui import addresses
from models.ingest import page_requests
from models.ingest.page_requests import PageRequest
from models.sandbox import sandboxes
from models.sandbox.sandboxes import Sandbox
from models.schema.rate_limit import Rate

SANDBOX_RATE = Rate(5, 3600.0)  # of one browser
# Extension in the address: name in the store, media type.
FILES = {
    "html": ("html", "text/html; charset=utf-8"),
    "json": ("json", "application/json"),
    "xml": ("junit", "application/xml"),
}


def register(server: flask.Flask) -> None:
    """The routes of the pages for vendors."""
    post = ["POST"]
    server.add_url_rule(addresses.SANDBOXES, "make_room", create_sandbox, methods=post)
    server.add_url_rule(f"{addresses.SANDBOXES}/<token>/bekijk", "look_at_room", view_as_teacher, methods=post)
    server.add_url_rule(f"{addresses.SANDBOXES}/<token>/terug", "leave_room", leave_sandbox, methods=post)
    server.add_url_rule(f"{addresses.SANDBOXES}/<token>/rapport", "report_on_room", report_on_sandbox, methods=post)
    server.add_url_rule(f"{addresses.SANDBOXES}/<token>/wissen", "erase_room", erase_sandbox, methods=post)
    server.add_url_rule(f"{addresses.CHECK_RESULTS}/<token>/rapport.<kind>", "report_file", report_file)


def create_sandbox() -> ResponseReturnValue:
    """Create a sandbox and redirect to it; back with the reason where none can be created now."""
    viewer, context = request.viewer(), request.context()
    if viewer is None or not viewer.may_test:
        flask.abort(403)
    if not request.within_rate_limit(SANDBOX_RATE):
        return flask.redirect(f"{addresses.VENDOR}?{NOT_NOW}={OFTEN}", 303)
    try:
        sandbox = sandboxes.create_sandbox(context.engine, context.cipher, viewer.name, context.options.sandbox_days)
    except sandboxes.NoSandboxAvailable:
        return flask.redirect(f"{addresses.VENDOR}?{NOT_NOW}={FULL}", 303)
    return flask.redirect(f"{addresses.SANDBOXES}/{sandbox.account.token}", 303)


def view_as_teacher(token: str) -> ResponseReturnValue:
    """Sign in as the fictitious teacher of the sandbox's first school, until leaving the sandbox."""
    sandbox = _sandbox_of(token)
    session = request.current_session()
    assert session is not None
    request.sign_in_as(replace(session.entry, sandbox_id=sandbox.id))
    return flask.redirect(addresses.CLASSES, 303)


def leave_sandbox(token: str) -> ResponseReturnValue:
    """Return to the original user, on the page of the sandbox."""
    request.leave_sandbox()
    sandbox_token = read_token(token)
    return flask.redirect(f"{addresses.SANDBOXES}/{sandbox_token}" if sandbox_token else addresses.VENDOR, 303)


def report_on_sandbox(token: str) -> ResponseReturnValue:
    """Request a report on a sandbox and redirect to it; back with the reason where too many checks are waiting."""
    sandbox, context = _sandbox_of(token), request.context()
    page_request = PageRequest(
        page_requests.SANDBOX,
        sandbox.account.customer_name,
        json.dumps({"token": sandbox.account.token}).encode(),
        sandbox_id=sandbox.id,
        requested_by=request.vendor_id(),
        target=f"sandbox {sandbox.id}",
    )
    try:
        request_token = page_requests.submit(context.engine, context.cipher, page_request)
    except page_requests.TooManyRequests as too_many:
        why = OFTEN if too_many.own else FULL
        return flask.redirect(f"{addresses.SANDBOXES}/{sandbox.account.token}?{NOT_NOW}={why}", 303)
    return flask.redirect(f"{addresses.CHECK_RESULTS}/{request_token}?proef={sandbox.account.token}", 303)


def erase_sandbox(token: str) -> ResponseReturnValue:
    """Erase a sandbox with all its data; who was signed in as its teacher becomes the original user again."""
    sandbox, context = _sandbox_of(token), request.context()
    sandboxes.erase_sandbox(context.engine, sandbox.id)
    return flask.redirect(f"{addresses.VENDOR}?gewist=1", 303)


def report_file(token: str, kind: str) -> ResponseReturnValue:
    """Download the report of a check."""
    request_token, context = read_token(token), request.context()
    if request_token is None or kind not in FILES:
        flask.abort(404)
    name, media_type = FILES[kind]
    content = page_requests.file_of(context.engine, context.cipher, request_token, name)
    if content is None:
        flask.abort(404)
    answer = flask.Response(content, content_type=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="uwlr-toets.{kind}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _sandbox_of(token: str) -> Sandbox:
    """The sandbox with this token; 404 where there is none."""
    sandbox_token, context = read_token(token), request.context()
    sandbox = sandboxes.find_sandbox(context.engine, context.cipher, sandbox_token) if sandbox_token else None
    if sandbox is None:
        flask.abort(404)
    return sandbox
