"""What operators do at the command line, in the audit log of each school that it concerns; they have no account."""

from __future__ import annotations

from collections.abc import Iterable

from dashboard.settings.open_store import Store
from models.access.audit import Administered, audit_log
from models.access.viewer import Role, Viewer


def operator(school_id: int, command: str) -> Viewer:
    """Who acts on a school by this command, such as `rondblik sender`."""
    return Viewer(school_id, Role.ADMINISTRATOR, name=command)


def note_down(
    store: Store, command: str, school_ids: Iterable[int], action: str, about: int = 0, pupil_ids: tuple[int, ...] = ()
) -> None:
    """Note an action (`dashboard.text.audit_words`) and the number of what it is about."""
    with audit_log(store.engine, store.cipher) as log:
        for school_id in sorted(set(school_ids)):
            log.append(operator(school_id, command), [Administered(action, about, pupil_ids)])
