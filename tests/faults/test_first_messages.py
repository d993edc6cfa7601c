"""The first messages after a start, all at once: the short version of `make faults`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def test_the_first_messages_may_come_all_at_once() -> None:
    # In a process of its own, which has compiled no schema before it forks.
    command = [sys.executable, "-m", "tests.faults.first_messages", "--starts", "10", "--live", "2", "--rosters", "2"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=600)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
