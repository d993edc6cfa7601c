"""The command `demo`."""

from __future__ import annotations

from pathlib import Path

import click

from dashboard.cli import demo as demonstration
from dashboard.settings.open_store import Options

DEMO_DATA = Path("data/demo")


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8050, show_default=True, help="0: any free port.")
@click.pass_obj
def demo(options: Options, port: int) -> int:
    """Show a made-up school, with a simulated LAS and simulated publishers on this machine."""
    return demonstration.run(options.data or DEMO_DATA, port)
