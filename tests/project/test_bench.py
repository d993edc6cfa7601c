"""The measuring itself works: a short run prints every figure, the last line as flat JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timing

ROOT = Path(__file__).resolve().parents[2]


def figures_of(module: str) -> dict[str, float]:
    """The figures of a short run."""
    command = [sys.executable, "-m", module, "--short"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def test_a_short_bench_of_ingest_prints_its_figures() -> None:
    figures = figures_of("benchmarks.ingest")
    assert set(figures) == {
        "ingest_ratio_1000", "ingest_ratio_10000", "again_ratio_10000", "changed_ratio_10000", "ingest_peak_mb_10000",
        "overview_ms_10000",
    }  # fmt: skip
    assert all(value > 0 for value in figures.values())


def test_a_short_bench_of_pages_keeps_to_its_bars() -> None:
    figures = figures_of("benchmarks.pages")
    assert all(value > 0 for value in figures.values())
    assert figures["class_kb"] <= 15
    # A quarter of what a page cost when it was computed each time; the bars themselves are for an idle machine.
    for name in ("class", "pupil", "my_pupils_90", "signals"):
        assert figures[f"{name}_again_ratio"] < figures[f"{name}_changed_ratio"] / 2, name
