"""The measuring itself works: a short run prints every figure, the last line as flat JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timing

ROOT = Path(__file__).resolve().parents[2]


def test_a_short_bench_prints_its_figures() -> None:
    command = [sys.executable, "-m", "benchmarks.ingest", "--short"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    assert set(figures) == {"ingest_ratio_1000", "ingest_ratio_10000", "ingest_peak_mb_10000", "overview_ms_10000"}
    assert all(value > 0 for value in figures.values())
