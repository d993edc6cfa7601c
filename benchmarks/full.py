"""`make bench-full`: every figure in one run, beside its bar, and the history of them; `--check` for the tests.

Each part runs as a process of its own and prints its figures as JSON in its last line. `history.csv` has a row for each
figure of each run that was added to it (`--keep`). `--check` measures the short parts up to three times and fails where
the best of a ratio is more than a tenth and a half worse than the last one in the history.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from models.schema import clock

HISTORY = Path(__file__).with_name("history.csv")
HEAD = ("day", "figure", "value")
PARTS: tuple[tuple[str, ...], ...] = (
    ("benchmarks.ingest",),
    ("benchmarks.pages",),
    ("benchmarks.service",),
    ("benchmarks.peers",),
    ("benchmarks.postgres",),
    ("benchmarks.crowd",),
    ("benchmarks.start",),
    ("benchmarks.browser",),
)
SHORT = (("benchmarks.ingest", "--short"), ("benchmarks.pages", "--short"))
WORSE = 1.15
ATTEMPTS = 3
# The ratios that a check compares: those that hold on any machine and vary little.
CHECKED = (
    "ingest_ratio_1000", "ingest_ratio_10000", "changed_ratio_10000", "class_again_of_reference",
    "pupil_again_of_reference", "my_pupils_90_again_of_reference", "signals_again_of_reference",
    "class_changed_of_reference", "class_kb",
)  # fmt: skip
# What is to be reached at most, or (where it begins with >) at least.
BARS = {
    "ingest_ratio_1000": "2.0", "ingest_ratio_10000": "1.6", "ingest_ratio_100000": "1.3", "again_ratio_10000": "0.9",
    "again_ratio_100000": "0.9", "changed_ratio_10000": "1.3", "changed_ratio_100000": "1.3", "class_kb": "15",
    "message_slim_ratio": "6", "message_full_ratio": "12", "messages_times_merge": ">5",
    "times_faster_than_merge_10000": ">20", "postgres_ratio_100000": "1.4", "crowd_p95_ms": "1000",
    "crowd_pages_a_second": ">40", "start_ratio": "1.5", "class_script_ratio": "1.6",
    "class_first_number_ms": "1000", "pupil_first_number_ms": "1000",
}  # fmt: skip


def figures_of(part: Sequence[str]) -> dict[str, float]:
    """The figures of a part; what it prints goes on to the terminal. Raises SystemExit where it fails."""
    done = subprocess.run([sys.executable, "-m", *part], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{part[0]} failed")
    *lines, last = done.stdout.strip().splitlines()
    print("\n".join(lines), flush=True)
    figures: dict[str, float] = json.loads(last)
    return figures


def keeps_to(value: float, bar: str) -> bool:
    """Whether a figure keeps to its bar."""
    return value >= float(bar[1:]) if bar.startswith(">") else value <= float(bar)


def table(figures: Mapping[str, float]) -> Iterator[str]:
    """A line for each figure that has a bar."""
    for name, bar in BARS.items():
        if name in figures:
            kept = "" if keeps_to(figures[name], bar) else "  not reached"
            yield f"{name:32} {figures[name]:10.2f}  bar {bar:>6}{kept}"


def last_kept(path: Path) -> dict[str, float]:
    """The last value of each figure in the history."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["figure"]: float(row["value"]) for row in csv.DictReader(file)}


def keep(path: Path, figures: Mapping[str, float]) -> None:
    """Add the figures of a run to the history."""
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(HEAD)
        writer.writerows((clock.today().isoformat(), name, f"{value:.3f}") for name, value in sorted(figures.items()))


def worse_than(kept: Mapping[str, float], best: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """The checked figures that are worse than the kept ones by more than the tolerance, each with both values."""
    return {
        name: (kept[name], best[name])
        for name in CHECKED
        if name in kept and name in best and best[name] > WORSE * kept[name]
    }


def check(kept: Mapping[str, float]) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Measure the short parts until every figure is good enough, three times at most: the best, and what is worse."""
    best: dict[str, float] = {}
    worse: dict[str, tuple[float, float]] = {}
    for part in SHORT:
        of_part: dict[str, float] = {}
        for _ in range(ATTEMPTS):
            for name, value in figures_of(part).items():
                of_part[name] = min(value, of_part.get(name, value))
            if not worse_than(kept, of_part):
                break
        best |= of_part
        worse |= worse_than(kept, of_part)
    return best, worse


def main() -> None:
    """Print every figure beside its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="add the figures to benchmarks/history.csv")
    parser.add_argument("--check", action="store_true", help="compare the short parts with the last kept figures")
    options = parser.parse_args()
    if options.check:
        _best, worse = check(last_kept(HISTORY))
        for name, (before, now) in worse.items():
            print(f"{name} was {before:.2f} and is {now:.2f}: more than 15 % worse than in {HISTORY.name}.")
        sys.exit(1 if worse else 0)
    figures: dict[str, float] = {}
    for part in PARTS:
        figures |= figures_of(part)
    for part in SHORT:  # what a check is compared with
        figures |= {name: value for name, value in figures_of(part).items() if name in CHECKED}
    print("\n".join(table(figures)))
    if options.keep:
        keep(HISTORY, figures)


if __name__ == "__main__":
    main()
