"""A small disk of its own, which a test can fill."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

LARGEST = 14 * 1024 * 1024  # of a disk on which the largest message of the tests has no room


@pytest.fixture
def disk() -> Iterator[Path]:
    """A disk of its own, in memory."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root mounts a small disk, and only on Linux")
    with tempfile.TemporaryDirectory(prefix="rondblik-disk-") as name:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={LARGEST}", "tmpfs", name]
        if subprocess.run(mount, check=False).returncode != 0:
            pytest.skip("no disk can be mounted here")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=True)


def fill(disk: Path, left: int) -> Path:
    """A file that leaves this number of bytes free on a disk."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        file.write(b"\0" * (os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - left))
    return filler
