"""Packages of npm that tests need, by lock file; nothing of them runs while they are installed."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest


def installed(folder: Path) -> Path:
    """The node_modules of a folder with a package-lock.json, installed anew where the lock file has changed."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.fail("npm is not installed: apt-get install nodejs npm")
    modules = folder / "node_modules"
    ready = modules / ".ready"
    with (folder / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run in several processes
        digest = hashlib.file_digest(lock, "sha256").hexdigest()
        if not ready.is_file() or ready.read_text() != digest:
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr
            ready.write_text(digest)
    return modules
