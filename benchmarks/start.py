"""`make bench-full`: from starting the program to its first answer, beside an empty Dash app on the same web server.

Both are processes of their own with warm files, both sides in turn. The last line is flat JSON.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import free_port

ROUNDS = 5
EMPTY = """
import sys, dash, waitress
from dash import html
app = dash.Dash("empty", enable_mcp=False)
app.layout = html.Div()
waitress.serve(app.server, host="127.0.0.1", port=int(sys.argv[1]))
"""


def seconds_to_answer(command: Sequence[str], port: int, path: str, folder: Path) -> float:
    """Seconds from the start of a process until it answers a request with 200; it is stopped then."""
    begin = time.perf_counter()
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                    return time.perf_counter() - begin
            except OSError:
                if program.poll() is not None:
                    raise SystemExit(f"{command[0]} ended by itself") from None
                time.sleep(0.005)
    finally:
        program.terminate()
        program.wait(30)


def main() -> None:
    """Print the figure; the last line is flat JSON."""
    rondblik = str(Path(sys.executable).with_name("rondblik"))
    ours, empty = [], []
    with tempfile.TemporaryDirectory(prefix="rondblik-bench-") as name:
        folder = Path(name)
        (folder / "data").mkdir(mode=0o700)
        for number in range(ROUNDS + 1):
            port = free_port()
            seconds = seconds_to_answer(
                [rondblik, "--data", str(folder / "data"), "serve", "--port", str(port)], port, "/health", folder
            )
            other = free_port()
            floor = seconds_to_answer([sys.executable, "-c", EMPTY, str(other)], other, "/", folder)
            if number:  # the first one makes the database, and reads the files
                ours.append(seconds)
                empty.append(floor)
    ratio = statistics.median(ours) / statistics.median(empty)
    print(f"start {statistics.median(ours):.2f} s, empty Dash app {statistics.median(empty):.2f} s, {ratio:.2f} x")
    print(json.dumps({"start_ratio": round(ratio, 3)}))


if __name__ == "__main__":
    main()
