"""How full the disks are on which data is written, and a reserve on the disk of the database.

On a disk that is full even a DELETE fails. So some room is held by a file: removing it lets deletions go on.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ALARM_SHARE = 0.20  # of a disk that is free: below it somebody has to do something
RESERVE_FILE = "reserve"
MAX_RESERVE = 16 * 1024 * 1024
RESERVE_SHARE = 0.01  # of the disk


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """The space of the disk that a folder is on, in bytes."""

    folder: Path
    free: int
    total: int

    @property
    def percentage(self) -> int:
        """How much is free, rounded down."""
        return 100 * self.free // max(self.total, 1)

    @property
    def is_low(self) -> bool:
        """Whether it is time to make room."""
        return self.free < ALARM_SHARE * self.total

    @property
    def reserve_size(self) -> int:
        """How much of this disk is held in reserve."""
        return min(MAX_RESERVE, int(RESERVE_SHARE * self.total))


def disk_space(folder: Path) -> DiskSpace:
    """The space of the disk that a folder is on."""
    usage = shutil.disk_usage(folder)
    return DiskSpace(folder, usage.free, usage.total)


def disk_spaces(data: Path) -> Iterator[DiskSpace]:
    """The disk of the data folder, and that of temporary files, where messages wait, if it is another one."""
    folders = {folder.stat().st_dev: folder for folder in (Path(tempfile.gettempdir()), data)}
    return map(disk_space, folders.values())


def hold_reserve(folder: Path) -> None:
    """Hold the reserve of the disk that a folder is on, unless it is held, or there is no room for it twice."""
    space = disk_space(folder)
    if (folder / RESERVE_FILE).exists() or space.free < 2 * space.reserve_size or not space.reserve_size:
        return
    aside = folder / f"{RESERVE_FILE}.new"
    try:
        with aside.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, space.reserve_size)
        aside.rename(folder / RESERVE_FILE)
    finally:
        aside.unlink(missing_ok=True)


def release_reserve(folder: Path) -> bool:
    """Give the reserve free where less than it is left on the disk; whether that was done."""
    space = disk_space(folder)
    if space.free >= space.reserve_size or not (folder / RESERVE_FILE).exists():
        return False
    (folder / RESERVE_FILE).unlink(missing_ok=True)
    return True
