"""The erasure of a pupil that an administrator asks for: what it would delete, and the erasure with its certificate."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection

from connectors.errors import Fatal
from dashboard.worker.context import WorkContext
from models.access.accounts import is_role_now
from models.access.audit import audit_log
from models.access.viewer import Role, Viewer
from models.ingest import erasure, page_requests
from models.ingest.erasure import Certificate, Person, PupilUnknown
from models.ingest.legal_holds import Held, check_not_held
from models.ingest.page_requests import CheckOutput
from models.ingest.work_queue import Job
from models.schema.database import purge_deleted, read_transaction

OUT_OF_ORDER = (
    "Dit is door een storing bij ons niet gelukt. Kijk op de pagina van de leerling of die er nog is, en probeer het "
    "dan opnieuw.",
    "This failed through a fault on our side. Look whether the pupil is still there, and then try again.",
)
_UNKNOWN = Fatal(
    "Deze leerling is er niet (meer). Was er al om wissen gevraagd, dan is dat gebeurd: zie Wie heeft gekeken.",
    "This pupil is not there (any more). If erasing was asked for before, it was done: see Who looked.",
)
_HELD = Fatal(
    "Voor deze leerling of de hele school geldt een bewaarplicht. Er is niets gewist. De technisch "
    "beheerder kan de bewaarplicht beëindigen.",
    "A legal hold stands on this pupil or the whole school. Nothing was erased. The operator can end the hold.",
)
_NO_ROLE = Fatal(
    "Wie hierom vroeg, is intussen geen beheerder meer. Er is niets gewist.",
    "Whoever asked for this is no administrator any more. Nothing was erased.",
)
_NO_FOLDER = Fatal(
    "De datamap is niet bekend, zodat het wissen niet onthouden kan worden. Er is niets gewist.",
    "The data folder is unknown, so that the erasure cannot be remembered. Nothing was erased.",
)


def count_erasure(context: WorkContext, job: Job, payload: bytes) -> CheckOutput:
    """How much of each kind erasing the pupil would delete; nothing is changed. Raises Fatal."""
    try:
        person = _person(context, job, json.loads(payload))
    except PupilUnknown:
        raise _UNKNOWN from None
    return _output(_report(person.pupil_id, erasure.count(context.engine, context.cipher, person)))


def erase_pupil(context: WorkContext, job: Job, payload: bytes) -> CheckOutput:
    """Erase the pupil; the outcome is what the certificate says. Raises Fatal.

    What was erased is stored with the erasure: whoever goes on with the job of a worker that was killed only purges.
    """
    asked = json.loads(payload)
    report = page_requests.kept_report(context.engine, job) or _erase(context, job, asked)
    by = Viewer(job.school_id or 0, Role.ADMINISTRATOR, name=asked["by"], user_key=asked["user"])
    with audit_log(context.engine, context.cipher) as log:
        log.append_erasure(by, asked["pupil"])
    return _output({**report, "purged": purge_deleted(context.engine)})


def _erase(context: WorkContext, job: Job, asked: dict[str, Any]) -> dict[str, Any]:
    if context.data is None:
        raise _NO_FOLDER
    request = job.token_digest or b""
    try:
        person = _person(context, job, asked)
    except PupilUnknown:
        # Of a worker that was killed as it committed: opening the store erased, by the file in the data folder.
        before = erasure.certificate_of(context.data, lambda item: item.request == request.hex())
        if before is None:
            raise _UNKNOWN from None
        return _report(*before)

    def keep(connection: Connection, certificate: Certificate) -> None:
        page_requests.keep_report(connection, job, _report(person.pupil_id, certificate))

    try:
        done = erasure.erase_rows(context.engine, context.cipher, person, context.data, keep, request)
        return _report(person.pupil_id, done)
    except Held:
        raise _HELD from None


def _person(context: WorkContext, job: Job, asked: dict[str, Any]) -> Person:
    """The pupil who is meant, of the school of the administrator who asked. Raises Fatal or PupilUnknown."""
    if job.school_id is None:
        raise _UNKNOWN
    try:
        with read_transaction(context.engine, job.school_id) as connection:
            if asked.get("role") is not None and not is_role_now(connection, asked["role"]):
                raise _NO_ROLE
            check_not_held(connection, job.school_id, asked["pupil"])
            return erasure.find_pupil(connection, context.cipher, job.school_id, asked["pupil"])
    except Held:
        raise _HELD from None


def _report(pupil_id: int | None, certificate: Certificate) -> dict[str, Any]:
    return {
        "pupil": pupil_id,
        "moment_us": certificate.erased_us,
        "counts": certificate.counts,
        "purged": certificate.purged,
    }


def _output(report: dict[str, Any]) -> CheckOutput:
    return CheckOutput(report, b"", b"", {})
