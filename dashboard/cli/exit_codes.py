"""What a command ends with: its exit code, and one sentence on stderr where it could not run."""

from __future__ import annotations

import click

DONE, REFUSED, COULD_NOT = 0, 1, 2


def fail(sentence: str) -> int:
    """Say why a command could not run; gives its exit code."""
    click.echo(sentence, err=True)
    return COULD_NOT
