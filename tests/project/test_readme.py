"""The README keeps its word: every command in it, run in a fresh clone; and the wheel runs outside the checkout."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[2]
SHELL_BLOCKS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
START_SECONDS = 300


def commands() -> list[str]:
    """Every line of every shell block of the README."""
    text = (ROOT / "README.md").read_text()
    return [line for block in SHELL_BLOCKS.findall(text) for line in block.strip().splitlines()]


def clean_environment() -> dict[str, str]:
    """The environment of somebody who has just logged in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTEST", "MAKE"))}
    # Compiled is what is imported, instead of all that is installed: a third of the time of an installation.
    return kept | {"PYTHONUNBUFFERED": "1", "PIP_NO_COMPILE": "1"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone of what is committed."""
    folder = tmp_path_factory.mktemp("clone") / "rondblik"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True)
    types = ROOT / ".mypy_cache"
    if types.is_dir():  # what mypy knows of files with the same content, which it would work out anew for a minute
        shutil.copytree(types, folder / types.name)
    return folder


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, shell=True, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False
    )


def serve_and_stop(command: list[str], folder: Path, path: str | None = None) -> str:
    """Run a server, open the address that it prints or another path there, stop it as Ctrl-C does; returns the page."""
    server = subprocess.Popen(
        command,
        cwd=folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a terminal sends Ctrl-C to all that run in it
    )
    patience = threading.Timer(START_SECONDS, server.kill)
    patience.start()
    try:
        origin, start = printed_address(server)
        page = opened(origin + (start if path is None else path))
        os.killpg(server.pid, signal.SIGINT)
        output, _ = server.communicate(timeout=30)
    finally:
        patience.cancel()
        server.kill()
        server.communicate()
    assert server.returncode in (0, -signal.SIGINT, 130), output  # make itself dies of the signal
    assert "Traceback" not in output
    return page


def printed_address(server: subprocess.Popen[str]) -> tuple[str, str]:
    """The address with which a session begins: its origin, and the rest."""
    assert server.stdout is not None
    printed = ""
    for line in server.stdout:
        printed += line
        if match := re.search(r"(http://127\.0\.0\.1:[0-9]+)(/begin\S+)", line):
            return match[1], match[2]
    raise AssertionError(f"no address was printed: {printed[-2000:]}")


def opened(address: str) -> str:
    """The page to which an address leads a browser without cookies."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(address, timeout=20) as answer:
        return str(answer.read().decode())


def test_the_readme_names_exactly_these_commands() -> None:
    assert commands() == [
        "sudo apt-get install python3 python3-venv make",
        "make demo",
        "make test",
        ".venv/bin/rondblik --config config.yaml db upgrade",
        ".venv/bin/rondblik --config config.yaml sync",
        ".venv/bin/rondblik --config config.yaml serve",
    ]


def test_the_packages_that_must_be_there_exist() -> None:
    packages = commands()[0].split()[3:]
    for package in packages:
        assert subprocess.run(["apt-cache", "show", package], capture_output=True, check=False).returncode == 0, package


@pytest.fixture(scope="module")
def first_page(clone: Path) -> str:
    """The page that the first `make demo` in the clone gave."""
    port = free_port()
    return serve_and_stop(["make", "demo", f"PORT={port}"], clone)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_the_commands_work_in_a_fresh_clone(clone: Path, first_page: str) -> None:
    assert "Rondblik" in first_page
    # The same command with one test of its own, lest the tests run themselves without end.
    tested = run("make test PYTEST_ARGS=tests/models/test_clock.py", clone)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    for command in commands()[3:5]:
        done = run(command, clone)
        assert done.returncode == 0, done.stdout + done.stderr
    port = free_port()
    serving = f"{commands()[5]} --port {port}".split()
    assert '"ok"' in serve_and_stop(serving, clone, "/health")


@pytest.mark.usefixtures("first_page")
def test_a_second_demo_needs_no_network(clone: Path) -> None:
    port = free_port()
    # A proxy that nobody runs: whatever would leave the machine fails at once.
    command = (
        f"http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1 exec make demo PORT={port}"
    )
    assert "Rondblik" in serve_and_stop(["sh", "-c", command], clone)


def test_the_wheel_runs_the_demo_outside_the_checkout(clone: Path, tmp_path: Path) -> None:
    assert run("make .venv/.ready-dev", clone).returncode == 0
    programs = clone / ".venv/bin"
    build = [str(programs / "python"), "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=clone, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    # In the place of the checkout, in an environment that was made from the lock file.
    install = [str(programs / "pip"), "install", "--quiet", "--disable-pip-version-check", "--force-reinstall"]
    subprocess.run([*install, "--no-deps", str(wheel)], check=True, env=clean_environment())
    imported = subprocess.run(
        [str(programs / "python"), "-c", "import dashboard; print(dashboard.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(clone / ".venv") in imported.stdout
    away = tmp_path / "away"
    away.mkdir()
    port = free_port()
    page = serve_and_stop([str(programs / "rondblik"), "--data", str(away / "data"), "demo", "--port", str(port)], away)
    assert "tokens.css" in page
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True, check=True
    )
    for needed in (".xsd", ".wsdl", "rules/results.toml", "migrations/versions/0001_first.py", "tokens.css", ".po"):
        assert needed in listed.stdout, needed
    assert "tests/" not in listed.stdout
