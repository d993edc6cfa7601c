"""The service behind PgBouncer, which gives each transaction whatever connection is free."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, make_url, select

from models.schema import database
from models.schema.tables import results, school_identifications
from tests.conftest import PostgresServer, free_port, new_postgres, postgres_server
from tests.connectors.sending import enveloped
from tests.faults.programs import program, publisher_of
from tests.faults.publishers import BRINS, CHANGED, NEW, lost_or_half, sending
from tests.uwlr.messages import message

pytestmark = pytest.mark.long
LARGE = 3_000
CONFIG = """
[databases]
* = host=127.0.0.1 port={postgres} user=rondblik
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
pool_mode = transaction
default_pool_size = 3
ignore_startup_parameters = extra_float_digits
logfile = {folder}/pgbouncer.log
unix_socket_dir =
"""


@contextmanager
def pooled(server: PostgresServer) -> Iterator[int]:
    """The port of a PgBouncer in front of a server, three connections for all clients."""
    port, config = free_port(), server.folder / "pgbouncer.ini"
    config.write_text(CONFIG.format(postgres=server.port, port=port, folder=server.folder))
    config.chmod(0o644)
    pooler = subprocess.Popen(
        ["pgbouncer", "-q", str(config)], cwd=server.folder, preexec_fn=server._become, stderr=subprocess.DEVNULL
    )
    try:
        yield port
    finally:
        pooler.terminate()
        pooler.wait(30)


def test_the_service_works_through_pgbouncer_in_transaction_mode(tmp_path: Path) -> None:
    with postgres_server() as server, new_postgres(server.url) as engine, pooled(server) as port:
        data, errors = tmp_path / "data", tmp_path / "errors"
        name = make_url(engine.url).database
        url = f"postgresql+psycopg://rondblik@127.0.0.1:{port}/{name}?prepare_threshold=none"
        time.sleep(0.5)
        publisher = publisher_of(data, engine.url.render_as_string(hide_password=False))
        with program(data, errors=errors, variables={"RONDBLIK_DATABASE__URL": url}) as service:
            service.start()
            with sending(service.receiver, publisher) as publishers:
                time.sleep(3)
            large = message(scores=["7"] * LARGE, brin=BRINS[0], aanmaakdatum="2026-11-12T00:00:00")
            assert service.receiver.post(enveloped(large, publisher.header)).confirmed  # of so many rows it copies
        assert publishers.heard == {}
        assert publishers.confirmed > 20
        with database.read_transaction(engine) as connection:
            own = results.c.school_id == connection.scalar(
                select(school_identifications.c.school_id).where(school_identifications.c.value == BRINS[0])
            )
            stored = connection.scalar(select(func.count()).select_from(results).where(own))
        sent = publishers.sendings[0].confirmed * NEW + CHANGED
        assert stored == sent + LARGE
        assert lost_or_half(engine, publishers.sendings[1:]) == []
