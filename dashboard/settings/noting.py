"""Notes in the audit log what the configuration changed of the connections of each school."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select

from dashboard.settings.applying import BY
from models.access.audit import Administered, audit_log
from models.access.viewer import Role, Viewer
from models.schema.database import read_transaction
from models.schema.encryption import PiiCipher
from models.schema.tables import sender_key_schools, sender_keys, senders, source_connections


@dataclass(frozen=True, slots=True)
class _State:
    """What of a connection is noted when it changes."""

    agreement: str | None
    keys: frozenset[int] = frozenset()  # those that are valid
    terms: str | None = None


_States = Mapping[tuple[int, int], _State]  # of the connections that are used, by school and source


@contextmanager
def noted_changes(engine: Engine, cipher: PiiCipher) -> Iterator[None]:
    """Note what the block changes of connections: those that come and go, their keys, terms and agreements.

    Addresses and intervals stand in the configuration alone, so that a change of those leaves no event.
    """
    with read_transaction(engine) as connection:
        before = _states(connection)
    yield
    with read_transaction(engine) as connection:
        after = _states(connection)
    with audit_log(engine, cipher) as log:
        for school_id, source_id in sorted(before.keys() | after.keys()):
            actions = _actions(before.get((school_id, source_id)), after.get((school_id, source_id)))
            if actions:
                by = Viewer(school_id, Role.ADMINISTRATOR, name=BY)
                log.append(by, [Administered(action, source_id) for action in actions])


def _states(connection: Connection) -> _States:
    keys: dict[tuple[int, int], set[int]] = {}
    valid = (
        select(sender_key_schools.c.school_id, sender_keys.c.source_id, sender_keys.c.id)
        .join(sender_keys, sender_keys.c.id == sender_key_schools.c.key_id)
        .where(sender_keys.c.revoked_us.is_(None))
    )
    for school_id, source_id, key_id in connection.execute(valid):
        keys.setdefault((school_id, source_id), set()).add(key_id)
    terms = {row.source_id: row.terms for row in connection.execute(select(senders.c.source_id, senders.c.terms))}
    used = select(source_connections.c.school_id, source_connections.c.source_id, source_connections.c.agreement).where(
        source_connections.c.active
    )
    return {
        (school_id, source_id): _State(agreement, frozenset(keys.get((school_id, source_id), ())), terms.get(source_id))
        for school_id, source_id, agreement in connection.execute(used)
    }


def _actions(before: _State | None, after: _State | None) -> list[str]:
    """What was done, in the words of `dashboard.text.audit_words`."""
    if before is None or after is None:
        return ["connection added"] if before is None else ["connection removed"]
    done = {
        "sender key added": bool(after.keys - before.keys),
        "sender key revoked": bool(before.keys - after.keys),
        "sender terms changed": after.terms != before.terms,
        "connection agreement changed": after.agreement != before.agreement,
    }
    return [action for action, happened in done.items() if happened]
