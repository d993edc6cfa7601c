"""Publishers send to `rondblik serve` on two PostgreSQL servers under pg_auto_failover; the primary's machine is lost.

    python -m tests.faults.failover

A monitor, a primary and a secondary with synchronous replication run on loopback. The primary and its keeper are killed
(kill -9) and do not come back; the secondary takes over. Publishers must hear that it cannot be stored for now, and
nothing else, and go on afterwards by themselves; at the end each message that was confirmed must be stored once and
whole. It needs the Debian packages postgresql-15-auto-failover and pg-auto-failover-cli. The last line is flat JSON.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from models.schema.database import open_engine
from tests.conftest import free_port
from tests.faults.programs import program, publisher_of
from tests.faults.publishers import TEMPORARY, Publishers, lost_or_half, run_program, sending

HOST, DATABASE = "127.0.0.1", "rondblik"
PATIENCE = 60.0
# Of the monitor, in milliseconds, so that it decides within seconds; its own values take half a minute.
QUICK = {
    "health_check_period": 1000, "health_check_timeout": 1000, "health_check_max_retries": 1,
    "health_check_retry_delay": 500, "node_considered_unhealthy_timeout": 4000, "startup_grace_period": 1000,
    "primary_demote_timeout": 4000,
}  # fmt: skip


@dataclass
class Site:
    """A monitor and its nodes in a folder, run by the user postgres where the test is run by root."""

    folder: Path
    account: pwd.struct_passwd | None
    monitor_port: int

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program in a group of processes of its own."""
        binaries = max(Path("/usr/lib/postgresql").glob("*/bin/postgres")).parent
        where = {name: str(self.folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")}
        environment = {**os.environ, **where, "PATH": f"{binaries}:{os.environ['PATH']}"}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=self._become,
            )  # fmt: skip

    def ask(self, *command: str) -> str:
        """What a program says; empty where it fails."""
        binaries = max(Path("/usr/lib/postgresql").glob("*/bin/postgres")).parent
        done = subprocess.run([str(binaries / command[0]), *command[1:]], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def _become(self) -> None:
        if self.account is not None:
            os.setgid(self.account.pw_gid)
            os.setuid(self.account.pw_uid)

    def on_monitor(self, statement: str) -> str:
        """Ask the monitor."""
        address = f"postgresql://autoctl_node@{HOST}:{self.monitor_port}/pg_auto_failover"
        return self.ask("psql", "-XAt", "-d", address, "-c", statement)

    def has_become(self, wanted: list[str], port: int) -> bool:
        """Whether the nodes are in these states; the base backup of the second waits for a checkpoint of the first."""
        self.ask("psql", "-XAt", "-h", HOST, "-p", str(port), "-U", "postgres", "-c", "CHECKPOINT", "postgres")
        return self.states() == wanted

    def states(self) -> list[str]:
        """The state of each node, as the monitor knows it."""
        return self.on_monitor("SELECT reportedstate FROM pgautofailover.node ORDER BY nodeid").split()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > ends:
            raise TimeoutError(what)
        time.sleep(0.2)


@contextmanager
def running(started: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """End a group of processes after the block."""
    try:
        yield started
    finally:
        lose(started)


def lose(started: subprocess.Popen[bytes]) -> None:
    """Kill a program and all below it, as if their machine were gone."""
    if started.poll() is not None:
        return
    root = psutil.Process(started.pid)
    for process in (root, *root.children(recursive=True)):  # servers of PostgreSQL make groups of their own
        with suppress(psutil.NoSuchProcess):
            process.kill()
    started.wait(30)


@contextmanager
def two_servers() -> Iterator[tuple[Site, list[subprocess.Popen[bytes]], list[int]]]:
    """A primary (first) and a secondary that replicates synchronously, with their keepers and ports."""
    account = pwd.getpwnam("postgres") if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="rondblik-failover-"))
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    site = Site(folder, account, free_port())
    common = ("--hostname", HOST, "--auth", "trust", "--no-ssl", "--run")
    try:
        with ExitStack() as stack:
            started = ("pg_autoctl", "create", "monitor", "--pgdata", str(folder / "monitor"))
            stack.enter_context(running(site.run(*started, "--pgport", str(site.monitor_port), *common)))
            until(lambda: site.on_monitor("SELECT 1") == "1", "the monitor does not answer")
            superuser = f"postgresql://postgres@{HOST}:{site.monitor_port}/postgres"
            for name, value in QUICK.items():
                site.ask("psql", "-XAt", "-d", superuser, "-c", f"ALTER SYSTEM SET pgautofailover.{name} = {value}")
            site.ask("psql", "-XAt", "-d", superuser, "-c", "SELECT pg_reload_conf()")
            keepers, ports = [], [free_port(), free_port()]
            monitor = f"postgres://autoctl_node@{HOST}:{site.monitor_port}/pg_auto_failover?sslmode=disable"
            named = ("--dbname", DATABASE, "--username", DATABASE, "--monitor", monitor)
            for number, wanted in enumerate((["single"], ["primary", "secondary"])):
                where = ("--pgdata", str(folder / f"node{number}"), "--pgport", str(ports[number]))
                node = ("pg_autoctl", "create", "postgres", "--name", f"node{number}", *where, *named)
                keepers.append(stack.enter_context(running(site.run(*node, *common))))
                until(partial(site.has_become, wanted, ports[0]), f"the nodes do not become {wanted}")
            yield site, keepers, ports
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(seed: int) -> dict[str, Any]:
    """Lose the primary; how much was confirmed before and after, what else was heard, and what is wrong."""
    with tempfile.TemporaryDirectory(prefix="rondblik-failover-") as name, two_servers() as (site, keepers, ports):
        data, errors = Path(name) / "data", Path(name) / "errors"
        hosts = f"host={HOST}:{ports[0]}&host={HOST}:{ports[1]}"
        url = f"postgresql+psycopg://{DATABASE}@/{DATABASE}?{hosts}&target_session_attrs=read-write"
        publisher = publisher_of(data, url)
        with program(data, errors=errors, variables={"RONDBLIK_DATABASE__URL": url}) as server:
            server.start()
            with sending(server.receiver, publisher) as publishers:
                until(lambda: publishers.confirmed >= 20, "nothing is confirmed")
                lost_at, before = time.monotonic(), publishers.confirmed
                lose(keepers[0])
                until(lambda: _goes_on(publishers, site, before), "nothing is confirmed after the loss")
                away = time.monotonic() - lost_at
                time.sleep(2)
        engine = open_engine(url)
        wrong = lost_or_half(engine, publishers.sendings)
        engine.dispose()
        wrong += [f"{answer} was answered" for answer in publishers.heard if answer != TEMPORARY]
        wrong += ["a traceback in the log"] if "Traceback" in errors.read_text() else []
        return {
            "confirmed_before": before, "confirmed_after": publishers.confirmed - before, "away_seconds": round(away),
            "heard": publishers.heard, "wrong": wrong,
        }  # fmt: skip


def _goes_on(publishers: Publishers, site: Site, before: int) -> bool:
    """Whether the secondary has taken over, and messages are confirmed again."""
    return "wait_primary" in site.states() and publishers.confirmed > before + 20


if __name__ == "__main__":
    run_program(run, __doc__)
