"""What is answered where a request fails: one sentence in the language of the session, and nothing of the request.

The log gets the kind of error and its place in the code; a message of an error can hold what a client sent.
"""

from __future__ import annotations

import errno
import logging
import traceback

import flask
from dash.exceptions import DependencyException, InvalidResourceError
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException

from dashboard.auth.guard import CALLBACK, Refused
from dashboard.server.plain_page import link, paragraph, plain_page
from dashboard.text.translate import _
from dashboard.ui import addresses

AWAY = (OperationalError, InterfaceError, NoConnection)  # how a database is missed that does not answer
EXHAUSTED = (errno.EMFILE, errno.ENFILE)  # files that may be open: too many connections at once, say
OWN_CODE = "/dashboard/pages/"
SAME_ADDRESS = ""

log = logging.getLogger("rondblik.web")


def register(server: flask.Flask) -> None:
    """Answer every error of `server` here; after Dash, which registers an answer of its own for some."""
    for kind in (InvalidResourceError, DependencyException):
        server.register_error_handler(kind, _no_resource)
    server.register_error_handler(HTTPException, _refused)
    server.register_error_handler(Exception, _failed)


def _no_resource(_error: Exception) -> ResponseReturnValue:
    return _answer(404)


def _refused(error: HTTPException) -> ResponseReturnValue:
    """An error of HTTP itself; what is behind a redirect goes on as it is."""
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, Refused):
        return _answer(error.code, error.sentence, error.remedy)
    return _answer(error.code)


def _failed(error: Exception) -> ResponseReturnValue:
    """500, or 503 without a database or a descriptor.

    A callback that fails before it reaches the code of a page is one that no page of ours sends: 400.
    """
    frames = traceback.extract_tb(error.__traceback__)
    reached = any(OWN_CODE in frame.filename.replace("\\", "/") for frame in frames)
    status = 400 if flask.request.path == CALLBACK and not reached else 500
    exhausted = isinstance(error, OSError) and error.errno in EXHAUSTED
    status = 503 if isinstance(error, AWAY) or exhausted else status
    last = frames[-1]
    log.log(
        logging.ERROR if status >= 500 else logging.WARNING,
        "%d: %s in %s, line %s",
        status, type(error).__name__, last.name, last.lineno,
    )  # fmt: skip
    return _answer(status, _("Rondblik cannot answer now. Try again in a few minutes.") if exhausted else None)


def _answer(status: int, sentence: str | None = None, remedy: str = "") -> flask.Response:
    """JSON for what a script of ours asks, a page for who looks, plain text for the rest."""
    sentence = sentence or _sentence(status)
    media_type = flask.request.accept_mimetypes.best_match(("text/plain", "text/html", "application/json"))
    if flask.request.path == CALLBACK or media_type == "application/json":
        answer = flask.jsonify({"error": f"{sentence} {remedy}".strip()})
        answer.status_code = status
        return answer
    if media_type == "text/html":
        return flask.Response(_page(status, sentence, remedy), status, mimetype="text/html")
    return flask.Response(f"{sentence} {remedy}".strip() + "\n", status, mimetype="text/plain")


def _sentence(status: int) -> str:
    if status == 503:
        return _("The database of Rondblik does not answer. Try again in a few minutes.")
    if status >= 500:
        return _("Something went wrong in Rondblik. Try again; if it goes on, tell your administrator.")
    return {
        404: _("There is nothing at this address."),
        405: _("This address cannot be used in this way."),
        413: _("This is too large to take in."),
    }.get(status, _("This request is not one that Rondblik knows."))


def _page(status: int, sentence: str, remedy: str) -> str:
    """What is wrong, and what to do or where to go on; a page that failed for a while can be loaded again."""
    if remedy:
        return plain_page(sentence, paragraph(remedy))
    if status == 503 and flask.request.method == "GET":
        return plain_page(sentence, link(SAME_ADDRESS, _("Load again")))
    return plain_page(sentence, link(addresses.HOME, _("To your start page")))
