"""The program `rondblik`, and how often it looks for garbage.

Not while modules are imported, which saves a fifth of the start, and seldom after that: pages and messages make tens of
thousands of small objects, which reference counts free. With Python's own thresholds the search took a quarter of the
time of a page, and a sixth of that of a large message.
"""

from __future__ import annotations

import gc


def main() -> None:
    """Run what the command line says."""
    gc.disable()
    from dashboard.cli import main as commands

    gc.freeze()  # the modules, which stay
    gc.set_threshold(50_000, 20, 50)
    gc.enable()
    commands.main()
