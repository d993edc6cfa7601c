"""`rondblik key rotate`, on each database: nothing is lost, also where it is killed, and what was erased stays so."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary, create_engine, select, update

from connectors.uwlr.agreement import TOLERANT
from dashboard.cli import main as cli
from dashboard.server import pending
from models.access import local_accounts
from models.access.accounts import subject_digest
from models.access.audit import AuditLog, SignedIn, open_audit
from models.ingest import erased, erasure, identity, own_connections, rosters
from models.ingest.own_connections import SourceSettings
from models.sandbox import sandboxes
from models.schema import database
from models.schema.encrypted_columns import ENCRYPTED, place
from models.schema.encryption import FORM, NEXT_KEY_FILE, DecryptionFailed, PiiCipher, former_keys, read_key
from models.schema.store_key import open_encrypted
from models.schema.tables import accounts, identifiers, key_fingerprints, metadata, pupils
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.installation import Installation, configured
from tests.dashboard.test_backup import backup_of, elsewhere
from tests.models.filled import ROSTER
from tests.models.test_erasure import (
    ADMINISTRATOR,
    EVERYWHERE,
    LAS_KEY,
    PUPIL,
    SCHOOL,
    Known,
    _now,
    erase,
    fill_with_pupil,
    results_of,
    where_named,
)
from tests.models.test_store import take
from tests.uwlr.messages import result_xml

__all__ = ["_now", "elsewhere"]


KILLS = 4


class Full(Installation):
    """An installation that has a value in every encrypted column, and somebody who looked and who signs in."""

    pupil_id: int
    token: str

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """The store, as a command opens it."""
        engine = database.open_engine(self.url)
        try:
            yield Store(engine, open_encrypted(engine, self.data))
        finally:
            engine.dispose()


@pytest.fixture
def known(any_store: Store, tmp_path: Path) -> Full:
    pupil_id = fill_with_pupil(any_store).pupil_id
    engine, cipher = any_store.engine, any_store.cipher
    sandbox = sandboxes.create_sandbox(engine, cipher, "Uitgever")
    settings = SourceSettings("publisher", "Rekenwijs", {"url": "https://rekenwijs.example", "key": "geheim"})
    with database.write_transaction(engine) as connection:
        own_connections.save_draft(connection, cipher, ADMINISTRATOR, None, settings)
        local_accounts.add(connection, cipher, "sam", "Sam", "een heel lang wachtwoord")
    pending.begin(engine, cipher, "browser", pending.Pending("entree", pending.new_secrets(), "/", None))
    with audit_of(any_store) as log:
        log.append(ADMINISTRATOR, [SignedIn("in")])
    url = engine.url.render_as_string(hide_password=False)
    engine.dispose()
    if engine.dialect.name == "postgresql":
        (tmp_path / "keys").rename(tmp_path / "data")
    data = configured(tmp_path / "data", url)
    made = Full(data.data, url, data.roster)
    made.pupil_id, made.token = pupil_id, sandbox.account.token
    return made


def values(store: Store) -> Iterator[tuple[Any, bytes, bytes]]:
    """Every encrypted value with its column and place."""
    with database.read_transaction(store.engine) as connection:
        for column, key in ENCRYPTED.items():
            for row in connection.execute(select(*key, column).where(column.is_not(None))):
                yield column, place(column, *row[:-1]), row[-1]


@contextmanager
def audit_of(store: Store) -> Iterator[AuditLog]:
    log = open_audit(store.engine, store.cipher)
    try:
        yield log
    finally:
        log.engine.dispose()


def check_sound(full: Full) -> PiiCipher:
    """Everything is readable, nothing twice, and nobody is a stranger; returns the cipher."""
    with full.opened() as store:
        engine, cipher = store.engine, store.cipher
        everywhere = list(values(store))
        assert {value[:5] for _, _, value in everywhere} == {FORM + cipher.key_id}
        for _, where, value in everywhere:
            cipher.decrypt(value, where)
        assert where_named(store) | {"rosters.sealed"} == EVERYWHERE  # a list that waits goes with the next one
        before = number_of_pupils(store)
        apply_roster(store)
        assert number_of_pupils(store) == before
        with database.read_transaction(engine) as connection:
            assert erasure.find_by_identifier(connection, cipher, SCHOOL, LAS_KEY).pupil_id == full.pupil_id
            own = accounts.c.subject_digest == subject_digest(cipher, local_accounts.LOCAL, "sam")
            assert connection.scalar(select(accounts.c.name).where(own)) == "Sam"
        assert sandboxes.find_sandbox(engine, cipher, full.token) is not None
        with audit_of(store) as log:
            assert log.problems(SCHOOL) == []
    return cipher


_moments = itertools.count(10_000)


def apply_roster(store: Store) -> None:
    """A pupil list with everybody comes in."""
    everybody = replace(ROSTER, pupils=(*ROSTER.pupils, PUPIL), created_us=next(_moments), digest=os.urandom(32))
    save: dict[str, Any] = {"school_id": SCHOOL, "source_id": school.LAS, "way": "load"}
    assert rosters.save_roster(store.engine, store.cipher, roster=everybody, **save).state == rosters.APPLIED


def number_of_pupils(store: Store) -> int:
    with database.read_transaction(store.engine) as connection:
        return len(connection.execute(select(pupils.c.id)).all())


# -- rotating ----------------------------------------------------------------------------------------------------


def test_everything_is_encrypted_anew_and_found_again(known: Full) -> None:
    key = known.key.read_text()
    with known.opened() as store, audit_of(store) as log:
        before, head = list(values(store)), log.head(SCHOOL)
    empty = {str(column) for column in ENCRYPTED} - {str(column) for column, _, _ in before}
    assert empty == {"own_connections.settings", "test_arrivals.exchange"}
    digests = {bytes(row.digest) for row in known.rows()["identifiers"] if row.kind != identity.PAIR}
    code, out, errors = known.outcome("key", "rotate")
    assert (code, errors) == (0, "")
    (former,) = known.data.glob("sealing.key.*")
    assert former.name in out
    assert former.read_text() == key
    assert {path.stat().st_mode & 0o777 for path in (former, known.key)} == {0o600}
    assert not (known.data / NEXT_KEY_FILE).exists()
    assert not digests & {bytes(row.digest) for row in known.rows()["identifiers"]}
    cipher = check_sound(known)
    with known.opened() as fresh, audit_of(fresh) as log:
        after = list(values(fresh))
        assert log.problems(SCHOOL, [head]) == []
    for other, encrypted in ((cipher, before), (store.cipher, after)):
        for _, where, value in encrypted:
            with pytest.raises(DecryptionFailed):
                other.decrypt(value, where)
    assert known.run("key", "rotate") == (0, "")
    assert len(former_keys(known.data, check_sound(known))) == 2


def test_every_binary_column_is_encrypted_or_known_not_to_be() -> None:
    clear = {"key_fingerprints.fingerprint", "work_queue.requested_by", "work_queue.html", "work_queue.junit",
             "sessions.browser", "kept_sheets.viewer"}  # fmt: skip
    for table in metadata.tables.values():
        for column in table.c:
            if isinstance(column.type, LargeBinary) and not column.name.endswith("digest"):
                assert (column in ENCRYPTED) != (str(column) in clear), column


def test_an_encrypted_value_is_of_no_use_in_another_row_or_column(store: Store) -> None:
    fill_with_pupil(store)
    everywhere = list(values(store))
    for number, (_, _, value) in enumerate(everywhere):
        with pytest.raises(DecryptionFailed):
            store.cipher.decrypt(value, everywhere[number - 1][1])
    with database.write_transaction(store.engine, SCHOOL) as connection:
        own = identifiers.c.school_id == SCHOOL
        of_roster = own, identifiers.c.kind == identity.LAS, identifiers.c.pupil_id.is_not(None)
        one, other = connection.execute(select(identifiers).where(*of_roster).limit(2)).all()
        connection.execute(update(identifiers).where(own, identifiers.c.id == one.id).values(sealed=other.sealed))
        with pytest.raises(DecryptionFailed):
            erasure.find_pupil(connection, store.cipher, SCHOOL, one.pupil_id)


def test_nothing_is_rotated_while_somebody_uses_the_database_or_where_a_value_cannot_be_read(known: Full) -> None:
    other = create_engine(known.url)
    with other.connect() as connection:
        connection.execute(select(pupils.c.id)).all()
        connection.rollback()
        assert "in use" in known.refused("key", "rotate")
    other.dispose()
    check_sound(known)
    known.change("UPDATE notes SET sealed = raw_messages.sealed FROM raw_messages")
    before = known.rows()
    code, reading = known.run("key", "rotate")
    assert (code, len(reading.splitlines())) == (2, 1)
    assert known.rows() == before


# -- killed ------------------------------------------------------------------------------------------------------


def killed(full: Full, hook: Callable[[], None]) -> int:
    """The exit code of a rotation in a process of its own, which `hook` prepares to kill itself somewhere."""
    child = os.fork()
    if child == 0:
        try:
            hook()
            os._exit(cli.run(["--data", str(full.data), "key", "rotate"]))
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def at_step(last: int, counted: Path | None = None) -> Callable[[], None]:
    """Kill the process at this call or return of a function; 0: never, and write down how many there are."""

    def hook() -> None:
        steps = 0

        def count(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal steps
            steps += 1
            if steps == last:
                os.kill(os.getpid(), 9)

        sys.setprofile(count)
        if counted is not None:
            really = os._exit

            def leave(code: int) -> None:
                sys.setprofile(None)
                counted.write_text(str(steps))
                really(code)

            os._exit = leave  # type: ignore[assignment]

    return hook


def at_rename(name: str, *, after: bool) -> Callable[[], None]:
    """Kill the process when a file of this name is to be renamed, or has just been."""

    def hook() -> None:
        really = os.rename

        def rename(source: Any, target: Any, **more: Any) -> None:
            if Path(source).name == name and not after:
                os.kill(os.getpid(), 9)
            really(source, target, **more)
            if Path(source).name == name:
                os.kill(os.getpid(), 9)

        os.rename = rename

    return hook


def test_a_rotation_that_is_killed_anywhere_is_done_or_not_at_all(known: Full, tmp_path: Path) -> None:
    for name in (f"{NEXT_KEY_FILE}.new", NEXT_KEY_FILE):
        for after in (False, True):
            before = read_key(known.data)
            assert killed(known, at_rename(name, after=after)) == -9
            assert (check_sound(known) != before) is (name == NEXT_KEY_FILE)
    counted = tmp_path / "steps"
    assert killed(known, at_step(0, counted)) == 0
    steps, chance = int(counted.read_text()), random.Random(7)
    for _ in range(KILLS):
        assert killed(known, at_step(chance.randrange(steps // 10, steps))) in (-9, 0)
        check_sound(known)
    assert known.run("key", "rotate") == (0, "")
    assert check_sound(known) == read_key(known.data)


# -- backups and erasures ----------------------------------------------------------------------------------------


def test_a_backup_of_before_needs_the_former_key_and_brings_nobody_back(known: Full, elsewhere: Installation) -> None:
    file = backup_of(known)
    with known.opened() as store:
        erase(Known(store, known.pupil_id), known.data)
    assert known.run("key", "rotate") == (0, "")
    check_stays_erased(known)
    for name in (known.key.name, erased.FILE):
        shutil.copy2(known.data / name, elsewhere.data)
    assert "another key" in elsewhere.refused("restore", str(file))
    (former,) = known.data.glob("sealing.key.*")
    shutil.copy2(former, elsewhere.data)
    assert elsewhere.run("restore", str(file)) == (0, "")
    restored = Full(elsewhere.data, elsewhere.url, elsewhere.roster)
    with restored.opened() as store:
        assert store.cipher == read_key(known.data)
    check_stays_erased(restored)


def check_stays_erased(full: Full) -> None:
    """Nothing of the pupil is there or comes in, and all others are there."""
    with full.opened() as store:
        assert where_named(store) == set()
        before = number_of_pupils(store)
        apply_roster(store)
        receipt = take(store, results_of(LAS_KEY, result_xml(f"{LAS_KEY}-5", "5")), agreement=TOLERANT)
        assert (receipt.counts["erased"], number_of_pupils(store)) == (1, before)
        assert where_named(store) == set()


# -- from before -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("any_store", ["sqlite"], indirect=True)
def test_what_an_earlier_program_encrypted_is_bound_by_the_upgrade(known: Full) -> None:
    with known.opened() as store, database.write_transaction(store.engine) as connection:
        for column, key in ENCRYPTED.items():
            for row in connection.execute(select(*key, column).where(column.is_not(None))).all():
                clear = store.cipher.decrypt(row[-1], place(column, *row[:-1]))
                nonce = os.urandom(12)
                earlier = nonce + AESGCM(store.cipher.cipher_key).encrypt(nonce, clear, None)
                own = (part == value for part, value in zip(key, row[:-1], strict=True))
                connection.execute(update(column.table).where(*own).values({column: earlier}))
        connection.execute(update(key_fingerprints).values(bound=False))
    known.change(
        "ALTER TABLE key_fingerprints DROP COLUMN bound",
        "ALTER TABLE raw_messages DROP COLUMN school_id",
        "ALTER TABLE schools DROP COLUMN own_page",
        "ALTER TABLE account_roles DROP COLUMN pupil_id",
        "ALTER TABLE invitations DROP COLUMN pupil_id",
        "ALTER TABLE notes DROP COLUMN for_pupil",
        "DROP TABLE result_counts",
        "DROP TABLE taught_subjects",
        "ALTER TABLE schools DROP COLUMN subject_teachers",
        "ALTER TABLE schools DROP COLUMN leaders_read",
        "ALTER TABLE source_connections DROP COLUMN agreement",
        "ALTER TABLE schools DROP COLUMN retention",
        "ALTER TABLE sessions DROP COLUMN provider",
        "UPDATE alembic_version SET version_num = '0019'",
    )
    assert "db upgrade" in known.refused("key", "rotate")
    assert known.run("db", "upgrade") == (0, "")
    check_sound(known)
    (file,) = (known.data / "backups").iterdir()
    assert known.run("key", "rotate") == (0, "")
    assert known.run("restore", "--overwrite", str(file)) == (0, "")
    with known.opened() as store:
        assert where_named(store) == EVERYWHERE - {"sessions.flash"}
